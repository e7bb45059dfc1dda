"""Several rankings of the same corpus → one: by the places of the rows, or by their scores and a weight a ranking.

Knows nothing of where the rankings come from.
"""

from collections.abc import Sequence

import numpy as np

from airvec.arrays import Array, Integers
from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec.search.ranking import NOTHING, Ranking, ranked, stacked

RRF_K = 60  # the constant of the paper; it found little difference between 20 and 100


def reciprocal_rank_fusion(rankings: Sequence[Ranking], top_k: int = 10, k: int = RRF_K) -> Ranking:
    """Fuse by place: a row scores the sum of 1 / (k + place) over the rankings that hold it, places counted from 1.

    Scores of the rankings are not looked at, so they need no common scale.

    Args:
        rankings: one or more, of the same n queries.
        top_k: results a query.
        k: how little the first places count more than the next.

    Raises:
        ArgumentError: no ranking, rankings of different numbers of queries, or a number below 1.

    Source: Cormack, Clarke and Büttcher, Reciprocal Rank Fusion, SIGIR 2009.
    """
    whole_number("k", k)
    shares = [_shares_of_places(one.rows, k) for one in rankings]
    return _summed(rankings, shares, top_k)


def weighted_fusion(rankings: Sequence[Ranking], weights: Sequence[float], top_k: int = 10) -> Ranking:
    """Fuse by score: a row scores the sum of weight × its score, each ranking's scores scaled to 0 … 1 a query.

    The best row of a ranking has 1, its last 0, and a row that it does not hold 0 as well; where all scores of a query
    are equal they are all 1.

    Args:
        rankings: one or more, of the same n queries.
        weights: one a ranking, at least 0.
        top_k: results a query.

    Raises:
        ArgumentError: no ranking, rankings of different numbers of queries, weights that do not fit them.
    """
    if len(weights) != len(rankings):
        raise ArgumentError(f"weights: {len(weights)} for {len(rankings)} rankings, expected one each. Correct them.")
    check_weights(weights)
    shares = [weight * _scaled(one) for weight, one in zip(weights, rankings, strict=True)]
    return _summed(rankings, shares, top_k)


def check_weights(weights: Sequence[float]) -> None:
    """Refuse weights that no fusion can use.

    Raises:
        ArgumentError: one is no number, below 0 or infinite; or all are 0.
    """
    usable = all(isinstance(one, int | float) and 0 <= one < np.inf for one in weights)
    if not usable or not any(weights):
        raise ArgumentError(f"weights: {list(weights)}, expected numbers of at least 0, one above it. Correct them.")


def _shares_of_places(rows: Integers, k: int) -> Array:
    """1 / (k + place) for each place, float64 (n, places)."""
    return np.zeros(rows.shape) + 1 / (k + np.arange(1, rows.shape[1] + 1, dtype=np.float64))


def _scaled(ranking: Ranking) -> Array:
    """Scores (n, k) from 0 to 1 within each query, float64; what stands in empty places is not read."""
    if not ranking.scores.size:
        return ranking.scores.astype(np.float64)
    there = ranking.rows != NOTHING
    scores = ranking.scores.astype(np.float64)
    low = np.where(there, scores, np.inf).min(axis=1, keepdims=True)
    high = np.where(there, scores, -np.inf).max(axis=1, keepdims=True)
    spread = np.where(np.isfinite(high - low), high - low, 0)  # (n, 1)
    scores = np.where(there, scores, 0) - np.where(np.isfinite(low), low, 0)
    return np.where(spread > 0, scores / np.where(spread > 0, spread, 1), 1.0)


def _summed(rankings: Sequence[Ranking], shares: Sequence[Array], top_k: int) -> Ranking:
    """Rows by the sum of their shares in all rankings."""
    whole_number("top_k", top_k)
    counts = [len(one.rows) for one in rankings]
    if len(set(counts)) != 1:
        raise ArgumentError(f"rankings: of {counts} queries, expected one or more of the same queries. Correct them.")
    rows, values = np.hstack([one.rows for one in rankings]), np.hstack(list(shares))
    return stacked([_sums(*one, top_k) for one in zip(rows, values, strict=True)])


def _sums(rows: Integers, shares: Array, top_k: int) -> tuple[Integers, Array]:
    """One query's different rows and the sum of the shares of each, best first."""
    there = rows != NOTHING
    found, place = np.unique(rows[there], return_inverse=True)
    sums: Array = np.bincount(place, shares[there], len(found))
    return ranked(found, sums, top_k)
