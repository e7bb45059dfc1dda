"""NumPy arrays on disk: read without pickle, checked, and written whole or not at all.

Knows nothing of what the arrays mean.
"""

import shutil
import struct
import zlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from tokenize import TokenError
from typing import IO, Any, cast
from zipfile import BadZipFile

import numpy as np

from airvec.arrays import Array
from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.json_file import short_name

# What NumPy and zipfile raise for a file that is cut short, overwritten, or holds pickled objects.
UNREADABLE = (
    BadZipFile,
    EOFError,
    KeyError,
    MemoryError,
    RuntimeError,
    TokenError,
    ValueError,
    struct.error,
    zlib.error,
)


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """The arrays of these names in a `.npz` file; others in it are not looked at.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFolderError: the file is damaged, holds pickled objects, or lacks one of the names.
    """
    _check_is_file(path)
    with path.open("rb") as file:  # NumPy leaves a damaged file open
        try:
            found = _arrays_in(file, names)
        except (*UNREADABLE, OSError) as error:  # zipfile seeks where a damaged file says
            raise _damaged(path, said_of(error)) from error
    if found is None:
        raise _damaged(path, f"holds one array, expected several: {', '.join(names)}")
    missing = [name for name in names if name not in found]
    if missing:
        raise _damaged(path, f"holds no {', '.join(missing)}, expected {', '.join(names)}")
    return found


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a `.npz` file at exactly this path, whole or not at all; folders above it are made.

    Raises:
        ArgumentError: a folder lies there, or the path names no file.
    """
    with whole_file(path) as file:
        np.savez(file, allow_pickle=False, **dict(arrays))


def read_array(path: Path, dtype: type[np.generic], *, mmap: bool = False) -> Array:
    """The array (n,) of a `.npy` file; memory-mapped and read-only if asked for.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFolderError: the file is damaged, or holds another type or shape.
    """
    _check_is_file(path)
    try:
        array: Any = np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
    except UNREADABLE as error:
        raise _damaged(path, said_of(error)) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise _damaged(path, f"holds {type(array).__name__}, expected one array")
    found = cast(Array, array)
    if found.dtype != dtype or found.ndim != 1:
        raise _damaged(path, f"holds {found.dtype} {list(found.shape)}, expected {np.dtype(dtype)} [n]")
    return found


def write_array(path: Path, array: Array) -> None:
    """Write a `.npy` file, whole or not at all; an array that is memory-mapped from the old one stays readable."""
    with whole_file(path) as file:
        np.save(file, array, allow_pickle=False)


@contextmanager
def new_folder(target: Path, marker: str) -> Generator[Path]:
    """An empty folder to fill, which takes the place of `target` at the end, or is gone if filling it fails.

    Args:
        target: where the folder is to be.
        marker: a file that a folder of this kind has; a folder there without it is somebody else's, and stays.

    Raises:
        ArgumentError: `target` exists, is not empty, and has no `marker`, or nothing can be written there.
    """
    if target.exists() and not (target / marker).is_file() and (not target.is_dir() or any(target.iterdir())):
        raise ArgumentError(f"path: {str(target)!r} exists and has no {marker}. Give another path, or empty it.")
    work = _place_beside(target)
    fresh, old = work / "new", work / "old"
    try:
        fresh.mkdir()
        yield fresh
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(work, ignore_errors=True)


def _place_beside(target: Path) -> Path:
    """A folder with a name of our own next to `target`, on the same disk."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(mkdtemp(prefix=".airvec-", dir=target.parent))
    except OSError as error:
        raise ArgumentError(
            f"path: {str(target)!r} cannot be written ({error.strerror or error}), expected a path in a folder that "
            "takes files. Give another."
        ) from error


@contextmanager
def whole_file(path: Path) -> Generator[IO[bytes]]:
    """A file under a temporary name, which takes the place of `path` at the end, or is gone if writing fails.

    Raises:
        ArgumentError: `path` is a folder.
    """
    if not path.name or path.is_dir():
        raise ArgumentError(f"path: {str(path)!r} is a folder, expected the name of a file. Add one to it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{token_hex(4)}")  # a name of our own, however many write at once
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _arrays_in(file: IO[bytes], names: Sequence[str]) -> dict[str, Array] | None:
    """Those of the arrays that the file has; None if it is a file of one array."""
    loaded: Any = np.load(file, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return None
    with loaded:
        return {name: np.asarray(loaded[name]) for name in names if name in loaded}


def _check_is_file(path: Path) -> None:
    if path.is_dir():
        raise ModelNotFoundError(f"{str(path)!r}: no such file but a folder. Give the path of a file in it.")
    if not path.is_file():
        raise ModelNotFoundError(f"{short_name(path)}: no such file. Correct the path, or write it again.")


def said_of(error: Exception) -> str:
    """What NumPy found, without its advice to unpickle what nobody has vouched for."""
    if "pickle" not in str(error):
        return str(error)
    if "Object arrays" in str(error):
        return "holds pickled objects, which could run code and are not read"
    return "begins like no file of arrays"


def _damaged(path: Path, found: str) -> ModelFolderError:
    return ModelFolderError(f"{short_name(path)}: {found}. The file is damaged or of another kind: write it again.")
