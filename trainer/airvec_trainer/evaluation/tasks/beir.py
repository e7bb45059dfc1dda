"""`beir:DIR`: a corpus, queries and grades in BEIR's layout → NDCG@10 and more, as MTEB's retrieval tasks.

A reranker orders the candidates of BM25, or of the model that `retriever` names.
Knows nothing of other tasks.
"""

from airvec.errors import ArgumentError
from airvec.search.beir import RetrievalTask, read_beir
from airvec_trainer.evaluation.cross_reranking import CrossEncoderRerankingEvaluator
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.information_retrieval import InformationRetrievalEvaluator
from airvec_trainer.evaluation.tasks.candidates import BY_WORDS, candidates
from airvec_trainer.evaluation.tasks.graded import GradedRerankingEvaluator, GradedRetrievalEvaluator, has_grades
from airvec_trainer.evaluation.tasks.settings import Settings, Task
from airvec_trainer.evaluation.tasks.spec import TaskSpec

__all__ = ["OPTIONS", "read_beir_task"]

OPTIONS = ("split", "retriever", "top_k")
TOP_K = 100


def read_beir_task(spec: TaskSpec, settings: Settings) -> Task:
    """The task of a folder with corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv.

    Raises:
        ArgumentError: a file is missing, or an option is for rerankers only.
        InputError: a line that is wrong; the message names it.
    """
    split = "" if "split" in spec.options else _only_split(spec)
    task = read_beir(spec.place, split or spec.options["split"])
    rows = {"queries": len(task.queries), "documents": len(task.corpus)}
    if settings.reranks:
        return Task(
            _reranking(spec, settings, task),
            rows,
            ("base_graded_ndcg@10", "base_ndcg@10", "mrr@10", "map"),
            split=split,
        )
    for option in ("retriever", "top_k"):
        if option in spec.options:
            raise ArgumentError(
                f"--task beir: {option}={spec.options[option]}, but the model is a {settings.word} one and searches "
                "the corpus itself. Leave it out; it is for rerankers."
            )
    retrieval = InformationRetrievalEvaluator(
        task.queries, task.corpus, task.relevant, name=spec.name, mrr_at_k=[10], ndcg_at_k=[10],
        accuracy_at_k=[1, 3, 5, 10], precision_recall_at_k=[10, 100], map_at_k=[100], **settings.given,
    )  # fmt: skip
    evaluator = GradedRetrievalEvaluator(retrieval, task) if has_grades(task) else retrieval
    return Task(evaluator, rows, ("recall@100", "mrr@10", "map@100"), split=split)


def _reranking(spec: TaskSpec, settings: Settings, task: RetrievalTask) -> Evaluator:
    """Every query's candidates; a relevant document that is not among them counts as never found."""
    found = candidates(task, spec.options.get("retriever", BY_WORDS), spec.number("top_k", TOP_K))
    judged = [query for query in task.queries if _relevant(task, query)]
    samples = [
        {
            "query": task.queries[query],
            "positive": [task.corpus[name] for name in _relevant(task, query)],
            "documents": [task.corpus[name] for name in found[query]],
        }
        for query in judged
    ]
    evaluator = CrossEncoderRerankingEvaluator(
        samples, at_k=10, always_rerank_positives=False, name=spec.name, count_missing=True, **settings.given
    )
    rankings = [(query, found[query]) for query in judged]
    return GradedRerankingEvaluator(evaluator, task, rankings) if has_grades(task) else evaluator


def _only_split(spec: TaskSpec) -> str:
    """The split of the grades where there is one; else `test`, as a task's is usually called."""
    found = [file.stem for file in (spec.place / "qrels").glob("*.tsv")]
    return found[0] if len(found) == 1 else "test"


def _relevant(task: RetrievalTask, query: str) -> list[str]:
    return [name for name, grade in task.relevant[query].items() if grade > 0 and name in task.corpus]
