"""Do similarities of embeddings rank pairs of texts as people do?

Knows nothing of how a model encodes.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.columns import numbers, same_lengths, texts, varied
from airvec_trainer.evaluation.embedding import ENCODES, Ask, Embeddings, EncodeOptions, embed
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.metrics import pearson, spearman
from airvec_trainer.evaluation.scoring import chosen, measure_name, own_measure, pair_scores

__all__ = ["EmbeddingSimilarityEvaluator"]

PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")
QUANTIZED_TOGETHER = ("int8", "uint8")


class EmbeddingSimilarityEvaluator(Evaluator):
    """Correlation of the similarity of two texts' embeddings with a given score: semantic textual similarity.

    Gives `pearson_{measure}` and `spearman_{measure}` for each measure, and with several also `pearson_max` and
    `spearman_max`. The primary metric is Spearman's.

    Args:
        sentences1: the first text of each pair.
        sentences2: the second one.
        scores: how alike they are, in any unit; larger is more alike.
        batch_size: passed to `encode`.
        main_similarity: the measure of the primary metric; None = the largest of all measures.
        similarity_fn_names: the measures: cosine, dot, euclidean, manhattan; None = the main one, else the model's own.
        name: of the data.
        show_progress_bar: passed to `encode`.
        write_csv: write `similarity_evaluation_{name}_results.csv`.
        precision: of the embeddings: float32, int8, uint8, binary, ubinary; None = as the model gives them.
        truncate_dim: passed to `encode`.
        max_active_dims: passed to `encode` of sparse models.

    Raises:
        ArgumentError: columns of different lengths, no texts, scores that are no finite numbers or all alike, or an
            unknown measure or precision.
    """

    asks = ENCODES

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
        precision: str | None = None,
        truncate_dim: int | None = None,
        *,
        max_active_dims: int | None = None,
    ) -> None:
        where = type(self).__name__
        same_lengths(where, {"first sentences": sentences1, "second sentences": sentences2, "scores": scores})
        if precision is not None and precision not in PRECISIONS:
            raise ArgumentError(f"{where}: precision {precision!r}, expected one of {', '.join(PRECISIONS)}, or None.")
        parts = ("similarity_evaluation", name, precision, "results.csv")
        super().__init__(name=name, csv_file="_".join(part for part in parts if part), write_csv=write_csv)
        self.sentences1 = texts(where, "sentences1", sentences1)
        self.sentences2 = texts(where, "sentences2", sentences2)
        self.scores = varied(where, "scores", numbers(where, "scores", scores))
        self.precision, self.truncate_dim = precision, truncate_dim
        self.options = EncodeOptions(
            batch_size=batch_size,
            show_progress_bar=show_progress_bar,
            truncate_dim=truncate_dim,
            max_active_dims=max_active_dims,
            precision=precision,
            normalize_embeddings=bool(precision),
        )
        self.main_similarity = measure_name(main_similarity, where)
        self.similarity_fn_names = chosen(similarity_fn_names, self.main_similarity, where)

    @classmethod
    def from_input_examples(cls, examples: Iterable[Any], name: str = "") -> "EmbeddingSimilarityEvaluator":
        """From examples with two texts and a score as label."""
        kept = list(examples)
        first, second = [entry.texts[0] for entry in kept], [entry.texts[1] for entry in kept]
        return cls(first, second, [entry.label for entry in kept], name=name)

    @property
    def description(self) -> str:
        """As sentence-transformers' cards call it."""
        return "Semantic Similarity"

    def measure(self, model: Any, ask: Ask = embed) -> dict[str, float]:
        """Pearson's and Spearman's correlation for each measure."""
        names = self.similarity_fn_names or (own_measure(model, type(self).__name__),)
        first, second = self._embeddings(model, ask)
        metrics: dict[str, float] = {}
        for name in names:
            found = pair_scores(name, first, second)
            metrics[f"pearson_{name}"] = pearson(self.scores, found)
            metrics[f"spearman_{name}"] = spearman(self.scores, found)
        if len(names) > 1:
            metrics["pearson_max"] = max(metrics[f"pearson_{name}"] for name in names)
            metrics["spearman_max"] = max(metrics[f"spearman_{name}"] for name in names)
        return metrics

    def primary(self, metrics: Mapping[str, float]) -> str:
        """Spearman's correlation by the main measure, or the largest."""
        if self.main_similarity:
            return f"spearman_{self.main_similarity}"
        return "spearman_max" if "spearman_max" in metrics else next(key for key in metrics if key.startswith("spear"))

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """`cosine_pearson`, `cosine_spearman` …; the maxima are not written."""
        named = {key: key.split("_") for key in metrics if not key.endswith("_max")}
        return {f"{measure}_{kind}": metrics[key] for key, (kind, measure) in named.items()}

    def get_config_dict(self) -> dict[str, Any]:
        """Where embeddings are cut, and their precision."""
        return self.options.changed()

    def _embeddings(self, model: Any, ask: Ask) -> tuple[Embeddings, Embeddings]:
        if self.precision in QUANTIZED_TOGETHER:  # so that one text has one code on both sides
            found = ask(model, [*self.sentences1, *self.sentences2], options=self.options)
            return found[: len(self.sentences1)], found[len(self.sentences1) :]
        first, second = (ask(model, side, options=self.options) for side in (self.sentences1, self.sentences2))
        return self._numbers(first), self._numbers(second)

    def _numbers(self, embeddings: Embeddings) -> Embeddings:
        """Codes as numbers: packed bits become 0 and 1 each."""
        if self.precision not in ("binary", "ubinary"):
            return embeddings
        codes = np.asarray(embeddings)
        if self.precision == "binary":  # int8 from -128: the same bits as ubinary, less 128
            codes = codes.astype(np.int16) + 128
        return np.unpackbits(codes.astype(np.uint8), axis=1)
