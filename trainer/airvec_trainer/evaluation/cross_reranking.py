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
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.ranking_metrics import list_scores, scores_of_documents
from airvec_trainer.evaluation.reranking_samples import Scores

__all__ = ["CERerankingEvaluator", "CrossEncoderRerankingEvaluator"]


@dataclass(frozen=True)
class Sample:
    """A query and the documents that are scored, each labelled 1 or 0.

    Attributes:
        query: its text.
        documents: in an order that says nothing.
        labels: 1 where a document is positive.
        before: what the order of the given documents scores; None where none is given.
    """

    query: str
    documents: list[str]
    labels: list[int]
    before: Scores | None

    @property
    def counts(self) -> bool:
        """Whether there is something to find; otherwise the sample scores 0, and nothing is predicted."""
        return any(self.labels)


class CrossEncoderRerankingEvaluator(Evaluator):
    """Documents of each query in the order of a reranker's scores: how high do the positive ones come?

    Gives `map` over all documents, `mrr@k` and `ndcg@k`, which is the primary metric; of samples with ranked
    `documents` also `base_map`, `base_mrr@k` and `base_ndcg@k`, those of the ranking before, in which positives that it
    does not hold stand last. A sample without a positive document scores 0. Among documents of equal score, NDCG and
    MAP assume no order; for the reciprocal rank the later one comes first, so that a model which cannot tell them apart
    gains nothing by positive ones being given first.

    Args:
        samples: each `{"query": …, "positive": […]}` with either `"negative": […]` or `"documents": […]`, which are
            ranked, best first; or a dict of such. One document may stand for a list.
        at_k: places that count.
        always_rerank_positives: whether positives that `documents` do not hold are scored, too; then the best possible
            metrics are 1.
        name: of the data.
        prompt_name: passed to `predict`.
        batch_size: passed to `predict`.
        show_progress_bar: passed to `predict`.
        write_csv: write `CrossEncoderRerankingEvaluator_{name}_results_@{k}.csv`.
        mrr_at_k: the old name of `at_k`.

    Raises:
        ArgumentError: no samples, one with both or none of `negative` and `documents`, or something that is no text.
    """

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
    ) -> None:
        where = type(self).__name__
        self.at_k = reranking_samples.depth(where, at_k, mrr_at_k)
        file = f"CrossEncoderRerankingEvaluator{'_' + name if name else ''}_results_@{self.at_k}.csv"
        super().__init__(name=name, csv_file=file, write_csv=write_csv)
        self.always_rerank_positives = always_rerank_positives
        listed = reranking_samples.listed(where, samples)
        self.samples = [self._sample(row, sample) for row, sample in enumerate(listed)]
        self.prompt_name, self.batch_size, self.show_progress_bar = prompt_name, batch_size, show_progress_bar

    def measure(self, model: Any) -> dict[str, float]:
        """The means over all samples, and over those with a ranking before."""
        scores, start = self._predicted(model), 0
        found: list[Scores] = []
        for sample in self.samples:
            if not sample.counts:
                found.append((0.0, 0.0, 0.0))
                continue
            of_sample = scores[start : start + len(sample.documents)]
            start += len(sample.documents)
            order = np.argsort(of_sample, kind="stable")[::-1]
            found.append(scores_of_documents(sample.labels, of_sample, order, self.at_k))
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
        """Places that count, and with ranked documents whether all positives are scored."""
        ranked = self.samples[0].before is not None
        return {"at_k": self.at_k} | ({"always_rerank_positives": self.always_rerank_positives} if ranked else {})

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
        held = set(positive)
        hits = [int(text in held) for text in others]
        before = list_scores(hits, len(positive), self.at_k)
        if not self.always_rerank_positives:
            return Sample(given["query"], others, hits, before)
        rest = [text for text in others if text not in held]
        return Sample(given["query"], positive + rest, [1] * len(positive) + [0] * len(rest), before)

    def _predicted(self, model: Any) -> Array:
        """Scores of the documents of all samples that count, one after the other: (pairs,)."""
        pairs = [[sample.query, text] for sample in self.samples if sample.counts for text in sample.documents]
        if not pairs:
            return np.zeros(0)
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


CERerankingEvaluator = CrossEncoderRerankingEvaluator  # its old name
