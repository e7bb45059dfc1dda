"""An inverted index: for every dimension the documents that have a weight there. Exact top-k by dot product.

Made for a million documents of 150 weights: three arrays, no objects, memory-mapped when loaded.
Knows nothing of texts, and of where the weights come from.
"""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Self

import numpy as np

from airvec import csr
from airvec.array_file import read_array, write_array
from airvec.arrays import Floats, Integers, TokenIds
from airvec.checks import whole_number
from airvec.errors import ArgumentError, ModelFolderError
from airvec.json_file import short_name
from airvec.search.ranking import Ranking, ranked, stacked
from airvec.sparse_vectors import SparseVector, SparseVectors

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
            ArgumentError: no SparseVectors, or 2**31 documents or more.
        """
        given: object = vectors
        if not isinstance(given, SparseVectors):
            raise ArgumentError(
                f"vectors: {type(given).__name__}, expected SparseVectors. Pass what SparseEncoder.encode_document "
                "gives, or SparseVectors.from_dense(array)."
            )
        if len(vectors) >= 2**31:
            raise ArgumentError(f"vectors: {len(vectors)} rows, expected less than 2**31. Use several indexes.")
        documents, weights, offsets = csr.by_dimension(vectors.indices, vectors.values, vectors.indptr, vectors.dim)
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
        if not isinstance(rows, SparseVectors) or rows.dim != self.dim:
            raise ArgumentError(
                f"queries: {queries!r:.100}, expected sparse vectors of the index's {self.dim} dimensions. Use the "
                "model that made the documents' vectors."
            )
        scores = np.empty(self.count, np.float32)
        found: list[tuple[Integers, Floats]] = []
        for query in rows:
            scores.fill(0)
            self._add(query, scores)
            found.append(_best(scores, top_k))
        return stacked(found)

    def save(self, folder: str | PathLike[str]) -> None:
        """Write one file an array into a folder, which is made if need be; one that was loaded from it stays usable.

        The file that says how they belong together goes first and comes last, so that what is cut short is refused.
        """
        target = Path(folder)
        (target / "shape.npy").unlink(missing_ok=True)
        for name in ("offsets", "documents", "weights"):
            write_array(target / f"{name}.npy", getattr(self, name))
        write_array(target / "shape.npy", np.array([self.count, self.dim], np.int64))

    @classmethod
    def load(cls, folder: str | PathLike[str], *, mmap: bool = True) -> Self:
        """Open what `save` wrote; memory-mapped, a search reads only the dimensions of its queries.

        Raises:
            ModelNotFoundError: a file is missing.
            ModelFolderError: a file is damaged, or they are not of one index.
        """
        offsets, documents, weights, shape = (
            read_array(Path(folder) / f"{name}.npy", dtype, mmap=mmap and name in ("documents", "weights"))
            for name, dtype in FILES.items()
        )
        dim = int(shape[1]) if len(shape) == 2 else -1
        fits = len(offsets) == dim + 1 and offsets[0] == 0 and offsets[-1] == len(documents) == len(weights)
        if not fits or (offsets[1:] < offsets[:-1]).any() or shape[0] < 0:
            raise ModelFolderError(
                f"{short_name(Path(folder))}: offsets {offsets[:1].tolist()} to {offsets[-1:].tolist()} of "
                f"{len(offsets) - 1} dimensions, {len(documents)} documents, {len(weights)} weights and the shape "
                f"{shape.tolist()} are not those of one index. Write it again."
            )
        return cls(offsets, documents, weights, int(shape[0]))

    def _add(self, query: SparseVector, scores: Floats) -> None:
        """Add each dimension's products to the documents' scores."""
        for term, weight in zip(query.indices.tolist(), query.values, strict=True):
            entries = slice(int(self.offsets[term]), int(self.offsets[term + 1]))
            documents, weights = self.documents[entries], self.weights[entries]
            if len(documents) and not 0 <= documents[0] <= documents[-1] < self.count:
                raise ModelFolderError(
                    f"documents.npy: dimension {term} has documents {documents[0]} to {documents[-1]}, expected some "
                    f"of {self.count}. The file is damaged: write the index again."
                )
            np.add.at(scores, documents, weight * weights)  # a third of the time of scores[documents] += ...


def _best(scores: Floats, top_k: int) -> tuple[Integers, Floats]:
    """Rows and scores of the highest that are not 0, (k,) both."""
    bound = np.partition(scores, -top_k)[-top_k] if top_k < len(scores) else np.float32(0)
    rows: Integers = np.flatnonzero(scores >= bound if bound > 0 else scores)
    return ranked(rows, scores[rows], top_k)
