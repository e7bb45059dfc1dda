"""Scores of rankings, as the published ones are computed: rank correlation and NDCG@10.

Knows nothing of models, texts and files.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def average_ranks(values: Floats) -> Floats:
    """Rank of each value from 1, float64 (n,); equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def spearman(left: Floats, right: Floats) -> float:
    """Spearman's rank correlation of two series (n,), from -1 to 1."""
    return float(np.corrcoef(average_ranks(left), average_ranks(right))[0, 1])


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain of one query, from 0 to 1.

    Args:
        ranked: ids of documents, best first.
        relevant: id -> grade; ids that are missing have grade 0.
        depth: ranks that count.

    Returns:
        Sum of grade / log2(rank + 1), over that of the best possible order; 0 for a query without relevant documents.

    Source: trec_eval's `ndcg_cut`, which BEIR and MTEB use.
    """
    best = _gain(sorted(relevant.values(), reverse=True)[:depth])
    return _gain([relevant.get(name, 0) for name in ranked[:depth]]) / best if best else 0.0


def top(similarities: Floats, depth: int = 10) -> NDArray[np.intp]:
    """Columns of the highest values of each row, best first: (queries, corpus) -> (queries, depth).

    Equal values keep the order of the corpus.
    """
    return np.argsort(-similarities, axis=1, kind="stable")[:, :depth]


def _gain(grades: Sequence[int]) -> float:
    return float(sum(grade / np.log2(rank + 1) for rank, grade in enumerate(grades, start=1)))
