"""Scores of one query's ranking: of the ids that a search found, or of scores of labelled documents.

NDCG and recall of ids are `airvec.search.metrics`'. Where scores are given, equal ones form a group, and no order
within it is assumed, but for the reciprocal rank, which is told the order.
Knows nothing of models, texts and files.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from airvec.errors import ArgumentError
from airvec.search.metrics import ndcg, recall
from airvec_trainer.evaluation import classification_metrics

__all__ = [
    "accuracy", "average_precision", "list_scores", "ndcg", "ndcg_of_scores",
    "precision", "recall", "reciprocal_rank", "reciprocal_rank_of_order", "scores_of_documents",
]  # fmt: skip


def accuracy(ranking: Sequence[str], relevant: Mapping[str, int], depth: int) -> float:
    """1 if a relevant document is among the first `depth`, else 0.

    >>> accuracy(["x", "a"], {"a": 1}, 1), accuracy(["x", "a"], {"a": 1}, 2)
    (0.0, 1.0)
    """
    return float(any(name in relevant for name in ranking[:depth]))


def precision(ranking: Sequence[str], relevant: Mapping[str, int], depth: int) -> float:
    """Relevant documents among the first `depth`, divided by `depth`, also where the ranking is shorter.

    >>> precision(["x", "a", "b"], {"a": 1, "b": 1}, 4)
    0.5
    """
    return sum(name in relevant for name in ranking[:depth]) / depth


def reciprocal_rank(ranking: Sequence[str], relevant: Mapping[str, int], depth: int) -> float:
    """1 / place of the first relevant document, if that is among the first `depth`, else 0.

    >>> reciprocal_rank(["x", "a", "b"], {"a": 1, "b": 1}, 10)
    0.5
    """
    return next((1 / place for place, name in enumerate(ranking[:depth], 1) if name in relevant), 0.0)


def average_precision(ranking: Sequence[str], relevant: Mapping[str, int], depth: int) -> float:
    """Mean of the precisions at the places of the relevant documents, of at most `depth`; those not found count 0.

    >>> average_precision(["a", "x", "b"], {"a": 1, "b": 1, "c": 1}, 3)  # (1/1 + 2/3) / 3
    0.5555555555555555
    >>> average_precision(["a"], {"a": 1, "b": 1, "c": 1}, 1)  # at most one can be found
    1.0
    """
    found, total = 0, 0.0
    for place, name in enumerate(ranking[:depth], 1):
        if name in relevant:
            found += 1
            total += found / place
    return total / min(depth, len(relevant)) if relevant else 0.0


def reciprocal_rank_of_order(labels: npt.ArrayLike, order: npt.ArrayLike, depth: int) -> float:
    """1 / place of the first document labelled 1 in an order, if that is among the first `depth`, else 0.

    Args:
        labels: 1 or 0, (n,).
        order: places of `labels`, best first, (n,).
        depth: places that count.

    >>> reciprocal_rank_of_order([0, 1, 0], [2, 1, 0], 10)
    0.5
    """
    places = np.flatnonzero(np.asarray(labels)[np.asarray(order, dtype=np.int64)[:depth]])
    return 1 / (int(places[0]) + 1) if len(places) else 0.0


def ndcg_of_scores(labels: npt.ArrayLike, scores: npt.ArrayLike, depth: int, missing: int = 0) -> float:
    """NDCG of documents ordered by scores; documents of equal score share the mean of their gains.

    Args:
        labels: gain of each document, such as 1 or 0, (n,).
        scores: (n,), larger is better, finite.
        depth: places that count, here and in the best possible order.
        missing: documents with a gain of 1 that are in no place here; the best possible order has them.

    Returns:
        From 0 to 1; 0 where no document has a gain.

    Raises:
        ArgumentError: not a finite score for each label.

    Source: McSherry and Najork 2008, Computing Information Retrieval Performance Measures Efficiently in the Presence
    of Tied Scores; scikit-learn's `ndcg_score`.

    >>> ndcg_of_scores([0, 1], [0.9, 0.1], 10)  # 1 / log2(3)
    0.6309297535714575
    >>> ndcg_of_scores([0, 1], [0.5, 0.5], 1)  # one half of the gain is at the first place
    0.5
    >>> ndcg_of_scores([1], [0.9], 10, missing=1)  # 1 / (1 + 1 / log2(3))
    0.6131471927654584
    """
    gains, values = np.asarray(labels, dtype=np.float64), np.asarray(scores)
    if gains.shape != values.shape or gains.ndim != 1 or not np.isfinite(values).all():
        raise ArgumentError(
            f"ranking: scores {values.tolist()!r:.60} for {gains.size} documents, expected one finite number for each. "
            "Look at what the model gives."
        )
    ideal = np.sort(np.append(gains, np.ones(missing)))[::-1]
    discounts = np.zeros(len(ideal))
    discounts[:depth] = 1 / np.log2(np.arange(2, min(depth, len(ideal)) + 2))
    best = float(ideal @ discounts)
    _, group, counts = np.unique(-values, return_inverse=True, return_counts=True)
    means = np.bincount(group, gains) / counts  # groups are in the order of falling scores
    return float(np.repeat(means, counts) @ discounts[: len(gains)]) / best if best else 0.0


def list_scores(hits: Sequence[int], positives: int, depth: int) -> tuple[float, float, float]:
    """Reciprocal rank, NDCG and average precision of a list that may lack positives, as sentence-transformers has them.

    Positives that the list does not hold are put right behind it, where they gain: in NDCG if that is within `depth`,
    in average precision always. So a short list scores more than what it found; `scores_of_documents` with `missing`
    counts it as it is. A list that holds none scores 0.

    Args:
        hits: 1 or 0 for each place.
        positives: how many there are.
        depth: places that count for the first two.

    >>> list_scores([0, 1], 1, 10)
    (0.5, 0.6309297535714575, 0.5)
    >>> list_scores([0, 0], 1, 10)
    (0.0, 0.0, 0.0)
    >>> list_scores([1], 2, 10)  # though the second one was not found
    (1.0, 1.0, 1.0)
    """
    if not any(hits):
        return 0.0, 0.0, 0.0
    labels = [*hits, *[1] * (positives - sum(hits))]
    places = np.arange(len(labels))
    return scores_of_documents(labels, -places, places, depth)


def scores_of_documents(
    labels: Sequence[int], scores: npt.ArrayLike, order: npt.ArrayLike, depth: int, missing: int = 0
) -> tuple[float, float, float]:
    """Reciprocal rank, NDCG and average precision of labelled documents with scores.

    Args:
        labels: 1 or 0, (n,).
        scores: (n,), larger is better, finite.
        order: places of `labels`, best first, (n,), for the reciprocal rank.
        depth: places that count for the first two.
        missing: positive documents that are not among them, and so are never found.

    Raises:
        ArgumentError: not a finite score for each label.

    >>> scores_of_documents([1, 0], [0.1, 0.9], [1, 0], 10)
    (0.5, 0.6309297535714575, 0.5)
    >>> scores_of_documents([1], [0.9], [0], 10, missing=1)
    (1.0, 0.6131471927654584, 0.5)
    """
    gained = ndcg_of_scores(labels, scores, depth, missing)
    found = classification_metrics.outcomes(scores, labels, sum(labels) + missing)
    return reciprocal_rank_of_order(labels, order, depth), gained, classification_metrics.average_precision(found)
