"""Mirrors trainer/airvec_trainer/distillation/labelling.py, with labels that can be checked by hand."""

import numpy as np
import pytest
import torch
from datasets import Dataset

from airvec.errors import ArgumentError
from airvec_trainer import losses, mine_hard_negatives
from airvec_trainer.distillation import with_teacher_scores, with_teacher_vectors
from airvec_trainer.distillation.labelling import labelled
from tests.trainer.distillation.test_teachers import Counting
from tests.trainer.trainings import losses_of, trainer, words

TRIPLETS = {"query": ["abcd", "ab"], "positive": ["a", "ab"], "negative": ["abc", "abcde"]}


def test_the_vectors_of_the_first_column_become_the_label():
    rows = with_teacher_vectors(Dataset.from_dict(TRIPLETS), Counting())
    assert rows.column_names == ["query", "positive", "negative", "label"]
    assert rows["label"][:] == [[4, 0], [2, 0]]
    assert rows["positive"][:] == ["a", "ab"]


def test_another_column_or_all_can_be_chosen():
    rows = Dataset.from_dict(TRIPLETS)
    assert with_teacher_vectors(rows, Counting(), column="positive")["label"][:] == [[1, 0], [2, 0]]
    every = with_teacher_vectors(rows, Counting(), column=["query", "positive", "negative"])
    assert every["label"][:] == [[[4, 0], [1, 0], [3, 0]], [[2, 0], [2, 0], [5, 0]]]


def test_margins_are_the_positives_score_less_that_of_each_negative():
    rows = Dataset.from_dict(TRIPLETS)  # scores: |query| − |document|: 3, 1 and 0, −3
    assert with_teacher_scores(rows, Counting())["label"][:] == [2, 3]
    more = rows.add_column("negative_2", ["ab", "a"])  # scores 2 and 1
    assert with_teacher_scores(more, Counting())["label"][:] == [[2, 1], [3, -1]]


def test_scores_are_of_each_document():
    rows = Dataset.from_dict(TRIPLETS)
    assert with_teacher_scores(rows, Counting(), margins=False)["label"][:] == [[3, 1], [0, -3]]
    two = with_teacher_scores(rows.remove_columns("negative"), Counting(), margins=False)
    assert two["label"][:] == [3, 0]


@pytest.mark.parametrize("shape", [(6,), (6, 4), (6, 2, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_column_is_the_array_where_it_lies(tmp_path, shape, dtype):
    np.save(tmp_path / "a.npy", np.arange(np.prod(shape), dtype=dtype).reshape(shape))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    rows = labelled(Dataset.from_dict({"text": words(6)}), mapped)
    assert rows["label"][:] == mapped.tolist()
    column = rows.data.column("label").chunk(0)
    while hasattr(column, "flatten") and str(column.type).startswith("fixed_size_list"):
        column = column.flatten()
    assert column.buffers()[1].address == mapped.ctypes.data  # not copied
    shuffled = rows.shuffle(seed=1).select(range(3))
    assert [row["label"] for row in shuffled] == shuffled["label"][:]


def test_a_student_learns_from_the_rows(teacher, folder, tmp_path):
    rows = with_teacher_vectors(Dataset.from_dict({"text": words(40)}), teacher, cache_folder=tmp_path, dtype="float16")
    options = {"max_steps": 8, "per_device_train_batch_size": 40, "learning_rate": 3e-3}
    found = trainer(folder, tmp_path, data=rows, loss=losses.MSELoss(), options=options)
    with torch.no_grad():
        for weight in found.model.transformers_model.encoder.parameters():
            weight.mul_(0.7)
    found.train()
    assert losses_of(found)[-1] < 0.6 * losses_of(found)[0]


@pytest.mark.parametrize("loss", [losses.MarginMSELoss(), losses.DistillKLDivLoss()])
def test_the_losses_of_rankings_read_the_rows(reranker, folder, tmp_path, loss):
    rows = Dataset.from_dict({"query": words(8), "good": words(8, 3), "bad": words(8, 5)})
    margins = isinstance(loss, losses.MarginMSELoss)
    rows = with_teacher_scores(rows, reranker, margins=margins, cache_folder=tmp_path)
    found = trainer(folder, tmp_path, data=rows, loss=loss, options={"max_steps": 1})
    found.train()
    assert losses_of(found)[0] > 0


@pytest.mark.parametrize(("form", "names"), [("triplet", 3), ("n-tuple", 4)])
def test_mined_rows_are_scored_as_they_come(teacher, reranker, form, names):
    pairs = Dataset.from_dict({"query": ["word1 word2", "word3"], "answer": ["word1", "word3 word4"]})
    mined = mine_hard_negatives(
        pairs, teacher, corpus=words(12), num_negatives=2, output_format=form, verbose=False, show_progress_bar=False
    )
    rows = with_teacher_scores(mined, reranker)
    assert len(mined.column_names) == names
    query, positive, *negatives = mined.column_names
    first = mined[0]
    scores = reranker.predict(
        [(first[query], first[name]) for name in (positive, *negatives)], activation_fn="Identity"
    )
    assert np.allclose(rows[0]["label"], scores[0] - scores[1:], atol=1e-5)


@pytest.mark.parametrize("name", ["label", "score"])
def test_labels_that_are_there_are_not_replaced(name):
    with pytest.raises(ArgumentError, match=f"a column '{name}', expected none"):
        with_teacher_vectors(Dataset.from_dict({"text": ["a"], name: [1.0]}), Counting())


def test_columns_that_cannot_be_are_refused():
    rows = Dataset.from_dict(TRIPLETS)
    for column in ("text", ["query"], []):
        with pytest.raises(ArgumentError, match="expected one of query, positive, negative"):
            with_teacher_vectors(rows, Counting(), column=column)
    with pytest.raises(ArgumentError, match=r"columns \['query', 'positive'\], expected 3 or more"):
        with_teacher_scores(rows.remove_columns("negative"), Counting())
    with pytest.raises(ArgumentError, match="1 rows, expected 2"):
        labelled(rows, np.zeros((1, 2)))


def test_a_teacher_of_classes_scores_no_rankings():
    class Classes(Counting):
        def predict(self, pairs, **_):
            return np.zeros((len(pairs), 3), np.float32)

    with pytest.raises(ArgumentError, match="3 scores for a pair"):
        with_teacher_scores(Dataset.from_dict(TRIPLETS), Classes())
