"""`classification:FILE`: texts with labels → accuracy of a linear classifier on few rows, as MTEB's classifications.

Knows nothing of other tasks.
"""

import random
from pathlib import Path

from airvec_trainer.evaluation.classification import ClassificationEvaluator, ClassificationProtocol
from airvec_trainer.evaluation.tasks.columns import read_columns
from airvec_trainer.evaluation.tasks.settings import Settings, Task
from airvec_trainer.evaluation.tasks.spec import TaskSpec

__all__ = ["OPTIONS", "read_classification"]

OPTIONS = ("text", "label", "train", "experiments", "samples_per_label", "seed")
Rows = tuple[list[str], list[str]]


def read_classification(spec: TaskSpec, settings: Settings) -> Task:
    """The task of a file with a text and a label in each row.

    The rows to train on come from the file that `train` names; without it, from a random half of this one, and the
    other half is scored.

    Raises:
        ArgumentError: no file, a column is missing, or a label is not trained.
        InputError: a row that is wrong; the message names its line.
    """
    usual = ClassificationProtocol()
    protocol = ClassificationProtocol(
        spec.number("experiments", usual.experiments),
        spec.number("samples_per_label", usual.samples_per_label),
        spec.number("seed", usual.seed),
    )
    scored, train = _rows(spec, spec.place), spec.options.get("train")
    trained, scored = (_rows(spec, Path(train)), scored) if train else _halves(scored, protocol.seed)
    evaluator = ClassificationEvaluator(*trained, *scored, name=spec.name, protocol=protocol, options=settings.encoding)
    rows = {"texts": len(evaluator.sentences), "labels": len(evaluator.label_names)}
    return Task(evaluator, rows, ("f1", "accuracy_std"))


def _rows(spec: TaskSpec, place: Path) -> Rows:
    columns = read_columns(spec, OPTIONS[:2], place)
    return columns.texts("text"), columns.labels("label")


def _halves(rows: Rows, seed: int) -> tuple[Rows, Rows]:
    """Two halves of each label's rows, drawn at random; of an odd number the first half has one more."""
    by_label: dict[str, list[int]] = {}
    order = list(range(len(rows[0])))
    random.Random(seed).shuffle(order)
    for row in order:
        by_label.setdefault(rows[1][row], []).append(row)
    first = sorted(row for found in by_label.values() for row in found[: (len(found) + 1) // 2])
    second = sorted(set(order).difference(first))
    return _taken(rows, first), _taken(rows, second)


def _taken(rows: Rows, places: list[int]) -> Rows:
    return [rows[0][place] for place in places], [rows[1][place] for place in places]
