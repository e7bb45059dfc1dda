"""`rerank:FILE`: queries with documents that answer them and others → MAP, MRR and NDCG, as MTEB's reranking tasks.

Knows nothing of other tasks.
"""

from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.cross_reranking import CrossEncoderRerankingEvaluator
from airvec_trainer.evaluation.reranking import RerankingEvaluator
from airvec_trainer.evaluation.tasks.columns import TaskColumns, read_columns
from airvec_trainer.evaluation.tasks.settings import Settings, Task, counted
from airvec_trainer.evaluation.tasks.spec import TaskSpec

__all__ = ["OPTIONS", "read_rerank"]

OPTIONS = ("query", "positive", "negative", "document", "label", "at_k")
ROLES = OPTIONS[:5]


def read_rerank(spec: TaskSpec, settings: Settings) -> Task:
    """The task of a file of queries with lists of positive and negative documents, or with one document a row.

    One document a row has a label, 0 or 1, and the rows of a query may stand anywhere. Queries that have no positive,
    or no negative document are left out, and counted: any order of theirs is as good.

    Raises:
        ArgumentError: no file, a column is missing, or no query is left.
        InputError: a row that is wrong; the message names its line.
    """
    columns = read_columns(spec, ROLES)
    found = _listed(columns) if columns.has("positive") and columns.has("negative") else _one_a_row(columns)
    samples = [sample for sample in found.values() if _is_usable(sample)]
    if not samples:
        raise ArgumentError(
            f"{spec.place}: {counted(len(found), 'queries')}, none with a positive and a negative document. "
            "Add documents."
        )
    given: dict[str, Any] = settings.given | {"at_k": spec.number("at_k", 10), "name": spec.name}
    evaluator = CrossEncoderRerankingEvaluator if settings.reranks else RerankingEvaluator
    documents = sum(len(sample["positive"]) + len(sample["negative"]) for sample in samples)
    rows = {"queries": len(samples), "documents": documents}
    also = ("map", f"mrr@{given['at_k']}")
    return Task(evaluator(samples, **given), rows, also, len(found) - len(samples), _note(found))


def _is_usable(sample: dict[str, Any]) -> bool:
    return bool(sample["positive"] and sample["negative"])


def _note(found: dict[int, dict[str, Any]]) -> str:
    """Which queries are left out."""
    lines = [line for line, sample in found.items() if not _is_usable(sample)]
    if not lines:
        return ""
    return (
        f"{len(lines)} of {counted(len(found), 'queries')} left out, without a positive or without a negative "
        f"document; the first is in line {lines[0]}"
    )


def _listed(columns: TaskColumns) -> dict[int, dict[str, Any]]:
    """Line -> sample."""
    rows = zip(columns.texts("query"), columns.several("positive"), columns.several("negative"), strict=True)
    samples = [{"query": query, "positive": positive, "negative": negative} for query, positive, negative in rows]
    return dict(zip(columns.table.lines, samples, strict=True))


def _one_a_row(columns: TaskColumns) -> dict[int, dict[str, Any]]:
    """The first line of a query -> its sample: rows of one query, wherever they stand, become one."""
    samples: dict[str, dict[str, Any]] = {}
    first: dict[int, dict[str, Any]] = {}
    labels = columns.judgements("label", "a number, true or false")
    rows = zip(columns.table.lines, columns.texts("query"), columns.texts("document"), labels, strict=True)
    for line, query, document, label in rows:
        if query not in samples:
            first[line] = samples[query] = {"query": query, "positive": [], "negative": []}
        samples[query]["positive" if label > 0 else "negative"].append(document)
    return first
