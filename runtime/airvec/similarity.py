"""Similarity of vectors: cosine, dot product, and the negated Euclidean and Manhattan distances.

Everything takes lists, arrays or sparse vectors, one vector or rows of them, and answers in float32; higher is more
similar. Dot products of int8 or uint8 codes are summed exactly, as int32 would (the reference wraps around at 127).
Sparse vectors are compared with sparse ones entry by entry, and with dense ones in blocks that are made dense.
Knows nothing of texts and models.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, cast

import numpy as np

from airvec import sparse_similarity as sparse
from airvec.arrays import Array, Floats, Vectors
from airvec.errors import ArgumentError
from airvec.modules.normalize import unit
from airvec.sparse_vectors import SparseVector, SparseVectors

BLOCK_BYTES = 64 * 2**20  # size of the temporary arrays of the distances

Comparable: TypeAlias = "Vectors | SparseVectors | SparseVector | Sequence[SparseVector]"
Rows: TypeAlias = "Array | SparseVectors"
Similarity: TypeAlias = "Callable[[Any, Any], Floats]"


def cos_sim(a: Comparable, b: Comparable) -> Floats:
    """Cosine of every row of `a` (n, dim) with every row of `b` (m, dim): float32 (n, m), from -1 to 1.

    A vector of length 0 has the cosine 0 with everything.

    >>> cos_sim([[1.0, 0.0], [0.0, 1.0]], [2.0, 0.0]).tolist()
    [[1.0], [0.0]]
    """
    return _every(a, b, _cosines, sparse.cosines)


def dot_score(a: Comparable, b: Comparable) -> Floats:
    """Dot product of every row of `a` (n, dim) with every row of `b` (m, dim): float32 (n, m).

    >>> import numpy as np
    >>> dot_score(np.array([100, 100], np.int8), np.array([100, 100], np.int8)).tolist()
    [[20000.0]]
    """
    return _every(a, b, _dots, sparse.dots)


def euclidean_sim(a: Comparable, b: Comparable) -> Floats:
    """Minus the Euclidean distance of every row of `a` (n, dim) to every row of `b` (m, dim): float32 (n, m), <= 0.

    >>> euclidean_sim([[0.0, 0.0]], [[3.0, 4.0]]).tolist()
    [[-5.0]]
    """
    return _every(a, b, _euclidean, sparse.euclidean)


def manhattan_sim(a: Comparable, b: Comparable) -> Floats:
    """Minus the Manhattan distance of every row of `a` (n, dim) to every row of `b` (m, dim): float32 (n, m), <= 0.

    >>> manhattan_sim([[0.0, 0.0]], [[3.0, 4.0]]).tolist()
    [[-7.0]]
    """
    return _every(a, b, _manhattan, sparse.manhattan)


def pairwise_cos_sim(a: Comparable, b: Comparable) -> Floats:
    """Cosine of row i of `a` with row i of `b`, both (n, dim): float32 (n,)."""
    return _pairwise(a, b, _pairwise_cosines, sparse.pairwise_cosines)


def pairwise_dot_score(a: Comparable, b: Comparable) -> Floats:
    """Dot product of row i of `a` with row i of `b`, both (n, dim): float32 (n,); exact for int8 codes."""
    return _pairwise(a, b, _pairwise_dots, sparse.pairwise_dots)


def pairwise_euclidean_sim(a: Comparable, b: Comparable) -> Floats:
    """Minus the Euclidean distance of row i of `a` to row i of `b`, both (n, dim): float32 (n,)."""
    return _pairwise(a, b, _pairwise_euclidean, sparse.pairwise_euclidean)


def pairwise_manhattan_sim(a: Comparable, b: Comparable) -> Floats:
    """Minus the Manhattan distance of row i of `a` to row i of `b`, both (n, dim): float32 (n,)."""
    return _pairwise(a, b, _pairwise_manhattan, sparse.pairwise_manhattan)


SIMILARITIES: dict[str, tuple[Similarity, Similarity]] = {
    "cosine": (cos_sim, pairwise_cos_sim),
    "dot": (dot_score, pairwise_dot_score),
    "euclidean": (euclidean_sim, pairwise_euclidean_sim),
    "manhattan": (manhattan_sim, pairwise_manhattan_sim),
}


def as_rows(vectors: Vectors) -> Array:
    """One vector (dim,) or rows (n, dim), as an array of two dimensions.

    Raises:
        ArgumentError: more dimensions than two, or rows of different lengths, or no numbers.
    """
    try:
        array = np.asarray(vectors)
    except ValueError as error:
        raise ArgumentError(f"vectors: {error}. Expected rows of one length.") from None
    rows = array[None] if array.ndim == 1 else array
    if rows.ndim != 2 or rows.dtype.kind not in "fiub":
        raise ArgumentError(
            f"vectors: {type(vectors).__name__} with shape {list(array.shape)} of {array.dtype}, expected numbers of "
            "shape [dim] or [n, dim], or sparse vectors. Pass what encode gives."
        )
    return rows


def comparable_rows(vectors: Comparable) -> Rows:
    """As `as_rows`; sparse vectors, also in a list, stay sparse.

    Raises:
        ArgumentError: more dimensions than two, or rows of different lengths, or no numbers.
    """
    if isinstance(vectors, SparseVector):
        return vectors.as_rows()
    if isinstance(vectors, SparseVectors):
        return vectors
    listed = sparse.listed_rows(vectors)
    return as_rows(cast("Vectors", vectors)) if listed is None else listed


def _every(
    a: Comparable,
    b: Comparable,
    dense: Callable[[Array, Array], Floats],
    of_sparse: Callable[[SparseVectors, SparseVectors], Floats],
) -> Floats:
    """Every row with every row, by the function for what both sides are."""
    x, y = _two(a, b)
    if isinstance(x, SparseVectors):
        if isinstance(y, SparseVectors):
            return of_sparse(x, y)
        blocks = [dense(x[rows].to_dense(), y) for rows in _dense_blocks(x)]
        return np.concatenate([np.zeros((0, len(y)), np.float32), *blocks])
    if isinstance(y, SparseVectors):
        return np.ascontiguousarray(_every(y, x, dense, of_sparse).T)
    return dense(x, y)


def _pairwise(
    a: Comparable,
    b: Comparable,
    dense: Callable[[Array, Array], Floats],
    of_sparse: Callable[[SparseVectors, SparseVectors], Floats],
) -> Floats:
    """Row i with row i, by the function for what both sides are."""
    x, y = _two(a, b)
    if len(x) != len(y):
        raise ArgumentError(f"vectors: {len(x)} and {len(y)} rows, expected as many. Pair them up first.")
    if isinstance(x, SparseVectors):
        if isinstance(y, SparseVectors):
            return of_sparse(x, y)
        blocks = [dense(x[rows].to_dense(), y[rows]) for rows in _dense_blocks(x)]
        return np.concatenate([np.zeros(0, np.float32), *blocks])
    return _pairwise(y, x, dense, of_sparse) if isinstance(y, SparseVectors) else dense(x, y)


def _dense_blocks(rows: SparseVectors) -> Iterator[slice]:
    """Rows that together take no more than `BLOCK_BYTES` when dense."""
    size = max(1, BLOCK_BYTES // max(1, 4 * rows.dim))
    return (slice(start, start + size) for start in range(0, len(rows), size))


def _two(a: Comparable, b: Comparable) -> tuple[Rows, Rows]:
    x, y = comparable_rows(a), comparable_rows(b)
    if x.shape[1] != y.shape[1]:
        raise ArgumentError(
            f"vectors: {x.shape[1]} and {y.shape[1]} dimensions, expected the same. Encode both with one model."
        )
    return x, y


def _cosines(x: Array, y: Array) -> Floats:
    return unit(_as_float32(x)) @ unit(_as_float32(y)).T


def _dots(x: Array, y: Array) -> Floats:
    if _integers(x) and _integers(y):
        exact = _exact(x, y)
        return _as_float32(x.astype(exact) @ y.astype(exact).T)
    return _as_float32(x) @ _as_float32(y).T


def _euclidean(x: Array, y: Array) -> Floats:
    return _distances(x, y, lambda difference: np.sqrt(np.einsum("nmd,nmd->nm", difference, difference)))


def _manhattan(x: Array, y: Array) -> Floats:
    return _distances(x, y, lambda difference: np.abs(difference, out=difference).sum(axis=-1))


def _pairwise_cosines(x: Array, y: Array) -> Floats:
    return np.einsum("nd,nd->n", unit(_as_float32(x)), unit(_as_float32(y)))


def _pairwise_dots(x: Array, y: Array) -> Floats:
    if _integers(x) and _integers(y):
        return np.einsum("nd,nd->n", x.astype(np.int64), y.astype(np.int64)).astype(np.float32)
    return np.einsum("nd,nd->n", _as_float32(x), _as_float32(y))


def _pairwise_euclidean(x: Array, y: Array) -> Floats:
    difference = _as_float32(x) - _as_float32(y)
    return -np.sqrt(np.einsum("nd,nd->n", difference, difference))


def _pairwise_manhattan(x: Array, y: Array) -> Floats:
    return -np.abs(_as_float32(x) - _as_float32(y)).sum(axis=-1)


def _as_float32(array: Array) -> Floats:
    return array.astype(np.float32, copy=False)


def _integers(array: Array) -> bool:
    return array.dtype.kind in "iu"


def _exact(x: Array, y: Array) -> type[np.float32 | np.float64]:
    """The faster type that holds every sum of products of these integers: float32 up to 2**24, else float64."""
    largest = [max(-int(np.iinfo(side.dtype).min), int(np.iinfo(side.dtype).max)) for side in (x, y)]
    return np.float32 if x.shape[1] * largest[0] * largest[1] <= 2**24 else np.float64


def _distances(left: Array, right: Array, norm: Callable[[Floats], Floats]) -> Floats:
    """In blocks of both sides, so that the differences (rows, columns, dim) stay below a bound."""
    x, y = _as_float32(left), _as_float32(right)
    result = np.empty((len(x), len(y)), np.float32)
    pairs = max(1, BLOCK_BYTES // max(1, 4 * x.shape[1]))  # compared at once
    wide = min(pairs, max(1, len(y)))
    high = pairs // wide
    for i in range(0, len(x), high):
        for j in range(0, len(y), wide):
            result[i : i + high, j : j + wide] = -norm(x[i : i + high, None, :] - y[None, j : j + wide, :])
    return result
