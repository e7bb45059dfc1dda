"""Step 4, sample: some of the candidates that are left, the best or by chance.

Knows nothing of how candidates were found and dropped.
"""

import random
from typing import Protocol

import numpy as np

from airvec.search.ranking import Ranking
from airvec_trainer.mining.by_rank import window

__all__ = ["Drawing", "at_random", "sampled"]


class Drawing(Protocol):
    """What draws: the module `random`, or a `random.Random`."""

    def sample(self, population: range, k: int) -> list[int]:
        """`k` different numbers of a range."""
        ...


def sampled(ranking: Ranking, count: int, strategy: str, seed: int | None = None) -> Ranking:
    """`count` candidates a query, best first: (n, k) → (n, count).

    Args:
        ranking: best first; dropped ones, of score -inf, stand last.
        count: at most k.
        strategy: `"top"` = the first; `"random"` = any.
        seed: of the random numbers; None = the module `random` as it stands, so that `random.seed(…)` counts.
    """
    if strategy == "top":
        return ranking.top(count)
    return at_random(ranking, count, random if seed is None else random.Random(seed))  # no secrets


def at_random(ranking: Ranking, count: int, drawing: Drawing) -> Ranking:
    """`count` of each query's candidates by chance, those that were dropped only where others are too few.

    One call of `drawing.sample` a query, in order, as the reference has it: the same state gives the same rows.
    """
    left = np.maximum(np.isfinite(ranking.scores).sum(axis=1), count)
    places = np.array([drawing.sample(range(int(options)), k=count) for options in left]).reshape(-1, count)
    drawn = Ranking(
        np.take_along_axis(ranking.rows, places, axis=1), np.take_along_axis(ranking.scores, places, axis=1)
    )
    return window(drawn, 0, count)
