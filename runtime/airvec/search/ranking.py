"""`Ranking`: what a search found for several queries, as two arrays; every stage gives one and takes one.

Knows nothing of how rows were found and of what they hold.
"""

from dataclasses import dataclass

import numpy as np

from airvec.arrays import Floats, Integers

NOTHING = -1  # the row of a place that no result fills


@dataclass(frozen=True)
class Ranking:
    """Rows of the corpus for n queries, best first, among equal scores the lower row first.

    `rows` is int64 (n, k) and `scores` float32 (n, k). A query with fewer than k results has row -1 and score -inf in
    its last places.
    """

    rows: Integers
    scores: Floats

    def top(self, count: int) -> "Ranking":
        """The first `count` places of every query."""
        return Ranking(self.rows[:, :count], self.scores[:, :count])

    def hits(self, query: int) -> list[tuple[int, float]]:
        """Row and score of each result of one query, as Python's own numbers."""
        found = self.rows[query] != NOTHING
        return list(zip(self.rows[query][found].tolist(), self.scores[query][found].tolist(), strict=True))


def ranked(rows: Integers, scores: Floats, count: int) -> tuple[Integers, Floats]:
    """The best `count` of one query's rows, (m,) both; equal scores by row."""
    order = np.lexsort((rows, -scores))[:count]
    return rows[order], scores[order]


def stacked(found: list[tuple[Integers, Floats]]) -> Ranking:
    """One ranking of all queries' rows and scores, each (m,); those shorter than the longest are filled up."""
    count = max((len(rows) for rows, _ in found), default=0)
    rows = np.full((len(found), count), NOTHING, np.int64)
    scores = np.full((len(found), count), -np.inf, np.float32)
    for place, (some_rows, some_scores) in enumerate(found):
        rows[place, : len(some_rows)] = some_rows
        scores[place, : len(some_scores)] = some_scores
    return Ranking(rows, scores)
