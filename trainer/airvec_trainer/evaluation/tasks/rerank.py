"""`rerank:FILE`: queries with documents that answer them and others → MAP, MRR and NDCG, as MTEB's reranking tasks.

Knows nothing of other tasks.
"""

from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.cross_reranking import CrossEncoderRerankingEvaluator
from airvec_trainer.evaluation.reranking import RerankingEvaluator
from airvec_trainer.evaluation.tasks.columns import TaskColumns, read_columns
from airvec_trainer.evaluation.tasks.settings import Settings, Task
from airvec_trainer.evaluation.tasks.spec import TaskSpec

__all__ = ["OPTIONS", "read_rerank"]

OPTIONS = ("query", "positive", "negative", "document", "label", "at_k")
ROLES = OPTIONS[:5]


def read_rerank(spec: TaskSpec, settings: Settings) -> Task:
    """The task of a file of queries with lists of positive and negative documents, or with one document a row.

    One document a row has a label, 0 or 1, and the rows of a query may stand anywhere. Queries that have no positive,
    or no negative document are left out: any order of theirs is as good.

    Raises:
        ArgumentError: no file, a column is missing, or no query is left.
        InputError: a row that is wrong; the message names its line.
    """
    columns = read_columns(spec, ROLES)
    found = _listed(columns) if columns.has("positive") and columns.has("negative") else _one_a_row(columns)
    samples = [sample for sample in found if sample["positive"] and sample["negative"]]
    if not samples:
        raise ArgumentError(
            f"{spec.place}: {len(found)} queries, none with a positive and a negative document. Add documents."
        )
    given: dict[str, Any] = settings.given | {"at_k": spec.number("at_k", 10), "name": spec.name}
    evaluator = CrossEncoderRerankingEvaluator if settings.reranks else RerankingEvaluator
    documents = sum(len(sample["positive"]) + len(sample["negative"]) for sample in samples)
    rows = {"queries": len(samples), "documents": documents}
    return Task(evaluator(samples, **given), rows, (f"mrr@{given['at_k']}", f"ndcg@{given['at_k']}"))


def _listed(columns: TaskColumns) -> list[dict[str, Any]]:
    rows = zip(columns.texts("query"), columns.several("positive"), columns.several("negative"), strict=True)
    return [{"query": query, "positive": positive, "negative": negative} for query, positive, negative in rows]


def _one_a_row(columns: TaskColumns) -> list[dict[str, Any]]:
    """Rows of one query, wherever they stand, become one sample."""
    samples: dict[str, dict[str, Any]] = {}
    rows = zip(columns.texts("query"), columns.texts("document"), columns.numbers("label"), strict=True)
    for query, document, label in rows:
        sample = samples.setdefault(query, {"query": query, "positive": [], "negative": []})
        sample["positive" if label > 0 else "negative"].append(document)
    return list(samples.values())
