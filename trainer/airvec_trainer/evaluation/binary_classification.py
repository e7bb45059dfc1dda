"""Do similarities of embeddings tell pairs that belong together from others?

Knows nothing of how a model encodes.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from airvec_trainer.evaluation.classification_metrics import (
    accuracy_threshold,
    average_precision,
    best_f1,
    matthews,
    outcomes,
)
from airvec_trainer.evaluation.columns import binary, same_lengths, some, texts
from airvec_trainer.evaluation.embedding import ENCODES, Ask, Embeddings, EncodeOptions, embed
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.scoring import chosen, own_measure, pair_scores

__all__ = ["BinaryClassificationEvaluator"]

COLUMNS = ("accuracy", "accuracy_threshold", "f1", "precision", "recall", "f1_threshold", "ap", "mcc")
DISTANCES = ("euclidean", "manhattan")


class BinaryClassificationEvaluator(Evaluator):
    """Thresholds on the similarity of two texts' embeddings, and how well they tell 1 from 0.

    Gives for each measure `{measure}_accuracy` and `_accuracy_threshold`, `_f1` and `_f1_threshold` with the
    `_precision` and `_recall` there, `_ap` (average precision, the primary metric) and `_mcc` (Matthews' correlation at
    the threshold of F1), and with several measures the largest of each as `max_…`. Thresholds of `euclidean` and
    `manhattan` are distances: pairs at or below them are held to be 1.

    Args:
        sentences1: the first text of each pair.
        sentences2: the second one.
        labels: 1 for pairs that belong together, 0 for others.
        name: of the data.
        batch_size: passed to `encode`, which gets each text once.
        show_progress_bar: passed to `encode`.
        write_csv: write `binary_classification_evaluation_{name}_results.csv`.
        truncate_dim: passed to `encode`.
        similarity_fn_names: the measures: cosine, dot, euclidean, manhattan; None = the model's own.
        max_active_dims: passed to `encode` of sparse models.

    Raises:
        ArgumentError: columns of different lengths or none, no texts, labels that are not 0 or 1, an unknown measure.
    """

    asks = ENCODES

    def __init__(
        self,
        sentences1: Sequence[str],
        sentences2: Sequence[str],
        labels: Sequence[int],
        name: str = "",
        batch_size: int = 32,
        show_progress_bar: bool | None = False,
        write_csv: bool = True,
        truncate_dim: int | None = None,
        similarity_fn_names: Sequence[str] | None = None,
        *,
        max_active_dims: int | None = None,
    ) -> None:
        where = type(self).__name__
        same_lengths(where, {"first sentences": sentences1, "second sentences": sentences2, "labels": labels})
        file = f"binary_classification_evaluation{'_' + name if name else ''}_results.csv"
        super().__init__(name=name, csv_file=file, write_csv=write_csv)
        self.sentences1 = some(where, "pairs", texts(where, "sentences1", sentences1))
        self.sentences2 = texts(where, "sentences2", sentences2)
        self.labels = binary(where, "labels", labels)
        self.truncate_dim = truncate_dim
        self.options = EncodeOptions(
            batch_size, show_progress_bar, truncate_dim=truncate_dim, max_active_dims=max_active_dims
        )
        self.similarity_fn_names = chosen(similarity_fn_names, None, where)

    @classmethod
    def from_input_examples(
        cls,
        examples: Iterable[Any],
        name: str = "",
        batch_size: int = 32,
        show_progress_bar: bool | None = False,
        write_csv: bool = True,
        truncate_dim: int | None = None,
        similarity_fn_names: Sequence[str] | None = None,
    ) -> "BinaryClassificationEvaluator":
        """From examples with two texts and a label."""
        kept = list(examples)
        columns = [entry.texts[0] for entry in kept], [entry.texts[1] for entry in kept], [one.label for one in kept]
        return cls(*columns, name, batch_size, show_progress_bar, write_csv, truncate_dim, similarity_fn_names)

    def measure(self, model: Any, ask: Ask = embed) -> dict[str, float]:
        """The eight numbers for each measure, and the largest of each."""
        names = self.similarity_fn_names or (own_measure(model, type(self).__name__),)
        first, second = self._embeddings(model, ask)
        found = {name: _measured(name, pair_scores(name, first, second), self.labels) for name in names}
        metrics = {f"{name}_{key}": value for name, values in found.items() for key, value in values.items()}
        if len(names) > 1:
            metrics |= {f"max_{key}": max(found[name][key] for name in names) for key in found[names[0]]}
        return metrics

    def primary(self, metrics: Mapping[str, float]) -> str:
        """Average precision, the largest of several."""
        return "max_ap" if "max_ap" in metrics else next(key for key in metrics if key.endswith("_ap"))

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Each measure's eight; the largest are not written."""
        names = dict.fromkeys(key.split("_")[0] for key in metrics if not key.startswith("max_"))
        return {f"{name}_{column}": metrics[f"{name}_{column}"] for name in names for column in COLUMNS}

    def get_config_dict(self) -> dict[str, Any]:
        """Where embeddings are cut."""
        return self.options.changed()

    @staticmethod
    def find_best_acc_and_threshold(
        scores: npt.ArrayLike, labels: npt.ArrayLike, high_score_more_similar: bool
    ) -> tuple[float, float]:
        """The largest accuracy, and the threshold that gives it."""
        sign = 1 if high_score_more_similar else -1
        accuracy, threshold = accuracy_threshold(sign * np.asarray(scores), labels)
        return accuracy, sign * threshold

    @staticmethod
    def find_best_f1_and_threshold(
        scores: npt.ArrayLike, labels: npt.ArrayLike, high_score_more_similar: bool
    ) -> tuple[float, float, float, float]:
        """The largest F1, the precision and recall that make it, and the threshold."""
        sign = 1 if high_score_more_similar else -1
        best = best_f1(outcomes(sign * np.asarray(scores), labels))
        return best.f1, best.precision, best.recall, sign * best.threshold

    def _embeddings(self, model: Any, ask: Ask) -> tuple[Embeddings, Embeddings]:
        """Of both sides; a text that stands in several pairs is encoded once."""
        places = {text: place for place, text in enumerate(dict.fromkeys([*self.sentences1, *self.sentences2]))}
        found = ask(model, list(places), options=self.options)
        first, second = ([places[text] for text in side] for side in (self.sentences1, self.sentences2))
        return found[first], found[second]


def _measured(name: str, scores: npt.NDArray[np.float64], labels: list[int]) -> dict[str, float]:
    sign = -1 if name in DISTANCES else 1
    found = outcomes(scores, labels)
    accuracy, threshold = accuracy_threshold(scores, labels)
    best = best_f1(found)
    return {
        "accuracy": accuracy,
        "accuracy_threshold": sign * threshold,
        "f1": best.f1,
        "f1_threshold": sign * best.threshold,
        "precision": best.precision,
        "recall": best.recall,
        "ap": average_precision(found),
        "mcc": matthews(labels, scores >= best.threshold),
    }
