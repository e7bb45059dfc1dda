"""Exact search over vectors: nearest neighbours, and pairs of near-duplicates.

Both go through the vectors block by block: beside vectors and results they take some 25 MB, however many there are.
Results follow sentence-transformers 6.2; among equal scores the lower index comes first (the reference leaves that
open).
Knows nothing of texts, but for `paraphrase_mining`, which encodes them with the model it is given.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias, TypedDict

import numpy as np

from airvec.arrays import Floats, Integers
from airvec.checks import whole_number
from airvec.search.blocks import QUERIES_AT_ONCE, Prepare, called_blocks, prepared, score_blocks
from airvec.search.nearest import nearest, top_k_rows
from airvec.similarity import Comparable, Rows, Similarity, comparable_rows, cos_sim

__all__ = [
    "Encoder",
    "Hit",
    "nearest_rows",
    "paraphrase_mining",
    "paraphrase_mining_embeddings",
    "prepared",
    "semantic_search",
    "top_k_rows",
]

Pairs: TypeAlias = "tuple[Floats, Integers, Integers]"  # score, smaller and larger row, (m,) each


class Hit(TypedDict):
    """One result of a search: the row of the corpus, and its score."""

    corpus_id: int
    score: float


class Encoder(Protocol):
    """What `paraphrase_mining` needs of a model."""

    def encode(
        self,
        inputs: Sequence[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        *,
        truncate_dim: int | None = None,
    ) -> Any:
        """Embeddings (n, dim) of n texts."""
        ...


def semantic_search(
    query_embeddings: Comparable,
    corpus_embeddings: Comparable,
    query_chunk_size: int = 100,
    corpus_chunk_size: int = 500_000,
    top_k: int = 10,
    score_function: Similarity = cos_sim,
) -> list[list[Hit]]:
    """The `top_k` most similar rows of the corpus for every query.

    Args:
        query_embeddings: (n, dim), or (dim,) for one query; dense or sparse.
        corpus_embeddings: (m, dim), dense or sparse; a memory-mapped array is read block by block. For a sparse corpus
            that is searched again and again, an `InvertedIndex` is built once.
        query_chunk_size: most queries compared at once; more of them read a corpus on disk less often.
        corpus_chunk_size: most rows of the corpus compared at once; they are fewer where memory asks for it.
        top_k: results a query; fewer where the corpus has fewer rows.
        score_function: (a, dim), (b, dim) -> (a, b), higher is more similar. Codes are searched exactly: those of
            precision "int8" or "uint8" with `dot_score`, packed bits with `airvec.search.hamming_sim`.

    Returns:
        A list a query of `{"corpus_id": int, "score": float}`, best first.

    Raises:
        ArgumentError: a size below 1, or vectors of different widths.

    >>> semantic_search([1.0, 0.0], [[0.0, 1.0], [1.0, 0.0]], top_k=1)
    [[{'corpus_id': 1, 'score': 1.0}]]
    """
    whole_number("query_chunk_size", query_chunk_size)
    whole_number("corpus_chunk_size", corpus_chunk_size)
    whole_number("top_k", top_k)
    queries, corpus = comparable_rows(query_embeddings), comparable_rows(corpus_embeddings)
    found: list[list[Hit]] = []
    for block in _parts(queries, query_chunk_size):
        blocks = score_blocks(block, corpus, score_function, corpus_chunk_size)
        scores, rows = nearest(blocks, len(block), top_k)
        found += [_hits(one, ids) for one, ids in zip(scores, rows, strict=True)]
    return found


def paraphrase_mining(
    model: Encoder,
    sentences: Sequence[str],
    show_progress_bar: bool = False,
    batch_size: int | None = None,
    query_chunk_size: int = 5000,
    corpus_chunk_size: int = 100_000,
    max_pairs: int = 500_000,
    top_k: int = 100,
    score_function: Similarity = cos_sim,
    truncate_dim: int | None = None,
    prompt_name: str | None = None,
    prompt: str | None = None,
) -> list[list[float | int]]:
    """Encode texts and find the most similar pairs among them: see `paraphrase_mining_embeddings`."""
    embeddings = model.encode(sentences, prompt_name, prompt, batch_size, show_progress_bar, truncate_dim=truncate_dim)
    return paraphrase_mining_embeddings(
        embeddings, query_chunk_size, corpus_chunk_size, max_pairs, top_k, score_function
    )


def paraphrase_mining_embeddings(
    embeddings: Comparable,
    query_chunk_size: int = 5000,
    corpus_chunk_size: int = 100_000,
    max_pairs: int = 500_000,
    top_k: int = 100,
    score_function: Similarity = cos_sim,
) -> list[list[float | int]]:
    """The most similar pairs of rows, each pair once.

    Args:
        embeddings: (n, dim), dense or sparse.
        query_chunk_size: most rows compared at once.
        corpus_chunk_size: most rows they are compared with at once; both are fewer where memory asks for it.
        max_pairs: most pairs to return.
        top_k: neighbours of each row that are looked at.
        score_function: symmetric, higher is more similar.

    Returns:
        `[score, i, j]` with i < j, best first.

    Raises:
        ArgumentError: a size below 1.
    """
    whole_number("query_chunk_size", query_chunk_size)
    whole_number("corpus_chunk_size", corpus_chunk_size)
    whole_number("max_pairs", max_pairs)
    whole_number("top_k", top_k)
    rows = comparable_rows(embeddings)
    pairs = _neighbour_pairs(rows, (query_chunk_size, corpus_chunk_size), top_k, score_function)
    best = _best_pairs(pairs, len(rows), max_pairs)
    return [[float(score), int(i), int(j)] for score, i, j in zip(*best, strict=True)]


def nearest_rows(
    block: Rows,
    corpus: Rows,
    top_k: int,
    chunk: int,
    score: Similarity,
    prepare: Prepare,
) -> tuple[Floats, Integers]:
    """Scores and rows of the best of the whole corpus for each query of a block, (n, k) both.

    `chunk` rows of the corpus at a time are prepared and scored; among equal scores the lower row comes first.
    """
    return nearest(called_blocks(block, corpus, score, prepare, chunk), len(block), top_k)


def _parts(queries: Rows, size: int) -> Iterator[Rows]:
    """Queries that are compared at once."""
    size = min(size, QUERIES_AT_ONCE)
    return (queries[start : start + size] for start in range(0, len(queries), size))


def _hits(scores: Floats, rows: Integers) -> list[Hit]:
    return [{"corpus_id": row, "score": score} for score, row in zip(scores.tolist(), rows.tolist(), strict=True)]


def _neighbour_pairs(rows: Rows, sizes: tuple[int, int], top_k: int, function: Similarity) -> Iterator[Pairs]:
    """For some rows at a time: scores, smaller and larger row of the pairs with their nearest neighbours."""
    start = 0
    for block in _parts(rows, sizes[0]):
        scores, others = nearest(score_blocks(block, rows, function, sizes[1]), len(block), top_k + 1)
        own = np.arange(start, start + len(block))[:, None]
        keep = others != own
        keep &= np.cumsum(keep, axis=1) <= top_k  # a row that is not its own nearest neighbour leaves one too many
        mine = np.broadcast_to(own, others.shape)[keep]
        yield scores[keep], np.minimum(mine, others[keep]), np.maximum(mine, others[keep])
        start += len(block)


def _best_pairs(found: Iterable[Pairs], count: int, most: int) -> Pairs:
    """The best `most` pairs of `count` rows, each once, equal ones by their rows."""
    best: Pairs = (np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros(0, np.int64))
    pool: list[Pairs] = []
    for scores, left, right in found:
        kept = ~(scores < best[0][-1]) if len(best[0]) == most else slice(None)
        pool.append((scores[kept], left[kept], right[kept]))
        if sum(len(pairs[0]) for pairs in pool) > most:
            best, pool = _ranked_pairs([best, *pool], count, most), []
    return _ranked_pairs([best, *pool], count, most)


def _ranked_pairs(parts: Sequence[Pairs], count: int, most: int) -> Pairs:
    scores, left, right = (np.concatenate(some) for some in zip(*parts, strict=True))
    _, first = np.unique(left * count + right, return_index=True)
    order = first[np.lexsort((right[first], left[first], -scores[first]))][:most]
    return scores[order], left[order], right[order]
