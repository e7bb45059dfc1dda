"""Which threshold on a score to take: calibrated on labelled scores, for the best F1, accuracy, or a wanted recall.

Works on any scores: similarities of pairs, a reranker's, a classifier's probability.
Knows nothing of models and of how scores were made.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from airvec.array_file import whole_file
from airvec.errors import ArgumentError, ModelNotFoundError
from airvec.json_file import read_object
from airvec_trainer.evaluation.classification_metrics import (
    accuracy_threshold,
    average_precision,
    best_f1,
    outcomes,
)

__all__ = ["Calibration", "OperatingPoint", "calibrate"]

Floats = npt.NDArray[np.float64]
NUMBERS = (
    "best_f1", "best_f1_threshold", "best_accuracy", "best_accuracy_threshold", "average_precision",
)  # fmt: skip
COUNTS = ("count", "positives")
CURVES = ("precision", "recall", "thresholds")


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold gives: scores at or above it are held to be 1."""

    threshold: float
    precision: float
    recall: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """What every threshold on some labelled scores gives.

    Attributes:
        count: scores.
        positives: those whose label is 1.
        best_f1: the largest F1.
        best_f1_threshold: which gives it, half-way between two scores.
        best_accuracy: the largest accuracy.
        best_accuracy_threshold: which gives it.
        average_precision: the mean precision over recall.
        precision: float64 (n + 1,), at each threshold, and 1 at the end, where nothing is taken.
        recall: float64 (n + 1,), falling, and 0 at the end.
        thresholds: float64 (n,), the different scores, rising.
    """

    count: int
    positives: int
    best_f1: float
    best_f1_threshold: float
    best_accuracy: float
    best_accuracy_threshold: float
    average_precision: float
    precision: Floats
    recall: Floats
    thresholds: Floats

    def precision_at_recall(self, recall: float) -> OperatingPoint:
        """The most precise threshold that finds at least this share of the 1; the highest one of several.

        Raises:
            ArgumentError: no share above 0 and up to 1.
        """
        return self._best(self.precision, self.recall, _share("recall", recall), "recall")

    def recall_at_precision(self, precision: float) -> OperatingPoint:
        """The threshold that finds most of the 1 with at least this precision; the highest one of several.

        Raises:
            ArgumentError: no share above 0 and up to 1, or a precision that no threshold reaches.
        """
        return self._best(self.recall, self.precision, _share("precision", precision), "precision")

    def to_json(self) -> dict[str, Any]:
        """Everything as numbers and lists."""
        return {name: getattr(self, name) for name in (*COUNTS, *NUMBERS)} | {
            name: getattr(self, name).tolist() for name in CURVES
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Calibration":
        """What `to_json` gave.

        Raises:
            ArgumentError: a value is missing, or is not what it should be.
        """
        try:
            counts = {name: int(values[name]) for name in COUNTS}
            numbers = {name: float(values[name]) for name in NUMBERS}
            curves = {name: np.array(values[name], dtype=np.float64) for name in CURVES}
        except KeyError as error:
            raise ArgumentError(
                f"calibration: has no {error}, expected what to_json gives. Calibrate again."
            ) from error
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"calibration: {error}, expected what to_json gives. Calibrate again.") from error
        precision, recall, thresholds = (curves[name] for name in CURVES)
        if thresholds.ndim != 1 or not precision.shape == recall.shape == (len(thresholds) + 1,):
            raise ArgumentError(
                f"calibration: precision {list(precision.shape)}, recall {list(recall.shape)} and thresholds "
                f"{list(thresholds.shape)}, expected [n + 1], [n + 1] and [n]. Calibrate again."
            )
        return cls(**counts, **numbers, **curves)

    def save(self, path: str | Path) -> None:
        """Write a JSON file, whole or not at all."""
        with whole_file(Path(path)) as file:
            file.write(json.dumps(self.to_json(), indent=1, allow_nan=False).encode() + b"\n")

    @classmethod
    def load(cls, path: str | Path) -> "Calibration":
        """Read what `save` wrote.

        Raises:
            ModelNotFoundError: no such file.
            ModelFolderError: the file is no JSON object.
            ArgumentError: it is another one.
        """
        if not Path(path).is_file():
            raise ModelNotFoundError(f"{path}: no such file, expected one that Calibration.save wrote. Check the path.")
        values = read_object(Path(path)).values
        try:
            return cls.from_json(dict(values))
        except ArgumentError as error:
            raise ArgumentError(f"{path}: {error}") from error

    def _best(self, wanted: Floats, bound: Floats, least: float, name: str) -> OperatingPoint:
        reached = np.flatnonzero(bound[:-1] >= least)
        if not len(reached):
            raise ArgumentError(
                f"{name}: {least}, expected {bound[:-1].max():.6f} at most, which the best threshold reaches. Lower it."
            )
        best = int(reached[len(reached) - 1 - int(wanted[reached][::-1].argmax())])
        return OperatingPoint(float(self.thresholds[best]), float(self.precision[best]), float(self.recall[best]))


def calibrate(scores: npt.ArrayLike, labels: npt.ArrayLike) -> Calibration:
    """Look at every threshold on labelled scores.

    Args:
        scores: (n,), larger ones speak for 1; give distances with a minus.
        labels: (n,), 0 or 1, some of both.

    Raises:
        ArgumentError: not as many of each, a score that is no finite number, another label, or only one of the two.

    >>> found = calibrate([0.9, 0.8, 0.4, 0.2], [1, 1, 0, 1])
    >>> found.best_f1_threshold, found.precision_at_recall(0.6)
    (0.2, OperatingPoint(threshold=0.8, precision=1.0, recall=0.6666666666666666))
    """
    given = np.asarray(scores, dtype=np.float64)
    found = outcomes(given, labels)
    if not 0 < found.positives < len(given):
        raise ArgumentError(
            f"labels: {found.positives} of {len(given)} are 1, expected some 1 and some 0. Add rows of the other."
        )
    accuracy, threshold = accuracy_threshold(given, labels)
    best = best_f1(found)
    return Calibration(
        count=len(given),
        positives=found.positives,
        best_f1=best.f1,
        best_f1_threshold=best.threshold,
        best_accuracy=accuracy,
        best_accuracy_threshold=threshold,
        average_precision=average_precision(found),
        precision=np.append(found.precision[::-1], 1.0),
        recall=np.append(found.recall[::-1], 0.0),
        thresholds=found.values[::-1].copy(),
    )


def _share(name: str, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given <= 1:
        raise ArgumentError(f"{name}: {given!r}, expected a share above 0 and up to 1. Give one.")
    return float(given)
