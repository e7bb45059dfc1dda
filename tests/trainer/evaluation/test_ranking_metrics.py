"""Scores of rankings, by hand."""

from math import log2

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.evaluation import ranking_metrics as metrics

RELEVANT = {"a": 1, "b": 1, "c": 1}
RANKING = ["x", "a", "y", "b"]


def test_metrics_of_ids_by_hand():
    assert [metrics.accuracy(RANKING, RELEVANT, depth) for depth in (1, 2, 9)] == [0, 1, 1]
    assert [metrics.precision(RANKING, RELEVANT, depth) for depth in (1, 2, 4, 8)] == [0, 1 / 2, 1 / 2, 1 / 4]
    assert [metrics.recall(RANKING, RELEVANT, depth) for depth in (1, 2, 4)] == [0, 1 / 3, 2 / 3]
    assert [metrics.reciprocal_rank(RANKING, RELEVANT, depth) for depth in (1, 2)] == [0, 1 / 2]
    assert metrics.average_precision(RANKING, RELEVANT, 4) == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert metrics.average_precision(RANKING, RELEVANT, 2) == pytest.approx((1 / 2) / 2)
    best = 1 + 1 / log2(3) + 1 / log2(4)
    assert metrics.ndcg(RANKING, RELEVANT, 4) == pytest.approx((1 / log2(3) + 1 / log2(5)) / best)
    assert metrics.average_precision(RANKING, {}, 4) == 0


def test_equal_scores_share_their_gains():
    # The groups are {0.9: 0}, {0.5: 1, 0, 1}, {0.1: 0}: each of the middle three has a gain of 2/3.
    labels, scores = [0, 1, 0, 1, 0], [0.9, 0.5, 0.5, 0.5, 0.1]
    gained = 2 / 3 * (1 / log2(3) + 1 / log2(4) + 1 / log2(5))
    assert metrics.ndcg_of_scores(labels, scores, 10) == pytest.approx(gained / (1 + 1 / log2(3)))
    assert metrics.ndcg_of_scores(labels, scores, 2) == pytest.approx(2 / 3 / log2(3) / (1 + 1 / log2(3)))
    assert metrics.ndcg_of_scores([0, 0], [1, 2], 10) == 0


def test_the_reciprocal_rank_follows_the_order_given():
    assert metrics.reciprocal_rank_of_order([0, 1, 1], [0, 2, 1], 10) == 1 / 2
    assert metrics.reciprocal_rank_of_order([0, 1, 1], [0, 2, 1], 1) == 0
    assert metrics.reciprocal_rank_of_order([], [], 1) == 0


def test_three_scores_of_documents_by_hand():
    found = metrics.scores_of_documents([1, 0, 1], [0.2, 0.9, 0.1], [1, 0, 2], 10)
    best = 1 + 1 / log2(3)
    assert found == pytest.approx((1 / 2, (1 / log2(3) + 1 / log2(4)) / best, (1 / 2 + 2 / 3) / 2))


def test_positives_that_a_list_does_not_hold_stand_behind_it():
    reciprocal, gain, precision = metrics.list_scores([0, 1], 2, 10)
    assert (reciprocal, precision) == (1 / 2, (1 / 2 + 2 / 3) / 2)
    assert gain == pytest.approx((1 / log2(3) + 1 / log2(4)) / (1 + 1 / log2(3)))
    assert metrics.list_scores([], 2, 10) == (0, 0, 0)
    assert metrics.list_scores([1, 1], 1, 10) == (1, 1, 1)  # a document that comes twice


@pytest.mark.parametrize("scores", [[0.1], [0.1, float("nan")], [[0.1, 0.2]]])
def test_scores_that_are_none_are_refused(scores):
    with pytest.raises(ArgumentError, match="for 2 documents, expected one finite number"):
        metrics.ndcg_of_scores([1, 0], scores, 10)
