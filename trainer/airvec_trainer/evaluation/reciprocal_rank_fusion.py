"""Is the fusion of two rankings, by the places of their documents, better than each of them?

Knows nothing of models: it compares what they found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec.progress import progress_bar
from airvec.search.fusion import reciprocal_rank_fusion
from airvec.search.ranking import NOTHING, Ranking
from airvec_trainer.evaluation import reranking_samples
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.predictions import write_lines
from airvec_trainer.evaluation.ranking_metrics import list_scores

__all__ = ["ReciprocalRankFusionEvaluator"]

TITLES = {"Dense": "dense_", "Sparse": "sparse_", "Fusion": ""}


@dataclass(frozen=True)
class Sample:
    """A query, its positive documents, and two rankings of documents, best first."""

    query_id: Any
    query: str
    positive: list[str]
    dense: list[str]
    sparse: list[str]

    def fused(self, rrf_k: int) -> list[str]:
        """All documents by the sum of 1 / (rrf_k + place); among equal sums first those of the dense ranking."""
        names = list(dict.fromkeys([*self.dense, *self.sparse]))
        if not names:
            return []
        row = {name: place for place, name in enumerate(names)}
        rankings = [_ranking([row[name] for name in ranking]) for ranking in (self.dense, self.sparse)]
        fused = reciprocal_rank_fusion(rankings, len(names), rrf_k)
        return [names[place] for place, _ in fused.hits(0)]


class ReciprocalRankFusionEvaluator(Evaluator):
    """The metrics of two rankings for the same queries and of their fusion: Reciprocal Rank Fusion.

    Gives `dense_map`, `dense_mrr@k`, `dense_ndcg@k`, the same for `sparse_`, and `map`, `mrr@k` and `ndcg@k`, the
    primary metric, of the fusion. Positive documents that a ranking does not hold count as if they stood behind it; a
    ranking that holds none scores 0. It is called without a model: `evaluator(output_path)`.

    Args:
        dense_samples: `{"query_id": …, "query": …, "positive": […], "documents": […]}` each, documents best first.
        sparse_samples: the same queries in the same order; of these only the documents are read.
        at_k: places that count.
        rrf_k: how little the first places count more than the next.
        name: of the data.
        batch_size: not used; nothing is encoded.
        show_progress_bar: over the queries.
        write_csv: write `ReciprocalRankFusion_evaluation_{name}_results.csv`.
        write_predictions: write the fused rankings to `ReciprocalRankFusion_evaluation_{name}_predictions.jsonl`.

    Raises:
        ArgumentError: different numbers of samples, other queries, or something that is no text.

    Source: Cormack, Clarke and Büttcher, Reciprocal Rank Fusion, SIGIR 2009.
    """

    def __init__(
        self,
        dense_samples: Sequence[Mapping[str, Any]],
        sparse_samples: Sequence[Mapping[str, Any]],
        at_k: int = 10,
        rrf_k: int = 60,
        name: str = "",
        batch_size: int = 32,
        show_progress_bar: bool = False,
        write_csv: bool = True,
        write_predictions: bool = False,
    ) -> None:
        where = type(self).__name__
        self.at_k = whole_number(f"{where}: at_k", at_k)
        self.rrf_k = whole_number(f"{where}: rrf_k", rrf_k)
        self.file_name = f"ReciprocalRankFusion_evaluation{'_' + name if name else ''}"
        super().__init__(name=name, csv_file=f"{self.file_name}_results.csv", write_csv=write_csv)
        self.samples = _samples(where, dense_samples, sparse_samples)
        self.batch_size, self.show_progress_bar = batch_size, show_progress_bar
        self.write_predictions = write_predictions

    # The reference's call takes no model, and code that is written for it passes the folder first.
    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, output_path: str | Path | None = None, epoch: float = -1, steps: int = -1
    ) -> dict[str, float]:
        """Compare the rankings.

        Args:
            output_path: the folder of the files; None writes none.
            epoch: of training, for the file; -1 = not in training.
            steps: of training, for the file; -1 = the end of the epoch.
        """
        if self.write_predictions and output_path is not None:
            records = [
                {"query_id": one.query_id, "query": one.query, "positive": one.positive,
                 "documents": one.fused(self.rrf_k)}
                for one in self.samples
            ]  # fmt: skip
            write_lines(output_path, f"{self.file_name}_predictions.jsonl", records)
        return self.report(None, self.measure(), output_path, epoch, steps)

    def measure(self, model: Any = None) -> dict[str, float]:
        """The means over all queries; the model is not looked at."""
        found: dict[str, list[reranking_samples.Scores]] = {in_front: [] for in_front in TITLES.values()}
        with progress_bar(bool(self.show_progress_bar), len(self.samples), "Fusing", "query") as advance:
            for sample in self.samples:
                rankings = (sample.dense, sample.sparse, sample.fused(self.rrf_k))
                for in_front, ranking in zip(found, rankings, strict=True):
                    hits = [int(name in sample.positive) for name in ranking]
                    found[in_front].append(list_scores(hits, len(sample.positive), self.at_k))
                advance(1)
        metrics: dict[str, float] = {}
        for in_front, scores in found.items():
            metrics |= reranking_samples.means(scores, self.at_k, in_front)
        return metrics

    def primary(self, metrics: Mapping[str, float]) -> str:
        """NDCG of the fusion."""
        return f"ndcg@{self.at_k}"

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """`Dense_MAP` and so on to `Fusion_NDCG@k`."""
        return {
            f"{title}_{column}": metrics[in_front + column.lower()]
            for title, in_front in TITLES.items()
            for column in ("MAP", f"MRR@{self.at_k}", f"NDCG@{self.at_k}")
        }

    def get_config_dict(self) -> dict[str, Any]:
        """Places that count, the constant, and whether rankings are written."""
        return {"at_k": self.at_k, "rrf_k": self.rrf_k, "write_predictions": self.write_predictions}


def _samples(where: str, dense: Any, sparse: Any) -> list[Sample]:
    ours, others = reranking_samples.listed(where, dense), reranking_samples.listed(where, sparse)
    if len(ours) != len(others):
        raise ArgumentError(f"{where}: {len(ours)} dense and {len(others)} sparse samples, expected as many of each.")
    found: list[Sample] = []
    for row, (one, other) in enumerate(zip(ours, others, strict=True)):
        ids = [sample.get("query_id") for sample in (one, other)]
        if None in ids or ids[0] != ids[1]:
            raise ArgumentError(
                f"{where}: samples, row {row}: query_id {ids[0]!r} and {ids[1]!r}, expected the same in both. Give the "
                "queries in one order."
            )
        positive = reranking_samples.texts_of(where, row, one, "positive")
        rankings = [reranking_samples.texts_of(where, row, sample, "documents") for sample in (one, other)]
        found.append(Sample(ids[0], one["query"], positive, *rankings))
    return found


def _ranking(rows: list[int]) -> Ranking:
    """One query's rows; a row that comes twice counts at its last place, as in sentence-transformers."""
    last = {row: place for place, row in enumerate(rows)}
    kept = [row if last[row] == place else NOTHING for place, row in enumerate(rows)]
    return Ranking(np.array([kept], np.int64), np.zeros((1, len(rows)), np.float32))
