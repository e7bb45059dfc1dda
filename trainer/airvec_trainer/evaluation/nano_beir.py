"""A model's retrieval on several small sets, and the mean over them: NanoBEIR. Dense and sparse encoders alike.

Knows nothing of how a set is searched and of how it is read.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from airvec.errors import ArgumentError
from airvec.progress import progress_bar
from airvec_trainer.evaluation.corpus_search import Score
from airvec_trainer.evaluation.depths import Depths
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.information_retrieval import (
    InformationRetrievalEvaluator,
    SparseInformationRetrievalEvaluator,
    sparsity_metrics,
)
from airvec_trainer.evaluation.nano_sets import Source, chosen, read_set, readable

__all__ = ["NanoBEIREvaluator", "SparseNanoBEIREvaluator"]

HUB = "sentence-transformers/NanoBEIR-en"


class NanoBEIREvaluator(Evaluator):
    """`InformationRetrievalEvaluator` on each of several sets, and an aggregate of each metric, such as the mean.

    Gives `{set}_{metric}` for each set, such as `NanoSciFact_cosine_ndcg@10`, and `NanoBEIR_{aggregate_key}_{metric}`;
    the primary metric is the aggregate of the NDCG at the largest k. Documents and queries without a text are left out.

    Args:
        dataset_names: such as `["msmarco", "nq"]`; None = NanoBEIR's thirteen, or all of a folder or a mapping.
        dataset_id: the name of a data set on the Hub, which is fetched; or, without any network, a folder: either with
            one folder a set in BEIR's layout, or a copy of a data set of the Hub; or a mapping from names to
            `RetrievalTask`s or BEIR folders.
        mrr_at_k: like the following ones as in `InformationRetrievalEvaluator`.
        ndcg_at_k: places of the NDCG.
        accuracy_at_k: places of the accuracy.
        precision_recall_at_k: places of precision and recall.
        map_at_k: places of the mean average precision.
        show_progress_bar: over sets and documents.
        batch_size: passed to the model.
        write_csv: write `NanoBEIR_evaluation_{aggregate_key}_results.csv`, and a file for each set.
        truncate_dim: dimensions to keep, which go into the names of the metrics.
        score_functions: by name; None = the model's own similarity.
        main_score_function: that of the primary metric; None = the best at the first call.
        aggregate_fn: of the values of a metric on all sets.
        aggregate_key: its name.
        query_prompts: the text in front of each query, or one for each set, by its name.
        corpus_prompts: likewise of each document.
        write_predictions: write what was found, a file for each set.

    Raises:
        ArgumentError: no such set, or a set without a prompt.
        InputError: a set that is not as it should be.
        DownloadError: the Hub does not give it.
        MissingPackageError: the Hub or parquet is asked for, and its package is not installed.
    """

    cut_name = "truncate_dim"
    information_retrieval_class: type[InformationRetrievalEvaluator] = InformationRetrievalEvaluator

    def __init__(
        self,
        dataset_names: Sequence[str] | None = None,
        dataset_id: Source = HUB,
        mrr_at_k: Sequence[int] = (10,),
        ndcg_at_k: Sequence[int] = (10,),
        accuracy_at_k: Sequence[int] = (1, 3, 5, 10),
        precision_recall_at_k: Sequence[int] = (1, 3, 5, 10),
        map_at_k: Sequence[int] = (100,),
        show_progress_bar: bool = False,
        batch_size: int = 32,
        write_csv: bool = True,
        truncate_dim: int | None = None,
        score_functions: Mapping[str, Score] | None = None,
        main_score_function: Any = None,
        aggregate_fn: Callable[[list[float]], Any] = np.mean,
        aggregate_key: str = "mean",
        query_prompts: str | Mapping[str, str] | None = None,
        corpus_prompts: str | Mapping[str, str] | None = None,
        write_predictions: bool = False,
    ) -> None:
        where = type(self).__name__
        self.dataset_names, self.dataset_id = chosen(where, dataset_id, dataset_names), dataset_id
        self.query_prompts = _prompts(where, "query_prompts", query_prompts, self.dataset_names)
        self.corpus_prompts = _prompts(where, "corpus_prompts", corpus_prompts, self.dataset_names)
        self.depths = Depths.of(where, mrr_at_k, ndcg_at_k, accuracy_at_k, precision_recall_at_k, map_at_k)
        self.aggregate_fn, self.aggregate_key = aggregate_fn, aggregate_key
        self.show_progress_bar, self.batch_size = show_progress_bar, batch_size
        self.score_functions, self.write_predictions = score_functions, write_predictions
        self.main_score_function = getattr(main_score_function, "value", main_score_function)
        self.truncate_dim, self._end = truncate_dim, f"_{truncate_dim}" if truncate_dim else ""
        self._best_function: str | None = None
        file = f"NanoBEIR_evaluation_{aggregate_key}_results.csv"
        super().__init__(name=f"NanoBEIR_{aggregate_key}{self._end}", csv_file=file, write_csv=write_csv)
        self.evaluators = [self._evaluator(name) for name in self.dataset_names]

    def __call__(
        self, model: Any, output_path: str | Path | None = None, epoch: float = -1, steps: int = -1
    ) -> dict[str, float]:
        """Measure a model on every set; arguments as in `Evaluator`."""
        each: list[dict[str, float]] = []
        with progress_bar(bool(self.show_progress_bar), len(self.evaluators), "Sets", "set") as advance:
            for evaluator in self.evaluators:
                each.append(evaluator(model, output_path, epoch, steps))
                advance(1)
        of_all = self.report(model, self._aggregated(each), output_path, epoch, steps)
        return {key: value for one in each for key, value in one.items()} | of_all

    def measure(self, model: Any) -> dict[str, float]:
        """The aggregates."""
        return self._aggregated([evaluator(model) for evaluator in self.evaluators])

    def primary(self, metrics: Mapping[str, float]) -> str:
        """NDCG at the largest k by the main score function; without one, that which was best at the first call."""
        self._best_function = self.depths.best_function(metrics, self._best_function)
        return self.depths.primary(self.main_score_function or self._best_function)

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """`cosine-Accuracy@1` and so on."""
        return self.depths.columns(metrics)

    def store_metrics_in_model_card_data(
        self, model: Any, metrics: Mapping[str, Any], epoch: float = 0, step: int = 0
    ) -> None:
        """Only of several sets: of one the aggregate says again what its own entry says."""
        if len(self.evaluators) > 1:
            super().store_metrics_in_model_card_data(model, metrics, epoch, step)

    def get_config_dict(self) -> dict[str, Any]:
        """The sets, where embeddings are cut, and prompts."""
        source = self.dataset_id if isinstance(self.dataset_id, (str, Path)) else "in memory"
        given = {
            self.cut_name: self.truncate_dim,
            "query_prompts": self.query_prompts,
            "corpus_prompts": self.corpus_prompts,
        }
        told = {key: value for key, value in given.items() if value is not None}
        return {"dataset_names": self.dataset_names, "dataset_id": str(source), **told}

    def _evaluator(self, name: str) -> InformationRetrievalEvaluator:
        found = read_set(type(self).__name__, self.dataset_id, name)
        return self.information_retrieval_class(
            {key: text for key, text in found.queries.items() if text},
            {key: text for key, text in found.corpus.items() if text},
            found.relevant,
            50000, self.depths.mrr, self.depths.ndcg, self.depths.accuracy, self.depths.precision_recall,
            self.depths.map, self.show_progress_bar, self.batch_size, readable(name) + self._end, self.write_csv,
            self.truncate_dim, self.score_functions, self.main_score_function,  # or max_active_dims, in its place
            query_prompt=None if self.query_prompts is None else self.query_prompts[name],
            corpus_prompt=None if self.corpus_prompts is None else self.corpus_prompts[name],
            write_predictions=self.write_predictions,
        )  # fmt: skip

    def _aggregated(self, each: Sequence[Mapping[str, float]]) -> dict[str, float]:
        return aggregated(self.evaluators, each, self.aggregate_fn) | self._sparsity()

    def _sparsity(self) -> dict[str, float]:
        """How sparse all embeddings of all sets are together."""
        counted = [evaluator.activity for evaluator in self.evaluators if evaluator.activity]
        sides = ("query", "corpus") if counted else ()
        return sparsity_metrics({side: reduce(add, [activity[side] for activity in counted]) for side in sides})


class SparseNanoBEIREvaluator(NanoBEIREvaluator):
    """As `NanoBEIREvaluator`, and how sparse the embeddings are: of each set, and of all texts of all sets together.

    Args:
        dataset_names: like the other arguments as in `NanoBEIREvaluator`, but for one:
        max_active_dims: weights to keep of each embedding, which go into the names; None = as the model says.
    """

    cut_name = "max_active_dims"
    information_retrieval_class = SparseInformationRetrievalEvaluator

    def __init__(
        self,
        dataset_names: Sequence[str] | None = None,
        dataset_id: Source = HUB,
        mrr_at_k: Sequence[int] = (10,),
        ndcg_at_k: Sequence[int] = (10,),
        accuracy_at_k: Sequence[int] = (1, 3, 5, 10),
        precision_recall_at_k: Sequence[int] = (1, 3, 5, 10),
        map_at_k: Sequence[int] = (100,),
        show_progress_bar: bool = False,
        batch_size: int = 32,
        write_csv: bool = True,
        max_active_dims: int | None = None,
        score_functions: Mapping[str, Score] | None = None,
        main_score_function: Any = None,
        aggregate_fn: Callable[[list[float]], Any] = np.mean,
        aggregate_key: str = "mean",
        query_prompts: str | Mapping[str, str] | None = None,
        corpus_prompts: str | Mapping[str, str] | None = None,
        write_predictions: bool = False,
    ) -> None:
        super().__init__(
            dataset_names, dataset_id, mrr_at_k, ndcg_at_k, accuracy_at_k, precision_recall_at_k, map_at_k,
            show_progress_bar, batch_size, write_csv, max_active_dims, score_functions, main_score_function,
            aggregate_fn, aggregate_key, query_prompts, corpus_prompts, write_predictions,
        )  # fmt: skip
        self.max_active_dims = max_active_dims


def aggregated(
    evaluators: Sequence[Evaluator], each: Sequence[Mapping[str, float]], aggregate: Callable[[list[float]], Any]
) -> dict[str, float]:
    """One value of each metric for all sets; `each` holds what the evaluators gave, with their names in front."""
    values: dict[str, list[float]] = {}
    for evaluator, metrics in zip(evaluators, each, strict=True):
        for key, value in metrics.items():
            values.setdefault(key.removeprefix(f"{evaluator.name}_"), []).append(value)
    return {key: float(aggregate(of_sets)) for key, of_sets in values.items()}


def _prompts(
    where: str, name: str, given: str | Mapping[str, str] | None, sets: Sequence[str]
) -> dict[str, str] | None:
    """A prompt for each set."""
    if given is None or isinstance(given, str):
        return None if given is None else dict.fromkeys(sets, given)
    by_set = {readable(one): prompt for one, prompt in given.items()}
    missing = [one for one in sets if readable(one) not in by_set]
    if missing:
        raise ArgumentError(f"{where}: {name} has none for {', '.join(missing)}, expected one for each set. Add them.")
    return {one: by_set[readable(one)] for one in sets}
