"""Scores of queries with a corpus, one block of its rows after another, in memory that grows with neither.

Cosines and dot products are BLAS's products into one block that is used again and again; rows that must be converted
or scaled to length 1 first are so in another. A memory-mapped corpus is read in the order in which it lies.
Knows nothing of what is done with the scores.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from airvec.arrays import Array, Floats
from airvec.modules.normalize import SMALLEST_NORM, unit
from airvec.search.hamming import checked_codes, hamming_sim, score_words, words
from airvec.similarity import Rows, Similarity, cos_sim, dot_score
from airvec.sparse_similarity import unit_rows
from airvec.sparse_vectors import SparseVectors

# 8 MB of float32 each. One thread multiplies blocks of half a megabyte to 16 as fast, but new memory costs time, too;
# two threads wait for each other at each product, so smaller blocks lose where others use the CPUs as well.
SCORES_AT_ONCE = 2**21
VALUES_AT_ONCE = 2**21
QUERIES_AT_ONCE = 1024
FIRST_ROWS = 1024  # few, to learn at little cost how high a score must be to matter
GROWTH = 4

Blocks: TypeAlias = "Iterator[tuple[int, Floats]]"
Prepare: TypeAlias = "Callable[[Any], Rows]"


def score_blocks(queries: Rows, corpus: Rows, function: Similarity, chunk: int) -> Blocks:
    """First row and scores, float32 (n, rows), of each block of the corpus; the next block overwrites the scores.

    Args:
        queries: (n, dim); `QUERIES_AT_ONCE` of them at most, for the memory that is stated.
        corpus: (m, dim).
        function: (a, dim), (b, dim) -> (a, b), higher is more similar.
        chunk: most rows of a block; they are fewer where the memory asks for it.

    Raises:
        ArgumentError: `queries` and `corpus` have different widths, or types that `function` does not take.
    """
    most = max(1, min(chunk, SCORES_AT_ONCE // max(1, len(queries))))
    if isinstance(queries, SparseVectors) or isinstance(corpus, SparseVectors):
        score, prepare = prepared(function)
        return called_blocks(prepare(queries), corpus, score, prepare, most)
    if function is hamming_sim:
        return _hamming_blocks(*checked_codes(queries, corpus), most)
    if function is cos_sim or function is dot_score:
        dot_score(queries[:0], corpus[:0])  # refuses different widths
        return _product_blocks(queries, corpus, function is cos_sim, most)
    return called_blocks(queries, corpus, function, _as_they_are, most)


def called_blocks(queries: Rows, corpus: Rows, score: Similarity, prepare: Prepare, chunk: int) -> Blocks:
    """Blocks of `chunk` rows by calls of any function, each after `prepare` of its rows."""
    for start in range(0, len(corpus), chunk):
        yield start, np.asarray(score(queries, prepare(corpus[start : start + chunk])), np.float32)


def prepared(score_function: Similarity) -> tuple[Similarity, Prepare]:
    """A similarity and what to do to each block of rows first: for the cosine, normalise once and take dot products."""
    if score_function is cos_sim:
        return dot_score, _unit_rows
    return score_function, _as_they_are


def _product_blocks(queries: Array, corpus: Array, scaled: bool, most: int) -> Blocks:
    """By matrix products, of rows scaled to length 1 or as they are."""
    kind = np.dtype(np.float32) if scaled else _product_type(queries, corpus)
    left = unit(queries.astype(np.float32, copy=False)) if scaled else queries.astype(kind, copy=False)
    converts = scaled or corpus.dtype != kind
    width = max(1, corpus.shape[1])
    most = max(1, min(most, VALUES_AT_ONCE // width)) if converts else most
    most = min(most, max(1, len(corpus)))
    scores, rows = np.empty(len(left) * most, kind), np.empty(most * width if converts else 0, kind)
    for start, stop in _spans(len(corpus), most):
        right = _converted(corpus[start:stop], rows, scaled) if converts else corpus[start:stop]
        found = scores[: len(left) * (stop - start)].reshape(len(left), stop - start)
        np.matmul(left, right.T, out=found)
        yield start, found.astype(np.float32, copy=False)


def _product_type(queries: Array, corpus: Array) -> np.dtype[Any]:
    """float32; of integers, the faster type that holds every sum of their products, float32 up to 2**24.

    Those of int8 codes reach 128 × 128 × dim, so float32 is exact up to 1024 dimensions, and BLAS has no faster
    integers. In float64 they take twice as long, and are rounded to float32 once, at the end.
    """
    sides = [side.dtype for side in (queries, corpus)]
    if any(side.kind not in "iu" for side in sides):
        return np.dtype(np.float32)
    largest = [max(-int(np.iinfo(side).min), int(np.iinfo(side).max)) for side in sides]
    return np.dtype(np.float32 if queries.shape[1] * largest[0] * largest[1] <= 2**24 else np.float64)


def _converted(block: Array, buffer: Array, scaled: bool) -> Array:
    """Rows in the buffer's type and memory, scaled to length 1 if asked for."""
    result = buffer[: block.size].reshape(block.shape)
    if block.dtype != buffer.dtype or not scaled:
        np.copyto(result, block, casting="unsafe")
        block = result
    if scaled:
        norms = np.sqrt(np.einsum("nd,nd->n", block, block))[:, None]  # as modules/normalize.py does, without a copy
        np.divide(block, np.maximum(norms, np.float32(SMALLEST_NORM)), out=result)
    return result


def _hamming_blocks(queries: Array, corpus: Array, most: int) -> Blocks:
    """By counts of the bits that differ."""
    left, most = words(queries), min(most, max(1, len(corpus)))
    scores = np.empty(len(left) * most, np.float32)
    for start, stop in _spans(len(corpus), most):
        found = scores[: len(left) * (stop - start)].reshape(len(left), stop - start)
        yield start, score_words(left, np.ascontiguousarray(words(corpus[start:stop]).T), found)


def _spans(count: int, most: int) -> Iterator[tuple[int, int]]:
    """Begin and end of the blocks: few rows first, `most` soon."""
    start, size = 0, min(FIRST_ROWS, most)
    while start < count:
        yield start, min(start + size, count)
        start, size = start + size, min(GROWTH * size, most)


def _unit_rows(rows: Rows) -> Rows:
    return unit_rows(rows) if isinstance(rows, SparseVectors) else unit(rows.astype(np.float32, copy=False))


def _as_they_are(rows: Rows) -> Rows:
    return rows
