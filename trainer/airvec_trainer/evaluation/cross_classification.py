"""Do a reranker's scores tell classes of pairs of texts?

Knows nothing of how a model predicts.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.classification_metrics import (
    accuracy_threshold,
    average_precision,
    best_f1,
    outcomes,
)
from airvec_trainer.evaluation.columns import classes, pairs, same_lengths, some
from airvec_trainer.evaluation.embedding import PREDICTS
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.label_agreement import label_agreement

__all__ = [
    "CEBinaryAccuracyEvaluator", "CEBinaryClassificationEvaluator", "CEF1Evaluator", "CESoftmaxAccuracyEvaluator",
    "CrossEncoderClassificationEvaluator",
]  # fmt: skip

COLUMNS = {
    "accuracy": "Accuracy", "accuracy_threshold": "Accuracy_Threshold", "f1": "F1", "f1_threshold": "F1_Threshold",
    "precision": "Precision", "recall": "Recall", "average_precision": "Average_Precision",
    "f1_macro": "Macro_F1", "f1_micro": "Micro_F1", "f1_weighted": "Weighted_F1",
}  # fmt: skip

# Of one class for each row, micro-averaged F1 is the accuracy.
AGREEMENT = {"f1_macro": "f1", "f1_micro": "accuracy", "f1_weighted": "f1_weighted"}


class CrossEncoderClassificationEvaluator(Evaluator):
    """Classes of pairs of texts against those that a reranker's scores tell.

    Of a model with one label: `accuracy` and `accuracy_threshold`, `f1` and `f1_threshold` with `precision` and
    `recall` there, and `average_precision`, the primary metric. Of one with several: `f1_macro`, the primary metric,
    `f1_micro` and `f1_weighted` of the highest scores' classes.

    Args:
        sentence_pairs: two texts each.
        labels: the class of each, from 0; 0 or 1 for a model with one label.
        name: of the data.
        prompt_name: passed to `predict`.
        batch_size: passed to `predict`.
        show_progress_bar: passed to `predict`.
        write_csv: write `CrossEncoderClassificationEvaluator_{name}_results.csv`.

    Raises:
        ArgumentError: not one class for each pair or none, no pair of texts, a class that is no whole number from 0;
            later, other classes than 0 and 1 for a model with one label, or more than a model with several has.
    """

    asks = PREDICTS

    def __init__(
        self,
        sentence_pairs: Sequence[Sequence[str]],
        labels: Sequence[int],
        *,
        name: str = "",
        prompt_name: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        write_csv: bool = True,
    ) -> None:
        where = type(self).__name__
        same_lengths(where, {"pairs": sentence_pairs, "labels": labels})
        file = f"CrossEncoderClassificationEvaluator{'_' + name if name else ''}_results.csv"
        super().__init__(name=name, csv_file=file, write_csv=write_csv)
        self.sentence_pairs = some(where, "pairs", pairs(where, sentence_pairs))
        self.labels = np.array(classes(where, "labels", labels))
        self.prompt_name, self.batch_size, self.show_progress_bar = prompt_name, batch_size, show_progress_bar

    @classmethod
    def from_input_examples(
        cls,
        examples: Iterable[Any],
        *,
        name: str = "",
        prompt_name: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        write_csv: bool = True,
    ) -> "CrossEncoderClassificationEvaluator":
        """From examples with two texts and a class as label."""
        kept = list(examples)
        return cls(
            [entry.texts for entry in kept],
            [entry.label for entry in kept],
            name=name,
            prompt_name=prompt_name,
            batch_size=batch_size,
            show_progress_bar=show_progress_bar,
            write_csv=write_csv,
        )

    def measure(self, model: Any) -> dict[str, float]:
        """The seven numbers of one label, or the three of several."""
        found = np.asarray(
            model.predict(
                self.sentence_pairs,
                prompt_name=self.prompt_name,
                batch_size=self.batch_size,
                show_progress_bar=self.show_progress_bar,
                convert_to_numpy=True,
            )
        )
        if model.num_labels == 1:
            return self._of_one_label(found.reshape(-1))
        if found.ndim != 2 or not np.isfinite(found).all():
            raise ArgumentError(
                f"{type(self).__name__}: scores of shape {list(found.shape)}, {int(np.isnan(found).sum())} of them "
                f"nan, expected finite ones ({len(self.labels)}, labels). Look at the model."
            )
        last = int(self.labels.max())
        if last >= found.shape[1]:
            raise ArgumentError(
                f"{type(self).__name__}: labels, row {int(self.labels.argmax())}: {last}, but the model "
                f"({type(model).__name__}) tells {found.shape[1]} classes, expected 0 to {found.shape[1] - 1}. Map the "
                "labels to the model's, or take another model."
            )
        agreement = label_agreement(self.labels, found.argmax(axis=1))
        return {name: agreement[key] for name, key in AGREEMENT.items()}

    def primary(self, metrics: Mapping[str, float]) -> str:
        """Average precision, or macro F1."""
        return "average_precision" if "average_precision" in metrics else "f1_macro"

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """The same under the names that the file has in sentence-transformers."""
        return {COLUMNS[name]: value for name, value in metrics.items()}

    def _of_one_label(self, scores: npt.NDArray[Any]) -> dict[str, float]:
        found = outcomes(scores, self.labels)
        accuracy, threshold = accuracy_threshold(scores, self.labels)
        best = best_f1(found)
        return {
            "accuracy": accuracy,
            "accuracy_threshold": threshold,
            "f1": best.f1,
            "f1_threshold": best.threshold,
            "precision": best.precision,
            "recall": best.recall,
            "average_precision": average_precision(found),
        }


# Their old names.
CEBinaryAccuracyEvaluator = CrossEncoderClassificationEvaluator
CEBinaryClassificationEvaluator = CrossEncoderClassificationEvaluator
CEF1Evaluator = CrossEncoderClassificationEvaluator
CESoftmaxAccuracyEvaluator = CrossEncoderClassificationEvaluator
