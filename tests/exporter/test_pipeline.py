"""The whole export: what it leaves behind, and what it never touches."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import airvec
from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.manifest import read_manifest, sha256_of
from airvec_exporter import pipeline
from airvec_exporter.body import Body
from airvec_exporter.errors import VerificationError
from airvec_exporter.graph import Graph
from airvec_exporter.load import load
from airvec_exporter.optimize import saving
from airvec_exporter.pipeline import export
from airvec_exporter.reference import reference
from airvec_exporter.report import ExportReport, name_and_revision
from tests import tiny
from tests.exporter.damage import damage

TEXTS = tiny.texts(12)


@pytest.fixture
def traced(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the graph from the session's, since tracing is what takes seconds."""

    def copy(_body: object, home: Path) -> Graph:
        home.mkdir(parents=True)
        shutil.copyfile(graph.path, home / "model.onnx")
        return replace(graph, path=home / "model.onnx")

    monkeypatch.setattr(pipeline, "write_portable", copy)


@pytest.fixture
def wrongly_traced(traced: None, monkeypatch: pytest.MonkeyPatch) -> None:
    right = pipeline.write_portable

    def wrong(body: Body, home: Path) -> Graph:
        made = right(body, home)
        damage(home / "model.onnx", 1.5)
        return made

    monkeypatch.setattr(pipeline, "write_portable", wrong)


def test_the_report_says_what_was_measured(report: ExportReport):
    assert report.max_delta <= 1e-5
    assert report.min_cosine > 1 - 1e-6
    assert report.texts >= 200
    assert report.nodes["Attention"] == tiny.LAYERS
    assert report.bytes == sum(path.stat().st_size for path in report.path.rglob("*") if path.is_file())
    lines = str(report).splitlines()
    assert lines[0] == f"tiny-bert → {report.path}"
    assert any("max |Δ|" in line and f"{report.max_delta:.1e}" in line for line in lines)


def test_the_manifest_holds_identity_and_measurements(report: ExportReport):
    manifest = read_manifest(report.path)
    record = manifest.graphs["onnx/model.onnx"]
    assert record.sha256 == sha256_of(report.path / "onnx" / "model.onnx")
    assert record.inputs == ("input_ids", "attention_mask", "token_type_ids")
    assert (record.outputs, record.opset, record.precision) == (("last_hidden_state",), 23, "float32")
    assert (record.max_delta, record.min_cosine, record.texts) == (report.max_delta, report.min_cosine, report.texts)
    assert set(manifest.versions) == {"airvec", "torch", "transformers", "onnx", "onnxscript"}
    assert (manifest.source, manifest.revision) == ("tiny-bert", None)


def test_sliding_windows_need_a_newer_onnxruntime(tmp_path: Path, report: ExportReport):
    assert read_manifest(report.path).min_onnxruntime == "1.23"
    folder = tiny.tiny_checkpoint(tmp_path / "in" / "windows", "modernbert")
    out = export(folder, tmp_path / "out", texts=TEXTS, speed=False).path
    assert read_manifest(out).min_onnxruntime == "1.24"


def test_no_path_of_this_machine_is_in_any_written_file(report: ExportReport):
    parent = str(report.path.parent.parent).encode()
    assert not [path for path in report.path.rglob("*") if path.is_file() and parent in path.read_bytes()]


def test_the_hub_s_cache_gives_name_and_revision(tmp_path: Path):
    path = tmp_path / "models--sentence-transformers--all-MiniLM-L6-v2" / "snapshots" / "c9745ed1"
    assert name_and_revision(path) == ("sentence-transformers/all-MiniLM-L6-v2", "c9745ed1")


def test_the_folder_runs_without_torch_s_weights(tiny_bert: Path, traced: None, tmp_path: Path, report: ExportReport):
    small = export(tiny_bert, tmp_path / "small", weights=False, texts=TEXTS)
    assert small.bytes < report.bytes
    assert not (small.path / "model.safetensors").exists()
    found, wanted = (airvec.SentenceTransformer(str(path)).encode(TEXTS) for path in (small.path, report.path))
    assert np.array_equal(found, wanted)


def test_weights_above_the_limit_lie_beside_the_graph_and_are_in_the_manifest(
    tiny_bert: Path, tmp_path: Path, report: ExportReport, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(saving, "LARGEST", 1000)
    large = export(tiny_bert, tmp_path / "large", texts=TEXTS)
    assert {path.name for path in (large.path / "onnx").iterdir()} == {"model.onnx", "model.onnx_data"}
    records = read_manifest(large.path).graphs
    assert records["onnx/model.onnx_data"].sha256 == sha256_of(large.path / "onnx" / "model.onnx_data")
    assert records["onnx/model.onnx"].size < records["onnx/model.onnx_data"].size
    found, wanted = (airvec.SentenceTransformer(str(path)).encode(TEXTS) for path in (large.path, report.path))
    assert np.array_equal(found, wanted)


def test_left_padded_bodies_with_absolute_positions_give_the_answer_for_each_text_alone(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "left", padding_side="left", pooling=("cls", "mean", "weightedmean"))
    out = export(folder, tmp_path / "out", texts=tiny.texts()).path
    alone = np.concatenate([reference(load(folder), [text]) for text in TEXTS])
    assert np.abs(airvec.SentenceTransformer(str(out)).encode(TEXTS) - alone).max() <= 1e-5


@pytest.mark.parametrize("step", ["load", "write_portable", "write_folder", "verify", "write_manifest"])
def test_an_interrupted_export_leaves_nothing(
    tiny_bert: Path, traced: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
):
    def interrupt(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        export(tiny_bert, tmp_path / "out", texts=TEXTS)
    assert not list(tmp_path.iterdir())


def test_a_failed_verification_leaves_nothing_and_says_which_text(
    tiny_bert: Path, wrongly_traced: None, tmp_path: Path
):
    with pytest.raises(VerificationError, match=r"text \d+ \('.*tokens\).*Nothing was written"):
        export(tiny_bert, tmp_path / "out", texts=tiny.texts())
    assert not list(tmp_path.iterdir())


def test_a_failed_export_leaves_the_folder_that_it_would_have_replaced(
    tiny_bert: Path, wrongly_traced: None, tmp_path: Path
):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "modules.json").write_text("[]")
    with pytest.raises(VerificationError):
        export(tiny_bert, tmp_path / "out", overwrite=True, texts=tiny.texts())
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "modules.json"]


def test_a_folder_with_something_in_it_is_refused_before_any_work(tiny_bert: Path, tmp_path: Path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(ArgumentError, match="is there already and not empty"):
        export(tiny_bert, tmp_path)
    with pytest.raises(ArgumentError, match="so it is no model folder"):
        export(tiny_bert, tmp_path, overwrite=True)
    with pytest.raises(ArgumentError, match="is a file, expected a new folder"):
        export(tiny_bert, tmp_path / "note.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_a_target_in_the_way_is_found_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "note.txt").write_text("mine")
    monkeypatch.setattr(pipeline, "find_checkpoint", None)
    with pytest.raises(ArgumentError, match="is there already and not empty"):
        export("org/model", tmp_path)


@pytest.mark.parametrize("place", [lambda folder: folder, lambda folder: folder.parent])
def test_the_checkpoint_is_never_overwritten(tmp_path: Path, place: Callable[[Path], Path]):
    folder = tiny.tiny_checkpoint(tmp_path / "checkpoint")
    with pytest.raises(ArgumentError, match="holds the checkpoint"):
        export(folder, place(folder), overwrite=True)
    assert (folder / "model.safetensors").is_file()


def test_overwriting_replaces_the_whole_model_folder(tiny_bert: Path, traced: None, tmp_path: Path):
    (tmp_path / "out").mkdir()
    for name in ("modules.json", "stale.bin"):
        (tmp_path / "out" / name).write_text("[]")
    export(tiny_bert, tmp_path / "out", overwrite=True, texts=TEXTS)
    assert not (tmp_path / "out" / "stale.bin").exists()
    assert len(json.loads((tmp_path / "out" / "modules.json").read_text())) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_and_missing_parents_are_fine(tiny_bert: Path, traced: None, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new/and/deep"):
        assert export(tiny_bert, tmp_path / name, texts=TEXTS).path == tmp_path / name
    assert (tmp_path / "empty").stat().st_mode & 0o777 == 0o755


def test_a_broken_checkpoint_leaves_nothing(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "in" / "checkpoint")
    (folder / "modules.json").write_text("{")
    with pytest.raises(ModelFolderError, match="modules.json: not valid JSON"):
        export(folder, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("files", [["modules.json"], ["modules.json", "config_sentence_transformers.json"]])
def test_a_checkpoint_whose_download_is_incomplete_leaves_nothing(tmp_path: Path, files: list[str]):
    folder = tiny.tiny_checkpoint(tmp_path / "in" / "checkpoint")
    for name in files:
        (folder / name).unlink()
    with pytest.raises((ModelNotFoundError, ModelFolderError), match="checkpoint/modules.json: no such file"):
        export(folder, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize(("name", "value"), [
    ("checkpoint", 5), ("checkpoint", None), ("out", 5), ("out", b"out"), ("max_delta", "x"), ("max_delta", True),
    ("max_delta", -1), ("max_delta", float("nan")), ("texts", 5), ("texts", "one"), ("texts", [1, 2]), ("texts", ["a"]),
])  # fmt: skip
def test_arguments_of_the_wrong_type_are_named_before_any_work(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: Any
):
    monkeypatch.setattr(pipeline, "load", None)
    given = {"checkpoint": tiny_bert, "out": tmp_path / "out", name: value}
    with pytest.raises(ArgumentError, match=f"^{name}: .*, expected a"):
        export(given.pop("checkpoint"), given.pop("out"), **given)
    assert not list(tmp_path.iterdir())


def test_progress_names_the_steps_and_can_be_switched_off(
    tiny_bert: Path, traced: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    export(tiny_bert, tmp_path / "quiet", texts=TEXTS, show_progress_bar=False)
    assert capsys.readouterr() == ("", "")
    export(tiny_bert, tmp_path / "shown", texts=TEXTS, show_progress_bar=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert all(step in shown.err for step in pipeline.STEPS)
