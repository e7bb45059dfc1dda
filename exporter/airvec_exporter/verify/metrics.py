"""How alike two sets of answers are: cosines, rank correlation, neighbours.

Knows nothing of models and texts.
"""

import numpy as np

from airvec.arrays import Floats, Integers


def unit(vectors: Floats) -> Floats:
    """Rows of length 1; zero rows stay: (n, d) -> (n, d)."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def cosines(found: Floats, wanted: Floats) -> Floats:
    """Cosine of each pair of rows, float64, at most 1: (n, d) each -> (n,); 1 where both rows are zeros."""
    left, right = found.astype(np.float64), wanted.astype(np.float64)  # in float32 the mean of equal rows is 1.00000005
    products = np.minimum((unit(left) * unit(right)).sum(axis=1), 1.0)
    return np.where(found.any(axis=1) | wanted.any(axis=1), products, 1.0)


def average_ranks(values: Floats) -> Floats:
    """Rank of each value from 1, float64: (n,) -> (n,); equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def spearman(left: Floats, right: Floats) -> float | None:
    """Spearman's rank correlation of two series (n,), from -1 to 1; None where one of them has no order.

    >>> spearman(np.array([1.0, 2, 3]), np.array([10.0, 30, 20]))
    0.5
    """
    ranks = average_ranks(left), average_ranks(right)
    if len(left) < 2 or any(np.ptp(one) == 0 for one in ranks):
        return None
    centred = [one - one.mean() for one in ranks]
    return float(centred[0] @ centred[1] / np.sqrt((centred[0] @ centred[0]) * (centred[1] @ centred[1])))


def similarities(vectors: Floats) -> Floats:
    """Dot products of all rows, float64: (n, d) -> (n, n). In float32 rounding would swap neighbours."""
    wide = vectors.astype(np.float64)
    return wide @ wide.T


def above_diagonal(square: Floats) -> Floats:
    """Each pair of rows once: (n, n) -> (n × (n - 1) / 2,)."""
    return square[np.triu_indices(len(square), 1)]


def neighbours(square: Floats, depth: int = 10) -> Integers:
    """For each row as a query, the other rows most like it, best first; equal ones by row: (n, n) -> (n, depth).

    With fewer than depth + 1 rows, all the others.
    """
    others = square.astype(np.float64)
    np.fill_diagonal(others, -np.inf)
    return np.argsort(-others, axis=1, kind="stable")[:, : min(depth, len(square) - 1)]


def overlap(found: Integers, wanted: Integers) -> float:
    """Mean share of each row of `wanted` that is in the same row of `found`, in any order: (n, k) each -> 0 … 1."""
    return float((wanted[:, :, None] == found[:, None, :]).any(axis=2).mean())


def equal_rows(found: Integers, wanted: Integers) -> float:
    """Share of rows that are the same, order included: (n, k) each -> 0 … 1."""
    return float((found == wanted).all(axis=1).mean())


def top_words(found: Floats, wanted: Floats, depth: int = 10) -> float:
    """Mean share of each text's `depth` heaviest words that stay its heaviest: (n, words) each -> 0 … 1.

    Texts with fewer words of weight in `wanted` count with those; texts without any are left out; 1 where all are.
    """
    shares: list[float] = []
    for mine, theirs in zip(found, wanted, strict=True):
        count = min(depth, np.count_nonzero(theirs))
        if count:
            best = [set(np.argsort(-row, kind="stable")[:count].tolist()) for row in (mine, theirs)]
            shares.append(len(best[0] & best[1]) / count)
    return float(np.mean(shares)) if shares else 1.0
