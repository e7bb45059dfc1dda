"""Rows of numbers on disk that are slow to make: made in shards, kept whole, found again by what they were made from.

A file `NAME.npy` with all rows stands beside a `NAME.json` that says what they are; until both are there, the shards
that are finished lie in `NAME.parts/`, and whoever asks for the same rows goes on behind the last of them.
Knows nothing of teachers and texts.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryFile
from typing import Any, cast

import numpy as np
from numpy.lib import format as npy

from airvec.array_file import UNREADABLE, said_of, whole_file
from airvec.arrays import Array
from airvec.errors import ArgumentError, ModelFolderError
from airvec.json_file import short_name
from airvec.progress import progress_bar

__all__ = ["DTYPES", "SHARD", "Rows", "cached_rows", "check_dtype", "digest_of_texts", "made_rows"]

SHARD = 4096  # rows: some seconds of a teacher's work, and some megabytes
DTYPES = ("float32", "float16")
FORMAT = 1

Compute = Callable[[int, int], Any]


@dataclass(frozen=True)
class Rows:
    """What is to be made.

    Args:
        kind: begins the name of the file, such as `"vectors"`.
        count: how many rows.
        about: all that decides them, as JSON can say it: the teacher's digest, the texts' digest, settings.
        dtype: `"float32"`, or `"float16"` for half the space.
        title: of the progress bar.
        unit: what a row is made of, for the bar.
    """

    kind: str
    count: int
    about: Mapping[str, Any]
    dtype: str = "float32"
    title: str = "Teacher"
    unit: str = "text"

    @property
    def name(self) -> str:
        """The file's, without its ending: another for every other content."""
        told = json.dumps({"format": FORMAT, "rows": self.count, "dtype": self.dtype, **self.about}, sort_keys=True)
        return f"{self.kind}-{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def digest_of_texts(texts: Iterable[str]) -> str:
    """SHA-256 of texts in order; where one ends and the next begins counts.

    >>> digest_of_texts(["a", "bc"]) == digest_of_texts(["ab", "c"])
    False
    """
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(f"{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()


def check_dtype(dtype: str) -> str:
    """The dtype itself.

    Raises:
        ArgumentError: another one than float32 and float16.
    """
    if dtype not in DTYPES:
        raise ArgumentError(f"dtype: {dtype!r}, expected one of {', '.join(DTYPES)}. Choose one.")
    return dtype


def made_rows(rows: Rows, compute: Compute, *, show: bool, shard: int = SHARD) -> Array:
    """The rows in memory, (count, ...), made in shards and kept nowhere.

    Args:
        rows: what they are.
        compute: gives the rows from one number to another, (stop - start, ...).
        show: whether to draw a progress bar.
        shard: rows made at once.

    Raises:
        ArgumentError: rows that are no finite numbers, or of another count.
    """
    parts: list[Array] = []
    with progress_bar(show, rows.count, rows.title, rows.unit) as advance:
        for start, stop in _bounds(rows.count, shard):
            parts.append(_checked(compute(start, stop), rows, start, stop))
            advance(stop - start)
    return np.concatenate(parts) if parts else _checked(compute(0, 0), rows, 0, 0)


def cached_rows(rows: Rows, compute: Compute, folder: Path, *, show: bool, shard: int = SHARD) -> Array:
    """The rows from disk, (count, ...), memory-mapped and read-only; those that are missing are made first.

    Args:
        rows: what they are.
        compute: gives the rows from one number to another, (stop - start, ...).
        folder: where they are kept; made if it is not there.
        show: whether to draw a progress bar while they are made.
        shard: rows made, and kept, at once.

    Raises:
        ArgumentError: a folder that cannot be written, told before any row is made; rows that are no finite numbers,
            or of another count.
        ModelFolderError: a file in the folder is damaged; the message names it.
    """
    place = folder / rows.name
    if not _is_finished(place):
        if not rows.count:
            return made_rows(rows, compute, show=show)
        _check_writable(folder)
        _make_parts(rows, compute, place, show, shard)
        try:
            _join(rows, place, shard)
        except ModelFolderError:
            if not _is_finished(place):  # else another process has joined the same shards, and taken them away
                raise
        rmtree(_parts(place), ignore_errors=True)
    return _finished(place, rows)


def _check_writable(folder: Path) -> None:
    """Write a file that is gone at once: permissions alone do not tell of a disk that cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ArgumentError(
            f"cache_folder: {str(folder)!r} cannot be written ({error.strerror}), expected a folder. Name another, or "
            "None to keep nothing."
        ) from error


def _make_parts(rows: Rows, compute: Compute, place: Path, show: bool, shard: int) -> None:
    with progress_bar(show, rows.count, rows.title, rows.unit) as advance:
        for start, stop in _bounds(rows.count, shard):
            part = _part(place, start, stop)
            if not part.is_file():
                found = _checked(compute(start, stop), rows, start, stop)
                with whole_file(part) as file:
                    np.save(file, found, allow_pickle=False)
            advance(stop - start)


def _join(rows: Rows, place: Path, shard: int) -> None:
    """One file of all shards, then the one that says so, and the shards are gone."""
    parts = [_part(place, start, stop) for start, stop in _bounds(rows.count, shard)]
    width = _read(parts[0]).shape[1:]
    shape, check = (rows.count, *width), 0
    with whole_file(place.with_suffix(".npy")) as file:
        npy.write_array_header_1_0(
            file, {"descr": npy.dtype_to_descr(np.dtype(rows.dtype)), "fortran_order": False, "shape": shape}
        )
        for part, (start, stop) in zip(parts, _bounds(rows.count, shard), strict=True):
            found = _read(part)
            _check_like(found, rows.dtype, (stop - start, *width), part)
            data = found.tobytes()
            check = zlib.crc32(data, check)
            file.write(data)
    told = {"format": FORMAT, "kind": rows.kind, "dtype": rows.dtype, "shape": shape, "crc32": check, **rows.about}
    with whole_file(place.with_suffix(".json")) as file:
        file.write(json.dumps(told, indent=2, sort_keys=True).encode())


def _finished(place: Path, rows: Rows) -> Array:
    told, path = place.with_suffix(".json"), place.with_suffix(".npy")
    try:
        said = json.loads(told.read_text(encoding="utf-8"))
        shape, check = tuple(said["shape"]), said["crc32"]
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(told, f"cannot be read ({error})") from error
    found = _read(path)
    _check_like(found, rows.dtype, shape, path)
    seen = 0
    for start, stop in _bounds(len(found), SHARD):
        seen = zlib.crc32(found[start:stop].tobytes(), seen)
    if seen != check or len(found) != rows.count:
        raise _damaged(path, f"checksum {seen}, expected {check}")
    return found


def _is_finished(place: Path) -> bool:
    return place.with_suffix(".json").is_file() and place.with_suffix(".npy").is_file()


def _parts(place: Path) -> Path:
    return place.with_name(f"{place.name}.parts")


def _part(place: Path, start: int, stop: int) -> Path:
    return _parts(place) / f"rows-{start}-{stop}.npy"


def _bounds(count: int, shard: int) -> list[tuple[int, int]]:
    """Where shards begin and end.

    >>> _bounds(5, 2)
    [(0, 2), (2, 4), (4, 5)]
    """
    return [(start, min(start + shard, count)) for start in range(0, count, shard)]


def _checked(found: Any, rows: Rows, start: int, stop: int) -> Array:
    """The rows in their dtype.

    Raises:
        ArgumentError: no numbers, not finite (also through a dtype that is too small), or not as many as asked for.
    """
    made = np.asarray(found)
    if made.dtype.kind not in "fiu" or len(made) != stop - start:
        raise ArgumentError(
            f"teacher: {type(found).__name__} of {made.dtype} {list(made.shape)} for {stop - start} {rows.unit}s, "
            f"expected an array of numbers with {stop - start} rows. Give a dense model, or a reranker."
        )
    with np.errstate(over="ignore"):
        kept = np.ascontiguousarray(made, dtype=rows.dtype)
    bad = np.flatnonzero(~np.isfinite(kept).all(axis=tuple(range(1, kept.ndim))))
    if len(bad):
        value = made[bad[0]][~np.isfinite(kept[bad[0]])].reshape(-1)[0]
        raise ArgumentError(
            f"teacher: {value} for {rows.unit} {start + int(bad[0])}, expected a finite {rows.dtype}. Leave that "
            f"{rows.unit} out{', or take float32' if np.isfinite(value) else ''}."
        )
    return kept


def _read(path: Path) -> Array:
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (*UNREADABLE, OSError) as error:
        raise _damaged(path, f"cannot be read ({said_of(error)})") from error
    return cast("Array", found)


def _check_like(found: Array, dtype: str, shape: tuple[int, ...], path: Path) -> None:
    if found.dtype != dtype or found.shape != shape:
        raise _damaged(path, f"holds {found.dtype} {list(found.shape)}, expected {dtype} {list(shape)}")


def _damaged(path: Path, found: str) -> ModelFolderError:
    return ModelFolderError(
        f"{short_name(path)}: {found}. The file is damaged: remove it, and its rows are made again."
    )
