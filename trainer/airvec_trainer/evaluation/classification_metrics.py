"""Measures of classification, on arrays: thresholds on scores, precision and recall, average precision, MCC.

A score at or above a threshold says 1. Equal scores are never parted: they count together.
Knows nothing of models, texts and files.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from airvec.errors import ArgumentError

__all__ = [
    "BestF1", "Outcomes", "accuracy_threshold", "average_precision", "best_f1", "matthews", "outcomes",
]  # fmt: skip

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Outcomes:
    """What each threshold on the scores would give, from the highest score down.

    Attributes:
        values: (groups,), the different scores, falling.
        correct: int64 (groups,), the labels of 1 among scores at or above each.
        taken: int64 (groups,), how many scores are at or above each.
        positives: labels of 1 in all.
    """

    values: Array
    correct: Array
    taken: Array
    positives: int

    @property
    def precision(self) -> Array:
        """The share of those at or above a value that are 1: float64 (groups,)."""
        return self.correct / self.taken

    @property
    def recall(self) -> Array:
        """The share of all 1 that is at or above a value: float64 (groups,); 0 where there is no 1."""
        return self.correct / max(1, self.positives)

    @property
    def thresholds(self) -> Array:
        """Half-way to the next lower value, or the value itself where none is or rounding meets it: (groups,)."""
        below = np.append(self.values[1:], self.values[-1:])
        middle = (self.values + below) / self.values.dtype.type(2)
        return np.where(middle == below, self.values, middle)


@dataclass(frozen=True)
class BestF1:
    """The largest harmonic mean of precision and recall, and the threshold that gives it; all 0 where no label is 1."""

    f1: float
    precision: float
    recall: float
    threshold: float


def outcomes(scores: npt.ArrayLike, labels: npt.ArrayLike, positives: int | None = None) -> Outcomes:
    """Count what each threshold would give.

    Args:
        scores: (n,), a larger one speaks for 1.
        labels: (n,), 0 or 1.
        positives: labels of 1 in all, where some have no score; None = those of `labels`.

    Raises:
        ArgumentError: not as many labels as scores, a label other than 0 and 1, a score that is no finite number.

    >>> found = outcomes([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0])
    >>> found.precision.round(2).tolist(), found.recall.tolist(), found.thresholds.tolist()
    ([1.0, 0.67, 0.5], [0.5, 1.0, 1.0], [0.7, 0.3, 0.1])
    """
    values, truth = _checked(scores, labels)
    order = np.argsort(-values, kind="stable")
    values, truth = values[order], truth[order]
    last = np.flatnonzero(np.append(values[1:] != values[:-1], True)) if len(values) else np.zeros(0, np.int64)
    counted = int(truth.sum()) if positives is None else positives
    return Outcomes(values[last], np.cumsum(truth)[last], last + 1, counted)


def accuracy_threshold(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[float, float]:
    """The largest accuracy (n,), (n,) and the threshold that gives it; the highest one of several.

    A threshold just above all scores counts, too: it says 0 to all.

    >>> accuracy_threshold([4, 3, 2, 1], [1, 0, 1, 0])  # 3 of 4 are right: above 3.5, and above 1.5
    (0.75, 3.5)
    >>> accuracy_threshold([0.9, 0.8], [0, 0])[0]
    1.0

    Raises:
        ArgumentError: as `outcomes`; or no scores.
    """
    found = _some(outcomes(scores, labels))
    negatives = int(found.taken[-1]) - found.positives
    right = np.append(negatives, found.correct + negatives - (found.taken - found.correct))
    best = int(right.argmax())
    top = found.values.dtype.type(np.inf)
    threshold = found.thresholds[best - 1] if best else np.nextafter(found.values[0], top)
    return float(right[best] / found.taken[-1]), float(threshold)


def best_f1(found: Outcomes) -> BestF1:
    """The best F1 and its threshold, the highest one of several.

    >>> best_f1(outcomes([0.9, 0.8, 0.3, 0.1], [1, 1, 0, 0]))
    BestF1(f1=1.0, precision=1.0, recall=1.0, threshold=0.55)
    """
    hit = np.flatnonzero(found.correct)
    if not len(hit) or not found.positives:
        return BestF1(0.0, 0.0, 0.0, 0.0)
    precision, recall = found.precision[hit], found.recall[hit]
    f1 = 2 * precision * recall / (precision + recall)
    best = int(f1.argmax())
    threshold = found.thresholds[hit][best]
    return BestF1(float(f1[best]), float(precision[best]), float(recall[best]), float(threshold))


def average_precision(found: Outcomes) -> float:
    """Precision at each threshold, weighted by what recall gains there; 0 where no label is 1.

    >>> average_precision(outcomes([4, 3, 2, 1], [1, 0, 1, 0]))  # 1/2 * 1 + 1/2 * 2/3
    0.8333333333333333

    Source: as scikit-learn's `average_precision_score`, without interpolation.
    """
    gained = np.diff(found.recall, prepend=0.0)
    return float((gained * found.precision).sum())


def matthews(labels: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Matthews' correlation of two (n,) of 0 and 1: -1 to 1; 0 where one of them is constant.

    >>> matthews([1, 1, 1, 0], [1, 0, 1, 0])  # (2 * 1 - 0 * 1) / sqrt(2 * 3 * 1 * 2)
    0.5773502691896258
    """
    truth, found = np.asarray(labels, dtype=bool), np.asarray(predicted, dtype=bool)
    both, neither = int((truth & found).sum()), int((~truth & ~found).sum())
    false, missed = int((~truth & found).sum()), int((truth & ~found).sum())
    sizes = (both + false) * (both + missed) * (neither + false) * (neither + missed)
    return (both * neither - false * missed) / sqrt(sizes) if sizes else 0.0


def _checked(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Array, Array]:
    values, truth = np.asarray(scores), np.asarray(labels)
    if values.ndim != 1 or values.shape != truth.shape:
        raise ArgumentError(
            f"scores: of shape {list(values.shape)}, and labels of {list(truth.shape)}, expected one of each a row."
        )
    if values.dtype.kind != "f":
        values = values.astype(np.float64)
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise ArgumentError(
            f"scores: row {wrong[0]} is {values[wrong[0]]}, expected a finite number. Look at the model's embeddings."
        )
    wrong = np.flatnonzero((truth != 0) & (truth != 1))
    if len(wrong):
        raise ArgumentError(f"labels: row {wrong[0]} is {truth[wrong[0]]!r}, expected 0 or 1. Correct it.")
    return values, truth.astype(np.int64)


def _some(found: Outcomes) -> Outcomes:
    if not len(found.values):
        raise ArgumentError(f"scores: {len(found.values)} of them, expected one at least. Give rows.")
    return found
