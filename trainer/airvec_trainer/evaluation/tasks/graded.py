"""Retrieval where some documents are more relevant than others: NDCG by grades, as MTEB and BEIR publish it.

Knows nothing of how a model encodes or predicts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from airvec.search.beir import RetrievalTask
from airvec.search.metrics import ndcg
from airvec_trainer.evaluation.cross_reranking import CrossEncoderRerankingEvaluator, falling
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.information_retrieval import InformationRetrievalEvaluator

__all__ = ["GradedRerankingEvaluator", "GradedRetrievalEvaluator", "has_grades"]

DEPTH = 10


def has_grades(task: RetrievalTask) -> bool:
    """Whether a document is more than relevant."""
    return any(grade > 1 for grades in task.relevant.values() for grade in grades.values())


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


class GradedRerankingEvaluator(Evaluator):
    """The metrics of `CrossEncoderRerankingEvaluator`, `base_graded_ndcg@10`, and `graded_ndcg@10`, the primary one.

    Args:
        reranking: scores the found documents, and computes what takes relevance as yes or no.
        task: with the grades.
        found: for each sample its query's id and the ids of its documents, best first.
    """

    def __init__(
        self,
        reranking: CrossEncoderRerankingEvaluator,
        task: RetrievalTask,
        found: Sequence[tuple[str, Sequence[str]]],
    ) -> None:
        super().__init__(name=reranking.name, csv_file=reranking.csv_file)
        self.reranking, self.grades, self.found = reranking, task.relevant, found

    def measure(self, model: Any) -> dict[str, float]:
        """Predict once, and compute both."""
        scores = self.reranking.predicted(model)
        ranked = [
            (query, [ids[int(place)] for place in falling(of_query)])
            for (query, ids), of_query in zip(self.found, scores, strict=True)
        ]
        graded = {"graded_ndcg": self._mean(ranked), "base_graded_ndcg": self._mean(self.found)}
        return self.reranking.metrics(scores) | {f"{name}@{DEPTH}": value for name, value in graded.items()}

    def primary(self, metrics: Mapping[str, float]) -> str:
        """NDCG by grades."""
        return f"graded_ndcg@{DEPTH}"

    def _mean(self, rankings: Sequence[tuple[str, Sequence[str]]]) -> float:
        return sum(ndcg(ids, self.grades[query], DEPTH) for query, ids in rankings) / len(rankings)
