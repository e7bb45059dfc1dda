"""The cut and the draws of benchmarks/few_shot.py: the same in every run, by label, and never of the test."""

import pytest

pytest.importorskip("sklearn", reason="scikit-learn comes with airvec[train]")

from few_shot import Labelled, Remembered, cut, drawn, read_labelled, score, summary

from airvec import SentenceTransformer

LABELS = ["x", "y"] * 20 + ["z"] * 10


def test_a_fifth_of_each_label_is_the_test():
    pool, test = cut(LABELS)
    assert sorted(pool + test) == list(range(50))
    assert sorted(LABELS[place] for place in test) == ["x"] * 4 + ["y"] * 4 + ["z"] * 2
    assert (pool, test) == cut(LABELS)
    assert test != cut(LABELS, seed=1)[1]


def test_examples_are_drawn_by_label_and_seed():
    found = drawn(LABELS, 3, seed=0)
    assert [LABELS[place] for place in found] == ["x"] * 3 + ["y"] * 3 + ["z"] * 3
    assert len(set(found)) == 9
    assert found == drawn(LABELS, 3, seed=0) != drawn(LABELS, 3, seed=1)


def test_rows_are_read(tmp_path):
    (tmp_path / "train.tsv").write_text("label\ttext\ncard_arrival\tWhere is my card?\n")
    assert read_labelled(tmp_path / "train.tsv") == Labelled(["Where is my card?"], ["card_arrival"])


@pytest.mark.parametrize("head", ["LogisticRegression", "KNN, 5, cosine"])
def test_a_score_is_the_share_of_right_labels(head):
    examples = Labelled(["a cat", "a kitten", "my cat", "rain", "wet weather", "a storm"], ["pet"] * 3 + ["sky"] * 3)
    test = Labelled(["two cats", "it is raining", "a kitten"], ["pet", "sky", "sky"])
    model = Remembered(SentenceTransformer(), [*examples.texts, *test.texts])
    accuracy, alike, seconds = score(model, head, examples, test)
    assert (round(accuracy, 2), alike) == (66.67, 100)
    assert seconds > 0


def test_a_line_has_the_mean_and_the_deviation():
    found = summary("frozen", 8, "MLP", [(70.0, 100.0, 1.0), (74.0, 100.0, 3.0)], 5.0)
    assert (found["accuracy"], found["as scikit-learn, %"], found["seconds"]) == ("72.00 ± 2.83", 100.0, 7.0)
