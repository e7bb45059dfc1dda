"""Step 3, filter by score: candidates too near to the positive, or out of bounds, are dropped.

What is dropped keeps its place and gets the score -inf.
Knows nothing of ranks, texts and models.
"""

from dataclasses import dataclass

import numpy as np

from airvec.arrays import Array, Floats, Integers
from airvec.search.ranking import Ranking
from airvec_trainer.mining.settings import MiningSettings

__all__ = ["Filtered", "filtered", "lowest", "too_high"]


@dataclass(frozen=True)
class Filtered:
    """What is left, and for each filter that was asked for which candidates it dropped: bool (n, k).

    A candidate that two filters would drop is counted by the first, in the order of `dropped`.
    """

    ranking: Ranking
    dropped: dict[str, Array]


def lowest(scores: Floats, starts: Integers) -> Floats:
    """The lowest score of each query's positives: scores (p,) in groups that begin at `starts` (n,) → (n,).

    The lowest, so that no negative is nearer than any of the positives.

    >>> lowest(np.array([0.9, 0.4, 0.7], np.float32), np.array([0, 2])).tolist()
    [0.4000000059604645, 0.699999988079071]
    """
    return np.minimum.reduceat(scores, starts)


def filtered(ranking: Ranking, bounds: Floats, settings: MiningSettings) -> Filtered:
    """Drop by the absolute margin, the relative one, the highest and the lowest score, those that are set.

    Args:
        ranking: (n, k) candidates.
        bounds: float32 (n,), the score of each query's lowest positive.
        settings: the four numbers.
    """
    scores, dropped = ranking.scores, {}
    for name in ("absolute_margin", "relative_margin", "max_score", "min_score"):
        limit = getattr(settings, name)
        if limit is None:
            continue
        out = too_high(scores, bounds[:, None], name, limit) & np.isfinite(scores)
        scores = np.where(out, np.float32(-np.inf), scores)
        dropped[name] = out
    return Filtered(Ranking(ranking.rows, scores), dropped)


def too_high(scores: Floats, positive: Floats, name: str, limit: float) -> Array:
    """Which scores one filter drops, in float32: bool, as `scores` and `positive` broadcast.

    `absolute_margin`: score + limit > positive. `relative_margin`: score > positive - |positive| · limit, so that 0.05
    keeps what has at most 95 % of the positive's score. `max_score`, `min_score`: above, below the limit.

    >>> too_high(np.float32([0.7, 0.75, 0.8]), np.float32(0.8), "relative_margin", 0.1).tolist()
    [False, True, True]
    """
    bound = np.float32(limit)
    if name == "absolute_margin":
        return scores + bound > positive
    if name == "relative_margin":
        return scores > positive - np.abs(positive) * bound
    return scores > bound if name == "max_score" else scores < bound
