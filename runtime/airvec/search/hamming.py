"""Hamming distances of packed bits, 64 at a time.

Rows of bits are turned round, so that each word of all rows lies in one piece: XOR, count and sum then run over long
pieces, of a size that stays in a core's cache.
Knows nothing of embeddings and of what the bits mean.
"""

from typing import Any

import numpy as np

from airvec.arrays import Array, Floats, Vectors
from airvec.errors import ArgumentError
from airvec.similarity import as_rows

BITS = ("uint8", "int8", "uint64")  # types that packed bits come in
WORD = 8  # bytes that are compared at once
PAIRS_AT_ONCE = 2**15  # of a query's word and a row's: 256 KB
ROWS_AT_ONCE = 2**12


def hamming_sim(a: Vectors, b: Vectors) -> Floats:
    """Minus the number of bits in which rows of `a` (n, bytes) and of `b` (m, bytes) differ: float32 (n, m), <= 0.

    Both are codes of precision "ubinary", uint8, or both of "binary", int8.

    Raises:
        ArgumentError: other types, two different ones, or different widths.

    >>> import numpy as np
    >>> hamming_sim(np.array([0b1111], np.uint8), np.array([[0b0101], [0b1111]], np.uint8)).tolist()
    [[-2.0, 0.0]]
    """
    x, y = checked_codes(a, b)
    return score_words(words(x), np.ascontiguousarray(words(y).T), np.empty((len(x), len(y)), np.float32))


def checked_codes(a: Vectors, b: Vectors) -> tuple[Array, Array]:
    """Two sides of a comparison, (n, bytes) and (m, bytes) of one type.

    Raises:
        ArgumentError: other types, two different ones, or different widths.
    """
    x, y = as_rows(a), as_rows(b)
    if x.dtype != y.dtype or x.dtype.name not in BITS:
        raise ArgumentError(
            f"vectors: {x.dtype} and {y.dtype}, expected uint8 on both sides, or int8. Make the codes of both with one "
            "precision, ubinary or binary."
        )
    if x.shape[1] != y.shape[1]:
        raise ArgumentError(
            f"vectors: {x.shape[1]} and {y.shape[1]} bytes, expected the same. Encode both with one model."
        )
    return x, y


def words(codes: Array) -> Array:
    """Packed bits as whole words, the last filled up with zeros: (n, bytes) -> uint64 (n, ceil(bytes / 8))."""
    if codes.dtype == np.uint64:
        return codes
    missing = -codes.shape[1] % WORD
    padded = np.pad(codes, ((0, 0), (0, missing))) if missing else codes
    return np.ascontiguousarray(padded).view(np.uint64)


def score_words(queries: Array, columns: Array, out: Any) -> Floats:
    """Minus the Hamming distances of uint64 (n, words) to uint64 (words, m), written to `out`, float32 (n, m)."""
    for first in range(0, columns.shape[1], ROWS_AT_ONCE):
        part = columns[:, first : first + ROWS_AT_ONCE]
        high = PAIRS_AT_ONCE // max(1, part.shape[1])
        for start in range(0, len(queries), high):
            distances = _distances(queries[start : start + high], part)
            np.subtract(np.float32(0), distances, out=out[start : start + high, first : first + ROWS_AT_ONCE])
    return out


def _distances(queries: Array, columns: Array) -> Array:
    """Bits that differ: uint64 (n, words), (words, m) -> uint16 (n, m), uint32 where there are so many."""
    shape = (len(queries), columns.shape[1])
    kind = np.uint16 if 8 * WORD * len(columns) < 2**16 else np.uint32
    sums, differ, counts = np.zeros(shape, kind), np.empty(shape, np.uint64), np.empty(shape, np.uint8)
    for place, column in enumerate(columns):
        np.bitwise_xor(queries[:, place, None], column, out=differ)
        np.add(sums, np.bitwise_count(differ, out=counts), out=sums)
    return sums
