"""An inverted index: for every dimension the documents that have a weight there. Exact top-k by dot product.

Made for a million documents of 150 weights: three arrays, no objects, memory-mapped when loaded.
Knows nothing of texts, and of where the weights come from.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from airvec.array_file import read_array
from airvec.arrays import Floats, Integers, TokenIds
from airvec.checks import whole_number
from airvec.errors import ArgumentError, ModelFolderError
from airvec.search.ranking import Ranking, ranked, stacked
from airvec.sparse_vectors import SparseVector, SparseVectors

BLOCK = 8 * 2**20  # entries that are sorted at once while building: 200 MB of temporary arrays
FILES = {"offsets": np.int64, "documents": np.int32, "weights": np.float32, "shape": np.int64}


@dataclass(frozen=True, eq=False)
class InvertedIndex:
    """Dimension t has the entries `offsets[t]` to `offsets[t + 1]` of `documents` and `weights`, by document.

    `offsets` is int64 (dim + 1,), `documents` int32 (nnz,), `weights` float32 (nnz,); there are `count` documents.
    """

    offsets: Integers
    documents: TokenIds
    weights: Floats
    count: int

    @classmethod
    def build(cls, vectors: SparseVectors) -> Self:
        """Index documents, which are numbered by their rows.

        Raises:
            ArgumentError: 2**31 documents or more.
        """
        if len(vectors) >= 2**31:
            raise ArgumentError(f"vectors: {len(vectors)} rows, expected less than 2**31. Use several indexes.")
        sizes = np.bincount(vectors.indices, minlength=vectors.dim)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        documents, weights = np.empty(len(vectors.indices), np.int32), np.empty(len(vectors.indices), np.float32)
        next_place = offsets[:-1].copy()  # where the next entry of each dimension goes
        for first, last in _blocks(vectors.indptr):
            start, end = vectors.indptr[first], vectors.indptr[last]
            terms, owners = vectors.indices[start:end], np.arange(first, last, dtype=np.int32)
            order = np.argsort(terms, kind="stable")  # by dimension, and within one by document
            counts = np.bincount(terms, minlength=vectors.dim)
            begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])[:-1]
            target = np.arange(len(order)) + np.repeat(next_place - begins, counts)
            documents[target] = np.repeat(owners, vectors.counts[first:last])[order]
            weights[target] = vectors.values[start:end][order]
            next_place += counts
        return cls(offsets, documents, weights, len(vectors))

    def __len__(self) -> int:
        return self.count

    @property
    def dim(self) -> int:
        """Dimensions of the vectors."""
        return len(self.offsets) - 1

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.offsets.nbytes + self.documents.nbytes + self.weights.nbytes

    def search(self, queries: "SparseVectors | SparseVector", top_k: int = 10) -> Ranking:
        """The `top_k` documents with the highest dot product for each query; ties by document.

        A document that shares no dimension with the query is not found, so that there may be fewer than `top_k`; nor
        is one whose products add up to 0.

        Raises:
            ArgumentError: `top_k` below 1, or queries of another dimension.
        """
        whole_number("top_k", top_k)
        rows = queries.as_rows() if isinstance(queries, SparseVector) else queries
        if rows.dim != self.dim:
            raise ArgumentError(f"queries: dimension {rows.dim}, expected the index's {self.dim}. Use one model.")
        scores = np.zeros(self.count, np.float32)
        found: list[tuple[Integers, Floats]] = []
        for query in rows:
            scores[:] = 0
            self._add(query, scores)
            found.append(_best(scores, top_k))
        return stacked(found)

    def save(self, folder: Path) -> None:
        """Write one file an array into a folder that is there."""
        np.save(folder / "shape.npy", np.array([self.count, self.dim], np.int64), allow_pickle=False)
        for name in ("offsets", "documents", "weights"):
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, *, mmap: bool = True) -> Self:
        """Open what `save` wrote; memory-mapped, a search reads only the dimensions of its queries.

        Raises:
            ModelNotFoundError: a file is missing.
            ModelFolderError: a file is damaged, or they are not of one index.
        """
        offsets, documents, weights, shape = (
            read_array(folder / f"{name}.npy", dtype, mmap=mmap and name in ("documents", "weights"))
            for name, dtype in FILES.items()
        )
        fits = len(shape) == 2 and len(offsets) == shape[1] + 1 and len(documents) == len(weights) == offsets[-1]
        if not fits or offsets[0] != 0 or (np.diff(offsets) < 0).any():
            raise ModelFolderError(
                f"{folder.name}: {len(documents)} documents, {len(weights)} weights and {len(offsets)} offsets are not "
                "those of one index, expected as many weights as documents. Write the index again."
            )
        return cls(offsets, documents, weights, int(shape[0]))

    def _add(self, query: SparseVector, scores: Floats) -> None:
        """Add each dimension's products to the documents' scores."""
        for term, weight in zip(query.indices.tolist(), query.values, strict=True):
            entries = slice(int(self.offsets[term]), int(self.offsets[term + 1]))
            scores[self.documents[entries]] += weight * self.weights[entries]  # a document is in a dimension once


def _best(scores: Floats, top_k: int) -> tuple[Integers, Floats]:
    """Rows and scores of the highest that are not 0, (k,) both."""
    rows: Integers = np.flatnonzero(scores)
    if len(rows) > top_k:
        bound = np.partition(scores[rows], len(rows) - top_k)[len(rows) - top_k]
        rows = np.flatnonzero((scores >= bound) & (scores != 0))
    return ranked(rows, scores[rows], top_k)


def _blocks(indptr: Integers) -> list[tuple[int, int]]:
    """First and last row of blocks of about `BLOCK` entries, at least one row each."""
    blocks: list[tuple[int, int]] = []
    first, count = 0, len(indptr) - 1
    while first < count:
        last = int(np.searchsorted(indptr, indptr[first] + BLOCK, side="right")) - 1
        last = min(count, max(first + 1, last))
        blocks.append((first, last))
        first = last
    return blocks
