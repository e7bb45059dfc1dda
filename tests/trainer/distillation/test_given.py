"""Mirrors trainer/airvec_trainer/distillation/given.py: what cannot be is told before a teacher is asked."""

import numpy as np
import pytest
from datasets import Dataset

import airvec
from airvec.errors import ArgumentError
from airvec_trainer.distillation import (
    distil_dense,
    teacher_scores,
    teacher_vectors,
    with_fewer_layers,
    with_projection,
    with_teacher_scores,
    with_teacher_vectors,
)
from airvec_trainer.distillation.given import given_texts
from tests.trainer.distillation.test_teachers import Counting
from tests.trainer.static_models import static_model
from tests.trainer.trainings import arguments


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ("abc", "texts: str 'abc', expected a list of texts. Put them into a list."),
        (("a", None), "texts, row 1: None, expected a text. Leave the row out."),
        ([1, 2], "texts, row 0: int 1, expected a text"),
        ([["a"], ["b"]], r"texts, row 0: list \['a'\], expected a text"),
        ({"a": 1}, "texts: dict {'a': 1}, expected a list of texts"),
        ({"a"}, "texts: set {'a'}, expected a list of texts"),
        (7, "texts: int 7, expected a list of texts"),
        (None, "texts: None, expected a list of texts"),
        (b"ab", "texts: bytes b'ab', expected a list of texts"),
    ],
)
def test_what_are_no_texts_is_told_with_its_row(texts, told, tmp_path):
    teacher = Counting()
    with pytest.raises(ArgumentError, match=f"^{told}"):
        teacher_vectors(teacher, texts)
    with pytest.raises(ArgumentError, match=f"^{told}"):
        distil_dense(teacher, static_model(), texts, arguments(tmp_path))
    assert teacher.asked == []


@pytest.mark.parametrize("make", [list, tuple, iter, np.array, lambda texts: Dataset.from_dict({"a": texts})["a"]])
def test_texts_may_come_in_any_list_column_or_iterator(make):
    assert teacher_vectors(Counting(), make(["abc", "a", "abc"])).tolist() == [[3, 0], [1, 0], [3, 0]]


def test_a_sequence_is_not_copied():
    column = Dataset.from_dict({"a": ["b"]})["a"]
    assert given_texts("texts", column) is column


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ("ab", "pairs: str 'ab', expected a list of pairs of texts"),
        (["ab"], "pairs, row 0: str 'ab', expected two texts"),
        ([("a", "b"), ("a", None)], r"pairs, row 1: tuple \('a', None\), expected two texts"),
        ([("a", "b", "c")], "pairs, row 0: tuple .*, expected two texts"),
        ([1], "pairs, row 0: int 1, expected two texts"),
        ({"a": "b"}, "pairs: dict .*, expected a list of pairs of texts"),
    ],
)
def test_what_are_no_pairs_is_told_with_its_row(pairs, told):
    teacher = Counting()
    with pytest.raises(ArgumentError, match=told):
        teacher_scores(teacher, pairs)
    assert teacher.asked == []


def test_pairs_may_come_from_an_iterator():
    assert teacher_scores(Counting(), zip(["abc"], ["a"], strict=True)).tolist() == [2]


def test_another_kind_of_teacher_is_told(teacher, reranker):
    rows = Dataset.from_dict({"a": ["x"], "b": ["y"], "c": ["z"]})
    dense = "teacher: SentenceTransformer, which has no predict for texts, expected a reranker"
    with pytest.raises(ArgumentError, match=dense):
        with_teacher_scores(rows, teacher)
    with pytest.raises(ArgumentError, match=dense):
        teacher_scores(teacher, [("a", "b")])
    with pytest.raises(ArgumentError, match="teacher: CrossEncoder, which has no encode for texts, expected a dense"):
        teacher_vectors(reranker, ["a"])
    with pytest.raises(ArgumentError, match="teacher: str 'all-MiniLM-L6-v2', which has no encode"):
        teacher_vectors("all-MiniLM-L6-v2", ["a"])


@pytest.mark.parametrize("rows", [["a"], {"text": ["a"]}, "a", Dataset.from_dict({"a": ["b"]}).to_iterable_dataset()])
def test_rows_that_are_no_data_set_are_told(rows):
    for labelling in (with_teacher_vectors, with_teacher_scores):
        with pytest.raises(ArgumentError, match="dataset: .*, expected a datasets.Dataset"):
            labelling(rows, Counting())


def test_a_gap_in_a_data_set_is_told():
    with pytest.raises(ArgumentError, match="texts, row 1: None"):
        with_teacher_vectors(Dataset.from_dict({"a": ["b", None]}), Counting())


def test_what_has_no_weights_cannot_be_a_student(tmp_path):
    static_model().save_pretrained(tmp_path / "static")
    opened = airvec.SentenceTransformer(str(tmp_path / "static"))
    told = "airvec.SentenceTransformer, expected a .* of airvec_trainer, in torch. Open the checkpoint with"
    with pytest.raises(ArgumentError, match=f"model: {told} airvec_trainer.SentenceTransformer."):
        with_fewer_layers(opened, keep=3)
    with pytest.raises(ArgumentError, match=f"model: {told}"):
        with_projection(opened, np.eye(2, dtype=np.float32))
    with pytest.raises(ArgumentError, match=f"student: {told}"):
        distil_dense(Counting(), opened, ["a"], arguments(tmp_path))
    with pytest.raises(ArgumentError, match="model: str, expected a model of airvec_trainer"):
        with_fewer_layers("all-MiniLM-L6-v2", keep=3)


def test_settings_that_are_no_table_are_told(teacher):
    with pytest.raises(ArgumentError, match=r"encode_kwargs: 'query', expected a dict"):
        teacher_vectors(teacher, ["a"], encode_kwargs="query")
    with pytest.raises(ArgumentError, match="cache_folder: 3, expected a path"):
        teacher_vectors(teacher, ["a"], cache_folder=3)
