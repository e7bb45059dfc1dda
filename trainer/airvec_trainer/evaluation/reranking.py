"""Are positive documents more like the query than negative ones? Dense and sparse encoders alike.

Knows nothing of how a model encodes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from airvec.arrays import Floats
from airvec.errors import ArgumentError
from airvec.progress import progress_bar
from airvec.similarity import cos_sim
from airvec_trainer.evaluation import reranking_samples
from airvec_trainer.evaluation.corpus_search import Score, as_float32, numpy_scores
from airvec_trainer.evaluation.embedding import ENCODES, ENCODES_SPARSELY, Embeddings, EncodeOptions, embed
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.ranking_metrics import scores_of_documents
from airvec_trainer.evaluation.sparsity import Activity

__all__ = ["RerankingEvaluator", "SparseRerankingEvaluator"]


@dataclass(frozen=True)
class Sample:
    """A query with documents, the positive ones first."""

    query: str
    documents: list[str]
    positives: int

    @property
    def labels(self) -> list[int]:
        """1 for a positive document, 0 for a negative one."""
        return [1] * self.positives + [0] * (len(self.documents) - self.positives)


class RerankingEvaluator(Evaluator):
    """Documents of each query in the order of their similarity to it: how high do the positive ones come?

    Gives `map` over all documents, `mrr@k` and `ndcg@k`, which is the primary metric. Among documents of equal score,
    NDCG and MAP assume no order; for the reciprocal rank the earlier document comes first, positive ones before
    negative ones.

    Args:
        samples: `{"query": …, "positive": […], "negative": […]}` each, or a dict of such; one document may stand for a
            list. Samples without a positive or without a negative document are left out.
        at_k: places that count.
        name: of the data.
        write_csv: write `RerankingEvaluator_{name}_results_@{k}.csv`.
        similarity_fct: of the query (dim,) with documents (m, dim), arrays or sparse vectors: (m,) or (1, m).
        batch_size: passed to `encode_query` and `encode_document`.
        show_progress_bar: passed likewise.
        use_batched_encoding: False encodes sample by sample, which needs less memory and takes longer.
        truncate_dim: dimensions to keep; None = as the model says.
        mrr_at_k: the old name of `at_k`.

    Raises:
        ArgumentError: no samples with documents of both kinds, or something in them that is no text.
    """

    asks = ENCODES

    def __init__(
        self,
        samples: Sequence[Mapping[str, Any]] | Mapping[Any, Mapping[str, Any]],
        at_k: int = 10,
        name: str = "",
        write_csv: bool = True,
        similarity_fct: Score = cos_sim,
        batch_size: int = 64,
        show_progress_bar: bool = False,
        use_batched_encoding: bool = True,
        truncate_dim: int | None = None,
        mrr_at_k: int | None = None,
    ) -> None:
        where = type(self).__name__
        self.at_k = reranking_samples.depth(where, at_k, mrr_at_k)
        file = f"RerankingEvaluator{'_' + name if name else ''}_results_@{self.at_k}.csv"
        super().__init__(name=name, csv_file=file, write_csv=write_csv)
        self.samples = list(_usable(where, samples))
        if not self.samples:
            raise ArgumentError(
                f"{where}: 0 of {len(samples)} samples have positive and negative documents, expected one at least. "
                "Add negatives."
            )
        self.similarity_fct, self.use_batched_encoding = similarity_fct, use_batched_encoding
        self.batch_size, self.show_progress_bar = batch_size, show_progress_bar
        self.truncate_dim: int | None = truncate_dim
        self.max_active_dims: int | None = None
        self.counts_entries = False

    def measure(self, model: Any) -> dict[str, float]:
        """The means over all samples; of sparse embeddings how sparse they are, too."""
        found: list[reranking_samples.Scores] = []
        activity: list[tuple[Activity, Activity]] = []
        parts = [self.samples] if self.use_batched_encoding else [[sample] for sample in self.samples]
        with progress_bar(bool(self.show_progress_bar), len(self.samples), "Reranking", "query") as advance:
            for part in parts:
                queries, documents = self._embeddings(model, part)
                if self.counts_entries:
                    activity.append((Activity.of(queries), Activity.of(documents)))
                found += self._scores(part, queries, documents)
                advance(len(part))
        return reranking_samples.means(found, self.at_k) | _sparsity(activity)

    def primary(self, metrics: Mapping[str, float]) -> str:
        """NDCG."""
        return f"ndcg@{self.at_k}"

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """`MAP`, `MRR@k`, `NDCG@k`, and how sparse sparse embeddings are."""
        others = {key: value for key, value in metrics.items() if key.startswith(("query_", "corpus_"))}
        return reranking_samples.columns(metrics, self.at_k) | others

    def get_config_dict(self) -> dict[str, Any]:
        """Places that count, and where embeddings are cut."""
        cut = {"truncate_dim": self.truncate_dim, "max_active_dims": self.max_active_dims}
        return {"at_k": self.at_k} | {key: value for key, value in cut.items() if value is not None}

    def _embeddings(self, model: Any, samples: Sequence[Sample]) -> tuple[Embeddings, Embeddings]:
        """Of the queries, and of all their documents one after the other."""
        options = EncodeOptions(
            batch_size=self.batch_size,
            show_progress_bar=self.show_progress_bar and self.use_batched_encoding,
            truncate_dim=self.truncate_dim,
            max_active_dims=self.max_active_dims,
        )
        documents = [text for sample in samples for text in sample.documents]
        queries = embed(model, [sample.query for sample in samples], "query", options)
        return queries, embed(model, documents, "document", options)

    def _scores(
        self, samples: Sequence[Sample], queries: Embeddings, documents: Embeddings
    ) -> Iterator[reranking_samples.Scores]:
        compare, start = numpy_scores(self.similarity_fct), 0
        for place, sample in enumerate(samples):
            end = start + len(sample.documents)
            scores = self._compared(compare, queries[place], documents[start:end])
            yield scores_of_documents(sample.labels, scores, np.argsort(-scores, kind="stable"), self.at_k)
            start = end

    def _compared(self, compare: Score, query: Any, documents: Embeddings) -> Floats:
        """float32 (m,)."""
        found = as_float32(compare(query, documents))
        if found.shape not in {(len(documents),), (1, len(documents))}:
            raise ArgumentError(
                f"{type(self).__name__}: similarity_fct gives shape {list(found.shape)} for {len(documents)} "
                f"documents, expected [{len(documents)}] or [1, {len(documents)}]. Give one that compares rows."
            )
        return found.reshape(-1)


class SparseRerankingEvaluator(RerankingEvaluator):
    """As `RerankingEvaluator`, and how sparse the embeddings are.

    Gives `query_active_dims`, `query_sparsity_ratio`, `corpus_active_dims` and `corpus_sparsity_ratio` besides.

    Args:
        samples: like the other arguments as in `RerankingEvaluator`, but for one:
        max_active_dims: weights to keep of each embedding; None = as the model says.
    """

    asks = ENCODES_SPARSELY

    def __init__(
        self,
        samples: Sequence[Mapping[str, Any]] | Mapping[Any, Mapping[str, Any]],
        at_k: int = 10,
        name: str = "",
        write_csv: bool = True,
        similarity_fct: Score = cos_sim,
        batch_size: int = 64,
        show_progress_bar: bool = False,
        use_batched_encoding: bool = True,
        max_active_dims: int | None = None,
        mrr_at_k: int | None = None,
    ) -> None:
        super().__init__(
            samples, at_k, name, write_csv, similarity_fct, batch_size, show_progress_bar, use_batched_encoding,
            mrr_at_k=mrr_at_k,
        )  # fmt: skip
        self.max_active_dims = max_active_dims
        self.counts_entries = True


def _usable(where: str, samples: Any) -> Iterator[Sample]:
    """Those with documents of both kinds."""
    for row, sample in enumerate(reranking_samples.listed(where, samples)):
        positive, negative = (reranking_samples.texts_of(where, row, sample, key) for key in ("positive", "negative"))
        if positive and negative:
            yield Sample(sample["query"], positive + negative, len(positive))


def _sparsity(activity: Sequence[tuple[Activity, Activity]]) -> dict[str, float]:
    """Means over what was encoded at once, as sentence-transformers takes them; nothing where nothing was counted."""
    each = [queries.metrics("query_") | documents.metrics("corpus_") for queries, documents in activity]
    return {key: float(np.mean([one[key] for one in each])) for key in each[0]} if each else {}
