"""A retrieval task → the arguments of an evaluator of retrieval, or an evaluator of reranking that finds its documents.

Knows nothing of recipes' files, and of how evaluators measure.
"""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError
from airvec.search.beir import RetrievalTask, read_beir
from airvec.search.metrics import ndcg
from airvec.search.retriever import Retriever
from airvec_trainer.evaluation import SentenceEvaluator
from airvec_trainer.opening import open_model
from airvec_trainer.recipes.checking import check_values
from airvec_trainer.recipes.retrieval import cut
from airvec_trainer.recipes.sections import EvaluationSection

__all__ = ["BM25", "bm25_ndcg", "check_retriever", "task_evaluator", "task_of"]

BM25 = "bm25"
Samples = list[dict[str, Any]]


def task_of(section: EvaluationSection, held_out: Mapping[str, Any]) -> RetrievalTask | None:
    """The task that a `[[evaluation]]` is about; None where it is about rows.

    Args:
        section: of the recipe.
        held_out: rows or tasks by the name of their data set.

    Raises:
        ArgumentError: a file is not there.
        InputError: a file is damaged.
    """
    found = read_beir(section.beir, section.split) if section.beir is not None else held_out.get(section.data or "")
    return cut(found, section.limit) if isinstance(found, RetrievalTask) else None


def task_evaluator(found: Any, section: EvaluationSection, task: RetrievalTask, place: str) -> Any:
    """An evaluator of a task: one that takes queries and a corpus, or one that takes samples to rerank.

    Args:
        found: its class.
        section: of the recipe.
        task: queries, documents and grades.
        place: for messages.

    Raises:
        ArgumentError: another evaluator, or an argument that it has not.
    """
    takes, judged = inspect.signature(found).parameters, task.relevant.items()
    if "samples" in takes:
        check_values(found, section.settings, place, leave=("samples",))
        check_retriever(section.retriever, f"{place}.retriever")
        counted = {"count_missing": True} if "count_missing" in takes else {}
        settings = counted | section.settings
        return Reranked(lambda samples: found(samples=samples, **settings), section, task)
    given = {
        "queries": task.queries,
        "corpus": task.corpus,
        "relevant_docs": {name: {key for key, grade in grades.items() if grade > 0} for name, grades in judged},
    }
    if not given.keys() <= takes.keys():
        raise ArgumentError(
            f"{place}.evaluator: {section.evaluator!r} for a task of {len(task.queries)} queries, expected one of "
            "retrieval or of reranking. Take InformationRetrievalEvaluator, or give rows."
        )
    check_values(found, section.settings, place, leave=tuple(given))
    return found(**given, **section.settings)


class Reranked(SentenceEvaluator):
    """An evaluator of reranking whose documents are found by a retriever, when it is first asked.

    Args:
        make: the evaluator of samples: `query`, `positive`, `documents`, best first.
        section: which retriever, and how many documents.
        task: queries, documents and grades.
    """

    def __init__(
        self, make: Callable[[list[dict[str, Any]]], Any], section: EvaluationSection, task: RetrievalTask
    ) -> None:
        self.make, self.section, self.task = make, section, task
        self.name = str(section.settings.get("name", ""))
        self.inner: Any = None

    def __call__(
        self, model: Any, output_path: str | None = None, epoch: float = -1, steps: int = -1
    ) -> dict[str, float] | float:
        """Measure a model on what the retriever found."""
        if self.inner is None:
            self.inner = self.make(samples(self.task, str(self.section.retriever), self.section.candidates))
        found = self.inner(model, output_path, epoch, steps)
        self.primary_metric = self.inner.primary_metric
        return found


def samples(task: RetrievalTask, retriever: str, candidates: int) -> Samples:
    """For each query its text, the texts of its documents, and those that a retriever found, best first."""
    search = Retriever(bm25=True) if retriever == BM25 else Retriever(dense=open_model(retriever, "dense"))
    search.index(task.corpus, show_progress_bar=False)
    hits = search.search(list(task.queries.values()), candidates)
    return [
        {
            "query": text,
            "positive": [task.corpus[key] for key, grade in task.relevant[name].items() if grade > 0],
            "documents": [task.corpus[hit["corpus_id"]] for hit in found],
        }
        for (name, text), found in zip(task.queries.items(), hits, strict=True)
    ]


def check_retriever(name: str | None, place: str) -> None:
    """Refuse what cannot find documents, without opening it.

    Raises:
        ArgumentError: none, or a folder that is not there.
    """
    if name is None or (Path(name).is_absolute() and not Path(name).is_dir()):
        raise ArgumentError(f"{place}: {name!r}, expected a model's name or folder, or {BM25!r}. Name one.")


def bm25_ndcg(task: RetrievalTask) -> float:
    """Mean NDCG@10 of BM25, as a bar to pass."""
    search = Retriever(bm25=True)
    search.index(task.corpus, show_progress_bar=False)
    hits = search.search(list(task.queries.values()), 10)
    names = [[str(hit["corpus_id"]) for hit in found] for found in hits]
    gains = [ndcg(found, task.relevant[query]) for query, found in zip(task.queries, names, strict=True)]
    return sum(gains) / len(gains)
