"""Step 2, filter by rank: a query's own positives are no negatives, and only some ranks of the rest count.

Knows nothing of texts and models.
"""

import numpy as np

from airvec.arrays import Array, Integers
from airvec.search.ranking import NOTHING, Ranking

__all__ = ["among", "window", "without"]


def among(rows: Integers, owners: Integers, positives: Integers) -> Array:
    """Which of each query's rows are among its positives: bool (n, k).

    Args:
        rows: (n, k), of documents; -1 is nobody's.
        owners: (p,), the query of each positive.
        positives: (p,), the document of each, or a number that stands for several of them, as `rows` does.

    >>> among(np.array([[0, 1], [0, 1]]), np.array([0, 1]), np.array([1, 0])).tolist()
    [[False, True], [True, False]]
    """
    width = int(max(rows.max(initial=0), positives.max(initial=0))) + 1
    places = np.arange(len(rows))[:, None] * width + rows
    return np.isin(places, owners * width + positives) & (rows != NOTHING)


def without(ranking: Ranking, out: Array) -> Ranking:
    """The ranking in which what is marked (n, k) has the score -inf."""
    return Ranking(ranking.rows, np.where(out, np.float32(-np.inf), ranking.scores))


def window(ranking: Ranking, first: int, end: int) -> Ranking:
    """Places `first` to `end`, by score: (n, k) → (n, end - first); among equal scores those in front stay there.

    >>> window(Ranking(np.array([[7, 8, 9]]), np.float32([[0.1, 0.9, 0.5]])), 1, 3).rows.tolist()
    [[9, 7]]
    """
    order = np.argsort(-ranking.scores, axis=1, kind="stable")[:, first:end]
    return Ranking(np.take_along_axis(ranking.rows, order, axis=1), np.take_along_axis(ranking.scores, order, axis=1))
