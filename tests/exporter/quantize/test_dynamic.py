"""int8 as the reference makes it: names, kinds of weights, a graph that runs, errors."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnxscript import ir

from airvec.folder import graph_names
from airvec.manifest import sha256_of
from airvec_exporter.errors import ExportError
from airvec_exporter.graph import Graph
from airvec_exporter.optimize.saving import save
from airvec_exporter.quantize.dynamic import CONFIGS, dynamic
from tests.exporter.optimize.graphs import answers, counts, spread, traced
from tests.exporter.quantize.conftest import pad_to

NAMES = {
    "arm64": "model_qint8_arm64.onnx", "avx2": "model_quint8_avx2.onnx", "avx512": "model_qint8_avx512.onnx",
    "avx512_vnni": "model_qint8_avx512_vnni.onnx",
}  # fmt: skip


def test_files_have_the_references_names():
    assert {name: config.file for name, config in CONFIGS.items()} == NAMES
    assert {config.file for config in CONFIGS.values()} == set(graph_names("int8-dynamic"))  # the runtime finds all


@pytest.mark.parametrize(("config", "kind"), [("avx2", np.uint8), ("avx512_vnni", np.int8)])
def test_a_graph_runs_with_weights_of_its_kind(
    config: str, kind: type, graph: Graph, here: Path, tokens: list[list[int]]
):
    target = here / config / CONFIGS[config].file
    dynamic(graph.path, target, config)
    assert [file.name for file in target.parent.iterdir()] == [target.name]
    model = onnx.load(target)
    weights = {name.name: onnx.numpy_helper.to_array(name) for name in model.graph.initializer}
    products = [weights[node.input[1]] for node in model.graph.node if node.op_type == "MatMulInteger"]
    assert len(products) == 12
    assert {weight.dtype for weight in products} == {np.dtype(kind)}
    batch = dict(pad_to(tokens))
    reference, found = (
        ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, batch)[0]
        for path in (graph.path, target)
    )
    real = batch["attention_mask"] > 0
    assert np.corrcoef(reference[real].ravel(), found[real].ravel())[0, 1] > 0.98


def test_two_runs_give_the_same_bytes(graph: Graph, tmp_path: Path):
    for name in ("one", "two"):
        dynamic(graph.path, tmp_path / name, "arm64")
    assert sha256_of(tmp_path / "one") == sha256_of(tmp_path / "two")


def test_an_unknown_configuration_is_named(graph: Graph, tmp_path: Path):
    with pytest.raises(ExportError, match=r"quantization_config: 'avx10', expected one of arm64, avx2"):
        dynamic(graph.path, tmp_path / "x.onnx", "avx10")
    with pytest.raises(ExportError, match=r"none.onnx: is no file, expected the float32 graph"):
        dynamic(tmp_path / "none.onnx", tmp_path / "x.onnx", "avx2")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "kind"),
    [("bert", "rerank"), ("roberta", "rerank"), ("modernbert", "rerank"), ("bert", "sparse")],
)
def test_heads_of_transformers_are_made_int8_too(architecture: str, kind: str, tmp_path: Path):
    wanted = traced(architecture, kind)
    save(traced(architecture, kind), tmp_path / "model.onnx")
    dynamic(tmp_path / "model.onnx", tmp_path / "int8.onnx", "avx512_vnni")
    made = ir.from_proto(onnx.load(tmp_path / "int8.onnx"))
    assert not counts(made)["Gemm"]
    assert counts(made)["MatMulInteger"] >= 10
    reference = answers(wanted)
    assert spread(reference) > 0.01
    assert all(np.isfinite(one).all() for one in answers(made))
    together = [np.concatenate([one.ravel() for one in found]) for found in (reference, answers(made))]
    assert np.corrcoef(*together)[0, 1] > 0.9


def test_what_onnxruntime_cannot_quantise_is_an_export_error(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> None:
        raise onnx.shape_inference.InferenceError("[ShapeInferenceError] sizes differ\nmore")

    monkeypatch.setitem(dynamic.__globals__, "quantize_dynamic", fail)  # the package has a function of that name
    with pytest.raises(ExportError, match=r"sizes differ Expected a float32 graph\. Use int8 instead\."):
        dynamic(graph.path, tmp_path / "x.onnx", "avx2")
    assert not list(tmp_path.iterdir())
