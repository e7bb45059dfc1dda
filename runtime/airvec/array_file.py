"""NumPy arrays on disk: read without pickle, checked, and written whole or not at all.

Knows nothing of what the arrays mean.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from struct import error as StructError
from tempfile import mkdtemp
from typing import Any
from zipfile import BadZipFile
from zlib import error as ZlibError

import numpy as np

from airvec.arrays import Array
from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.json_file import short_name

# What NumPy and zipfile raise for a file that is cut short, overwritten, or holds pickled objects.
UNREADABLE = (BadZipFile, ZlibError, StructError, EOFError, ValueError, KeyError, NotImplementedError, MemoryError)


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """The arrays of these names in a `.npz` file; others in it are not looked at.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFolderError: the file is damaged, holds pickled objects, or lacks one of the names.
    """
    try:
        with _opened(path) as loaded:
            missing = [name for name in names if name not in loaded]
            if missing:
                found = ", ".join(sorted(loaded)) or "nothing"
                raise ModelFolderError(
                    f"{short_name(path)}: holds {found}, expected {', '.join(names)}. Give a file that save wrote."
                )
            return {name: np.asarray(loaded[name]) for name in names}
    except ModelFolderError:
        raise
    except UNREADABLE as error:
        raise _damaged(path, str(error)) from error


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a `.npz` file at exactly this path, under a temporary name first; folders above it are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{token_hex(4)}")  # a name of our own, however many write at once
    try:
        with part.open("xb") as file:
            np.savez(file, allow_pickle=False, **dict(arrays))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_array(path: Path, dtype: type[np.generic], *, mmap: bool = False) -> Array:
    """The array (n,) of a `.npy` file; memory-mapped and read-only if asked for.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFolderError: the file is damaged, or holds another type or shape.
    """
    if not path.is_file():
        raise ModelNotFoundError(f"{short_name(path)}: no such file. The folder is incomplete: write it again.")
    try:
        array: Array = np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
    except UNREADABLE as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != 1:
        found = f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else type(array).__name__
        raise _damaged(path, f"holds {found}, expected {np.dtype(dtype)} [n]")
    return array


@contextmanager
def new_folder(target: Path, marker: str) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of `target` at the end, or is gone if filling it fails.

    Args:
        target: where the folder is to be.
        marker: a file that a folder of this kind has; a folder there without it is somebody else's, and stays.

    Raises:
        ArgumentError: `target` exists, is not empty, and has no `marker`.
    """
    if target.exists() and not (target / marker).is_file() and (not target.is_dir() or any(target.iterdir())):
        raise ArgumentError(f"path: {str(target)!r} exists and has no {marker}. Give another path, or empty it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(mkdtemp(prefix=".airvec-", dir=target.parent))
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


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """NumPy's reader of a `.npz` file."""
    if not path.is_file():
        raise ModelNotFoundError(f"{short_name(path)}: no such file. Correct the path.")
    loaded: Any = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        raise _damaged(path, f"holds one array of {loaded.dtype}, expected a .npz file of several")
    with loaded:
        yield loaded


def _damaged(path: Path, found: str) -> ModelFolderError:
    return ModelFolderError(f"{short_name(path)}: {found}. The file is damaged or of another kind: write it again.")
