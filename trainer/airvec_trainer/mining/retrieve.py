"""Step 1, retrieve: the documents nearest to each query.

Block by block, so that memory is for some queries × some documents, and never for all × all.
Knows nothing of texts and models.
"""

from collections.abc import Iterator

import numpy as np

from airvec.arrays import Floats, Integers
from airvec.modules.normalize import unit
from airvec.progress import progress_bar
from airvec.search.exact import nearest_rows
from airvec.search.inverted_index import InvertedIndex
from airvec.search.ranking import NOTHING, Ranking
from airvec.similarity import SIMILARITIES
from airvec.sparse_similarity import unit_rows
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.evaluation.embedding import Embeddings
from airvec_trainer.mining.indexes import open_index
from airvec_trainer.mining.pairs import Pairs
from airvec_trainer.mining.settings import MiningSettings

__all__ = ["nearest", "padded", "retrieved"]

QUERIES_AT_ONCE, DOCUMENTS_AT_ONCE = 512, 4096  # 8 MB of scores, and some such arrays beside them


def retrieved(
    queries: Embeddings, documents: Embeddings, pairs: Pairs, count: int, similarity: str, settings: MiningSettings
) -> tuple[Ranking, Floats]:
    """The nearest documents of every query, as `nearest` has it, and the scores of the p pairs, float32 (p,)."""
    scores = SIMILARITIES[similarity][1](queries[pairs.owners], documents[pairs.positives])
    return nearest(queries, documents, count, similarity, settings), scores


def nearest(
    queries: Embeddings, documents: Embeddings, count: int, similarity: str, settings: MiningSettings
) -> Ranking:
    """The `count` documents that are most similar to each query.

    Args:
        queries: (n, dim), dense or sparse.
        documents: (m, dim), of the same kind.
        count: documents a query; where there are fewer, row -1 and score -inf fill the last places.
        similarity: `"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`.
        settings: which index, and how many queries at once.

    Returns:
        rows int64 and scores float32, (n, count) both, best first, among equals the lower row.
    """
    size = settings.faiss_batch_size
    if settings.index != "numpy":
        find = open_index(settings.index, documents, similarity)
    else:
        size = min(size, QUERIES_AT_ONCE)
        queries, documents, similarity = _unit(queries, documents, similarity)
        find = _finder(documents, similarity)
    rows = np.full((len(queries), count), NOTHING, np.int64)
    scores = np.full((len(queries), count), -np.inf, np.float32)
    with progress_bar(settings.show_progress_bar, len(queries), "Searching", "query") as advance:
        for block in _blocks(len(queries), size):
            found = padded(*find(queries[block], min(count, len(documents))), count)
            rows[block], scores[block] = found.rows, found.scores
            advance(len(found.rows))
    return Ranking(rows, scores)


def padded(rows: Integers, scores: Floats, count: int) -> Ranking:
    """(n, k) → (n, count): row -1 and score -inf behind, and score -inf wherever the row is -1.

    >>> padded(np.array([[4, -1]]), np.array([[0.5, -9.0]], np.float32), 3).scores.tolist()
    [[0.5, -inf, -inf]]
    """
    missing = ((0, 0), (0, count - rows.shape[1]))
    rows = np.pad(rows, missing, constant_values=NOTHING)
    scores = np.pad(scores, missing, constant_values=-np.inf)
    return Ranking(rows, np.where(rows == NOTHING, np.float32(-np.inf), scores))


def _unit(queries: Embeddings, documents: Embeddings, similarity: str) -> tuple[Embeddings, Embeddings, str]:
    """For the cosine all is scaled to length 1, once: then it is the dot product."""
    if similarity != "cosine":
        return queries, documents, similarity
    return _scaled(queries), _scaled(documents), "dot"


def _scaled(vectors: Embeddings) -> Embeddings:
    return unit_rows(vectors) if isinstance(vectors, SparseVectors) else unit(vectors.astype(np.float32, copy=False))


def _finder(documents: Embeddings, similarity: str):  # noqa: ANN202  # two of one kind, of which a type says little
    """A function of a block of queries and a count that gives rows and scores."""
    if isinstance(documents, SparseVectors) and similarity == "dot":
        inverted = InvertedIndex.build(documents)

        def by_dimension(block: Embeddings, count: int) -> tuple[Integers, Floats]:
            found = inverted.search(block, count)
            return found.rows, found.scores

        return by_dimension
    score = SIMILARITIES[similarity][0]

    def one_by_one(block: Embeddings, count: int) -> tuple[Integers, Floats]:
        scores, rows = nearest_rows(block, documents, count, DOCUMENTS_AT_ONCE, score, lambda chunk: chunk)
        return rows, scores

    return one_by_one


def _blocks(count: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))
