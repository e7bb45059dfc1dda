"""Mirrors runtime/airvec/deploy/contents.py."""

import shutil
from pathlib import Path

import pytest

from airvec import SentenceTransformer, SparseEncoder
from airvec.deploy.contents import Contents, pack_contents
from airvec.errors import AirvecError, ArgumentError, ModelNotFoundError
from airvec.search import Retriever
from tests.folders import reranker, word_model
from tests.runtime.deploy.unpacked import below
from tests.sparse_folders import splade_model


@pytest.fixture
def words(tmp_path) -> Path:
    return word_model(tmp_path / "words")


def index(folder: Path, retriever: Retriever) -> Path:
    retriever.index(["a b", "c d"])
    retriever.save(folder)
    return folder


def test_each_part_has_a_folder_of_its_own(words, tmp_path):
    made = index(tmp_path / "made", Retriever(dense=SentenceTransformer(words), bm25=True))
    contents = Contents(str(words), reranker=str(reranker(tmp_path / "pairs")), index=made)
    packed = pack_contents(contents, tmp_path / "out", "x86_64")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["index", "model", "reranker"]
    assert packed.needs_onnxruntime
    assert below(tmp_path / "out" / "index") == below(made)


def test_nothing_asked_for_is_nothing_packed(tmp_path):
    packed = pack_contents(Contents(), tmp_path / "out", "x86_64")
    assert (packed.model, packed.reranker, packed.index, packed.needs_onnxruntime) == (None, None, None, False)
    assert not (tmp_path / "out").exists()


def test_a_variant_without_a_model_is_an_error(tmp_path):
    with pytest.raises(ArgumentError, match="--variant int8: the static model"):
        pack_contents(Contents(variant="int8"), tmp_path / "out", "x86_64")


def test_an_index_of_words_alone_needs_no_model(tmp_path):
    made = index(tmp_path / "made", Retriever(bm25=True))
    assert pack_contents(Contents(index=made), tmp_path / "out", "x86_64").index.stages == ("bm25",)


def test_an_index_of_another_kind_of_model_is_an_error(words, tmp_path):
    sparse = SparseEncoder(splade_model(tmp_path / "splade"))
    made = index(tmp_path / "made", Retriever(sparse=sparse))
    with pytest.raises(ArgumentError, match="its sparse stage needs a model .* is a SentenceTransformer"):
        pack_contents(Contents(str(words), index=made), tmp_path / "out", "x86_64")
    packed = pack_contents(Contents(str(tmp_path / "splade"), index=made), tmp_path / "other", "x86_64")
    assert packed.index.models == ("sparse",)


def test_a_model_that_is_no_reranker_is_refused_as_one(words, tmp_path):
    with pytest.raises(ArgumentError, match=r"--reranker .*words: is a SentenceTransformer, expected a CrossEncoder"):
        pack_contents(Contents(reranker=str(words)), tmp_path / "out", "x86_64")


def test_model_and_reranker_have_a_graph_each(words, tmp_path):
    shutil.copy(words / "onnx" / "model.onnx", words / "onnx" / "model_fused.onnx")
    pairs = str(reranker(tmp_path / "pairs"))
    packed = pack_contents(Contents(str(words), "fused", pairs), tmp_path / "out", "x86_64")
    assert [one.variant for one in packed.models()] == ["fused", "fp32"]
    with pytest.raises(AirvecError, match="fused"):
        pack_contents(Contents(str(words), reranker=pairs, reranker_variant="fused"), tmp_path / "other", "x86_64")


def test_options_with_nothing_to_apply_them_to_are_errors(words, tmp_path):
    with pytest.raises(ArgumentError, match="--reranker-variant int8: for a reranker, and none is given"):
        pack_contents(Contents(str(words), reranker_variant="int8"), tmp_path / "out", "x86_64")
    with pytest.raises(ArgumentError, match="--name mine: the static model"):
        pack_contents(Contents(name="mine"), tmp_path / "out", "x86_64")


def test_one_reranker_twice_is_told(tmp_path):
    pairs = str(reranker(tmp_path / "pairs"))
    packed = pack_contents(Contents(pairs, reranker=pairs), tmp_path / "out", "x86_64")
    assert [note for note in packed.notes if "which is packed twice" in note] == list(packed.notes) != []


def test_an_index_without_documents_is_an_error(tmp_path):
    retriever = Retriever(bm25=True)
    retriever.index([])
    retriever.save(tmp_path / "made")
    with pytest.raises(ArgumentError, match="holds 0 documents"):
        pack_contents(Contents(index=tmp_path / "made"), tmp_path / "out", "x86_64")


def test_what_is_no_index_is_told_by_its_option(words, tmp_path):
    with pytest.raises(ModelNotFoundError, match="^--index .*nope: not there, expected a folder that Retriever.save"):
        pack_contents(Contents(index=tmp_path / "nope"), tmp_path / "out", "x86_64")
    with pytest.raises(ModelNotFoundError, match=r"^--index .*words: no retriever.json in it"):
        pack_contents(Contents(index=words), tmp_path / "out", "x86_64")
