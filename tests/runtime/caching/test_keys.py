"""Mirrors runtime/airvec/caching/keys.py and runtime/airvec/identity.py: which answers are of the same model."""

import os
import pickle
import shutil

import numpy as np
import onnx
import pytest

from airvec import CachedModel, SentenceTransformer, cpu
from airvec.caching import LRUStore, SQLiteStore
from airvec.errors import ArgumentError, InputError, ModelFolderError
from airvec.identity import folder_digest, folder_files
from airvec.manifest import GraphRecord, Manifest, write_manifest
from tests.folders import word_model

TEXTS = ["a b c", "d e"]
CHANGED = "the folder changed since the model was opened.*Open it again"


@pytest.fixture
def folder(tmp_path):
    return word_model(tmp_path / "words")


def with_graph_times(path, factor, into=None):
    """The graph with its first weights multiplied."""
    graph = onnx.load(path)
    weights = graph.graph.initializer[0]
    weights.raw_data = (np.frombuffer(weights.raw_data, np.float32) * np.float32(factor)).tobytes()
    onnx.save(graph, into or path)


def test_a_folder_that_changed_since_the_model_was_opened_is_refused(folder):
    model = SentenceTransformer(folder)
    (folder / "1_Pooling" / "config.json").write_text('{"word_embedding_dimension": 4, "pooling_mode_cls_token": true}')
    with pytest.raises(ModelFolderError, match=rf"words: {CHANGED}"):
        CachedModel(model)
    CachedModel(SentenceTransformer(folder))


def test_a_card_may_change_after_the_model_was_opened(folder):
    model = SentenceTransformer(folder)
    (folder / "README.md").write_text("A card.")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "state").write_text("of a client")
    CachedModel(model).encode(TEXTS)


def test_what_is_computed_after_the_folder_changed_is_not_kept(folder):
    store = LRUStore()
    cached = CachedModel(SentenceTransformer(folder), store)
    cached.encode(TEXTS[:1])
    with_graph_times(folder / "onnx" / "model.onnx", 3)
    assert cached.encode(TEXTS).shape == (2, 4)
    assert len(store) == 1


def test_a_pickled_model_whose_folder_changed_is_refused(folder):
    sent = pickle.dumps(CachedModel(SentenceTransformer(folder)))
    assert pickle.loads(sent).encode(TEXTS).shape == (2, 4)
    with_graph_times(folder / "onnx" / "model.onnx", 3)
    with pytest.raises(ModelFolderError, match=CHANGED):
        pickle.loads(sent)


def test_folders_behind_links_count(folder, tmp_path):
    shutil.move(folder / "onnx", tmp_path / "elsewhere")
    (folder / "onnx").symlink_to(tmp_path / "elsewhere")
    store = LRUStore()
    CachedModel(SentenceTransformer(folder), store).encode(TEXTS)
    with_graph_times(tmp_path / "elsewhere" / "model.onnx", 3)
    model = SentenceTransformer(folder)
    cached = CachedModel(model, store)
    assert cached.encode(TEXTS).tolist() == model.encode(TEXTS).tolist()
    assert cached.info.misses == 2


def test_a_folder_of_links_to_files_is_what_the_files_are(folder, tmp_path):
    snapshot = tmp_path / "snapshot"
    for number, file in enumerate(sorted(one for one in folder.rglob("*") if one.is_file())):
        blob = tmp_path / "blobs" / str(number)
        blob.parent.mkdir(exist_ok=True)
        shutil.copy(file, blob)
        link = snapshot / file.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    assert folder_digest(snapshot) == folder_digest(folder)


def test_links_that_lead_up_or_nowhere_end(folder):
    before = folder_files(folder)
    (folder / "onnx" / "up").symlink_to(folder)
    (folder / "gone").symlink_to(folder / "nowhere")
    (folder / "itself").symlink_to(folder / "itself")
    assert folder_files(folder) == before
    (folder / "beside").symlink_to(folder / "onnx")  # no loop: it counts a second time
    assert {name for name, *_ in folder_files(folder)} == {*(name for name, *_ in before), "beside/model.onnx"}


def test_a_folder_that_nobody_can_read_is_no_hindrance(folder, monkeypatch):
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("closed"):
            raise PermissionError(path)
        return scandir(path)

    (folder / "closed").mkdir()
    (folder / "closed" / "file").touch()
    monkeypatch.setattr(os, "scandir", refusing)
    assert "closed/file" not in [name for name, *_ in folder_files(folder)]
    CachedModel(SentenceTransformer(folder)).encode(TEXTS)


@pytest.fixture
def two_graphs(folder):
    """int8 graphs for two kinds of CPU, of which `"int8"` and `"fastest"` choose."""
    graphs = {}
    for name, factor, speed in (("int8_x86", 2, 140), ("int8_vnni", 3, 190)):
        file = folder / "onnx" / f"model_{name}.onnx"
        with_graph_times(folder / "onnx" / "model.onnx", factor, file)
        family = "vnni" if "vnni" in name else None
        measured = {"texts_per_second": speed}
        graphs[f"onnx/{file.name}"] = GraphRecord("", file.stat().st_size, measured=measured, family=family)
    write_manifest(folder, Manifest(graphs=graphs))
    return folder


def test_machines_that_choose_other_graphs_have_other_answers(two_graphs, tmp_path, monkeypatch):
    store, misses = LRUStore(), []
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "cpuinfo")
    for variant in ("int8", "fastest"):
        for flags in ("avx2", "avx2 avx_vnni"):
            (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
            model = SentenceTransformer(two_graphs, variant=variant)
            cached = CachedModel(model, store)
            assert cached.encode(TEXTS).tolist() == model.encode(TEXTS).tolist()
            misses.append(cached.info.misses)
    assert misses == [2, 2, 0, 0]  # the same graph under another name is the same model


def test_half_a_surrogate_pair_is_refused_by_the_model(folder):
    model = SentenceTransformer(folder)
    with pytest.raises(InputError) as expected:
        model.encode(["a \ud800"])
    with pytest.raises(InputError) as found:
        CachedModel(model).encode(["a \ud800"])
    assert str(found.value) == str(expected.value)


def test_a_store_inside_the_model_s_folder_is_refused(folder):
    model = SentenceTransformer(folder)
    with pytest.raises(
        ArgumentError, match=r"store: .*cache.db lies in the model's folder .*expected a file elsewhere"
    ):
        CachedModel(model, SQLiteStore(folder / "cache.db"))
