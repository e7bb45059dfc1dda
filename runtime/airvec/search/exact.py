"""Exact search over vectors: nearest neighbours, pairs of near-duplicates, groups of similar texts.

All three go through the vectors block by block, so memory does not grow with rows x rows. Results follow
sentence-transformers 6.2; among equal scores the lower index comes first (the reference leaves that open).
Knows nothing of texts, but for `paraphrase_mining`, which encodes them with the model it is given.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypedDict

import numpy as np

from airvec.arrays import Floats, Integers, Vectors
from airvec.checks import whole_number
from airvec.modules.normalize import unit
from airvec.similarity import Comparable, Rows, Similarity, as_rows, comparable_rows, cos_sim, dot_score
from airvec.sparse_similarity import unit_rows
from airvec.sparse_vectors import SparseVectors


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
        query_chunk_size: queries compared at once.
        corpus_chunk_size: rows of the corpus compared at once.
        top_k: results a query; fewer where the corpus has fewer rows.
        score_function: (a, dim), (b, dim) -> (a, b), higher is more similar.

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
    score, prepare = prepared(score_function)
    found: list[list[Hit]] = []
    for start in range(0, len(queries), query_chunk_size):
        block = prepare(queries[start : start + query_chunk_size])
        scores, rows = nearest_rows(block, corpus, top_k, corpus_chunk_size, score, prepare)
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
        query_chunk_size: rows compared at once.
        corpus_chunk_size: rows they are compared with at once.
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
    scores, left, right = np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros(0, np.int64)
    for found in _neighbour_pairs(rows, query_chunk_size, corpus_chunk_size, top_k, score_function):
        scores, left, right = (np.concatenate(parts) for parts in zip((scores, left, right), found, strict=True))
        _, first = np.unique(left * len(rows) + right, return_index=True)
        order = first[np.lexsort((right[first], left[first], -scores[first]))][:max_pairs]
        scores, left, right = scores[order], left[order], right[order]
    return [[float(score), int(i), int(j)] for score, i, j in zip(scores, left, right, strict=True)]


def community_detection(
    embeddings: Vectors,
    threshold: float = 0.75,
    min_community_size: int = 10,
    batch_size: int = 1024,
    show_progress_bar: bool = False,
) -> list[list[int]]:
    """Groups of rows whose cosine with the group's centre is at least `threshold`.

    Args:
        embeddings: (n, dim).
        threshold: smallest cosine with the centre.
        min_community_size: smallest group, the centre included.
        batch_size: rows compared at once.
        show_progress_bar: show the progress over the rows (needs tqdm).

    Returns:
        Row numbers of each group, largest group first, the centre first in each; no row is in two groups.

    Raises:
        ArgumentError: a size below 1.
    """
    whole_number("min_community_size", min_community_size)
    whole_number("batch_size", batch_size)
    if len(embeddings) < min_community_size:
        return []
    rows = unit(as_rows(embeddings).astype(np.float32))
    groups: list[tuple[int, Integers]] = []
    from airvec.progress import progress_bar

    with progress_bar(show_progress_bar, len(rows), "Finding groups") as advance:
        for start in range(0, len(rows), batch_size):
            groups += _groups(rows, start, batch_size, threshold, min_community_size)
            advance(min(batch_size, len(rows) - start))
    return _without_overlap(groups, len(rows), min_community_size)


def top_k_rows(scores: Floats, top_k: int) -> Integers:
    """Columns of the `top_k` highest scores of each row, best first, ties by column: (n, m) -> (n, min(k, m))."""
    count = scores.shape[1]
    if scores.size and np.isnan(scores.max()):
        scores = np.where(np.isnan(scores), -np.inf, scores)  # a NaN is nobody's nearest neighbour
    if top_k >= count:
        return np.argsort(-scores, axis=1, kind="stable")
    # A row's k-th highest score: everything above it is in, and of those equal to it the lowest columns.
    bound = np.partition(scores, count - top_k, axis=1)[:, count - top_k, None]
    above, equal = scores > bound, scores == bound
    missing = top_k - above.sum(axis=1, keepdims=True)
    chosen = above | (equal & (np.cumsum(equal, axis=1) <= missing))  # (n, m), k True a row
    columns = np.nonzero(chosen)[1].reshape(len(scores), top_k)
    order = np.argsort(-np.take_along_axis(scores, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def prepared(score_function: Similarity) -> tuple[Similarity, Callable[[Rows], Rows]]:
    """A similarity and what to do to each block of rows first: for the cosine, normalise once and take dot products."""
    if score_function is cos_sim:
        return dot_score, _unit_rows
    return score_function, lambda rows: rows


def nearest_rows(
    block: Rows,
    corpus: Rows,
    top_k: int,
    chunk: int,
    score: Similarity,
    prepare: Callable[[Any], Rows],
) -> tuple[Floats, Integers]:
    """Scores and rows of the best of the whole corpus for each query of a block, (n, k) both.

    `chunk` rows of the corpus at a time are prepared and scored; among equal scores the lower row comes first.
    """
    scores, rows = np.zeros((len(block), 0), np.float32), np.zeros((len(block), 0), np.int64)
    for start in range(0, len(corpus), chunk):
        found = np.asarray(score(block, prepare(corpus[start : start + chunk])), np.float32)
        if scores.shape[1] < top_k:
            best = top_k_rows(found, top_k)
            more = np.take_along_axis(found, best, axis=1)
        else:
            more, best = _above(found, scores[:, -1:])
        scores, rows = np.hstack([scores, more]), np.hstack([rows, best + start])
        keep = top_k_rows(scores, top_k)
        scores, rows = np.take_along_axis(scores, keep, axis=1), np.take_along_axis(rows, keep, axis=1)
    return scores, rows


def _unit_rows(rows: Rows) -> Rows:
    return unit_rows(rows) if isinstance(rows, SparseVectors) else unit(rows.astype(np.float32, copy=False))


def _above(found: Floats, bounds: Floats) -> tuple[Floats, Integers]:
    """The scores of each row that are above its bound (n, 1), and their columns, (n, most of a row) both.

    Shorter rows are filled up with score -inf. From the second block of a corpus on these are few, and finding them
    takes a small part of the time of ranking the block.
    """
    owners, columns = np.nonzero(found > np.where(np.isnan(bounds), -np.inf, bounds))
    counts = np.bincount(owners, minlength=len(found))
    places = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    scores = np.full((len(found), int(counts.max(initial=0))), -np.inf, np.float32)
    rows = np.zeros(scores.shape, np.int64)
    scores[owners, places], rows[owners, places] = found[owners, columns], columns
    return scores, rows


def _hits(scores: Floats, rows: Integers) -> list[Hit]:
    return [{"corpus_id": int(row), "score": float(score)} for score, row in zip(scores, rows, strict=True)]


def _neighbour_pairs(
    rows: Rows, query_chunk: int, corpus_chunk: int, top_k: int, score_function: Similarity
) -> Iterator[tuple[Floats, Integers, Integers]]:
    """For a block of rows at a time: scores, smaller and larger row of the pairs with their nearest neighbours."""
    score, prepare = prepared(score_function)
    for start in range(0, len(rows), query_chunk):
        block = prepare(rows[start : start + query_chunk])
        scores, others = nearest_rows(block, rows, top_k + 1, corpus_chunk, score, prepare)
        own = np.arange(start, start + len(block))[:, None]
        keep = others != own
        keep &= np.cumsum(keep, axis=1) <= top_k  # a row that is not its own nearest neighbour leaves one too many
        mine = np.broadcast_to(own, others.shape)[keep]
        yield scores[keep], np.minimum(mine, others[keep]), np.maximum(mine, others[keep])


def _groups(rows: Floats, start: int, size: int, threshold: float, smallest: int) -> list[tuple[int, Integers]]:
    """Centre and members, nearest first, of each row of a block with enough neighbours."""
    scores = rows[start : start + size] @ rows.T  # (block, n)
    close = scores >= np.float32(threshold)
    found: list[tuple[int, Integers]] = []
    for place in np.flatnonzero(close.sum(axis=1) >= smallest):
        members = np.flatnonzero(close[place])
        found.append((start + int(place), members[np.argsort(-scores[place, members], kind="stable")]))
    return found


def _without_overlap(groups: list[tuple[int, Integers]], count: int, smallest: int) -> list[list[int]]:
    """Largest group first; later ones lose members that are taken, and go if too few are left."""
    taken = np.zeros(count, bool)
    kept: list[list[int]] = []
    for centre, members in sorted(groups, key=lambda group: -len(group[1])):
        free = members[~taken[members]]
        if taken[centre] or len(free) < smallest:
            continue
        group = [centre, *free[free != centre].tolist()]
        taken[group] = True
        kept.append(group)
    return sorted(kept, key=len, reverse=True)
