"""Thresholds, average precision, Matthews' correlation and F1, on numbers that can be counted by hand."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.classification_metrics import (
    BestF1,
    accuracy_threshold,
    average_precision,
    best_f1,
    matthews,
    outcomes,
)


def test_equal_scores_are_not_parted():
    found = outcomes([3, 1, 3, 1], [1, 0, 0, 1])
    assert found.values.tolist() == [3, 1]
    assert found.correct.tolist() == [1, 2]
    assert found.taken.tolist() == [2, 4]
    assert average_precision(found) == 0.5


def test_constant_scores_say_1_to_all_or_to_none():
    assert accuracy_threshold([2.0] * 4, [1, 0, 0, 0]) == (0.75, np.nextafter(2.0, 3))
    assert accuracy_threshold([2.0] * 4, [1, 1, 1, 0]) == (0.75, 2.0)
    assert best_f1(outcomes([2.0] * 4, [1, 1, 0, 0])) == BestF1(f1=2 / 3, precision=0.5, recall=1.0, threshold=2.0)


def test_with_one_class_alone_nothing_is_divided_by_0():
    none = outcomes([0.1, 0.2], [0, 0])
    assert (average_precision(none), best_f1(none)) == (0.0, BestF1(0.0, 0.0, 0.0, 0.0))
    assert accuracy_threshold([0.1, 0.2], [0, 0]) == (1.0, np.nextafter(0.2, 1))
    assert average_precision(outcomes([0.1, 0.2], [1, 1])) == 1.0
    assert matthews([1, 1], [1, 1]) == matthews([1, 0], [1, 1]) == matthews([0, 0], [0, 1]) == 0.0


def test_positives_without_a_score_lower_recall():
    found = outcomes([3, 2], [1, 0], positives=4)
    assert found.recall.tolist() == [0.25, 0.25]
    assert average_precision(found) == 0.25


def test_a_threshold_between_neighbouring_floats_still_parts_them():
    low = np.float32(1)
    high = np.nextafter(low, np.float32(2))
    found = outcomes(np.array([low, high]), [0, 1])
    assert found.thresholds[0] == high
    assert accuracy_threshold(np.array([low, high]), [0, 1]) == (1.0, high)


def test_no_scores_have_no_average_precision():
    assert average_precision(outcomes([], [])) == 0.0
    with pytest.raises(ArgumentError, match="0 of them, expected one at least"):
        accuracy_threshold([], [])


def test_matthews_correlation_is_1_and_minus_1_at_the_ends():
    assert matthews([1, 0, 1], [1, 0, 1]) == 1.0
    assert matthews([1, 0, 1], [0, 1, 0]) == -1.0


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([1.0, np.nan], [0, 1], "row 1 is nan"),
        ([1.0, np.inf], [0, 1], "row 1 is inf"),
        ([1.0, 2.0], [0, 2], "row 1 is .*2.*, expected 0 or 1"),
        ([1.0, 2.0], [0], r"shape \[2\], and labels of \[1\]"),
        ([[1.0], [2.0]], [[0], [1]], r"shape \[2, 1\]"),
    ],
)
def test_what_cannot_be_counted_is_refused(scores, labels, message):
    with pytest.raises(ArgumentError, match=message):
        outcomes(scores, labels)
