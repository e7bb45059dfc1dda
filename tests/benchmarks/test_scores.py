import numpy as np
import pytest
from measure.scores import average_ranks, ndcg, spearman, top

ONE, TWO, THREE = 1.0, 1 / np.log2(3), 1 / 2  # the discounts of ranks 1, 2 and 3


def test_equal_values_share_the_mean_of_their_ranks():
    assert average_ranks(np.array([10.0, 20.0, 10.0, 5.0])).tolist() == [2.5, 4.0, 2.5, 1.0]


def test_spearman_of_the_same_order_is_one_whatever_the_distances():
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([-5.0, 0.0, 1000.0])) == pytest.approx(1.0)


def test_spearman_without_ties_is_one_minus_six_d_squared_over_n():
    # Ranks 1 2 3 4 against 2 1 4 3: sum of d^2 = 4, so 1 - 6 * 4 / (4 * 15) = 0.6.
    assert spearman(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 1.0, 4.0, 3.0])) == pytest.approx(0.6)


def test_spearman_with_ties_is_the_correlation_of_average_ranks():
    # Ranks 1.5 1.5 3 against 1 2 3: covariance 1.5, variances 1.5 and 2.
    assert spearman(np.array([0.0, 0.0, 1.0]), np.array([1.0, 2.0, 3.0])) == pytest.approx(1.5 / np.sqrt(3))


def test_ndcg_of_one_relevant_document_is_its_discount():
    assert ndcg(["a", "b", "c"], {"b": 1}) == pytest.approx(TWO)


def test_ndcg_is_relative_to_the_best_possible_order():
    assert ndcg(["a", "x", "b"], {"a": 1, "b": 1}) == pytest.approx((ONE + THREE) / (ONE + TWO))


def test_ndcg_counts_grades_as_they_are():
    assert ndcg(["a", "b"], {"a": 1, "b": 2}) == pytest.approx((1 * ONE + 2 * TWO) / (2 * ONE + 1 * TWO))


def test_ndcg_counts_relevant_documents_that_were_not_found():
    assert ndcg(["a"], {"a": 1, "b": 1, "c": 1}) == pytest.approx(ONE / (ONE + TWO + THREE))


def test_ndcg_ends_at_its_depth():
    ranked = [f"x{rank}" for rank in range(10)] + ["a"]
    assert ndcg(ranked, {"a": 1}) == 0.0
    assert ndcg(ranked, {"a": 1}, depth=11) == pytest.approx(1 / np.log2(12))


def test_the_best_order_ends_at_the_depth_too():
    relevant = {f"d{rank}": 1 for rank in range(20)}
    assert ndcg([f"d{rank}" for rank in range(10)], relevant) == pytest.approx(1.0)


def test_a_query_without_relevant_documents_scores_zero():
    assert ndcg(["a"], {}) == 0.0


def test_top_puts_the_highest_first_and_keeps_the_order_of_equals():
    assert top(np.array([[0.1, 0.9, 0.5, 0.9]]), depth=3).tolist() == [[1, 3, 2]]
