"""Measures of agreement, on arrays: Pearson's and Spearman's correlation.

Knows nothing of models, texts and files.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from airvec.errors import ArgumentError

__all__ = ["average_ranks", "pearson", "spearman"]

Floats = npt.NDArray[np.float64]


def pearson(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Pearson's correlation of two lists of numbers, each (n,): -1 to 1; nan where one of them is constant.

    >>> round(pearson([1, 2, 3, 4], [1, 3, 2, 4]), 12)  # cov 4, variances 5 and 5
    0.8
    >>> pearson([1, 2, 3], [5, 5, 5])
    nan

    Raises:
        ArgumentError: lists of different lengths, or of fewer than two numbers.
    """
    x, y = _pair(first, second)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    x, y = _unit(x), _unit(y)
    return float(np.clip(x @ y, -1.0, 1.0))


def spearman(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Spearman's correlation of two lists of numbers, each (n,): Pearson's of their ranks; equal numbers share a rank.

    >>> round(spearman([1, 2, 3, 4], [10, 30, 20, 1000]), 12)
    0.8
    >>> round(spearman([1, 2, 2, 3], [1, 2, 3, 4]), 12)  # ranks 1, 2.5, 2.5, 4: 4.5 / sqrt(4.5 x 5)
    0.948683298051

    Raises:
        ArgumentError: lists of different lengths, or of fewer than two numbers.
    """
    x, y = _pair(first, second)
    if np.isnan(x).any() or np.isnan(y).any():
        return float("nan")
    return pearson(average_ranks(x), average_ranks(y))


def average_ranks(values: npt.ArrayLike) -> Floats:
    """Ranks from 1 of numbers (n,) in ascending order: float64 (n,); equal numbers get the mean of their ranks.

    >>> average_ranks([30, 10, 30, 20]).tolist()
    [3.5, 1.0, 3.5, 2.0]
    """
    _, group, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2)[group]


def _unit(values: Floats) -> Floats:
    centred = values - values.mean()
    largest = np.abs(centred).max()  # first to a range in which squares neither overflow nor vanish
    centred = centred / largest
    return centred / np.linalg.norm(centred)


def _pair(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Floats, Floats]:
    x, y = _numbers(first), _numbers(second)
    if x.shape != y.shape or x.ndim != 1 or len(x) < 2:
        raise ArgumentError(
            f"correlation: arrays of shapes {list(x.shape)} and {list(y.shape)}, expected two of one length, with two "
            "numbers at least. Give one score for each pair."
        )
    return x, y


def _numbers(values: Any) -> Floats:
    return np.asarray(values, dtype=np.float64)
