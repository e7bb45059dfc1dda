"""Retrieval where some documents are more relevant than others: NDCG by grades, as MTEB and BEIR publish it.

Knows nothing of how a model encodes.
"""

from collections.abc import Mapping
from typing import Any

from airvec.search.beir import RetrievalTask
from airvec.search.metrics import ndcg
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.information_retrieval import InformationRetrievalEvaluator

__all__ = ["GradedRetrievalEvaluator"]

DEPTH = 10


class GradedRetrievalEvaluator(Evaluator):
    """The metrics of `InformationRetrievalEvaluator`, and `{function}_graded_ndcg@10`, the primary one.

    Args:
        retrieval: searches, and computes what takes relevance as yes or no.
        task: with the grades, of which a larger one is a larger gain.
    """

    def __init__(self, retrieval: InformationRetrievalEvaluator, task: RetrievalTask) -> None:
        super().__init__(name=retrieval.name, csv_file=retrieval.csv_file)
        self.retrieval, self.grades = retrieval, task.relevant

    def measure(self, model: Any) -> dict[str, float]:
        """Search once, and compute both."""
        found = self.retrieval.search(model)
        metrics = self.retrieval.scores(found)
        ids, order = self.retrieval.corpus_ids, self.retrieval.data.order
        for function, best in found.items():
            gains = [
                ndcg([ids[order[row]] for row in rows], self.grades[query], DEPTH)
                for query, rows in zip(self.retrieval.queries_ids, best.rows.tolist(), strict=True)
            ]
            metrics[f"{function}_graded_ndcg@{DEPTH}"] = sum(gains) / len(gains)
        return metrics

    def primary(self, metrics: Mapping[str, float]) -> str:
        """NDCG by grades."""
        return next(key for key in metrics if "_graded_ndcg@" in key)
