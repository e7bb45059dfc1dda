"""Mirrors exporter/airvec_exporter/verify/metrics.py."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from airvec_exporter.verify import metrics

# On a circle, by degrees: each one's neighbours can be told by eye.
CIRCLE = np.radians([0, 10, 25, 60, 130])
POINTS = np.stack([np.cos(CIRCLE), np.sin(CIRCLE)], axis=1).astype(np.float32)


def test_rows_get_length_1_and_zero_rows_stay():
    assert np.allclose(metrics.unit(np.array([[3, 4], [0, 0]], np.float32)), [[0.6, 0.8], [0, 0]])


def test_cosines_of_rows_and_of_zeros():
    found = np.array([[1, 0], [1, 1], [0, 0], [0, 0]], np.float32)
    wanted = np.array([[2, 0], [0, 3], [0, 0], [1, 0]], np.float32)
    assert metrics.cosines(found, wanted) == pytest.approx([1, 0.5**0.5, 1, 0])


def test_no_cosine_and_no_mean_of_them_is_above_1():
    rows = np.random.default_rng(3).normal(size=(200, 384)).astype(np.float32)
    cosines = metrics.cosines(rows, rows * np.float32(1.7))
    assert cosines.max() <= 1
    assert 1 - 1e-14 <= cosines.mean() <= 1


def test_equal_values_share_the_mean_of_their_ranks():
    assert metrics.average_ranks(np.array([5, 2, 5, 9])).tolist() == [2.5, 1, 2.5, 4]


def test_spearman_is_what_a_hand_gets_and_what_scipy_gets():
    assert metrics.spearman(np.array([1, 2, 2, 3]), np.array([1, 2, 3, 4])) == pytest.approx(0.9486833)
    assert metrics.spearman(np.arange(5), -(np.arange(5) ** 3)) == pytest.approx(-1)
    left, right = np.random.default_rng(1).integers(0, 9, (2, 40))
    assert metrics.spearman(left, right) == pytest.approx(spearmanr(left, right).statistic)


@pytest.mark.parametrize("values", [[], [1], [2, 2, 2]])
def test_what_has_no_order_has_no_rank_correlation(values: list[int]):
    assert metrics.spearman(np.array(values), np.arange(len(values))) is None


def test_each_pair_is_counted_once():
    assert metrics.above_diagonal(np.arange(9).reshape(3, 3)).tolist() == [1, 2, 5]


def test_neighbours_are_the_others_best_first():
    near = metrics.neighbours(metrics.similarities(POINTS), 2)
    assert near.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1], [3, 2]]


def test_there_are_no_more_neighbours_than_others():
    assert metrics.neighbours(metrics.similarities(POINTS)).shape == (5, 4)


def test_equal_neighbours_keep_the_order_of_the_rows():
    same = np.ones((3, 2), np.float32)
    assert metrics.neighbours(metrics.similarities(same)).tolist() == [[1, 2], [0, 2], [0, 1]]


def test_overlap_counts_members_and_equality_their_order():
    wanted = np.array([[1, 2, 3], [4, 5, 6]])
    found = np.array([[3, 1, 9], [4, 5, 6]])
    assert metrics.overlap(found, wanted) == pytest.approx((2 / 3 + 1) / 2)
    assert metrics.equal_rows(found, wanted) == 0.5
    assert metrics.overlap(wanted[:, ::-1], wanted) == 1
    assert metrics.equal_rows(wanted[:, ::-1], wanted) == 0


def test_shuffled_vectors_lose_their_neighbours():
    vectors = metrics.unit(np.random.default_rng(2).normal(size=(60, 8)))
    near = [metrics.neighbours(metrics.similarities(one)) for one in (vectors, vectors[::-1])]
    assert metrics.overlap(near[0], near[0]) == 1
    assert metrics.overlap(near[1], near[0]) < 0.4


def test_the_heaviest_words_are_as_many_as_there_are_of_weight():
    wanted = np.array([[0, 3, 2, 1], [0, 0, 0, 5], [0, 0, 0, 0]], np.float32)
    found = np.array([[4, 3, 2, 0], [0, 0, 0, 1], [1, 0, 0, 0]], np.float32)
    assert metrics.top_words(found, wanted, depth=2) == pytest.approx((1 / 2 + 1) / 2)
    assert metrics.top_words(wanted, wanted) == 1
    assert metrics.top_words(wanted[2:], wanted[2:]) == 1
