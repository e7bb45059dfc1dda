"""What a stage left, as stage.json in its folder, written when all else of it is: a stage with one is finished.

Knows nothing of training and of reports.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from airvec.array_file import whole_file

__all__ = ["RECORD", "Measure", "StageRecord", "read_measure", "read_record", "write_json", "write_text"]

RECORD = "stage.json"


@dataclass(frozen=True)
class Measure:
    """What the evaluators found.

    Args:
        metrics: all, by name.
        shown: of those, what a report's tables have, in order.
        seconds: that it took.
    """

    metrics: Mapping[str, float]
    shown: list[str]
    seconds: float


@dataclass(frozen=True)
class StageRecord:
    """A finished stage.

    Args:
        name: of the stage, with its round.
        rows: trained on, by data set.
        steps: of the optimiser.
        loss: the last that was logged; None = none was.
        mining_seconds: to find negatives.
        training_seconds: to train.
        measure: of the model that it left.
        mined: what is told of its negatives, by data set.
    """

    name: str
    rows: Mapping[str, int]
    steps: int
    loss: float | None
    mining_seconds: float
    training_seconds: float
    measure: Measure
    mined: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def seconds(self) -> float:
        """Of mining, training and measuring."""
        return self.mining_seconds + self.training_seconds + self.measure.seconds


def read_record(folder: Path) -> StageRecord | None:
    """The record in a stage's folder; None = it is not finished."""
    found = _read(folder / RECORD)
    return None if found is None else StageRecord(**{**found, "measure": Measure(**found["measure"])})


def read_measure(file: Path) -> Measure | None:
    """A measure that was written; None = there is none."""
    found = _read(file)
    return None if found is None else Measure(**found)


def write_json(file: Path, record: StageRecord | Measure | Mapping[str, Any]) -> None:
    """Write it whole, or not at all."""
    found = record if isinstance(record, Mapping) else asdict(record)
    write_text(file, json.dumps(found, indent=1, default=float) + "\n")


def write_text(file: Path, text: str) -> None:
    """Write it in UTF-8, whole, or not at all; folders above it are made."""
    with whole_file(file) as written:
        written.write(text.encode())


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
