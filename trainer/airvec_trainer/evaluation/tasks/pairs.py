"""`pairs:FILE`: pairs of texts that belong together or not → average precision and thresholds, as MTEB's pair tasks.

Knows nothing of other tasks.
"""

from typing import Any

import numpy as np

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.binary_classification import BinaryClassificationEvaluator
from airvec_trainer.evaluation.cross_classification import CrossEncoderClassificationEvaluator
from airvec_trainer.evaluation.embedding import embed
from airvec_trainer.evaluation.scoring import Floats, own_measure, pair_scores
from airvec_trainer.evaluation.tasks.columns import TaskColumns, read_columns
from airvec_trainer.evaluation.tasks.settings import Settings, Task, counted
from airvec_trainer.evaluation.tasks.spec import TaskSpec

__all__ = ["OPTIONS", "read_pairs", "scores_of_pairs"]

OPTIONS = ("sentence1", "sentence2", "label", "positive")


def read_pairs(spec: TaskSpec, settings: Settings) -> Task:
    """The task of a file with two texts and a label in each row: 0 or 1, or with `positive=LABEL` that label or others.

    `true` and `false`, of JSON or in any letters, are 1 and 0.

    Raises:
        ArgumentError: no file, a column is missing, or all labels are alike.
        InputError: a row that is wrong; the message names its line.
    """
    columns = read_columns(spec, OPTIONS[:3])
    first, second, labels = columns.texts("sentence1"), columns.texts("sentence2"), _labels(spec, columns)
    if len(set(labels)) < 2:
        raise ArgumentError(
            f"{spec.place}: {counted(len(labels), 'pairs')}, all with the label {labels[0]}, expected 0 and 1. "
            "Add rows, or look at ?positive=LABEL."
        )
    rows = {"pairs": len(labels)}
    if settings.reranks:
        pairs = list(zip(first, second, strict=True))
        evaluator = CrossEncoderClassificationEvaluator(pairs, labels, name=spec.name, **settings.given)
        return Task(evaluator, rows, ("f1", "f1_threshold", "accuracy"))
    found = BinaryClassificationEvaluator(first, second, labels, name=spec.name, **settings.given)
    return Task(found, rows, ("f1", "f1_threshold", "accuracy"))


def scores_of_pairs(evaluator: Any, model: Any) -> Floats:
    """The score of each pair of a task's evaluator by its model's own measure, larger is more alike: float64 (n,)."""
    if isinstance(evaluator, CrossEncoderClassificationEvaluator):
        return np.asarray(
            model.predict(evaluator.sentence_pairs, batch_size=evaluator.batch_size, show_progress_bar=False),
            dtype=np.float64,
        )
    first, second = (
        embed(model, side, None, evaluator.options) for side in (evaluator.sentences1, evaluator.sentences2)
    )
    return pair_scores(own_measure(model, type(evaluator).__name__), first, second)


def _labels(spec: TaskSpec, columns: TaskColumns) -> list[int]:
    positive = spec.options.get("positive")
    if positive is not None:
        return [int(label == positive) for label in columns.labels("label")]
    expected = "0 or 1, true or false; or name the label of 1 with ?positive=LABEL"
    numbers = columns.judgements("label", expected)
    for row, number in enumerate(numbers):
        if number not in (0, 1):
            raise columns.wrong(row, "label", expected)
    return [int(number) for number in numbers]
