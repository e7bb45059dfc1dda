"""Mirrors runtime/airvec/search/metrics.py: numbers worked out by hand after trec_eval's definitions."""

import math

import pytest

from airvec.search.metrics import ndcg, recall

ONE, TWO, THREE = 1.0, 1 / math.log2(3), 1 / 2  # the discounts of places 1, 2 and 3


def test_one_relevant_document_scores_the_discount_of_its_place():
    assert ndcg(["a", "b", "c"], {"b": 1}) == pytest.approx(TWO)
    assert ndcg(["a", "b", "c"], {"c": 7}) == pytest.approx(THREE)


def test_grades_are_gains_as_they_are_not_powers_of_two():
    assert ndcg(["a", "b", "c"], {"a": 1, "b": 3, "c": 2}) == pytest.approx(
        (1 * ONE + 3 * TWO + 2 * THREE) / (3 * ONE + 2 * TWO + 1 * THREE)
    )


def test_relevant_documents_that_were_not_found_are_in_the_best_order():
    assert ndcg(["a"], {"a": 1, "b": 2}) == pytest.approx(1 * ONE / (2 * ONE + 1 * TWO))


def test_both_orders_end_at_the_depth():
    judged = {f"d{place}": 1 for place in range(20)}
    assert ndcg([f"d{place}" for place in range(10)], judged) == pytest.approx(1.0)
    late = [f"x{place}" for place in range(10)] + ["a"]
    assert ndcg(late, {"a": 1}) == 0
    assert ndcg(late, {"a": 1}, depth=11) == pytest.approx(1 / math.log2(12))


def test_grades_of_zero_and_below_are_not_relevant():
    assert ndcg(["bad", "a"], {"a": 1, "bad": -2, "none": 0}) == pytest.approx(TWO)
    assert recall(["bad", "none"], {"a": 1, "bad": -2, "none": 0}) == 0


def test_recall_is_the_share_of_the_relevant_among_the_first():
    judged = {"a": 1, "b": 2, "c": 1, "d": 1}
    assert recall(["a", "x", "b", "y", "c"], judged, depth=4) == 0.5
    assert recall(["a", "x", "b", "y", "c"], judged) == 0.75
    assert recall([f"x{place}" for place in range(100)] + ["a"], {"a": 1}) == 0


def test_nothing_found_or_nothing_relevant_scores_zero():
    for score in (ndcg, recall):
        assert score([], {"a": 1}) == 0
        assert score(["a"], {}) == 0
        assert score(["a"], {"a": 0}) == 0
