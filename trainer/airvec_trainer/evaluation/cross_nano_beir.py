"""A reranker on several small sets, and the mean over them: it reranks what BM25 finds. NanoBEIR for cross-encoders.

Knows nothing of how a model predicts and of how a set is read.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from airvec.checks import whole_number
from airvec.errors import InputError
from airvec.progress import progress_bar
from airvec.search.bm25 import BM25, ENGLISH
from airvec.similarity import dot_score
from airvec_trainer.evaluation import reranking_samples
from airvec_trainer.evaluation.corpus_search import best_rows
from airvec_trainer.evaluation.cross_reranking import CrossEncoderRerankingEvaluator
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.nano_beir import HUB, aggregated
from airvec_trainer.evaluation.nano_sets import NanoSet, Source, chosen, read_set, readable

__all__ = ["CrossEncoderNanoBEIREvaluator"]

logger = logging.getLogger(__name__)

ARGUMENTS = ("arguana", "touche2020")  # arguments for and against: another task than the other sets have


class CrossEncoderNanoBEIREvaluator(Evaluator):
    """`CrossEncoderRerankingEvaluator` on each of several sets, and an aggregate of each metric, such as the mean.

    Gives `Nano{set}_R{rerank_k}_{metric}` for each set and `NanoBEIR_R{rerank_k}_{aggregate_key}_{metric}`, with
    metrics `map`, `mrr@k`, `ndcg@k` and those of the order before, `base_…`; the primary metric is the aggregate of
    `ndcg@k`. The order before is the data set's own ranking by BM25; where a folder or a mapping has none, that of
    `airvec.search.BM25` without English stop words.

    Args:
        dataset_names: such as `["msmarco", "nq"]`; None = NanoBEIR's, or all of a folder or a mapping, without arguana
            and touche2020.
        dataset_id: a name on the Hub, a folder, or a mapping, as in `NanoBEIREvaluator`.
        rerank_k: how many documents of the order before are reranked.
        at_k: places that count.
        always_rerank_positives: whether relevant documents that are not among them are reranked, too.
        prompt_name: passed to `predict`.
        batch_size: passed to `predict`.
        show_progress_bar: over the sets, and passed to `predict`.
        write_csv: write `NanoBEIR_evaluation_{aggregate_key}_results.csv`, and a file for each set.
        aggregate_fn: of the values of a metric on all sets.
        aggregate_key: its name.

    Raises:
        ArgumentError: no such set.
        InputError: a set that is not as it should be.
        DownloadError: the Hub does not give it.
        MissingPackageError: the Hub or parquet is asked for, and its package is not installed.
    """

    def __init__(
        self,
        dataset_names: Sequence[str] | None = None,
        dataset_id: Source = HUB,
        rerank_k: int = 100,
        at_k: int = 10,
        always_rerank_positives: bool = True,
        prompt_name: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool = False,
        write_csv: bool = True,
        aggregate_fn: Callable[[list[float]], Any] = np.mean,
        aggregate_key: str = "mean",
    ) -> None:
        where = type(self).__name__
        self.dataset_names, self.dataset_id = chosen(where, dataset_id, dataset_names, ARGUMENTS), dataset_id
        self.rerank_k = whole_number(f"{where}: rerank_k", rerank_k)
        self.at_k = whole_number(f"{where}: at_k", at_k)
        self.always_rerank_positives, self.prompt_name = always_rerank_positives, prompt_name
        self.batch_size, self.show_progress_bar = batch_size, show_progress_bar
        self.aggregate_fn, self.aggregate_key = aggregate_fn, aggregate_key
        file = f"NanoBEIR_evaluation_{aggregate_key}_results.csv"
        super().__init__(name=f"NanoBEIR_R{rerank_k}_{aggregate_key}", csv_file=file, write_csv=write_csv)
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
        of_all = self.report(model, aggregated(self.evaluators, each, self.aggregate_fn), output_path, epoch, steps)
        return {key: value for one in each for key, value in one.items()} | of_all

    def measure(self, model: Any) -> dict[str, float]:
        """The aggregates."""
        return aggregated(self.evaluators, [evaluator(model) for evaluator in self.evaluators], self.aggregate_fn)

    def primary(self, metrics: Mapping[str, float]) -> str:
        """NDCG."""
        return f"ndcg@{self.at_k}"

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """`MAP`, `MRR@k`, `NDCG@k`; those of the order before are not written."""
        return reranking_samples.columns(metrics, self.at_k)

    def for_card(self, metrics: Mapping[str, float]) -> dict[str, Any]:
        """Texts that tell the gain over the order before."""
        return reranking_samples.gains(metrics)

    def get_config_dict(self) -> dict[str, Any]:
        """The sets, and how they are reranked."""
        source = self.dataset_id if isinstance(self.dataset_id, (str, Path)) else "in memory"
        keys = ("rerank_k", "at_k", "always_rerank_positives")
        given = {key: getattr(self, key) for key in keys}
        return {"dataset_names": self.dataset_names, "dataset_id": str(source), **given}

    def _evaluator(self, name: str) -> CrossEncoderRerankingEvaluator:
        found = read_set(type(self).__name__, self.dataset_id, name, candidates=True)
        return CrossEncoderRerankingEvaluator(
            _samples(f"{type(self).__name__}: {name}", found, self.rerank_k),
            self.at_k,
            self.always_rerank_positives,
            f"{readable(name)}_R{self.rerank_k}",
            self.prompt_name,
            self.batch_size,
            self.show_progress_bar,
            self.write_csv,
        )


def _samples(where: str, found: NanoSet, rerank_k: int) -> list[dict[str, Any]]:
    """A sample for each query that has a relevant document and a ranking."""
    ranked = found.candidates or _by_bm25(where, found, rerank_k)
    asked = [query for query in ranked if found.relevant.get(query)]
    try:
        return [
            {
                "query": found.queries[query],
                "positive": [found.corpus[name] for name in found.relevant[query]],
                "documents": [found.corpus[name] for name in ranked[query][:rerank_k]],
            }
            for query in asked
        ]
    except KeyError as error:
        raise InputError(
            f"{where}: no text for the id {error}, expected one in corpus or queries. Fetch it again."
        ) from None


def _by_bm25(where: str, found: NanoSet, rerank_k: int) -> dict[str, list[str]]:
    logger.info("%s: no ranking by BM25 is there, so one is made of %d documents.", where, len(found.corpus))
    names, asked = list(found.corpus), list(found.queries)
    bm25 = BM25(stop_words=ENGLISH).fit(list(found.corpus.values()))
    queries, corpus = bm25.encode_query(list(found.queries.values())), bm25.encode_document(list(found.corpus.values()))
    rows = best_rows(queries, [corpus], {"bm25": dot_score}, rerank_k)["bm25"].rows
    return {query: [names[row] for row in best] for query, best in zip(asked, rows.tolist(), strict=True)}
