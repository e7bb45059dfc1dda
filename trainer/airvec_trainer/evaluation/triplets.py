"""Is an anchor more like its positive than like its negative?

Knows nothing of how a model encodes.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.columns import same_lengths, texts
from airvec_trainer.evaluation.embedding import ENCODES, Ask, EncodeOptions, embed
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.scoring import MEASURES, chosen, measure_name, own_measure, pair_scores

__all__ = ["TripletEvaluator"]


class TripletEvaluator(Evaluator):
    """Share of triplets in which the anchor is more like the positive than like the negative, by more than a margin.

    Anchors are encoded as queries, the others as documents. Gives `{measure}_accuracy`, and with several measures
    also `max_accuracy`.

    Args:
        anchors: one text a triplet.
        positives: a text that belongs to it.
        negatives: a text that does not.
        main_similarity_function: the measure of the primary metric; None = the largest of all measures.
        margin: one for all measures, or one by measure; None = 0.
        name: of the data.
        batch_size: passed to `encode_query` and `encode_document`.
        show_progress_bar: passed likewise.
        write_csv: write `triplet_evaluation_{name}_results.csv`.
        truncate_dim: passed likewise.
        similarity_fn_names: the measures: cosine, dot, euclidean, manhattan; None = the main one, else the model's own.
        main_distance_function: the old name of `main_similarity_function`.
        max_active_dims: passed to `encode` of sparse models.

    Raises:
        ArgumentError: columns of different lengths, no texts, an unknown measure, or a margin that is no number.
    """

    asks = ENCODES

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
        truncate_dim: int | None = None,
        similarity_fn_names: Sequence[str] | None = None,
        main_distance_function: Any = None,
        *,
        max_active_dims: int | None = None,
    ) -> None:
        where = type(self).__name__
        same_lengths(where, {"anchors": anchors, "positives": positives, "negatives": negatives})
        file = f"triplet_evaluation{'_' + name if name else ''}_results.csv"
        super().__init__(name=name, csv_file=file, write_csv=write_csv)
        self.anchors = texts(where, "anchors", anchors)
        self.positives = texts(where, "positives", positives)
        self.negatives = texts(where, "negatives", negatives)
        self.truncate_dim = truncate_dim
        self.options = EncodeOptions(
            batch_size, show_progress_bar, truncate_dim=truncate_dim, max_active_dims=max_active_dims
        )
        main = main_distance_function if main_similarity_function is None else main_similarity_function
        self.main_similarity_function = measure_name(main, where)
        self.similarity_fn_names = chosen(similarity_fn_names, self.main_similarity_function, where)
        self.margin = _margins(margin, where)

    @classmethod
    def from_input_examples(cls, examples: Iterable[Any], name: str = "") -> "TripletEvaluator":
        """From examples with three texts."""
        anchors, positives, negatives = zip(*(entry.texts[:3] for entry in examples), strict=True)
        return cls(anchors, positives, negatives, name=name)

    def measure(self, model: Any, ask: Ask = embed) -> dict[str, float]:
        """Accuracy by each measure."""
        names = self.similarity_fn_names or (own_measure(model, type(self).__name__),)
        anchors = ask(model, self.anchors, "query", self.options)
        positives = ask(model, self.positives, "document", self.options)
        negatives = ask(model, self.negatives, "document", self.options)
        metrics: dict[str, float] = {}
        for name in names:
            near, far = pair_scores(name, anchors, positives), pair_scores(name, anchors, negatives)
            metrics[f"{name}_accuracy"] = float((near > far + self.margin[name]).mean())
        if len(names) > 1:
            metrics["max_accuracy"] = max(metrics.values())
        return metrics

    def primary(self, metrics: Mapping[str, float]) -> str:
        """Accuracy by the main measure, or the largest."""
        if self.main_similarity_function:
            return f"{self.main_similarity_function}_accuracy"
        return "max_accuracy" if "max_accuracy" in metrics else next(iter(metrics))

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """`accuracy_cosine` …; the maximum is not written."""
        measured = {key.removesuffix("_accuracy"): value for key, value in metrics.items()}
        return {f"accuracy_{name}": value for name, value in measured.items() if name != "max"}

    def get_config_dict(self) -> dict[str, Any]:
        """Margins where one is not 0, and where embeddings are cut."""
        settings: dict[str, Any] = {"margin": self.margin} if any(self.margin.values()) else {}
        return settings | self.options.changed()


def _margins(given: Any, where: str) -> dict[str, float]:
    """A margin for each measure, 0 where none is given."""
    if given is None or isinstance(given, int | float):
        return dict.fromkeys(MEASURES, given or 0)
    if not isinstance(given, Mapping) or not set(given) <= set(MEASURES):
        raise ArgumentError(
            f"{where}: margin {given!r}, expected a number, or numbers by {', '.join(MEASURES)}. Correct it."
        )
    return dict.fromkeys(MEASURES, 0) | dict(given)
