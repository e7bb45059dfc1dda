"""Evaluations that cannot be right: labels, models, thresholds, drift. They need no torch."""

from typing import Any

import numpy as np

from tests.errors.cases import Case, Topic

PAIRS = (["one", "two"], ["two", "three"])


class Encodes:
    """A model whose embeddings are these."""

    similarity_fn_name = "cosine"

    def __init__(self, *rows: list[float]) -> None:
        self.rows = rows

    def encode(self, texts: list[str], **_: Any) -> Any:
        return np.array([self.rows[number % len(self.rows)] for number in range(len(texts))])


def binary(labels: Any, model: Any = None) -> Any:
    from airvec_trainer.evaluation import BinaryClassificationEvaluator

    return BinaryClassificationEvaluator(*PAIRS, labels)(model or Encodes([1.0, 0.0]))


def distilled(teacher: Any, student: Any) -> Any:
    from airvec_trainer.evaluation import MSEEvaluator

    return MSEEvaluator(*PAIRS, teacher)(student)


def calibrated(scores: Any, labels: Any) -> Any:
    from airvec_trainer.evaluation.calibration import calibrate

    return calibrate(scores, labels)


def drifted(reference: Any, current: Any) -> Any:
    from airvec_trainer.evaluation.drift import drift

    return drift(reference, current)


CASES = (
    Case("As many labels as pairs", "`BinaryClassificationEvaluator` of two pairs with three labels.",
         lambda home: binary([1, 0, 1])),
    Case("A label that is not 0 or 1", "`BinaryClassificationEvaluator(…, labels=[1, 5])`.",
         lambda home: binary([1, 5])),
    Case("Nothing to evaluate", "`calibrate([], [])`.", lambda home: calibrated([], [])),
    Case("A folder's name in place of a model", '`evaluator("./model")`.',
         lambda home: distilled(Encodes([1.0, 0.0]), "./model")),
    Case("A model that answers nan", "Of a model whose training went astray, perhaps.",
         lambda home: binary([1, 0], Encodes([1.0, 0.0], [float("nan"), 0.0]))),
    Case("Embeddings of parts of texts", "`encode` gave a matrix for each text.",
         lambda home: binary([1, 0], Encodes([[1.0, 0.0]], [[0.0, 1.0]]))),
    Case("No teacher", "`MSEEvaluator(sentences, sentences)`.", lambda home: distilled(None, None)),
    Case("A teacher of other dimensions", "`MSEEvaluator`; the student has three.",
         lambda home: distilled(Encodes([1.0, 0.0]), Encodes([1.0, 0.0, 0.0]))),
    Case("A threshold for one label", "`calibrate(scores, [1, 1])`.", lambda home: calibrated([0.2, 0.9], [1, 1])),
    Case("A precision that no threshold reaches", "`calibrate(…).recall_at_precision(0.9)`.",
         lambda home: calibrated([3, 2, 1], [0, 1, 0]).recall_at_precision(0.9)),
    Case("Drift between two models", "Embeddings of 3 and of 2 dimensions.",
         lambda home: drifted([[1.0, 0.0, 0.0]], [[1.0, 0.0]])),
)  # fmt: skip
TOPIC = Topic(
    "Evaluators",
    "`airvec_trainer.evaluation`, see [evaluating.md](evaluating.md). What is wrong with the data is told when an"
    " evaluator is made, before a training starts.",
    CASES,
)
