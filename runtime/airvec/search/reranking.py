"""The candidates of each query in the order of a cross-encoder's scores.

Knows nothing of how the candidates were found.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from airvec.errors import ArgumentError
from airvec.search.ranking import Ranking, ranked, stacked

PAIRS_AT_ONCE = 4096  # a text that many queries share is read from disk again, not held


class Reranker(Protocol):
    """What reranking needs of a model: `CrossEncoder` has it."""

    def predict(self, inputs: Sequence[tuple[str, str]], /) -> Any:
        """Scores (n,) of n pairs of query and document."""
        ...


class Texts(Protocol):
    """Documents by row."""

    def __getitem__(self, row: int, /) -> str:
        """The text of a row."""
        ...


def rerank(reranker: Reranker, queries: Sequence[str], ranking: Ranking, texts: Texts) -> Ranking:
    """Every candidate of a ranking, scored with its query and put in that order; equal scores by row.

    Raises:
        ArgumentError: the model does not give one score a pair.
    """
    places = [(query, row) for query in range(len(queries)) for row, _ in ranking.hits(query)]
    scores = np.zeros(len(places), np.float32)
    for start in range(0, len(places), PAIRS_AT_ONCE):
        part = places[start : start + PAIRS_AT_ONCE]
        scores[start : start + len(part)] = _scores(reranker, [(queries[query], texts[row]) for query, row in part])
    owners, rows = np.array(places, np.int64).reshape(-1, 2).T
    mine = [owners == query for query in range(len(queries))]
    return stacked([ranked(rows[one], scores[one], len(rows)) for one in mine])


def _scores(reranker: Reranker, pairs: list[tuple[str, str]]) -> Any:
    scores = np.asarray(reranker.predict(pairs), np.float32)
    if scores.shape != (len(pairs),):
        raise ArgumentError(
            f"reranker: gives shape {list(scores.shape)} for {len(pairs)} pairs, expected [{len(pairs)}]. "
            "Use a model with one label."
        )
    return scores
