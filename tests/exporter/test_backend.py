"""Mirrors exporter/airvec_exporter/backend.py: the reference's calls on airvec's models, and what they leave."""

import hashlib
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import airvec
from airvec.errors import ArgumentError, MissingPackageError
from airvec.manifest import read_manifest
from airvec_exporter import backend, writing
from airvec_exporter.backend import (
    export_dynamic_quantized_onnx_model,
    export_optimized_onnx_model,
    export_static_quantized_openvino_model,
)
from airvec_exporter.calibration_texts import TextColumn, texts_of
from airvec_exporter.errors import ExportError
from airvec_exporter.report import ExportReport
from tests import tiny
from tests.folders import SPECIAL, WORDS, static_model

TEXTS = tiny.texts(12)


@pytest.fixture
def folder(report: ExportReport, tmp_path: Path) -> Path:
    """An exported model that a test may change."""
    return Path(shutil.copytree(report.path, tmp_path / "own"))


@pytest.fixture
def model(folder: Path) -> airvec.SentenceTransformer:
    return airvec.SentenceTransformer(folder)


def files(folder: Path) -> dict[str, str]:
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def quantization(**settings: Any) -> Any:
    """An object with the attributes of optimum's QuantizationConfig."""
    usual = {
        "is_static": False,
        "per_channel": True,
        "reduce_range": False,
        "weights_dtype": SimpleNamespace(name="QInt8"),
    }
    return SimpleNamespace(**usual | settings)


def test_a_new_folder_gets_the_whole_model_and_the_graph(model: airvec.SentenceTransformer, tmp_path: Path):
    before = files(model.folder)
    assert export_optimized_onnx_model(model, "O2", tmp_path / "new" / "model") is None
    after = files(tmp_path / "new" / "model")
    assert set(after) == {*before, "onnx/model_O2.onnx"}
    assert {name for name in before if after[name] != before[name]} == {"airvec.json"}
    assert files(model.folder) == before
    record = read_manifest(tmp_path / "new" / "model").graphs["onnx/model_O2.onnx"]
    assert (record.sha256, record.optimized) == (after["onnx/model_O2.onnx"], True)
    assert record.max_delta <= 1e-5  # from the graph that it was made from
    assert {"mean_cosine", "batch_delta", "megabytes"} < set(record.measured)
    assert after["onnx/model_O2.onnx"] == after["onnx/model.onnx"]  # a BERT has been through all of these passes
    opened = airvec.SentenceTransformer(tmp_path / "new" / "model", variant="O2")
    assert np.abs(opened.encode(TEXTS) - model.encode(TEXTS)).max() <= 1e-5
    assert airvec.SentenceTransformer(tmp_path / "new" / "model").encode(TEXTS).shape == (12, 24)


@pytest.mark.parametrize(
    ("config", "suffix", "name", "bound"),
    [("O1", None, "model_O1.onnx", 1e-5), ("O3", "mine", "model_mine.onnx", 1e-3),
     (SimpleNamespace(optimization_level=2), None, "model_optimized.onnx", 1e-5),
     (SimpleNamespace(optimization_level=99, enable_gelu_approximation=True), "gelu", "model_gelu.onnx", 1e-3)],
)  # fmt: skip
def test_the_model_s_own_folder_gets_the_graph_under_the_reference_s_name(
    model: airvec.SentenceTransformer, config: object, suffix: str | None, name: str, bound: float
):
    before = set(files(model.folder))
    export_optimized_onnx_model(model, config, model.folder, file_suffix=suffix)
    assert set(files(model.folder)) - before == {f"onnx/{name}"}
    assert set(read_manifest(model.folder).graphs) == {"onnx/model.onnx", f"onnx/{name}"}
    after, gelu = files(model.folder), bound > 1e-5
    assert (after[f"onnx/{name}"] != after["onnx/model.onnx"]) is gelu
    opened = airvec.SentenceTransformer(model.folder, model_kwargs={"file_name": f"onnx/{name}"})
    assert np.abs(opened.encode(TEXTS) - model.encode(TEXTS)).max() <= bound  # GELU by tanh in O3


def test_levels_and_objects_stand_for_passes():
    passes = backend._passes
    assert passes(SimpleNamespace(optimization_level=1)) == passes("O1")
    assert passes(SimpleNamespace(optimization_level=2, enable_transformers_specific_optimizations=False)) == passes(
        "O1"
    )
    assert passes(SimpleNamespace(optimization_level=0)) == ()
    assert passes(SimpleNamespace(optimization_level=2, enable_gelu_approximation=True, fp16=True)) == passes("O4")


@pytest.mark.parametrize(
    ("config", "name"),
    [("avx512_vnni", "model_qint8_avx512_vnni.onnx"), ("avx2", "model_quint8_avx2.onnx"),
     (quantization(), "model_qint8_quantized.onnx")],
)  # fmt: skip
def test_dynamic_int8_has_the_reference_s_names_and_stays_near(
    model: airvec.SentenceTransformer, config: object, name: str
):
    export_dynamic_quantized_onnx_model(model, config, str(model.folder))
    opened = airvec.SentenceTransformer(model.folder, model_kwargs={"file_name": name})
    cosines = (opened.encode(TEXTS) * model.encode(TEXTS)).sum(axis=1)
    assert 0.9 < cosines.min() < 0.999999
    record = read_manifest(model.folder).graphs[f"onnx/{name}"]
    assert record.precision == "int8"
    assert 0.9 < record.min_cosine <= record.measured["mean_cosine"] < 0.999999


@pytest.mark.slow
def test_static_openvino_int8_is_calibrated_and_opens(model: airvec.SentenceTransformer, tmp_path: Path):
    export_static_quantized_openvino_model(model, {"num_samples": 20}, tmp_path / "new")
    graph = "openvino/openvino_model_qint8_quantized"
    record = read_manifest(tmp_path / "new").graphs[f"{graph}.xml"]
    assert (record.precision, record.recipe["texts"]) == ("int8", 20)
    assert (
        read_manifest(tmp_path / "new").graphs[f"{graph}.bin"].size
        == (tmp_path / "new" / f"{graph}.bin").stat().st_size
    )
    opened = airvec.SentenceTransformer(tmp_path / "new", variant="openvino-int8")
    cosines = (opened.encode(TEXTS) * model.encode(TEXTS)).sum(axis=1)
    assert 0.9 < cosines.min() < 0.999999


@pytest.mark.parametrize(
    ("call", "config", "told"),
    [(export_optimized_onnx_model, "O5", "optimization_config: 'O5', expected an OptimizationConfig or one of O1, O2,"),
     (export_optimized_onnx_model, None, "optimization_config: None, expected"),
     (export_dynamic_quantized_onnx_model, "avx", "quantization_config: 'avx', expected a QuantizationConfig"),
     (export_dynamic_quantized_onnx_model, quantization(is_static=True), "is_static is True, expected False"),
     (export_dynamic_quantized_onnx_model, quantization(per_channel=False), "per_channel is False, expected True"),
     (export_static_quantized_openvino_model, {"bits": 4}, "expected None, a dict or an OVQuantizationConfig with 8 b"),
     (export_static_quantized_openvino_model, "int8", "quantization_config: 'int8', expected None, a dict or an"),
     (export_static_quantized_openvino_model, {"num_samples": 0}, "quantization_config: {'num_samples': 0}, expected")],
)  # fmt: skip
def test_configurations_that_are_none_are_refused(
    model: airvec.SentenceTransformer, tmp_path: Path, call: Any, config: object, told: str
):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (the reference's class)
        call(model, config, tmp_path / "new")
    assert told in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_of_the_data_set_s_four_words_all_are_needed(model: airvec.SentenceTransformer, tmp_path: Path):
    with pytest.raises(ArgumentError, match=r"\('glue', None, None, None\), expected all four or none"):
        export_static_quantized_openvino_model(model, None, tmp_path / "new", dataset_name="glue")


def test_a_data_set_needs_its_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingPackageError, match="needs the package datasets, which is not installed"):
        texts_of(TextColumn("nyu-mll/glue", "sst2", "train", "sentence"), 5)


def test_a_column_is_shuffled_and_cut(monkeypatch: pytest.MonkeyPatch):
    class Rows(list[dict[str, Any]]):
        def shuffle(self, seed: int) -> "Rows":
            assert seed == 42
            return Rows(reversed(self))

        def select(self, places: Any) -> dict[str, list[Any]]:
            return {key: [self[place][key] for place in places] for key in self[0]}

    module = ModuleType("datasets")
    module.load_dataset = lambda *words, split: Rows({"text": f"{words} {split} {row}"} for row in range(4))
    monkeypatch.setitem(sys.modules, "datasets", module)
    assert texts_of(TextColumn("a", "b", "c", "text"), 2) == ["('a', 'b') c 3", "('a', 'b') c 2"]
    with pytest.raises(ArgumentError, match="column='words'.* cannot be read"):
        texts_of(TextColumn("a", "b", "c", "words"), 2)


def test_what_is_no_model_with_a_graph_is_refused(tmp_path: Path, folder: Path):
    with pytest.raises(ArgumentError, match="export_optimized_onnx_model: model is a str, expected airvec's Sentence"):
        export_optimized_onnx_model(str(folder), "O2", tmp_path / "new")
    static = static_model(tmp_path / "static", {"embedding.weight": np.ones((len(SPECIAL + WORDS), 4), np.float32)})
    with pytest.raises(ArgumentError, match=r"static has no onnx/model.onnx, expected a Transformer-based model"):
        export_optimized_onnx_model(airvec.SentenceTransformer(static), "O2", tmp_path / "new")


def test_a_graph_that_cannot_be_made_leaves_everything_as_it_was(
    model: airvec.SentenceTransformer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = files(model.folder)

    def broken(portable: Path, file: Path, name: str) -> None:
        file.write_bytes(b"half")
        raise ExportError(f"{name}: cannot")

    monkeypatch.setattr(writing, "dynamic", broken)
    for target in (model.folder, tmp_path / "new"):
        with pytest.raises(ExportError):
            export_dynamic_quantized_onnx_model(model, "avx2", target)
    assert files(model.folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own"]
