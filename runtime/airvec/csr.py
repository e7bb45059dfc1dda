"""The three arrays of sparse rows (CSR), checked and rearranged: what `SparseVectors` is made of.

Row i has the entries `indptr[i]` to `indptr[i + 1]` of `indices` int32 and `values` float32, both (entries,).
Knows nothing of what rows and values mean.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, cast

import numpy as np

from airvec.arrays import Array, Floats, Integers, TokenIds
from airvec.checks import whole_number
from airvec.errors import ArgumentError, require

BLOCK = 4 * 2**20  # entries that are looked at at once: temporary arrays stay below 200 MB
LARGEST_DIM = 2**31  # indices are int32


def check_rows(indices: TokenIds, values: Floats, indptr: Integers, dim: int) -> None:
    """Refuse what are not sorted, finite rows of `dim` dimensions.

    Raises:
        ArgumentError: another type or shape, lengths that do not fit together, indices that do not rise within a row or
            lie outside 0 … dim - 1, values that are not finite.
    """
    check_dim(dim)
    _check_array("indices", indices, np.int32)
    _check_array("values", values, np.float32)
    _check_array("indptr", indptr, np.int64)
    if not len(indptr) or indptr[0] != 0 or indptr[-1] != len(indices) or len(indices) != len(values):
        raise ArgumentError(
            f"indptr: from {indptr[:1].tolist()} to {indptr[-1:].tolist()} for {len(indices)} indices and "
            f"{len(values)} values, expected 0 to their number. Correct the arrays."
        )
    falls: Integers = np.flatnonzero(indptr[1:] < indptr[:-1])
    if len(falls):
        row = int(falls[0])
        raise ArgumentError(f"indptr: row {row} goes from {indptr[row]} to {indptr[row + 1]}, expected no step back.")
    for start in range(0, len(indices), BLOCK):
        _check_entries(indices[start : start + BLOCK + 1], values[start : start + BLOCK], indptr, start, dim)


def check_dim(dim: Any) -> int:
    """The number of dimensions, if it can be one.

    Raises:
        ArgumentError: it is no whole number from 0 to 2**31.
    """
    if whole_number("dim", dim, smallest=0) > LARGEST_DIM:
        raise ArgumentError(f"dim: {dim}, expected {LARGEST_DIM} at most: indices are int32. Use fewer dimensions.")
    return dim


def sorted_entries(indices: Any, values: Any, where: str, dim: int) -> tuple[TokenIds, Floats]:
    """One row's entries by index, without those of value 0.

    Raises:
        ArgumentError: other than as many whole numbers as values, an index outside 0 … dim - 1, or one twice.
    """
    numbers, weights = np.asarray(indices), np.asarray(values)
    fits = numbers.ndim == 1 and numbers.shape == weights.shape
    if not fits or (len(numbers) and (numbers.dtype.kind not in "iu" or weights.dtype.kind not in "fiub")):
        raise ArgumentError(
            f"{where}: indices {numbers.dtype} {list(numbers.shape)} and weights {weights.dtype} "
            f"{list(weights.shape)}, expected as many whole numbers as weights. Correct the row."
        )
    outside = (numbers < 0) | (numbers >= dim) if len(numbers) else np.zeros(0, bool)
    if outside.any():  # before the conversion, in which 2**32 would become 0
        raise ArgumentError(f"{where}: index {numbers[outside][0]}, expected 0 to {dim - 1}. Correct it or dim.")
    order = np.argsort(numbers, kind="stable")
    kept: Integers = order[weights[order] != 0]
    in_order: TokenIds = numbers[kept].astype(np.int32)
    repeated: TokenIds = in_order[1:][in_order[1:] == in_order[:-1]]
    if len(repeated):
        raise ArgumentError(f"{where}: index {repeated[0]} stands there twice, expected once. Add up its weights.")
    return in_order, to_float32(weights[kept])


def rows_of_dense(array: Array) -> tuple[TokenIds, Floats, Integers, int]:
    """indices, values, indptr and dim of the entries of an array (n, dim) that are not 0.

    Raises:
        ArgumentError: another shape, or no numbers.
    """
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "fiub":
        raise ArgumentError(f"array: {_described(array)}, expected an array of numbers [n, dim]. Convert it.")
    dense = to_float32(array)
    rows, columns = np.nonzero(dense)
    counts = np.bincount(rows, minlength=len(dense))
    return columns.astype(np.int32), dense[rows, columns], row_starts(counts), dense.shape[1]


def rows_of_scipy(matrix: Any) -> tuple[TokenIds, Floats, Integers, int]:
    """indices, values, indptr and dim of a scipy sparse matrix or array (n, dim).

    Raises:
        ArgumentError: something else.
    """
    if not hasattr(matrix, "tocsr") or len(matrix.shape) != 2 or matrix.dtype.kind not in "fiub":
        found = " ".join(str(getattr(matrix, name, "")) for name in ("dtype", "shape"))
        raise ArgumentError(
            f"matrix: {type(matrix).__name__} {found}, expected a scipy sparse matrix of numbers [n, dim]. Convert it, "
            "or use from_dense."
        )
    rows = matrix.tocsr().copy()
    rows.sum_duplicates()  # and sorts
    rows.eliminate_zeros()
    dim = check_dim(int(rows.shape[1]))
    return rows.indices.astype(np.int32), to_float32(rows.data), rows.indptr.astype(np.int64), dim


def scipy_of_rows(indices: TokenIds, values: Floats, indptr: Integers, shape: tuple[int, int]) -> Any:
    """A `scipy.sparse.csr_matrix` over the same memory.

    Raises:
        MissingPackageError: scipy is not installed.
    """
    require("scipy", "scipy", "to_scipy")
    sparse: Any = import_module("scipy.sparse")
    return sparse.csr_matrix((values, indices, indptr), shape=shape)


def row_selection(rows: Any, count: int) -> Integers:
    """Row numbers (k,) of a slice, of row numbers or of a mask (count,).

    Raises:
        IndexError: no such row.
        ArgumentError: something else.
    """
    if isinstance(rows, list) and not rows:
        return np.zeros(0, np.int64)  # NumPy makes [] an array of floats
    chosen: Integers = np.arange(count, dtype=np.int64)[rows]
    if chosen.ndim != 1 or isinstance(rows, tuple):  # [0, None] would add a dimension to row 0
        raise ArgumentError(f"rows: {rows!r:.60}, expected a row, a slice, row numbers or a mask [n]. Correct it.")
    return chosen


def as_array(dense: Floats, dtype: Any, copy: bool | None) -> Array:
    """What `__array__` gives: numbers that were sparse, which cannot be had without a copy.

    Raises:
        ValueError: `copy` is False, as NumPy has it.
    """
    if copy is False:
        raise ValueError(f"copy: {copy!r}, but sparse vectors become an array only by a copy. Leave it out.")
    return dense if dtype is None else dense.astype(dtype, copy=False)


def to_float32(values: Array) -> Floats:
    """The values in single precision; what is too large for it becomes infinite, which `check_rows` refuses."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32, copy=False)


def row_starts(counts: Any) -> Integers:
    """indptr (n + 1,) of rows with so many entries (n,)."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def row_numbers(indptr: Integers) -> Integers:
    """The row of every entry, int64 (entries,)."""
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))


def picked_entries(indptr: Integers, rows: Integers) -> tuple[Integers, Integers]:
    """Where the entries of some rows are, row after row, and the indptr of these rows."""
    counts: Integers = np.diff(indptr)[rows]
    starts = row_starts(counts)
    shift: Integers = indptr[rows] - starts[:-1]
    return np.arange(starts[-1], dtype=np.int64) + np.repeat(shift, counts), starts


def strongest_entries(values: Floats, indptr: Integers, k: int) -> tuple[Integers, Integers]:
    """Where each row's `k` values of largest magnitude are, in order of place, and the indptr of these.

    Of equal ones the first stay.
    """
    found = [np.zeros(0, np.int64)]
    for first, last in blocks(indptr, BLOCK):
        starts = indptr[first : last + 1] - indptr[first]
        order: Integers = np.lexsort((-np.abs(values[indptr[first] : indptr[last]]), row_numbers(starts)))
        rank: Integers = np.arange(len(order)) - np.repeat(starts[:-1], np.diff(starts))
        found.append(np.sort(order[rank < k]) + indptr[first])
    return np.concatenate(found), row_starts(np.minimum(np.diff(indptr), k))


def by_dimension(indices: TokenIds, values: Floats, indptr: Integers, dim: int) -> tuple[TokenIds, Floats, Integers]:
    """The same entries dimension after dimension: rows int32 and values (entries,), and offsets int64 (dim + 1,).

    Dimension t has the entries `offsets[t]` to `offsets[t + 1]`, by row. Beside the result it takes no more than the
    temporary arrays of a block.
    """
    offsets = row_starts(np.bincount(indices, minlength=dim))
    owners, weights = np.empty(len(indices), np.int32), np.empty(len(indices), np.float32)
    next_place = offsets[:-1].copy()  # where the next entry of each dimension goes
    for first, last in blocks(indptr, BLOCK):
        start, end = indptr[first], indptr[last]
        # By dimension, and within one by row: an argsort, in a sixth of its time, by sorting both in one number.
        order: Integers = (indices[start:end].astype(np.int64) << 32) + np.arange(int(end - start))
        order.sort()
        order &= 2**32 - 1
        counts = np.bincount(indices[start:end], minlength=dim)
        places = np.arange(len(order)) + np.repeat(next_place - row_starts(counts)[:-1], counts)
        owners[places] = (first + row_numbers(indptr[first : last + 1]))[order]
        weights[places] = values[start:end][order]
        next_place += counts
    return owners, weights, offsets


def blocks(indptr: Integers, entries: int) -> Iterator[tuple[int, int]]:
    """First row and the row after the last of runs of rows with at most so many entries, at least one row each."""
    first, count = 0, len(indptr) - 1
    while first < count:
        last = int(cast(Any, np.searchsorted(indptr, indptr[first] + entries, side="right"))) - 1
        last = min(count, max(first + 1, last))
        yield first, last
        first = last


def _check_array(name: str, array: Array, dtype: type[np.generic]) -> None:
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype != dtype:
        raise ArgumentError(
            f"{name}: {_described(array)}, expected an array of {np.dtype(dtype)} [n]. Convert it, or use "
            "SparseVectors.from_rows."
        )


def _check_entries(indices: TokenIds, values: Floats, indptr: Integers, start: int, dim: int) -> None:
    """The entries from `start`; `indices` has one more than `values`, the first of the next block, if there is one."""
    if int(indices.min()) < 0 or int(indices.max()) >= dim:
        raise ArgumentError(f"indices: from {indices.min()} to {indices.max()}, expected 0 to {dim - 1}. Correct dim.")
    rises = indices[1:] > indices[:-1]
    first, last = np.searchsorted(indptr, [start + 1, start + len(indices)])
    rises[indptr[first:last] - start - 1] = True  # from one row to the next the indices may fall
    if not rises.all():
        place = int(np.argmin(rises))
        advice = "Use SparseVectors.from_rows, which sorts."
        if indices[place] == indices[place + 1]:
            advice = "Add up, or leave out, what stands there twice."
        raise ArgumentError(
            f"indices: {indices[place]} is followed by {indices[place + 1]} in a row, expected rising without repeats. "
            f"{advice}"
        )
    if not np.isfinite(values).all():
        raise ArgumentError(f"values: {values[~np.isfinite(values)][0]}, expected finite numbers. Correct them.")


def _described(array: Array) -> str:
    return f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else f"{array!r:.60}"
