"""Correlations, by hand."""

import math

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.metrics import average_ranks, pearson, spearman


def test_pearson_by_hand():
    # deviations (-1.5, -0.5, 0.5, 1.5) and (-1.5, 0.5, -0.5, 1.5): 4 / 5
    assert pearson([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(0.8, abs=1e-14)
    assert pearson([1, 2, 3], [-2, -4, -6]) == pytest.approx(-1, abs=1e-14)


def test_spearman_looks_at_order_alone():
    assert spearman([1, 2, 3, 4], [1, 10, 100, 1000]) == pytest.approx(1, abs=1e-14)
    assert spearman([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1, abs=1e-14)


def test_equal_numbers_share_the_mean_of_their_ranks():
    assert average_ranks([5, 1, 5, 5, 0]).tolist() == [4, 2, 4, 4, 1]
    # ranks 1.5, 1.5, 3 and 1, 2, 3: (1 * 1) + (-.5 * -1) ... = 1.5 / sqrt(1.5 * 2)
    assert spearman([0, 0, 1], [1, 2, 3]) == pytest.approx(1.5 / math.sqrt(3.0), abs=1e-14)


def test_neither_scale_nor_offset_moves_them_even_at_the_ends_of_float64():
    x = np.array([1.0, 2.0, 4.0, 8.0])
    y = np.array([1.0, 3.0, 2.0, 9.0])
    for factor in (1e-300, 1e300):
        assert pearson(x * factor, y) == pytest.approx(pearson(x, y), abs=1e-12)


def test_a_constant_or_a_nan_has_no_correlation():
    assert math.isnan(pearson([1, 1, 1], [1, 2, 3]))
    assert math.isnan(spearman([1, 2, 3], [2, 2, 2]))
    assert math.isnan(spearman([1, float("nan"), 3], [1, 2, 3]))
    assert math.isnan(pearson([1, float("nan"), 3], [1, 2, 3]))


@pytest.mark.parametrize(("x", "y"), [([1, 2], [1, 2, 3]), ([1], [1]), ([], []), ([[1, 2]], [[1, 2]])])
def test_arrays_that_cannot_correlate_are_refused_by_shape(x, y):
    with pytest.raises(ArgumentError, match=r"shapes \["):
        pearson(x, y)
