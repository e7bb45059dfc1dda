"""Mirrors exporter/airvec_exporter/adding.py: folders of others, Routers, repositories."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

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


COPY = Addition("copy", "onnx/model_copy.onnx", copied)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that airvec did not write: without airvec.json."""
    return word_model(tmp_path / "words")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "repositories").mkdir()
    with taking(PushHub(root=tmp_path / "repositories")) as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.address)
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


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client to the library below it
def test_a_new_repository_gets_the_whole_model_and_one_that_is_there_the_graph(hub: PushHub, folder: Path):
    model = airvec.SentenceTransformer(folder)
    add(model, COPY, Place("org/new", push_to_hub=True))
    assert {"modules.json", "onnx/model.onnx", "onnx/model_copy.onnx"} < set(hub.commits[0]["files"])
    add(model, COPY, Place("org/new", push_to_hub=True, create_pr=True))
    assert hub.commits[1]["files"] == ["onnx/model_copy.onnx"]
    assert (hub.commits[1]["summary"], hub.commits[1]["revision"]) == (
        "Add exported onnx model 'model_copy.onnx'", "pr-1",
    )  # fmt: skip
    assert not (folder / "onnx" / "model_copy.onnx").exists()
