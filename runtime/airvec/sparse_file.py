"""Sparse rows (CSR) in one `.npz` file, with the names and arrays of `scipy.sparse.save_npz`.

Knows nothing of `SparseVectors`, which checks what is read.
"""

from pathlib import Path
from typing import Any

import numpy as np

from airvec.array_file import read_arrays, write_arrays
from airvec.arrays import Array, Floats, Integers, TokenIds
from airvec.csr import to_float32
from airvec.errors import ArgumentError

NAMES = ("indices", "indptr", "data", "shape", "format")


def write_rows(path: Path, indices: TokenIds, values: Floats, indptr: Integers, shape: tuple[int, int]) -> None:
    """Write the arrays of rows (n, dim) at exactly this path, whole or not at all."""
    rows = {"indices": indices, "indptr": indptr, "data": values}
    write_arrays(path, {**rows, "shape": np.array(shape), "format": np.array("csr")})


def read_rows(path: Path) -> tuple[TokenIds, Floats, Integers, int]:
    """indices int32, values float32, indptr int64 and dim of a file; scipy's other integers and floats are converted.

    Raises:
        ModelNotFoundError: no such file.
        ModelFolderError: the file is damaged, or lacks one of the arrays.
        ArgumentError: another format than csr, a shape that does not fit, or arrays of other kinds.
    """
    found = read_arrays(path, NAMES)
    stored: Any = found["format"].tolist()
    shape: Any = found["shape"].tolist()
    if stored not in ("csr", b"csr"):  # scipy writes bytes
        name = stored.decode(errors="replace") if isinstance(stored, bytes) else stored
        raise ArgumentError(f"format: {name!r}, expected 'csr'. Convert the matrix with tocsr().")
    rows = found["indptr"].size - 1
    if found["shape"].shape != (2,) or shape[0] != rows:
        raise ArgumentError(f"shape: {shape} for {rows} rows, expected [{rows}, dim].")
    indices, indptr = _integers("indices", found["indices"]), _integers("indptr", found["indptr"])
    if found["data"].dtype.kind not in "fiub":
        raise ArgumentError(f"data: {found['data'].dtype}, expected numbers.")
    return indices.astype(np.int32), to_float32(found["data"]), indptr, shape[1]


def _integers(name: str, array: Array) -> Integers:
    """The array as int64, if its numbers are whole and indices of int32 hold them."""
    if array.dtype.kind not in "iu":
        raise ArgumentError(f"{name}: {array.dtype}, expected whole numbers.")
    if name == "indices" and array.size and not 0 <= int(array.min()) <= int(array.max()) < 2**31:
        raise ArgumentError(f"indices: from {array.min()} to {array.max()}, expected 0 to {2**31 - 1}.")
    return array.astype(np.int64, copy=False)
