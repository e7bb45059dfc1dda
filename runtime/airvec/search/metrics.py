"""Scores of one query's ranking against its judged documents: NDCG and recall, as trec_eval computes them.

A document is relevant if its grade is above 0; documents without a grade count as 0. pytrec_eval, which BEIR and MTEB
use, orders documents of equal score by their ids; here the order is the ranking's own.
Knows nothing of models, texts and files.
"""

from collections.abc import Mapping, Sequence
from math import log2


def ndcg(ranking: Sequence[str], relevant: Mapping[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain: a document's gain is its grade, discounted by log2(place + 1).

    Args:
        ranking: ids of documents, best first.
        relevant: id -> grade.
        depth: places that count, in the ranking and in the best possible order.

    Returns:
        From 0 to 1: the sum of discounted gains, over that of the best possible order; 0 if nothing is relevant.

    Source: trec_eval's `ndcg_cut`; Järvelin and Kekäläinen, 2002.

    >>> ndcg(["b", "a"], {"a": 1})
    0.6309297535714575
    """
    best = _gain(sorted(relevant.values(), reverse=True)[:depth])
    return _gain([relevant.get(name, 0) for name in ranking[:depth]]) / best if best else 0.0


def recall(ranking: Sequence[str], relevant: Mapping[str, int], depth: int = 100) -> float:
    """Share of all relevant documents that are among the first `depth`, from 0 to 1; 0 if nothing is relevant.

    Source: trec_eval's `recall`.

    >>> recall(["b", "a"], {"a": 1, "c": 2})
    0.5
    """
    wanted = {name for name, grade in relevant.items() if grade > 0}
    return len(wanted.intersection(ranking[:depth])) / len(wanted) if wanted else 0.0


def _gain(grades: Sequence[int]) -> float:
    return sum(max(grade, 0) / log2(place + 1) for place, grade in enumerate(grades, start=1))
