"""The documents that a reranker gets for each query: BM25's best of the corpus, or a model's.

Knows nothing of rerankers and of metrics.
"""

from airvec import SentenceTransformer
from airvec.folder import DEFAULT_MODEL
from airvec.search import BM25, InvertedIndex
from airvec.search.beir import RetrievalTask
from airvec_trainer.evaluation.information_retrieval import InformationRetrievalEvaluator

__all__ = ["BY_WORDS", "candidates"]

BY_WORDS = "bm25"
EMBEDDED = "default"


def candidates(task: RetrievalTask, retriever: str, top_k: int) -> dict[str, list[str]]:
    """For each query the ids of the best documents, best first.

    Args:
        task: queries and corpus.
        retriever: `"bm25"`, `"default"` for the model inside airvec, or a dense model's folder or name on the Hub.
        top_k: documents a query.
    """
    if retriever == BY_WORDS:
        return _by_words(task, top_k)
    model = SentenceTransformer(DEFAULT_MODEL if retriever == EMBEDDED else retriever)
    evaluator = InformationRetrievalEvaluator(task.queries, task.corpus, task.relevant, map_at_k=[top_k])
    (best,) = evaluator.search(model).values()
    order = evaluator.data.order
    rows = zip(evaluator.queries_ids, best.rows.tolist(), strict=True)
    return {query: [evaluator.corpus_ids[order[row]] for row in found[:top_k]] for query, found in rows}


def _by_words(task: RetrievalTask, top_k: int) -> dict[str, list[str]]:
    ids = list(task.corpus)
    words = BM25().fit(list(task.corpus.values()))
    index = InvertedIndex.build(words.encode_document(list(task.corpus.values())))
    ranking = index.search(words.encode_query(list(task.queries.values())), top_k)
    return {query: [ids[row] for row, _ in ranking.hits(place)] for place, query in enumerate(task.queries)}
