"""Mirrors runtime/airvec/cli/graphs.py."""

import shutil
from pathlib import Path

import pytest

from airvec.cli import graphs
from airvec.cli.graphs import GraphState, graph_states, graph_table, measured_table
from airvec.folder import read_folder, variants
from airvec.manifest import GraphRecord, Manifest, sha256_of, write_manifest
from tests.folders import word_model

MEASURED = {"mean_cosine": 0.9968, "batch_delta": 0.0, "texts_per_second": 880.0, "megabytes": 22.8}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return word_model(tmp_path / "words")


def put(model: Path, *names: str) -> None:
    """Files that look like graphs and weights."""
    for name in names:
        (model / name).parent.mkdir(exist_ok=True)
        shutil.copy(model / "onnx" / "model.onnx", model / name)


def record(model: Path, **records: dict) -> None:
    """A manifest for files, by their names with `__` for `/`."""
    found = {}
    for name, fields in records.items():
        path = name.replace("__", "/").replace("_DOT_", ".")
        found[path] = GraphRecord(sha256_of(model / path), (model / path).stat().st_size, **fields)
    write_manifest(model, Manifest(graphs=found))


def states(model: Path) -> dict[str, GraphState]:
    return {one.name: one for one in graph_states(read_folder(model))}


def test_folders_of_others_are_listed_by_the_words_that_open_them(model: Path):
    put(
        model, "onnx/model_quantized.onnx", "onnx/model_q4f16.onnx", "onnx/model_O3.onnx", "model.onnx",
        "onnx/model_qint8_avx512_vnni.onnx", "model_optimized.onnx", "onnx/encoder.onnx",
        "openvino/openvino_model.xml", "openvino/openvino_model.bin",
        "openvino/openvino_model_qint8_quantized.xml", "openvino/openvino_model_qint8_quantized.bin",
    )  # fmt: skip
    found = states(model)
    assert {one.variant: one.name for one in found.values()} == {
        "fp32": "onnx/model.onnx",
        'file_name="model.onnx"': "model.onnx",  # the one in onnx/ is taken for fp32
        "optimized": "model_optimized.onnx",
        "O3": "onnx/model_O3.onnx",
        "quantized": "onnx/model_quantized.onnx",
        "q4f16": "onnx/model_q4f16.onnx",
        "qint8_avx512_vnni": "onnx/model_qint8_avx512_vnni.onnx",
        "encoder.onnx": "onnx/encoder.onnx",
        "openvino": "openvino/openvino_model.xml",
        "openvino-int8": "openvino/openvino_model_qint8_quantized.xml",
    }
    assert {one.state for one in found.values()} == {graphs.UNKNOWN}
    assert measured_table(list(found.values())) == ""


def test_weights_beside_a_graph_count_with_it(model: Path):
    size = (model / "onnx" / "model.onnx").stat().st_size
    put(model, "onnx/model.onnx_data", "openvino/openvino_model.xml", "openvino/openvino_model.bin")
    put(model, "onnx/model_O3.onnx")
    found = states(model)
    assert {name: one.bytes for name, one in found.items()} == {
        "onnx/model.onnx": 2 * size, "onnx/model_O3.onnx": size, "openvino/openvino_model.xml": 2 * size,
    }  # fmt: skip


@pytest.mark.parametrize("weights", ["onnx/model.onnx_data", "openvino/openvino_model.bin"])
@pytest.mark.parametrize("state", [graphs.WHOLE, graphs.DAMAGED, graphs.MISSING])
def test_damaged_weights_are_found_as_well_as_damaged_graphs(model: Path, weights: str, state: str):
    put(model, "onnx/model.onnx_data", "openvino/openvino_model.xml", "openvino/openvino_model.bin")
    record(
        model, onnx__model_DOT_onnx={}, onnx__model_DOT_onnx_data={}, openvino__openvino_model_DOT_xml={},
        openvino__openvino_model_DOT_bin={},
    )  # fmt: skip
    if state == graphs.DAMAGED:
        (model / weights).write_bytes(b"damaged")
    if state == graphs.MISSING:
        (model / weights).unlink()
    found = states(model)
    name = "onnx/model.onnx" if weights.startswith("onnx") else "openvino/openvino_model.xml"
    assert {one.state for other, one in found.items() if other != name} == {graphs.WHOLE}
    assert (len(found), found[name].state) == (2, state)


@pytest.mark.parametrize(("here", "shown"), [(("x86",), "vnni, not this one"), (("vnni", "x86"), "vnni")])
def test_a_family_of_cpus_is_told_and_whether_this_one_is_of_it(
    model: Path, monkeypatch: pytest.MonkeyPatch, here: tuple[str, ...], shown: str
):
    monkeypatch.setattr(variants, "families", lambda: here)
    put(model, "onnx/model_int8_vnni.onnx")
    record(model, onnx__model_DOT_onnx={}, onnx__model_int8_vnni_DOT_onnx={"family": "vnni", "precision": "int8"})
    rows = graph_table(graph_states(read_folder(model))).splitlines()
    assert [cell.strip() for cell in rows[2].split("  ") if cell] == [
        "int8-vnni", "onnx/model_int8_vnni.onnx", "0.0", "int8", shown, "ok",
    ]  # fmt: skip
    assert "  any  " in rows[1]


def test_measured_numbers_are_a_row_a_variant(model: Path):
    put(model, "onnx/model_int8_vnni.onnx", "onnx/model_O3.onnx")
    record(
        model, onnx__model_DOT_onnx={"max_delta": 3.4e-7, "min_cosine": 0.99999999, "texts": 240},
        onnx__model_int8_vnni_DOT_onnx={"max_delta": 0.02, "min_cosine": 0.9954, "texts": 240, "measured": MEASURED},
        onnx__model_O3_DOT_onnx={},
    )  # fmt: skip
    lines = measured_table(graph_states(read_folder(model))).splitlines()
    assert [line.split() for line in lines[1:3]] == [
        ["fp32", "3.4e-07", "–", "1.0000", "–", "–"],
        ["int8-vnni", "2.0e-02", "0.9968", "0.9954", "0.0e+00", "880"],
    ]
    assert lines[3:] == ["against torch in float32: |Δ| of unit vectors, of 240 texts; times in ms"]


def test_bodies_are_told_apart_where_there_are_several():
    fields = GraphRecord("", 1, max_delta=1e-7)
    both = [GraphState("fp32", f"{name}/onnx/model.onnx", 1, None, "ok", fields) for name in ("query", "document")]
    rows = measured_table(both).splitlines()
    assert [row.partition("  ")[0] for row in rows[1:3]] == ["query: fp32", "document: fp32"]
    (_, alone, *_) = measured_table(both[:1]).splitlines()
    assert alone.startswith("fp32")
