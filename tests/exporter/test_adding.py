"""Mirrors exporter/airvec_exporter/adding.py: folders of others, Routers, repositories."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from huggingface_hub import constants
from onnx import numpy_helper

import airvec
from airvec.errors import ArgumentError
from airvec.folder import ModuleSpec
from airvec.manifest import read_manifest
from airvec_exporter.adding import Addition, Place, add
from airvec_exporter.graph import Graph, read_graph
from tests.folders import word_model
from tests.hub_push_server import PushHub, taking


def copied(_: ModuleSpec, portable: Path, file: Path) -> Graph:
    shutil.copyfile(portable, file)
    return replace(read_graph(file), precision="float16")


client_warns = pytest.mark.filterwarnings(
    "ignore:Use 'content=:DeprecationWarning"
)  # the client to the library below it
COPY = Addition("copy", "onnx/model_copy.onnx", copied, "fp32")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that airvec did not write: without airvec.json."""
    return word_model(tmp_path / "words")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "repositories").mkdir()
    with taking(PushHub(root=tmp_path / "repositories")) as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.address)
        template = f"{running.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", "hf_x")
        yield running


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_folder_of_others_gets_an_airvec_json_for_the_new_graph(folder: Path):
    add(airvec.SentenceTransformer(folder), COPY, Place(folder))
    (record,) = read_manifest(folder).graphs.values()
    assert (record.sha256, record.precision) == (sha256(folder / "onnx" / "model_copy.onnx"), "float16")
    assert airvec.SentenceTransformer(folder, variant="copy").encode("a b").shape == (4,)
    assert not list(folder.rglob(".airvec-*"))


def test_a_copy_of_the_model_without_graphs_gets_both(folder: Path, tmp_path: Path):
    other = shutil.copytree(folder, tmp_path / "other")
    shutil.rmtree(other / "onnx")
    add(airvec.SentenceTransformer(folder), COPY, Place(other))
    assert sorted(path.name for path in (other / "onnx").iterdir()) == ["model.onnx", "model_copy.onnx"]
    assert (
        airvec.SentenceTransformer(other).encode("a b").tolist()
        == airvec.SentenceTransformer(folder).encode("a b").tolist()
    )


def test_another_model_s_folder_is_refused_and_so_is_what_is_none(folder: Path, tmp_path: Path):
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "onnx" / "model.onnx").write_bytes((folder / "onnx" / "model.onnx").read_bytes() + b"\n\x00")
    model = airvec.SentenceTransformer(folder)
    with pytest.raises(ArgumentError, match="holds another model than words: its model.onnx differs"):
        add(model, COPY, Place(other))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "note.txt").write_text("mine")
    for name in ("notes", "notes/note.txt"):
        with pytest.raises(ArgumentError, match="exists and is no model folder"):
            add(model, COPY, Place(tmp_path / name))


def test_an_empty_folder_is_filled(folder: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    add(airvec.SentenceTransformer(folder), COPY, Place(tmp_path / "empty"))
    assert (tmp_path / "empty" / "onnx" / "model_copy.onnx").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "words"]


@client_warns
def test_a_new_repository_gets_the_whole_model_and_one_that_is_there_the_graph(hub: PushHub, folder: Path):
    model = airvec.SentenceTransformer(folder)
    add(model, COPY, Place("org/new", push_to_hub=True))
    assert {"modules.json", "onnx/model.onnx", "onnx/model_copy.onnx"} < set(hub.commits[0]["files"])
    other = replace(COPY, place="onnx/model_other.onnx")
    add(model, other, Place("org/new", push_to_hub=True, create_pr=True))
    assert hub.commits[1]["files"] == ["onnx/model_other.onnx", "airvec.json"]
    assert (hub.commits[1]["summary"], hub.commits[1]["revision"]) == (
        "Add exported onnx model 'model_other.onnx'", "pr-1",
    )  # fmt: skip
    records = read_manifest(hub.repositories["org/new@pr-1"]).graphs
    assert set(records) == {"onnx/model_copy.onnx", "onnx/model_other.onnx"}  # theirs stay
    assert {record.precision for record in records.values()} == {"float16"}
    assert not (folder / "onnx" / "model_copy.onnx").exists()


@client_warns
def test_a_new_repository_gets_a_pull_request_where_one_is_asked_for(hub: PushHub, folder: Path):
    add(airvec.SentenceTransformer(folder), COPY, Place("org/new", push_to_hub=True, create_pr=True))
    assert [commit["revision"] for commit in hub.commits] == ["pr-1"]


@client_warns
def test_the_repository_of_another_model_is_refused(hub: PushHub, folder: Path):
    model = airvec.SentenceTransformer(folder)
    add(model, COPY, Place("org/new", push_to_hub=True))
    graph = hub.repositories["org/new"] / "onnx" / "model.onnx"
    graph.write_bytes(graph.read_bytes() + b"\n\x00")
    with pytest.raises(ArgumentError, match="'org/new' holds another model than words: its model.onnx differs"):
        add(model, COPY, Place("org/new", push_to_hub=True))
    assert len(hub.commits) == 1


def halved(_: ModuleSpec, portable: Path, file: Path) -> Graph:
    """A graph whose first weights are half as large."""
    model = onnx.load(portable)
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32:
            changed = values * np.linspace(0.5, 1, values.size, dtype=np.float32).reshape(values.shape)
            weight.CopyFrom(numpy_helper.from_array(changed, weight.name))
    onnx.save(model, file)
    return read_graph(file)


def test_a_graph_is_measured_against_the_float32_graph(folder: Path):
    model = airvec.SentenceTransformer(folder)
    add(model, COPY, Place(folder))
    add(model, Addition("halved", "onnx/model_halved.onnx", halved, "fp32"), Place(folder))
    records = read_manifest(folder).graphs
    same, changed = records["onnx/model_copy.onnx"], records["onnx/model_halved.onnx"]
    assert (same.max_delta, same.min_cosine, same.measured["batch_delta"]) == (0, pytest.approx(1, abs=1e-9), 0)
    assert "misses" not in same.measured
    assert changed.max_delta > 1e-3
    assert changed.measured["mean_cosine"] < 1 - 1e-6
    assert changed.measured["misses"] == 1
    assert same.texts == 60


def test_a_failure_leaves_the_folder_as_it_was(folder: Path, tmp_path: Path):
    def full(_: ModuleSpec, __: Path, file: Path) -> Graph:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    other = shutil.copytree(folder, tmp_path / "other")
    shutil.rmtree(other / "onnx")
    before = sorted(other.rglob("*"))
    for target in (other, folder):
        with pytest.raises(OSError, match="No space left"):
            add(
                airvec.SentenceTransformer(folder),
                Addition("full", "onnx/model_full.onnx", full, "fp32"),
                Place(target),
            )
    assert sorted(other.rglob("*")) == before
    assert [path.name for path in (folder / "onnx").iterdir()] == ["model.onnx"]


def test_a_graph_is_replaced_and_the_record_too(folder: Path):
    model = airvec.SentenceTransformer(folder)
    add(model, COPY, Place(folder))
    portable = sha256(folder / "onnx" / "model.onnx")
    add(model, replace(COPY, write=halved), Place(folder))
    record = read_manifest(folder).graphs["onnx/model_copy.onnx"]
    assert (record.sha256, record.precision) == (sha256(folder / "onnx" / "model_copy.onnx"), "float32")
    assert record.sha256 != portable == sha256(folder / "onnx" / "model.onnx")
