"""Mirrors runtime/airvec/serving/opened.py."""

import pytest

from airvec import SentenceTransformer, SparseEncoder
from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.manifest import Manifest, write_manifest
from airvec.search import Retriever
from airvec.serving.opened import Places, open_places, versions
from tests.folders import reranker, word_model
from tests.multi_folders import multi_model
from tests.runtime.serving.conftest import CORPUS
from tests.sparse_folders import splade_model


def test_without_variables_and_folders_there_is_the_model_inside_airvec(tmp_path):
    assert Places.of({}, tmp_path) == Places.of({"AIRVEC_MODEL": ""}, tmp_path) == Places(None, None, None)
    opened = open_places(Places())
    assert (opened.kind, opened.name, opened.reranker, opened.retriever) == (
        "SentenceTransformer",
        "static-en",
        None,
        None,
    )


def test_folders_of_a_layer_are_found_and_variables_win(tmp_path):
    for name in ("model", "index", "reranker", "other"):
        (tmp_path / name).mkdir()
    assert Places.of({}, tmp_path) == Places(*(tmp_path / name for name in ("model", "index", "reranker")))
    environment = {f"AIRVEC_{name}": str(tmp_path / "other") for name in ("MODEL", "INDEX", "RERANKER")}
    assert Places.of(environment, tmp_path) == Places(*[tmp_path / "other"] * 3)


@pytest.mark.parametrize("variable", ["AIRVEC_MODEL", "AIRVEC_INDEX", "AIRVEC_RERANKER"])
def test_a_variable_that_names_no_folder_is_an_error(variable, tmp_path):
    with pytest.raises(ModelNotFoundError, match=f"{variable}: 'sentence-transformers/all' is no folder, expected one"):
        Places.of({variable: "sentence-transformers/all"}, tmp_path)


@pytest.mark.parametrize(
    ("make", "kind"),
    [(word_model, "SentenceTransformer"), (splade_model, "SparseEncoder"), (reranker, "CrossEncoder"),
     (multi_model, "MultiEncoder")],
)  # fmt: skip
def test_a_folder_is_opened_with_its_class(make, kind, tmp_path):
    opened = open_places(Places(make(tmp_path / "folder")))
    assert opened.kind == type(opened.model).__name__ == kind
    assert opened.name == "folder"
    assert (opened.reranker is opened.model) == (kind == "CrossEncoder")


def test_a_model_has_the_name_that_its_manifest_gives(tmp_path):
    folder = word_model(tmp_path / "model")
    write_manifest(folder, Manifest(source="ada/small-model"))
    assert open_places(Places(folder)).name == "ada/small-model"
    ranker = reranker(tmp_path / "reranker")
    write_manifest(ranker, Manifest(source="ada/ranker"))
    opened = open_places(Places(folder, reranker=ranker))
    assert (opened.name, opened.reranker_name) == ("ada/small-model", "ada/ranker")


def test_a_damaged_folder_is_an_error_at_once(tmp_path):
    (word_model(tmp_path / "model") / "tokenizer.json").write_text("{")
    with pytest.raises(ModelFolderError, match="tokenizer.json: not a tokenizer"):
        open_places(Places(tmp_path / "model"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelNotFoundError, match="empty"):
        open_places(Places(tmp_path / "empty"))
    with pytest.raises(ModelNotFoundError, match="is no index"):
        open_places(Places(index=tmp_path / "empty"))


def test_a_model_of_an_unknown_kind_is_refused(tmp_path):
    folder = word_model(tmp_path / "model", settings={"model_type": "Other"})
    with pytest.raises(ArgumentError, match="model_type is 'Other', expected one of SentenceTransformer"):
        open_places(Places(folder))


def saved(folder, **models):
    retriever = Retriever(**models)
    retriever.index(CORPUS)
    retriever.save(folder)
    return folder


def test_an_index_by_words_goes_with_any_model(tmp_path, ranker):
    index = saved(tmp_path / "index", bm25=True)
    opened = open_places(Places(index=index))
    assert len(opened.retriever) == 4
    assert opened.retriever.reranker is None
    assert open_places(Places(ranker.opened.model.folder, index)).retriever.reranker is not None


def test_an_index_needs_the_kind_of_model_that_made_it(tmp_path):
    splade = splade_model(tmp_path / "splade")
    index = saved(tmp_path / "index", sparse=SparseEncoder(splade))
    assert open_places(Places(splade, index)).retriever.search("a")
    with pytest.raises(
        ArgumentError, match="has a stage 'sparse', which needs a SparseEncoder, but the packed model is a"
    ):
        open_places(Places(index=index))


def test_an_index_of_the_dense_part_of_a_multi_encoder_is_searched_with_that_part(tmp_path):
    folder = multi_model(tmp_path / "m3")
    index = saved(tmp_path / "index", dense=SentenceTransformer(folder))
    opened = open_places(Places(folder, index))
    assert opened.kind == "SentenceTransformer"
    assert opened.retriever.search("a b c")


def test_versions_name_what_runs():
    assert {"airvec", "python", "numpy", "tokenizers"} <= set(versions())
