"""A folder that `Retriever.save` wrote → the same beside a packed model, whole, and what a handler needs to open it.

Knows nothing of how an index is searched.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from airvec.array_file import new_folder, read_array
from airvec.arrays import Floats
from airvec.errors import ArgumentError
from airvec.json_file import read_object
from airvec.search import Retriever
from airvec.search.corpus_index import SETTINGS_FILE, read_settings
from airvec.search.sparse_stages import BM25_FILE
from airvec.search.stages import RetrievalModel
from airvec.sparse_vectors import SparseVectors

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


@dataclass(frozen=True)
class _Recorded:
    """Stands for the model that made an index: it encodes the one document of which the index keeps the vector."""

    vector: Floats
    is_sparse: bool

    def encode_query(self, inputs: Sequence[str], /) -> Floats | SparseVectors:
        """That vector for each query."""
        rows = np.tile(self.vector, (len(inputs), 1))
        return SparseVectors.from_dense(rows) if self.is_sparse else rows

    def encode_document(
        self, inputs: Sequence[str], /, *, show_progress_bar: bool | None = None
    ) -> Floats | SparseVectors:
        """That vector for each document."""
        return self.encode_query(inputs)


def pack_index(
    index: str | PathLike[str],
    out: str | PathLike[str],
    *,
    dense: RetrievalModel | None = None,
    sparse: RetrievalModel | None = None,
) -> PackedIndex:
    """Copy an index, whole or not at all, and open the copy; an index that lies at `out` is replaced.

    Args:
        index: the folder that `Retriever.save` wrote.
        out: the folder to write.
        dense: the model that will encode its queries, as it was packed: a warning says if it encodes otherwise than
            the one that made the index. None = not looked at.
        sparse: the same of the sparse stage.

    Raises:
        ModelNotFoundError: no such folder, or one that holds no index.
        ModelFolderError: a file is damaged, or does not fit the others.
        ArgumentError: the two folders are one, or lie in one another, or `out` holds something else; a model is one
            for no stage; or words are split by a function, which a package cannot hold.
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
        _check_split(source, stages)
        retriever = Retriever.load(
            fresh,
            dense=dense or _recorded(fresh, "dense", stages),
            sparse=sparse or _recorded(fresh, "sparse", stages),
        )
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    return PackedIndex(target, len(retriever), stages, tuple(name for name in WITH_MODEL if name in stages), size)


def _check_split(folder: Path, stages: Sequence[str]) -> None:
    if "bm25" in stages and read_object(folder / "bm25" / BM25_FILE).flag("own_split", False):
        raise ArgumentError(
            f"index: the words of {str(folder)!r} were split by a function, which no package can hold; expected "
            "BM25's own words. Make the index again with bm25=True, or a BM25 without split=…."
        )


def _recorded(folder: Path, stage: str, stages: Sequence[str]) -> _Recorded | None:
    """A stand-in for the model of a stage, if the index has that stage."""
    if stage not in stages:
        return None
    return _Recorded(read_array(folder / stage / "probe.npy", np.float32), stage == "sparse")
