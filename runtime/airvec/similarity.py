"""Similarity of vectors: cosine, dot product, and the negated Euclidean and Manhattan distances.

Everything takes lists or arrays, one vector or rows of them, and answers in float32; higher is more similar.
Dot products of int8 or uint8 codes are summed exactly, as int32 would (the reference wraps around at 127).
Knows nothing of texts and models.
"""

from collections.abc import Callable

import numpy as np

from airvec.arrays import Array, Floats, Vectors
from airvec.errors import ArgumentError
from airvec.modules.normalize import unit

BLOCK_BYTES = 64 * 2**20  # size of the temporary arrays of the distances

Similarity = Callable[[Vectors, Vectors], Floats]


def cos_sim(a: Vectors, b: Vectors) -> Floats:
    """Cosine of every row of `a` (n, dim) with every row of `b` (m, dim): float32 (n, m), from -1 to 1.

    A vector of length 0 has the cosine 0 with everything.

    >>> cos_sim([[1.0, 0.0], [0.0, 1.0]], [2.0, 0.0]).tolist()
    [[1.0], [0.0]]
    """
    x, y = _two(a, b)
    return unit(_as_float32(x)) @ unit(_as_float32(y)).T


def dot_score(a: Vectors, b: Vectors) -> Floats:
    """Dot product of every row of `a` (n, dim) with every row of `b` (m, dim): float32 (n, m).

    >>> import numpy as np
    >>> dot_score(np.array([100, 100], np.int8), np.array([100, 100], np.int8)).tolist()
    [[20000.0]]
    """
    x, y = _two(a, b)
    if _integers(x) and _integers(y):
        exact = _exact(x, y)
        return _as_float32(x.astype(exact) @ y.astype(exact).T)
    return _as_float32(x) @ _as_float32(y).T


def euclidean_sim(a: Vectors, b: Vectors) -> Floats:
    """Minus the Euclidean distance of every row of `a` (n, dim) to every row of `b` (m, dim): float32 (n, m), <= 0.

    >>> euclidean_sim([[0.0, 0.0]], [[3.0, 4.0]]).tolist()
    [[-5.0]]
    """
    return _distances(a, b, lambda difference: np.sqrt(np.einsum("nmd,nmd->nm", difference, difference)))


def manhattan_sim(a: Vectors, b: Vectors) -> Floats:
    """Minus the Manhattan distance of every row of `a` (n, dim) to every row of `b` (m, dim): float32 (n, m), <= 0.

    >>> manhattan_sim([[0.0, 0.0]], [[3.0, 4.0]]).tolist()
    [[-7.0]]
    """
    return _distances(a, b, lambda difference: np.abs(difference, out=difference).sum(axis=-1))


def pairwise_cos_sim(a: Vectors, b: Vectors) -> Floats:
    """Cosine of row i of `a` with row i of `b`, both (n, dim): float32 (n,)."""
    x, y = _pairs(a, b)
    return np.einsum("nd,nd->n", unit(_as_float32(x)), unit(_as_float32(y)))


def pairwise_dot_score(a: Vectors, b: Vectors) -> Floats:
    """Dot product of row i of `a` with row i of `b`, both (n, dim): float32 (n,); exact for int8 codes."""
    x, y = _pairs(a, b)
    if _integers(x) and _integers(y):
        return np.einsum("nd,nd->n", x.astype(np.int64), y.astype(np.int64)).astype(np.float32)
    return np.einsum("nd,nd->n", _as_float32(x), _as_float32(y))


def pairwise_euclidean_sim(a: Vectors, b: Vectors) -> Floats:
    """Minus the Euclidean distance of row i of `a` to row i of `b`, both (n, dim): float32 (n,)."""
    x, y = _pairs(a, b)
    difference = _as_float32(x) - _as_float32(y)
    return -np.sqrt(np.einsum("nd,nd->n", difference, difference))


def pairwise_manhattan_sim(a: Vectors, b: Vectors) -> Floats:
    """Minus the Manhattan distance of row i of `a` to row i of `b`, both (n, dim): float32 (n,)."""
    x, y = _pairs(a, b)
    return -np.abs(_as_float32(x) - _as_float32(y)).sum(axis=-1)


SIMILARITIES: dict[str, tuple[Similarity, Similarity]] = {
    "cosine": (cos_sim, pairwise_cos_sim),
    "dot": (dot_score, pairwise_dot_score),
    "euclidean": (euclidean_sim, pairwise_euclidean_sim),
    "manhattan": (manhattan_sim, pairwise_manhattan_sim),
}


def check_similarity_name(name: str) -> str:
    """The name itself, if there is such a similarity.

    Raises:
        ArgumentError: there is none.
    """
    if name not in SIMILARITIES:
        raise ArgumentError(f"similarity_fn_name: {name!r}, expected one of {', '.join(SIMILARITIES)}. Correct it.")
    return name


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
            f"vectors: shape {list(array.shape)} of {array.dtype}, expected numbers of shape [dim] or [n, dim]."
        )
    return rows


def _two(a: Vectors, b: Vectors) -> tuple[Array, Array]:
    x, y = as_rows(a), as_rows(b)
    if x.shape[1] != y.shape[1]:
        raise ArgumentError(
            f"vectors: {x.shape[1]} and {y.shape[1]} dimensions, expected the same. Encode both with one model."
        )
    return x, y


def _pairs(a: Vectors, b: Vectors) -> tuple[Array, Array]:
    x, y = _two(a, b)
    if len(x) != len(y):
        raise ArgumentError(f"vectors: {len(x)} and {len(y)} rows, expected as many. Pair them up first.")
    return x, y


def _as_float32(array: Array) -> Floats:
    return array.astype(np.float32, copy=False)


def _integers(array: Array) -> bool:
    return array.dtype.kind in "iu"


def _exact(x: Array, y: Array) -> type[np.float32 | np.float64]:
    """The faster type that holds every sum of products of these integers: float32 up to 2**24, else float64."""
    largest = [max(-int(np.iinfo(side.dtype).min), int(np.iinfo(side.dtype).max)) for side in (x, y)]
    return np.float32 if x.shape[1] * largest[0] * largest[1] <= 2**24 else np.float64


def _distances(a: Vectors, b: Vectors, norm: Callable[[Floats], Floats]) -> Floats:
    """In blocks of both sides, so that the differences (rows, columns, dim) stay below a bound."""
    x, y = (_as_float32(rows) for rows in _two(a, b))
    result = np.empty((len(x), len(y)), np.float32)
    pairs = max(1, BLOCK_BYTES // max(1, 4 * x.shape[1]))  # compared at once
    wide = min(pairs, max(1, len(y)))
    high = pairs // wide
    for i in range(0, len(x), high):
        for j in range(0, len(y), wide):
            result[i : i + high, j : j + wide] = -norm(x[i : i + high, None, :] - y[None, j : j + wide, :])
    return result
