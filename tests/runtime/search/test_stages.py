"""Mirrors runtime/airvec/search/stages.py."""

import warnings

import numpy as np
import pytest

from airvec.errors import AirvecWarning, ArgumentError, ModelFolderError
from airvec.json_file import JsonObject
from airvec.search.stages import DenseStage, check_same_model, probe_of
from tests.runtime.search.fakes import LetterModel, SparseLetterModel

TEXTS = ["a", "aaab", "b"]


def build(model, precision="float32"):
    return DenseStage.build(model, TEXTS, precision, False, None)


def settings(stage):
    return JsonObject("x/retriever.json", stage.settings())


def test_documents_are_compared_as_the_model_says():
    cosine = build(LetterModel()).search(["a"], 3, 4)
    assert cosine.rows.tolist() == [[0, 1, 2]]
    assert cosine.scores[0] == pytest.approx([1, 3 / np.sqrt(10), 0])
    dot = build(LetterModel(similarity_fn_name="dot")).search(["a"], 3, 4)
    assert dot.rows.tolist() == [[1, 0, 2]]
    assert dot.scores[0] == pytest.approx([6, 2, 0])


def test_another_similarity_is_refused():
    with pytest.raises(ArgumentError, match="compares by 'euclidean', expected one of cosine, dot"):
        build(LetterModel(similarity_fn_name="euclidean"))


def test_a_model_without_a_similarity_is_compared_by_cosine():
    model = LetterModel()
    del model.similarity_fn_name
    assert build(model).similarity == "cosine"


def test_a_stage_saved_and_opened_keeps_its_similarity(tmp_path):
    stage = build(LetterModel(similarity_fn_name="dot"))
    stage.save(tmp_path)
    opened = DenseStage.load(tmp_path, settings(stage), LetterModel())  # cosine, but the index was made for dot
    assert opened.search(["a"], 3, 4).rows.tolist() == [[1, 0, 2]]
    assert len(opened) == 3
    assert opened.nbytes == stage.nbytes == 3 * 10 * 4


def test_the_probe_is_one_row_of_numbers_whatever_the_kind_of_vectors():
    dense, sparse = probe_of("dense", LetterModel()), probe_of("sparse", SparseLetterModel())
    assert dense.shape == (10,)
    assert dense.dtype == np.float32
    assert dense.any()
    assert (dense == sparse).all()


def test_a_model_of_another_width_is_refused():
    with pytest.raises(
        ArgumentError, match=r"dense: LetterModel\('ab'\) gives 2 dimensions, the index has 10.*: made\.$"
    ):
        check_same_model("dense", LetterModel("ab"), probe_of("dense", LetterModel()), "made")


def test_a_model_that_encodes_otherwise_is_told():
    with pytest.warns(AirvecWarning, match=r"LetterModel\('klmnopqrst'\) encodes otherwise than made"):
        check_same_model("dense", LetterModel("klmnopqrst"), probe_of("dense", LetterModel()), "made")


def test_the_same_model_and_one_that_is_a_little_off_are_not():
    expected = probe_of("dense", LetterModel())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_same_model("dense", LetterModel(), expected, "made")
        check_same_model("dense", LetterModel(), expected * np.float32(1.2), "made")
        check_same_model("dense", LetterModel("0123456789"), np.zeros(10, np.float32), "made")


@pytest.mark.parametrize(
    ("rows", "shape"),
    [(np.ones((2, 3)), r"\[2, 3\]"), (np.ones((0, 3)), r"\[0, 3\]"), ([[1.0, 2.0], [1.0, 1.0]], r"\[2, 2\]")],
)
def test_a_model_that_gives_not_one_row_a_text_is_named(rows, shape):
    model = LetterModel()
    model.encode_document = lambda texts, show_progress_bar=None: rows
    with pytest.raises(ArgumentError, match=rf"dense: LetterModel\('abcdefghij'\) gives shape {shape} for one text"):
        probe_of("dense", model)


def test_a_similarity_that_cannot_be_is_refused(tmp_path):
    build(LetterModel()).save(tmp_path)
    with pytest.raises(ModelFolderError, match=r"x/retriever\.json: 'similarity' is 'cosinus'"):
        DenseStage.load(tmp_path, JsonObject("x/retriever.json", {"similarity": "cosinus"}), LetterModel())
