"""Mirrors runtime/airvec/deploy/index_fit.py."""

import re
import shutil

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from airvec import SentenceTransformer, SparseEncoder
from airvec.deploy import index_fit
from airvec.deploy.contents import Contents, pack_contents
from airvec.errors import AirvecWarning, ArgumentError, ModelFolderError
from airvec.search import Retriever
from tests.folders import word_model
from tests.sparse_folders import splade_model


def made_by(folder, **models):
    retriever = Retriever(**models)
    retriever.index(["a b", "c d"])
    retriever.save(folder)
    return folder


@pytest.fixture
def words(tmp_path):
    """A model, and a second graph in it that is near the first or far from it."""
    folder = word_model(tmp_path / "words")
    shutil.copy(folder / "onnx" / "model.onnx", folder / "onnx" / "model_fused.onnx")
    return folder


def move(folder, change):
    """Change the table of the second graph."""
    path = folder / "onnx" / "model_fused.onnx"
    graph = onnx.load(path)
    table = next(tensor for tensor in graph.graph.initializer if tensor.name == "table")
    table.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(table)).astype(np.float32), "table"))
    onnx.save(graph, path)


def pack(tmp_path, model, index, variant="auto", arch="x86_64"):
    return pack_contents(Contents(model and str(model), variant, index=index), tmp_path / "out", arch)


def test_the_model_that_made_the_index_is_not_worth_a_note(words, tmp_path):
    index = made_by(tmp_path / "index", dense=SentenceTransformer(words), bm25=True)
    assert pack(tmp_path, words, index).notes == ()


@pytest.mark.parametrize("arch", ["x86_64", "arm64"])
def test_other_dimensions_are_an_error_for_every_processor(words, tmp_path, arch):
    index = made_by(tmp_path / "index", dense=SentenceTransformer())
    wide = SentenceTransformer().get_sentence_embedding_dimension()
    expected = f"--index {index}: made by a model of {wide} dimensions; the packed model has 4. Pack the model that"
    with pytest.raises(ArgumentError, match=f"^{re.escape(expected)}"):
        pack(tmp_path, words, index, arch=arch)


def test_the_model_inside_airvec_is_compared_too(words, tmp_path):
    index = made_by(tmp_path / "index", dense=SentenceTransformer(words))
    with pytest.raises(ArgumentError, match="made by a model of 4 dimensions; the packed model has"):
        pack(tmp_path, None, index)


def test_a_graph_that_encodes_a_little_otherwise_is_noted_with_its_distance(words, tmp_path):
    move(words, lambda table: table * np.linspace(1, 1.1, table.shape[1]))
    index = made_by(tmp_path / "index", dense=SentenceTransformer(words))
    (note,) = pack(tmp_path, words, index, "fused").notes
    assert re.search(r"made by .*words.*; the packed model \(fused\) gives one document a vector 0\.0\d\d of its", note)


def test_a_graph_that_encodes_quite_otherwise_is_warned_of(words, tmp_path):
    move(words, lambda table: -table)
    index = made_by(tmp_path / "index", dense=SentenceTransformer(words))
    with pytest.warns(AirvecWarning, match=r"results will be poor\. Pack the model that made the index"):
        assert pack(tmp_path, words, index, "fused").notes == ()


def test_sparse_indexes_are_compared_too(tmp_path):
    model = splade_model(tmp_path / "splade")
    index = made_by(tmp_path / "index", sparse=SparseEncoder(model))
    assert pack(tmp_path, model, index).notes == ()
    np.save(index / "sparse" / "probe.npy", np.ones(3, np.float32))
    with pytest.raises(ArgumentError, match="made by a model of 3 dimensions"):
        pack(tmp_path, model, index)


def test_where_this_cpu_does_not_open_the_packed_graph_the_original_tells_the_dimensions(words, tmp_path, monkeypatch):
    opened, index = index_fit._opened, made_by(tmp_path / "index", dense=SentenceTransformer())

    def refusing(stage, folder):
        if folder != str(words):
            raise ModelFolderError("int8-vnni would saturate")
        return opened(stage, folder)

    monkeypatch.setattr(index_fit, "_opened", refusing)
    monkeypatch.setattr("airvec.deploy.model.runnable", lambda *_: False)
    with pytest.raises(ArgumentError, match="the packed model has 4"):
        pack(tmp_path, words, index)
    same = made_by(tmp_path / "same", dense=SentenceTransformer(words))
    assert pack(tmp_path, words, same).notes == ()
    (words / "onnx" / "model.onnx").unlink()
    monkeypatch.setattr(index_fit, "_opened", lambda *_: refusing("dense", ""))
    (note,) = pack(tmp_path, words, same, "fused").notes
    assert "whether it fits was not looked at" in note
