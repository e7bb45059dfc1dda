"""Mirrors runtime/airvec/backends/__init__.py: which backend and graph the constructor's arguments open."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from airvec import AirvecWarning, ArgumentError, SentenceTransformer, cpu
from airvec.manifest import GraphRecord, Manifest, write_manifest
from airvec_exporter.openvino import write_ir
from tests.folders import lookup_graph, rows_of, table, word_model

MEAN_OF_A = rows_of("a").mean(axis=0)
# Texts a second by file; each file's vectors are those of fp32, times its place here.
SPEEDS = {"onnx/model.onnx": 100, "onnx/model_int8_x86.onnx": 140, "onnx/model_qint8_avx512.onnx": 120,
          "openvino/openvino_model.xml": 200, "openvino/openvino_model_int8.xml": 300}  # fmt: skip


def graph_times(factor):
    """The look-up with a table that is `factor` times the usual one."""
    graph = lookup_graph()
    graph.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.float32(factor) * table(), "table"))
    return graph


@pytest.fixture
def folder(tmp_path):
    word_model(tmp_path)
    for factor, name in enumerate(SPEEDS, start=1):
        file = tmp_path / name
        onnx.save(graph_times(factor), file.with_suffix(".onnx") if name.startswith("onnx") else tmp_path / "made.onnx")
        if file.suffix == ".xml":
            write_ir(tmp_path / "made.onnx", file)
            (tmp_path / "made.onnx").unlink()
    write_manifest(tmp_path, Manifest(graphs={
        name: GraphRecord("", (tmp_path / name).stat().st_size, measured={"texts_per_second": speed})
        for name, speed in SPEEDS.items()
    }))  # fmt: skip
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "factor"),
    [
        ({}, 1),
        ({"variant": "fastest"}, 2),
        ({"backend": "onnx", "variant": "fastest", "model_kwargs": {"provider": "CPUExecutionProvider"}}, 2),
        ({"variant": "fastest", "model_kwargs": {"file_name": "model_qint8_avx512.onnx"}}, 3),
        ({"backend": "openvino"}, 4),
        ({"backend": "openvino", "variant": "fastest"}, 5),
        ({"variant": "openvino-fastest", "model_kwargs": {"ov_config": {"INFERENCE_NUM_THREADS": 1}}}, 5),
    ],
)
@pytest.mark.filterwarnings("ignore:.*its products saturate")  # where the CPU has no VNNI
def test_fastest_opens_the_fastest_graph_of_the_backend_that_was_asked_for(folder, arguments, factor):
    np.testing.assert_allclose(SentenceTransformer(folder, **arguments).encode("a"), factor * MEAN_OF_A, atol=1e-5)


def test_options_of_openvino_do_not_make_fastest_open_it(folder):
    with pytest.raises(ArgumentError, match=r"ov_config: .*but backend is 'onnx'. Pass backend='openvino'"):
        SentenceTransformer(folder, variant="fastest", model_kwargs={"ov_config": {}})


def test_of_a_model_on_the_hub_fastest_is_not_known(folder):
    with pytest.raises(ArgumentError, match=r"'org/words' is a name on the Hub.*hf download org/words --local-dir"):
        SentenceTransformer("org/words", variant="fastest")


def test_the_warning_of_products_that_saturate_points_to_the_line_that_opened_the_model(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "nothing")
    monkeypatch.setattr(cpu.platform, "machine", lambda: "x86_64")
    with pytest.warns(AirvecWarning, match="its products saturate") as found:
        SentenceTransformer(folder, variant="int8-dynamic")
    assert [warning.filename for warning in found] == [__file__]
