"""Does a reranker put the relevant documents of a query first, and higher than the search that found them?

Knows nothing of how a model predicts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from airvec.arrays import Array
from airvec.errors import ArgumentError
from airvec_trainer.evaluation import reranking_samples
from airvec_trainer.evaluation.embedding import PREDICTS
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.ranking_metrics import list_scores, scores_of_documents
from airvec_trainer.evaluation.reranking_samples import Scores

__all__ = ["CERerankingEvaluator", "CrossEncoderRerankingEvaluator", "falling"]


@dataclass(frozen=True)
class Sample:
    """A query and the documents that are scored, each labelled 1 or 0.

    Attributes:
        query: its text.
        documents: in an order that says nothing.
        labels: 1 where a document is positive.
        before: what the order of the given documents scores; None where none is given.
        missing: positive documents that are not scored, and count as never found.
    """

    query: str
    documents: list[str]
    labels: list[int]
    before: Scores | None
    missing: int = 0

    @property
    def counts(self) -> bool:
        """Whether there is something to find; otherwise the sample scores 0, and nothing is predicted."""
        return any(self.labels)


class CrossEncoderRerankingEvaluator(Evaluator):
    """Documents of each query in the order of a reranker's scores: how high do the positive ones come?

    Gives `map` over all documents, `mrr@k` and `ndcg@k`, which is the primary metric; of samples with ranked
    `documents` also `base_map`, `base_mrr@k` and `base_ndcg@k`, those of the ranking before. A sample without a
    positive document scores 0. Among documents of equal score, NDCG and MAP assume no order; for the reciprocal rank
    the later one comes first, so that a model which cannot tell them apart gains nothing by positive ones being given
    first.

    How positives count that `documents` do not hold is sentence-transformers' way unless `count_missing` says
    otherwise: for `base_` they stand right behind the documents, and gain there; of the reranked documents they are
    forgotten if `always_rerank_positives` is False, so that a model which keeps the order seems to gain.

    Args:
        samples: each `{"query": …, "positive": […]}` with either `"negative": […]` or `"documents": […]`, which are
            ranked, best first; or a dict of such. One document may stand for a list.
        at_k: places that count.
        always_rerank_positives: whether positives that `documents` do not hold are scored, too; then the best possible
            metrics are 1. False asks the model for those of `documents` alone.
        name: of the data.
        prompt_name: passed to `predict`.
        batch_size: passed to `predict`.
        show_progress_bar: passed to `predict`.
        write_csv: write `CrossEncoderRerankingEvaluator_{name}_results_@{k}.csv`.
        mrr_at_k: the old name of `at_k`.
        count_missing: whether positives that were not given to the model, or were not in the ranking before, count as
            never found: NDCG and MAP are divided by what all positives could give, on both sides, as those of a
            retrieval are. A model that keeps the order then gains 0.

    Raises:
        ArgumentError: no samples, one with both or none of `negative` and `documents`, or something that is no text.
    """

    asks = PREDICTS

    def __init__(
        self,
        samples: Sequence[Mapping[str, Any]] | Mapping[Any, Mapping[str, Any]],
        at_k: int = 10,
        always_rerank_positives: bool = True,
        name: str = "",
        prompt_name: str | None = None,
        batch_size: int = 64,
        show_progress_bar: bool = False,
        write_csv: bool = True,
        mrr_at_k: int | None = None,
        *,
        count_missing: bool = False,
    ) -> None:
        where = type(self).__name__
        self.at_k = reranking_samples.depth(where, at_k, mrr_at_k)
        file = f"CrossEncoderRerankingEvaluator{'_' + name if name else ''}_results_@{self.at_k}.csv"
        super().__init__(name=name, csv_file=file, write_csv=write_csv)
        self.always_rerank_positives, self.count_missing = always_rerank_positives, count_missing
        listed = reranking_samples.listed(where, samples)
        self.samples = [self._sample(row, sample) for row, sample in enumerate(listed)]
        self.prompt_name, self.batch_size, self.show_progress_bar = prompt_name, batch_size, show_progress_bar

    def measure(self, model: Any) -> dict[str, float]:
        """The means over all samples, and over those with a ranking before."""
        return self.metrics(self.predicted(model))

    def metrics(self, scores: Sequence[Array]) -> dict[str, float]:
        """The means, from the scores that `predicted` gives."""
        found = [
            scores_of_documents(sample.labels, of_sample, falling(of_sample), self.at_k, sample.missing)
            if sample.counts
            else (0.0, 0.0, 0.0)
            for sample, of_sample in zip(self.samples, scores, strict=True)
        ]
        before = [sample.before for sample in self.samples if sample.before is not None]
        base = reranking_samples.means(before, self.at_k, "base_") if before else {}
        return reranking_samples.means(found, self.at_k) | base

    def primary(self, metrics: Mapping[str, float]) -> str:
        """NDCG."""
        return f"ndcg@{self.at_k}"

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """`MAP`, `MRR@k`, `NDCG@k`; those of the ranking before are not written."""
        return reranking_samples.columns(metrics, self.at_k)

    def for_card(self, metrics: Mapping[str, float]) -> dict[str, Any]:
        """With a ranking before, texts that tell the gain: `0.6309 (+0.1309)`."""
        return reranking_samples.gains(metrics)

    def get_config_dict(self) -> dict[str, Any]:
        """Places that count, and with ranked documents whether all positives are scored, and count."""
        if self.samples[0].before is None:
            return {"at_k": self.at_k}
        counted = {"count_missing": True} if self.count_missing else {}
        return {"at_k": self.at_k, "always_rerank_positives": self.always_rerank_positives, **counted}

    def _sample(self, row: int, given: Mapping[str, Any]) -> Sample:
        where = type(self).__name__
        positive = reranking_samples.texts_of(where, row, given, "positive")
        kinds = [key for key in ("negative", "documents") if key in given]
        if len(kinds) != 1:
            raise ArgumentError(
                f"{where}: samples, row {row}: has {', '.join(map(str, given))}, expected one of negative "
                "and documents. Leave the other out."
            )
        others = reranking_samples.texts_of(where, row, given, kinds[0])
        if kinds[0] == "negative":
            return Sample(given["query"], positive + others, [1] * len(positive) + [0] * len(others), None)
        return self._ranked(given["query"], positive, others)

    def _ranked(self, query: str, positive: list[str], others: list[str]) -> Sample:
        """A sample whose other documents are a ranking, best first."""
        held = set(positive)
        hits, places = [int(text in held) for text in others], np.arange(len(others))
        missing = max(0, len(positive) - sum(hits)) if self.count_missing else 0
        before = (
            scores_of_documents(hits, -places, places, self.at_k, missing)
            if self.count_missing
            else list_scores(hits, len(positive), self.at_k)
        )
        if not self.always_rerank_positives:
            return Sample(query, others, hits, before, missing)
        rest = [text for text in others if text not in held]
        return Sample(query, positive + rest, [1] * len(positive) + [0] * len(rest), before)

    def predicted(self, model: Any) -> list[Array]:
        """The scores of each sample's documents (documents,); none for a sample with nothing to find."""
        sizes = [len(sample.documents) if sample.counts else 0 for sample in self.samples]
        pairs = [[sample.query, text] for sample in self.samples if sample.counts for text in sample.documents]
        return np.split(self._scores(model, pairs) if pairs else np.zeros(0), np.cumsum(sizes)[:-1])

    def _scores(self, model: Any, pairs: list[list[str]]) -> Array:
        found = np.asarray(
            model.predict(
                pairs,
                prompt_name=self.prompt_name,
                batch_size=self.batch_size,
                convert_to_numpy=True,
                show_progress_bar=self.show_progress_bar,
            )
        )
        if found.shape != (len(pairs),):
            raise ArgumentError(
                f"{type(self).__name__}: predict gives shape {list(found.shape)} for {len(pairs)} pairs, expected "
                f"[{len(pairs)}]. Use a model with one label."
            )
        return found


def falling(scores: Array) -> Array:
    """Places of scores (n,), the largest first, and of equal ones the later."""
    return np.argsort(scores, kind="stable")[::-1]


CERerankingEvaluator = CrossEncoderRerankingEvaluator  # its old name
