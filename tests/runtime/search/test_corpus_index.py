"""Mirrors runtime/airvec/search/corpus_index.py and sparse_stages.py: a retriever saved to a folder and opened."""

import json
import shutil

import numpy as np
import pytest

from airvec.errors import AirvecWarning, ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.search import BM25, Retriever
from tests.runtime.search.fakes import LengthReranker, LetterModel, SparseLetterModel, random_texts

TEXTS = [*random_texts(40), "Größe 猫 🙂\u2028zwei", ""]
CORPUS = {f"dok-{row}-ü": text for row, text in enumerate(TEXTS)}
QUERIES = [*random_texts(5, "queries"), "größe", ""]


def retriever(**arguments):
    made = Retriever(LetterModel(), sparse=SparseLetterModel(), bm25=True, **arguments)
    made.index(CORPUS)
    return made


def load(folder, **arguments):
    return Retriever.load(folder, **({"dense": LetterModel(), "sparse": SparseLetterModel()} | arguments))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with all stages, int8 with floats kept; tests copy it before they damage it."""
    folder = tmp_path_factory.mktemp("saved") / "index"
    retriever(precision="int8", keep_float=True).save(folder)
    return folder


@pytest.mark.parametrize("precision", ["float32", "int8", "binary"])
@pytest.mark.parametrize("keep_float", [False, True])
@pytest.mark.parametrize("fusion", ["rrf", {"bm25": 1.0, "sparse": 0.5, "dense": 2.0}])
def test_a_retriever_saved_and_opened_finds_the_same(tmp_path, precision, keep_float, fusion):
    before = retriever(precision=precision, keep_float=keep_float, fusion=fusion)
    before.save(tmp_path / "index")
    after = load(tmp_path / "index")
    assert after.search(QUERIES, 20, return_documents=True) == before.search(QUERIES, 20, return_documents=True)
    assert (len(after), after.fusion, repr(after)) == (len(before), before.fusion, repr(before))
    after.index(CORPUS)  # with the settings that it was saved with
    assert after.search(QUERIES) == before.search(QUERIES)


def test_a_corpus_without_ids_is_found_by_row(tmp_path):
    made = Retriever(bm25=True)
    made.index(TEXTS)
    made.save(tmp_path / "index")
    assert Retriever.load(tmp_path / "index").search("größe")[0]["corpus_id"] == 40


def test_an_empty_corpus_can_be_saved_and_opened(tmp_path):
    for number, corpus in enumerate(([], {}, ["!"])):
        made = Retriever(LetterModel(), bm25=True)
        made.index(corpus)
        made.save(tmp_path / str(number))
        opened = Retriever.load(tmp_path / str(number), dense=LetterModel())
        assert len(opened) == len(corpus)
        assert len(opened.search("a")) == len(corpus)


def test_what_is_large_lies_on_disk(saved):
    index = load(saved)._index
    words, sparse, dense = index.stages
    arrays = [words.index.documents, words.index.weights, sparse.index.documents, sparse.index.weights]
    arrays += [dense.index.codes, dense.index.floats, index.texts.data, index.texts.starts, index.ids.data]
    for array in arrays:
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable


def test_a_reranker_is_given_on_opening(saved):
    shortest = load(saved, reranker=LengthReranker()).search("a b", top_k=1)
    assert shortest == [{"corpus_id": "dok-41-ü", "score": 0.0}]


def test_saving_again_replaces_the_folder_even_the_one_that_is_open(saved, tmp_path):
    folder = shutil.copytree(saved, tmp_path / "index")
    opened = load(folder)
    expected = opened.search(QUERIES)
    opened.save(folder)
    assert opened.search(QUERIES) == load(folder).search(QUERIES) == expected
    opened.index(["only one"])
    opened.save(folder)
    assert len(load(folder)) == 1
    assert not (folder / "ids.npy").exists()
    assert [one.name for one in tmp_path.iterdir()] == ["index"]


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ArgumentError, match=r"exists and has no retriever\.json"):
        retriever().save(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["notes.txt"]


def test_a_failure_while_saving_leaves_what_was_there(saved, tmp_path, monkeypatch):
    folder = shutil.copytree(saved, tmp_path / "index")
    opened = load(folder)

    def fail(self, folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("airvec.search.stages.DenseStage.save", fail)
    with pytest.raises(OSError, match="No space left"):
        opened.save(folder)
    assert load(folder).search(QUERIES) == opened.search(QUERIES)
    assert [one.name for one in tmp_path.iterdir()] == ["index"]


def test_a_bm25_with_its_own_words_needs_its_function_again(tmp_path):
    made = Retriever(bm25=BM25(k1=0.9, split=lambda text: text.split("-")))
    made.index(["a-b", "c"])
    made.save(tmp_path / "index")
    opened = Retriever.load(tmp_path / "index", bm25_split=lambda text: text.split("-"))
    assert opened.search("b-x") == made.search("b-x") != []
    with pytest.raises(ArgumentError, match="split: None"):
        Retriever.load(tmp_path / "index")


def test_models_must_be_those_of_the_index(saved, tmp_path):
    with pytest.raises(ArgumentError, match=r"dense: None, expected the model that made the index: LetterModel\('abc"):
        load(saved, dense=None)
    with pytest.raises(ArgumentError, match="sparse: None"):
        load(saved, sparse=None)
    with pytest.raises(ArgumentError, match=r"dense: LetterModel\('ab'\) gives 2 dimensions, the index has 10"):
        load(saved, dense=LetterModel("ab"))
    with pytest.warns(AirvecWarning, match=r"sparse: LetterModel\('klmnopqrst'\) encodes otherwise"):
        load(saved, sparse=SparseLetterModel("klmnopqrst"))
    made = Retriever(bm25=True)
    made.index(TEXTS)
    made.save(tmp_path / "index")
    with pytest.raises(ArgumentError, match="dense: LetterModel .* the index has bm25 only"):
        load(tmp_path / "index", sparse=None)


def files_of(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_every_file_that_is_missing_or_cut_short_is_an_error_of_ours(saved, tmp_path):
    names = files_of(saved)
    assert len(names) == 5 + 5 + 5 + 5
    for name in names:
        folder = shutil.copytree(saved, tmp_path / name.replace("/", "-"))
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(ModelFolderError):
            load(folder)
        (folder / name).unlink()
        with pytest.raises(ModelNotFoundError):
            load(folder)


def test_no_folder_and_no_retriever_are_named(tmp_path):
    (tmp_path / "file").write_text("notes")
    for name, found in (("nowhere", "not there"), ("file", "a file"), (".", r"no retriever\.json in it")):
        with pytest.raises(ModelNotFoundError, match=rf"folder: '.*' is no index \({found}\), expected a folder that"):
            Retriever.load(tmp_path / name)
    (tmp_path / "retriever.json").write_text("[]")
    with pytest.raises(ModelFolderError, match=r"retriever\.json"):
        Retriever.load(tmp_path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"format_version": "2"}, "format version '2', expected '1'"),
        ({"format_version": None}, "format version"),
        ({"documents": 41}, "'documents' is 41, and the files hold .*'texts': 42"),
        ({"documents": "42"}, "documents"),
        ({"has_ids": "yes"}, "has_ids"),
        ({"fusion": 3}, "'fusion' is 3"),
        ({"stages": {}}, "'stages' has none"),
        ({"stages": {"../dense": {}}}, r"'stages' has \.\./dense"),
        ({"stages": {"bm25": {}, "sparse": {}, "dense": {"similarity": "l2"}}}, "'similarity' is 'l2'"),
    ],
)
def test_settings_that_cannot_be_are_refused(saved, tmp_path, wrong, message):
    folder = shutil.copytree(saved, tmp_path / "index")
    settings = json.loads((folder / "retriever.json").read_text())
    (folder / "retriever.json").write_text(json.dumps(settings | wrong))
    with pytest.raises(ModelFolderError, match=message):
        load(folder)
