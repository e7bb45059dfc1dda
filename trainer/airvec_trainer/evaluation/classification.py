"""Can a linear classifier on a few embeddings tell labels of texts apart? As MTEB asks it.

Knows nothing of how a model encodes and of how a classifier is fitted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec_trainer.evaluation.classification_metrics import average_precision, outcomes
from airvec_trainer.evaluation.columns import different, same_lengths, texts
from airvec_trainer.evaluation.dense_embedding import dense_rows
from airvec_trainer.evaluation.embedding import ENCODES, EncodeOptions
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.label_agreement import label_agreement
from airvec_trainer.evaluation.logistic_regression import fit_logistic_regression

__all__ = ["ClassificationEvaluator", "ClassificationProtocol"]


@dataclass(frozen=True)
class ClassificationProtocol:
    """How a classification is measured; the defaults are MTEB's.

    Attributes:
        experiments: how often rows to train on are drawn; the metrics are means.
        samples_per_label: rows that are drawn of each label.
        seed: of the drawing.
    """

    experiments: int = 10
    samples_per_label: int = 8
    seed: int = 42

    def __post_init__(self) -> None:
        whole_number("experiments", self.experiments)
        whole_number("samples_per_label", self.samples_per_label)
        whole_number("seed", self.seed, 0)


class ClassificationEvaluator(Evaluator):
    """Logistic regression on the embeddings of a few rows of each label, scored on other rows: MTEB's protocol.

    Gives the means over the experiments of `accuracy` (primary) with `accuracy_std`, of `f1`, `precision` and `recall`
    over the labels, with `_weighted` by their frequency, and with two labels `ap`. The rows that each experiment trains
    on are those that mteb draws. Its regression stops near the optimum, ours at it: the last digit may differ.

    Args:
        train_texts: to draw from.
        train_labels: one each, of any kind that can be compared.
        sentences: the texts to label.
        labels: their right labels; only labels that `train_labels` has.
        name: of the data.
        protocol: how it is measured; None = as MTEB does.
        options: how texts are encoded; None = as the model does, 32 at once.

    Raises:
        ArgumentError: columns of different lengths, no texts, fewer than two labels, labels that cannot be ordered, or
            one that is not trained.
    """

    asks = ENCODES

    def __init__(
        self,
        train_texts: Sequence[str],
        train_labels: Sequence[Any],
        sentences: Sequence[str],
        labels: Sequence[Any],
        name: str = "",
        protocol: ClassificationProtocol | None = None,
        options: EncodeOptions | None = None,
    ) -> None:
        where = type(self).__name__
        same_lengths(where, {"texts to train on": train_texts, "labels of them": train_labels})
        same_lengths(where, {"sentences": sentences, "labels": labels})
        file = f"classification_evaluation{'_' + name if name else ''}_results.csv"
        super().__init__(name=name, csv_file=file)
        self.train_texts = texts(where, "train_texts", train_texts)
        self.sentences = texts(where, "sentences", sentences)
        self.protocol, self.options = protocol or ClassificationProtocol(), options or EncodeOptions()
        self.label_names = _names(where, train_labels, labels)
        numbers = {label: number for number, label in enumerate(self.label_names)}
        self.train_labels = np.array([numbers[label] for label in train_labels])
        self.labels = np.array([numbers[label] for label in labels])

    def measure(self, model: Any) -> dict[str, float]:
        """The means over the experiments."""
        where = type(self).__name__
        drawn = self.drawn()
        used = sorted(set().union(*drawn))
        known = dense_rows(where, model, [self.train_texts[row] for row in used], self.options)
        places = {row: place for place, row in enumerate(used)}
        asked = dense_rows(where, model, self.sentences, self.options)
        found: list[dict[str, float]] = []
        for rows in drawn:
            fitted = fit_logistic_regression(known[[places[row] for row in rows]], self.train_labels[rows])
            predicted = fitted.predict(asked)
            metrics = label_agreement(self.labels, predicted)
            if len(self.label_names) == 2:
                metrics["ap"] = average_precision(outcomes(predicted, self.labels))
            found.append(metrics)
        accuracies = [metrics["accuracy"] for metrics in found]
        means = {key: float(np.mean([metrics[key] for metrics in found])) for key in found[0]}
        return means | {"accuracy_std": float(np.std(accuracies))}

    def primary(self, metrics: Mapping[str, float]) -> str:
        """Accuracy."""
        return "accuracy"

    def drawn(self) -> list[list[int]]:
        """The rows of `train_texts` of each experiment: the first of each label in an order that is shuffled again."""
        order = list(range(len(self.train_texts)))
        found: list[list[int]] = []
        for _ in range(self.protocol.experiments):
            # The old generator, anew each time, on the order before: mteb's rows are drawn so.
            np.random.RandomState(self.protocol.seed).shuffle(order)
            left = np.full(len(self.label_names), self.protocol.samples_per_label)
            rows: list[int] = []
            for row in order:
                if left[self.train_labels[row]]:
                    left[self.train_labels[row]] -= 1
                    rows.append(row)
            found.append(rows)
        return found

    def get_config_dict(self) -> dict[str, Any]:
        """The protocol, where it is not MTEB's."""
        usual = ClassificationProtocol()
        return {key: value for key, value in vars(self.protocol).items() if value != getattr(usual, key)}


def _names(where: str, trained: Sequence[Any], asked: Sequence[Any]) -> list[Any]:
    """The labels in order."""
    names = different(where, "labels to train on", trained)
    if len(names) < 2:
        raise ArgumentError(f"{where}: labels {names!r:.60} to train on, expected at least two. Add rows of others.")
    if not len(asked):
        raise ArgumentError(f"{where}: {len(asked)} sentences to label, expected some. Give rows with labels.")
    unknown = next((label for label in different(where, "labels", asked) if label not in names), None)
    if unknown is not None:
        raise ArgumentError(
            f"{where}: label {unknown!r} to find is not among those trained, {', '.join(map(str, names))[:80]}. "
            "Add rows to train it, or leave it out."
        )
    return names
