"""Evaluators of sparse encoders: what those of dense ones measure, and how sparse the embeddings were.

The evaluators of the tasks themselves take sparse models, too; these have sentence-transformers' names and columns.
Knows nothing of the tasks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from airvec_trainer.evaluation.binary_classification import BinaryClassificationEvaluator
from airvec_trainer.evaluation.embedding import ENCODES_SPARSELY, Embeddings, EncodeOptions, embed
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.mse import MSEEvaluator
from airvec_trainer.evaluation.similarity import EmbeddingSimilarityEvaluator
from airvec_trainer.evaluation.sparsity import Activity
from airvec_trainer.evaluation.translation import TranslationEvaluator
from airvec_trainer.evaluation.triplets import TripletEvaluator

__all__ = [
    "SparseBinaryClassificationEvaluator", "SparseEmbeddingSimilarityEvaluator", "SparseMSEEvaluator",
    "SparseTranslationEvaluator", "SparseTripletEvaluator",
]  # fmt: skip


class SparseTask(Evaluator):
    """An evaluator's metrics, and `active_dims` and `sparsity_ratio` of all embeddings that it asked for.

    Args:
        task: the evaluator.
        parts: names of what it asks for, call by call, to come before the two: `("query_", "corpus_")`; none = one
            value of each over all.

    Attributes:
        task: the evaluator, with its texts and settings.
    """

    asks = ENCODES_SPARSELY

    def __init__(self, task: Any, parts: Sequence[str] = ()) -> None:
        super().__init__(name=task.name, csv_file=task.csv_file, write_csv=task.write_csv)
        self.task, self.parts = task, parts

    def measure(self, model: Any) -> dict[str, float]:
        """The task's metrics, then the sparsity."""
        heard: list[Activity] = []

        def ask(
            model: Any, texts: Sequence[str], role: str | None = None, options: EncodeOptions | None = None
        ) -> Embeddings:
            found = embed(model, texts, role, options)
            heard.append(Activity.of(found))
            return found

        metrics = self.task.measure(model, ask)
        if not self.parts:
            return metrics | sum(heard[1:], heard[0]).metrics()
        for part, activity in zip(self.parts, heard, strict=True):
            metrics |= activity.metrics(part)
        return metrics

    def primary(self, metrics: Mapping[str, float]) -> str:
        """The task's."""
        return self.task.primary(_parted(metrics)[0])

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """The task's, then the sparsity."""
        own, sparsity = _parted(metrics)
        return self.task.columns(own) | sparsity

    def get_config_dict(self) -> dict[str, Any]:
        """The task's."""
        return self.task.get_config_dict()


class SparseEmbeddingSimilarityEvaluator(SparseTask):
    """As `EmbeddingSimilarityEvaluator`, with `max_active_dims`, `active_dims` and `sparsity_ratio`."""

    def __init__(
        self,
        sentences1: Sequence[str],
        sentences2: Sequence[str],
        scores: Sequence[float],
        batch_size: int = 16,
        main_similarity: Any = None,
        similarity_fn_names: Sequence[str] | None = None,
        name: str = "",
        show_progress_bar: bool | None = False,
        write_csv: bool = True,
        max_active_dims: int | None = None,
    ) -> None:
        super().__init__(
            EmbeddingSimilarityEvaluator(
                sentences1, sentences2, scores, batch_size, main_similarity, similarity_fn_names, name,
                show_progress_bar, write_csv, max_active_dims=max_active_dims,
            )
        )  # fmt: skip

    @property
    def description(self) -> str:
        """As sentence-transformers' cards call it."""
        return self.task.description


class SparseBinaryClassificationEvaluator(SparseTask):
    """As `BinaryClassificationEvaluator`, with `max_active_dims`, `active_dims` and `sparsity_ratio`."""

    def __init__(
        self,
        sentences1: Sequence[str],
        sentences2: Sequence[str],
        labels: Sequence[int],
        name: str = "",
        batch_size: int = 32,
        show_progress_bar: bool | None = False,
        write_csv: bool = True,
        max_active_dims: int | None = None,
        similarity_fn_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(
            BinaryClassificationEvaluator(
                sentences1, sentences2, labels, name, batch_size, show_progress_bar, write_csv,
                similarity_fn_names=similarity_fn_names, max_active_dims=max_active_dims,
            )
        )  # fmt: skip


class SparseTripletEvaluator(SparseTask):
    """As `TripletEvaluator`, with `max_active_dims`, and `active_dims` and `sparsity_ratio` of each column of texts."""

    def __init__(
        self,
        anchors: Sequence[str],
        positives: Sequence[str],
        negatives: Sequence[str],
        main_similarity_function: Any = None,
        margin: float | Mapping[str, float] | None = None,
        name: str = "",
        batch_size: int = 16,
        show_progress_bar: bool | None = False,
        write_csv: bool = True,
        max_active_dims: int | None = None,
        similarity_fn_names: Sequence[str] | None = None,
        main_distance_function: Any = None,
    ) -> None:
        super().__init__(
            TripletEvaluator(
                anchors, positives, negatives, main_similarity_function, margin, name, batch_size, show_progress_bar,
                write_csv, similarity_fn_names=similarity_fn_names, main_distance_function=main_distance_function,
                max_active_dims=max_active_dims,
            ),
            parts=("anchor_", "positive_", "negative_"),
        )  # fmt: skip


class SparseMSEEvaluator(SparseTask):
    """As `MSEEvaluator`, with `max_active_dims`, `active_dims` and `sparsity_ratio`."""

    def __init__(
        self,
        source_sentences: Sequence[str],
        target_sentences: Sequence[str],
        teacher_model: Any = None,
        show_progress_bar: bool | None = False,
        batch_size: int = 32,
        name: str = "",
        write_csv: bool = True,
        max_active_dims: int | None = None,
    ) -> None:
        super().__init__(
            MSEEvaluator(
                source_sentences, target_sentences, teacher_model, show_progress_bar, batch_size, name, write_csv,
                max_active_dims=max_active_dims,
            )
        )  # fmt: skip

    @property
    def description(self) -> str:
        """As sentence-transformers' cards call it."""
        return self.task.description


class SparseTranslationEvaluator(SparseTask):
    """As `TranslationEvaluator`, with `max_active_dims`, `active_dims` and `sparsity_ratio`."""

    def __init__(
        self,
        source_sentences: Sequence[str],
        target_sentences: Sequence[str],
        show_progress_bar: bool | None = False,
        batch_size: int = 16,
        name: str = "",
        print_wrong_matches: bool = False,
        write_csv: bool = True,
        max_active_dims: int | None = None,
    ) -> None:
        super().__init__(
            TranslationEvaluator(
                source_sentences, target_sentences, show_progress_bar, batch_size, name, print_wrong_matches,
                write_csv, max_active_dims=max_active_dims,
            )
        )  # fmt: skip


def _parted(metrics: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """A task's own metrics, and those of the sparsity."""
    sparsity = {key: value for key, value in metrics.items() if key.endswith(("active_dims", "sparsity_ratio"))}
    return {key: value for key, value in metrics.items() if key not in sparsity}, sparsity
