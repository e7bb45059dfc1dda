"""Similarity of sparse rows with sparse rows, at the cost of their entries: they are never held dense.

Sums are made in float64, so that the results are those of dense vectors to float32's precision.
Knows nothing of dense vectors and of names of similarities.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from airvec import csr
from airvec.arrays import Array, Floats, Integers
from airvec.errors import ArgumentError
from airvec.sparse_vectors import SparseVector, SparseVectors

SMALLEST_NORM = 1e-12  # as in modules/normalize.py: shorter vectors count as zero vectors

Size = Callable[[Array], Array]


def listed_rows(vectors: Any) -> SparseVectors | None:
    """The rows of a list that begins with a `SparseVector`; None for anything else.

    Raises:
        ArgumentError: some of the list are something else, or of other dimensions.
    """
    if not isinstance(vectors, (list, tuple)):
        return None
    listed = cast("Sequence[object]", vectors)
    if not any(isinstance(vector, SparseVector) for vector in listed):
        return None
    for place, vector in enumerate(listed):
        if not isinstance(vector, SparseVector):
            raise ArgumentError(
                f"vectors: item {place} is a {type(vector).__name__} among SparseVectors, expected a SparseVector. "
                "Pass rows of one kind."
            )
    return SparseVectors.from_rows(cast("Sequence[SparseVector]", listed))


def unit_rows(rows: SparseVectors) -> SparseVectors:
    """Rows scaled to length 1; rows without a value stay so."""
    owners = csr.row_numbers(rows.indptr)
    norms = np.sqrt(np.bincount(owners, weights=np.square(rows.values, dtype=np.float64), minlength=len(rows)))
    values = rows.values / np.maximum(norms, SMALLEST_NORM)[owners]
    return SparseVectors(rows.indices, values.astype(np.float32), rows.indptr, rows.dim)


def cosines(x: SparseVectors, y: SparseVectors) -> Floats:
    """Cosine of every row of x with every row of y, float32 (n, m)."""
    return dots(unit_rows(x), unit_rows(y))


def dots(x: SparseVectors, y: SparseVectors) -> Floats:
    """Dot product of every row of x with every row of y, float32 (n, m)."""
    if len(x.indices) > len(y.indices):
        return np.ascontiguousarray(dots(y, x).T)  # one step of the loop below for each entry of the smaller side
    owners, weights, offsets = csr.by_dimension(y.indices, y.values, y.indptr, y.dim)
    result, sums = np.empty((len(x), len(y)), np.float32), np.empty(len(y), np.float64)
    for place, row in enumerate(x):
        sums.fill(0)
        for term, weight in zip(row.indices.tolist(), row.values.tolist(), strict=True):
            entries = slice(offsets[term], offsets[term + 1])
            np.add.at(sums, owners[entries], np.multiply(weights[entries], weight, dtype=np.float64))
        result[place] = sums
    return result


def euclidean(x: SparseVectors, y: SparseVectors) -> Floats:
    """Minus the Euclidean distance of every row of x to every row of y, float32 (n, m)."""
    return -np.sqrt(_sizes_of_differences(x, y, np.square))


def manhattan(x: SparseVectors, y: SparseVectors) -> Floats:
    """Minus the Manhattan distance of every row of x to every row of y, float32 (n, m)."""
    return -_sizes_of_differences(x, y, np.abs)


def pairwise_cosines(x: SparseVectors, y: SparseVectors) -> Floats:
    """Cosine of row i of x with row i of y, float32 (n,)."""
    return pairwise_dots(unit_rows(x), unit_rows(y))


def pairwise_dots(x: SparseVectors, y: SparseVectors) -> Floats:
    """Dot product of row i of x with row i of y, float32 (n,)."""
    return _sums_of_pairs(x, y, np.multiply)


def pairwise_euclidean(x: SparseVectors, y: SparseVectors) -> Floats:
    """Minus the Euclidean distance of row i of x to row i of y, float32 (n,)."""
    return -np.sqrt(_sums_of_pairs(x, y, lambda a, b: np.square(a - b)))


def pairwise_manhattan(x: SparseVectors, y: SparseVectors) -> Floats:
    """Minus the Manhattan distance of row i of x to row i of y, float32 (n,)."""
    return -_sums_of_pairs(x, y, lambda a, b: np.abs(a - b))


def _sizes_of_differences(x: SparseVectors, y: SparseVectors, size: Size) -> Floats:
    """For every row of x and of y the sum of the sizes of the differences in all dimensions, float32 (n, m)."""
    result = np.empty((len(x), len(y)), np.float32)
    longest = max(x.counts.max(initial=1), y.counts.max(initial=1))
    rows = max(1, csr.BLOCK // int(longest))  # compared at once
    for start in range(0, len(y), rows):
        part = y[start : start + rows]
        owners = csr.row_numbers(part.indptr)
        for place, one in enumerate(x):
            result[place, start : start + rows] = _sizes_to_one(one, part, owners, size)
    return result


def _sizes_to_one(one: SparseVector, rows: SparseVectors, owners: Integers, size: Size) -> Array:
    """float64 (n,): the dimensions that `one` has an entry in as a table, and what the rows have in others.

    Differences are taken before anything is summed up: |a|² + |b|² - 2ab would lose the digits of small distances.
    """
    column = np.full(rows.dim, -1)
    column[one.indices] = np.arange(len(one.indices))
    columns = column[rows.indices]
    shared = columns >= 0
    table = np.zeros((len(rows), len(one.indices)), np.float32)
    table[owners[shared], columns[shared]] = rows.values[shared]
    others = np.bincount(owners[~shared], weights=size(rows.values[~shared]), minlength=len(rows))
    return others + size(table - one.values).sum(axis=1, dtype=np.float64)


def _sums_of_pairs(x: SparseVectors, y: SparseVectors, combine: Callable[[Array, Array], Array]) -> Floats:
    """For every row the sum of what two values of a dimension make together, float32 (n,); a value may be 0."""
    result = np.zeros(len(x), np.float32)
    for first, last in csr.blocks(x.indptr + y.indptr, csr.BLOCK):
        a, b = x[first:last], y[first:last]
        a_places, b_places = _places(a), _places(b)
        beside = np.searchsorted(a_places, b_places)  # where a has what b has, if it has it
        shared = np.append(a_places, -1)[beside] == b_places
        b_values = np.zeros(len(a.values))
        b_values[beside[shared]] = b.values[shared]
        sums = np.bincount(csr.row_numbers(a.indptr), combine(a.values, b_values), len(a))
        alone = combine(np.zeros(len(b.values)), b.values)[~shared]
        sums += np.bincount(csr.row_numbers(b.indptr)[~shared], alone, len(a))
        result[first:last] = sums
    return result


def _places(rows: SparseVectors) -> Integers:
    """The place of every entry in the dense rows laid end to end, int64 (entries,), rising."""
    return csr.row_numbers(rows.indptr) * rows.dim + rows.indices
