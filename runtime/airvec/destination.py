"""Where the embeddings of a call go, part after part: a new array, the caller's own, or a `.npy` file.

A file is written from its beginning to its end, not through a map: a full disk is then an error, and not the end of
the process.
Knows nothing of texts and models.
"""

import os
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from airvec.arrays import Array, Floats
from airvec.errors import ArgumentError
from airvec.paths import StrPath
from airvec.precision import check_finite, check_precision, quantize_embeddings

if TYPE_CHECKING:
    from pathlib import Path

DTYPES = {"float32": np.float32, "int8": np.int8, "uint8": np.uint8, "binary": np.int8, "ubinary": np.uint8}
RANGED = ("int8", "uint8")  # need the ends of all rows before the first can be written
ROWS_AT_ONCE = 4096

Out = StrPath | Array
Add = Callable[[Floats], None]


def check_out(out: object, *, single: bool, output_value: str | None, as_numpy: bool, as_tensor: bool) -> None:
    """Refuse what cannot be written to `out`; None always can.

    Raises:
        ArgumentError: a single text, another output than embeddings, or a list or tensor to be returned.
    """
    if out is None:
        return
    problems = {
        "inputs: a single text": single,
        f"output_value: {output_value!r}": output_value != "sentence_embedding",
        "convert_to_numpy: False": not as_numpy,
        "convert_to_tensor: True": as_tensor,
    }
    for problem, found in problems.items():
        if found:
            raise ArgumentError(f"{problem}, but out takes the rows of one array. Leave out one of the two.")


def filled(out: Out | None, rows: int, dim: int, precision: str | None, fill: Callable[[Add], object]) -> Array:
    """The array that `fill` has been called for, with what it gives to its argument, in order.

    Args:
        out: None = a new array; an array to write to, rows as they come; or the path of a `.npy` file, written under
            another name until it is whole.
        rows: that `fill` will give.
        dim: width of each, before it is quantised.
        precision: as `quantize_embeddings` takes it. For int8 and uint8 the rows are kept until the last has come: in
            memory without `out`, else in a temporary file.
        fill: gives float32 (k, dim), any number of times.

    Returns:
        (rows, dim), or (rows, ceil(dim / 8)) for bits: the array itself, or the file mapped and read-only.

    Raises:
        ArgumentError: an array of another shape or dtype or one that is read-only, or no path of a `.npy` file.
        OSError: the file cannot be written.
    """
    precision = check_precision(precision)
    shape = (rows, -(-dim // 8) if precision in ("binary", "ubinary") else dim)
    dtype = np.dtype(DTYPES[precision])
    if isinstance(out, (str, os.PathLike)):
        from airvec.array_file import whole_file  # with zipfile and bz2, which no start should pay for

        path = _checked_path(out)
        with whole_file(path) as file:
            header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, cast("Any", header))
            _fill(fill, lambda part: _write(file, part), (rows, dim), precision, str(path.parent))
        return np.load(path, mmap_mode="r" if rows else None, allow_pickle=False)
    array = None if out is None else _checked_array(out, shape, dtype)
    place = 0

    def put(part: Array) -> None:
        nonlocal array, place
        if array is None and part.shape == shape and part.dtype == dtype and part.flags.owndata:
            array = part  # all rows at once: no copy
            return
        if array is None:
            array = np.empty(shape, dtype)
        array[place : place + len(part)] = part
        place += len(part)

    _fill(fill, put, (rows, dim), precision, None if array is None else _folder_of(array))
    return np.empty(shape, dtype) if array is None else array


def _fill(
    fill: Callable[[Add], object], put: Callable[[Array], None], size: tuple[int, int], precision: str,
    folder: str | None,
) -> None:  # fmt: skip
    """Have `put` called with rows of the precision; `folder` None = keep those that have to wait in memory."""
    if precision == "float32":
        fill(put)
    elif precision not in RANGED:
        fill(lambda part: put(quantize_embeddings(part, precision)))
    elif folder is None or size[0] <= ROWS_AT_ONCE:
        floats = filled(None, *size, "float32", fill)
        put(quantize_embeddings(floats, precision))
    else:
        from tempfile import TemporaryFile

        with TemporaryFile(prefix=".airvec-", dir=folder or None) as kept:
            _keep(fill, kept, put, size[1], precision)


def _keep(
    fill: Callable[[Add], object], kept: IO[bytes], put: Callable[[Array], None], dim: int, precision: str
) -> None:
    """Write all rows to a file, then quantise them by the ends of all."""
    ends: list[Array] = []
    done = 0

    def add(part: Floats) -> None:
        nonlocal done
        check_finite("embeddings", part, done)
        done += len(part)
        _write(kept, part)
        if len(part):
            ends[:] = [np.min([*ends[:1], part.min(axis=0)], axis=0), np.max([*ends[1:], part.max(axis=0)], axis=0)]

    fill(add)
    kept.seek(0)
    while data := kept.read(4 * dim * ROWS_AT_ONCE):
        part = np.frombuffer(data, np.float32).reshape(-1, dim)
        put(quantize_embeddings(part, precision, np.stack(ends)))


def _write(file: IO[bytes], part: Array) -> None:
    file.write(np.ascontiguousarray(part).data)


def _folder_of(array: Array) -> str:
    """Where a mapped array's file lies; "" for others: where the system has its temporary files."""
    name = getattr(array, "filename", None)
    return os.path.dirname(name) if name else ""  # noqa: PTH120


def _checked_path(out: StrPath) -> "Path":
    from pathlib import Path

    path = Path(os.fspath(out))
    if path.suffix != ".npy":
        raise ArgumentError(f"out: {str(path)!r}, expected an array or a path that ends in .npy. Give it that ending.")
    return path.resolve()  # a link is written through: the file that it names may lie on a larger disk


def _checked_array(out: object, shape: tuple[int, int], dtype: np.dtype[Any]) -> Array:
    if not isinstance(out, np.ndarray):
        raise ArgumentError(f"out: {type(out).__name__}, expected a NumPy array or the path of a .npy file. Pass one.")
    array = cast(Array, out)
    if array.shape != shape or array.dtype != dtype:
        raise ArgumentError(
            f"out: {array.dtype} {list(array.shape)}, expected {dtype} {list(shape)}. Make it with "
            f"np.lib.format.open_memmap(path, 'w+', np.{dtype}, {shape}), or pass the path alone."
        )
    if any(stride == 0 and length > 1 for stride, length in zip(array.strides, array.shape, strict=True)):
        raise ArgumentError(f"out: strides {list(array.strides)}, expected rows of their own. Pass a copy.")
    if not array.flags.writeable:
        raise ArgumentError(
            f"out: a read-only array {list(array.shape)}, expected one to write to. Open it with mode 'r+', or copy it."
        )
    return array
