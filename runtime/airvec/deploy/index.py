"""A folder that `Retriever.save` wrote → the same beside a packed model, whole, and what a handler needs to open it.

Knows nothing of how an index is searched.
"""

import shutil
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from airvec.array_file import new_folder
from airvec.errors import ArgumentError
from airvec.search.corpus_index import SETTINGS_FILE, read_settings

# The stages whose queries a model encodes.
WITH_MODEL = ("dense", "sparse")


@dataclass(frozen=True)
class PackedIndex:
    """An index that was copied: its `stages`, and which of `"dense"` and `"sparse"` models a handler must give it."""

    path: Path
    documents: int
    stages: tuple[str, ...]
    models: tuple[str, ...]
    bytes: int


def pack_index(index: str | PathLike[str], out: str | PathLike[str]) -> PackedIndex:
    """Copy an index, whole or not at all; an index that lies at `out` is replaced.

    Args:
        index: the folder that `Retriever.save` wrote.
        out: the folder to write.

    Raises:
        ModelNotFoundError: no such folder, or one that holds no index.
        ModelFolderError: a file is damaged, or does not fit the others.
        ArgumentError: the two folders are one, or lie in one another, or `out` holds something else.
        OSError: the disk is full, or cannot be written to.
    """
    source, target = Path(index), Path(out)
    settings = read_settings(source)
    here, there = source.resolve(), target.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise ArgumentError(f"out: {str(target)!r} and the index {str(source)!r} lie in one another. Move one.")
    stages = tuple(settings.section("stages").values)
    with new_folder(target, SETTINGS_FILE) as fresh:
        shutil.copytree(source, fresh, dirs_exist_ok=True)
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    models = tuple(name for name in WITH_MODEL if name in stages)
    return PackedIndex(target, settings.need_integer("documents"), stages, models, size)
