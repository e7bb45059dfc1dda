"""Sparse vectors: `SparseVectors`, many rows in CSR form, and `SparseVector`, one of them.

Knows nothing of the models that make them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, overload

import numpy as np

from airvec import sparse_formats as formats
from airvec.array_file import read_arrays, write_arrays
from airvec.arrays import Array, Floats, Integers, TokenIds
from airvec.checks import whole_number
from airvec.errors import ArgumentError, ModelFolderError, require

NAMES = ("indices", "values", "indptr", "dim")


@dataclass(frozen=True, eq=False)
class SparseVector:
    """One sparse vector of `dim` dimensions: `indices` int32 (nnz,) ascending, `values` float32 (nnz,).

    Raises:
        ArgumentError: arrays that do not fit one another, or an index out of range, twice or out of order.
    """

    indices: TokenIds
    values: Floats
    dim: int

    def __post_init__(self) -> None:
        _check(self.indices, self.values, np.array([0, len(self.indices)], np.int64), self.dim)

    def __len__(self) -> int:
        return self.dim

    def __repr__(self) -> str:
        return f"SparseVector(dim={self.dim}, active={len(self.indices)})"

    @property
    def shape(self) -> tuple[int]:
        """(dim,)."""
        return (self.dim,)

    def as_rows(self) -> "SparseVectors":
        """The same vector as the only row of `SparseVectors`."""
        return SparseVectors(self.indices, self.values, np.array([0, len(self.indices)], np.int64), self.dim)

    def to_dense(self) -> Floats:
        """float32 (dim,)."""
        return self.as_rows().to_dense()[0]

    def to_scipy(self) -> Any:
        """A `scipy.sparse.csr_matrix` (1, dim); needs scipy."""
        return self.as_rows().to_scipy()

    def to_dict(self) -> dict[int, float]:
        """`{index: weight}`; also what Milvus takes."""
        return formats.weights(self.indices, self.values)

    to_milvus = to_dict

    def to_tokens(self, vocabulary: formats.Vocabulary, top_k: int | None = None) -> list[tuple[str, float]]:
        """(token, weight), heaviest first; at most `top_k`.

        Args:
            vocabulary: `model.vocabulary`, or any list of tokens by index, or `{token: index}`.
            top_k: most of them; None = all.

        Raises:
            ArgumentError: an index that is not in the vocabulary, or `top_k` below 1.
        """
        return formats.tokens(self.indices, self.values, formats.token_names(vocabulary), top_k)

    def to_opensearch(self, vocabulary: formats.Vocabulary) -> dict[str, float]:
        """`{token: weight}` of the weights above 0: OpenSearch's `rank_features` and `query_tokens`."""
        return formats.positive_tokens(self.indices, self.values, formats.token_names(vocabulary))

    def to_elasticsearch(self, vocabulary: formats.Vocabulary) -> dict[str, float]:
        """As `to_opensearch`, with "_" for "." in tokens, which Elasticsearch does not take."""
        return formats.dotless_tokens(self.indices, self.values, formats.token_names(vocabulary))

    def to_anserini(
        self, vocabulary: formats.Vocabulary, quantize: int = 8, maximum: float | None = None
    ) -> dict[str, int]:
        """`{token: impact}`, impacts being whole numbers from 1 to 2**quantize - 1, as Anserini indexes them.

        Args:
            vocabulary: tokens by index.
            quantize: bits of an impact.
            maximum: the weight that gets the highest impact, the same for a whole corpus; None = this row's largest.
        """
        scale = formats.impact_scale(self.values, maximum, quantize)
        return formats.impacts(self.indices, self.values, formats.token_names(vocabulary), scale, quantize)

    def to_qdrant(self) -> dict[str, list[int] | list[float]]:
        """`{"indices": […], "values": […]}`; also what Pinecone takes."""
        return formats.index_and_value_lists(self.indices, self.values)

    to_pinecone = to_qdrant

    def to_pgvector(self) -> str:
        """The text form of `sparsevec`, which counts from 1."""
        return formats.sparsevec(self.indices, self.values, self.dim)


Row: TypeAlias = SparseVector | Mapping[int, float] | tuple[Any, Any]


@dataclass(frozen=True, eq=False)
class SparseVectors:
    """n sparse vectors of `dim` dimensions in CSR form.

    Row i has the entries `indptr[i]` to `indptr[i + 1]` of `indices` int32 (nnz,), ascending within a row, and of
    `values` float32 (nnz,); `indptr` is int64 (n + 1,).

    >>> vectors = SparseVectors.from_rows([{1: 0.5, 3: 2.0}, {}], dim=4)
    >>> vectors[0].to_dict()
    {1: 0.5, 3: 2.0}

    Raises:
        ArgumentError: arrays that do not fit one another, or an index out of range, twice or out of order in a row.
    """

    indices: TokenIds
    values: Floats
    indptr: Integers
    dim: int

    def __post_init__(self) -> None:
        _check(self.indices, self.values, self.indptr, self.dim)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __repr__(self) -> str:
        return f"SparseVectors(rows={len(self)}, dim={self.dim}, active={len(self.indices)})"

    def __iter__(self) -> Iterator[SparseVector]:
        return (self._row(start, end) for start, end in pairwise(self.indptr.tolist()))

    @overload
    def __getitem__(self, rows: int | np.integer[Any]) -> SparseVector: ...
    @overload
    def __getitem__(self, rows: "slice | Sequence[int] | Array") -> "SparseVectors": ...
    def __getitem__(self, rows: Any) -> "SparseVector | SparseVectors":
        """One row for a number; the rows of a slice, of row numbers or of a mask, in that order.

        Raises:
            IndexError: no such row.
        """
        if isinstance(rows, (int, np.integer)):
            place = range(len(self))[rows]
            return self._row(int(self.indptr[place]), int(self.indptr[place + 1]))
        chosen: Integers = np.arange(len(self), dtype=np.int64)[rows]
        lengths = self.counts[chosen]
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        source: Integers = np.arange(indptr[-1], dtype=np.int64) + np.repeat(self.indptr[chosen] - indptr[:-1], lengths)
        return SparseVectors(self.indices[source], self.values[source], indptr, self.dim)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, dim)."""
        return len(self), self.dim

    @property
    def counts(self) -> Integers:
        """The number of entries of each row, int64 (n,)."""
        return np.diff(self.indptr)

    @classmethod
    def from_rows(cls, rows: Iterable[Row], dim: int) -> "SparseVectors":
        """From `SparseVector`s, `{index: weight}` dicts, or pairs of indices and weights, in any order of indices.

        Raises:
            ArgumentError: an index out of range or twice in a row.
        """
        parts = [_entries(row) for row in rows]
        lengths = np.array([len(indices) for indices, _ in parts], np.int64)
        indices = np.concatenate([np.zeros(0, np.int32), *(indices for indices, _ in parts)])
        values = np.concatenate([np.zeros(0, np.float32), *(values for _, values in parts)])
        return cls(indices, values, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]), dim)

    @classmethod
    def from_dense(cls, array: Array) -> "SparseVectors":
        """The entries of (n, dim) that are not 0.

        Raises:
            ArgumentError: not two dimensions.
        """
        if array.ndim != 2:
            raise ArgumentError(f"array: shape {list(array.shape)}, expected [n, dim]. Reshape it.")
        rows, columns = np.nonzero(array)
        indptr = np.searchsorted(rows, np.arange(len(array) + 1)).astype(np.int64)
        return cls(columns.astype(np.int32), array[rows, columns].astype(np.float32), indptr, array.shape[1])

    @classmethod
    def from_scipy(cls, matrix: Any) -> "SparseVectors":
        """From any scipy sparse matrix (n, dim)."""
        csr = matrix.tocsr().copy()
        csr.sum_duplicates()
        indptr = csr.indptr.astype(np.int64)
        return cls(csr.indices.astype(np.int32), csr.data.astype(np.float32), indptr, int(csr.shape[1]))

    @classmethod
    def concatenate(cls, parts: Sequence["SparseVectors"]) -> "SparseVectors":
        """The rows of all parts, in order.

        Raises:
            ArgumentError: no parts, or of different dimensions.
        """
        if len({part.dim for part in parts}) != 1:
            raise ArgumentError(f"parts: dimensions {[part.dim for part in parts]}, expected one. Use one model's.")
        lengths = np.concatenate([part.counts for part in parts])
        return cls(
            np.concatenate([part.indices for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
            parts[0].dim,
        )

    def to_dense(self) -> Floats:
        """float32 (n, dim)."""
        dense = np.zeros(self.shape, np.float32)
        dense[np.repeat(np.arange(len(self)), self.counts), self.indices] = self.values
        return dense

    def to_scipy(self) -> Any:
        """A `scipy.sparse.csr_matrix` (n, dim) over the same memory; needs scipy.

        Raises:
            MissingPackageError: scipy is not installed.
        """
        require("scipy", "scipy", "to_scipy")
        sparse: Any = import_module("scipy.sparse")
        return sparse.csr_matrix((self.values, self.indices, self.indptr), shape=self.shape)

    def to_dict(self) -> list[dict[int, float]]:
        """`{index: weight}` of each row; also what Milvus takes."""
        return [row.to_dict() for row in self]

    to_milvus = to_dict

    def to_tokens(self, vocabulary: formats.Vocabulary, top_k: int | None = None) -> list[list[tuple[str, float]]]:
        """`SparseVector.to_tokens` of each row."""
        names = formats.token_names(vocabulary)
        return [formats.tokens(row.indices, row.values, names, top_k) for row in self]

    def to_opensearch(self, vocabulary: formats.Vocabulary) -> list[dict[str, float]]:
        """`SparseVector.to_opensearch` of each row."""
        names = formats.token_names(vocabulary)
        return [formats.positive_tokens(row.indices, row.values, names) for row in self]

    def to_elasticsearch(self, vocabulary: formats.Vocabulary) -> list[dict[str, float]]:
        """`SparseVector.to_elasticsearch` of each row."""
        names = formats.token_names(vocabulary)
        return [formats.dotless_tokens(row.indices, row.values, names) for row in self]

    def to_anserini(
        self, vocabulary: formats.Vocabulary, quantize: int = 8, maximum: float | None = None
    ) -> list[dict[str, int]]:
        """`SparseVector.to_anserini` of each row, on one scale: `maximum`, or the largest weight of all rows."""
        names, scale = formats.token_names(vocabulary), formats.impact_scale(self.values, maximum, quantize)
        return [formats.impacts(row.indices, row.values, names, scale, quantize) for row in self]

    def to_qdrant(self) -> list[dict[str, list[int] | list[float]]]:
        """`SparseVector.to_qdrant` of each row; also what Pinecone takes."""
        return [row.to_qdrant() for row in self]

    to_pinecone = to_qdrant

    def to_pgvector(self) -> list[str]:
        """`SparseVector.to_pgvector` of each row."""
        return [row.to_pgvector() for row in self]

    def top(self, k: int) -> "SparseVectors":
        """Each row's `k` entries with the largest absolute value; among equals the lower index stays.

        Raises:
            ArgumentError: `k` below 1.
        """
        if whole_number("k", k) >= int(self.counts.max(initial=0)):
            return self
        rows = np.repeat(np.arange(len(self)), self.counts)
        order = np.lexsort((-np.abs(self.values), rows))  # stable: rows together, largest first
        rank = np.arange(len(order)) - np.repeat(self.indptr[:-1], self.counts)
        keep = np.sort(order[rank < k])
        counts = np.minimum(self.counts, k)
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        return SparseVectors(self.indices[keep], self.values[keep], indptr, self.dim)

    def sparsity(self) -> dict[str, float]:
        """`active_dims`: entries that are not 0, a row on average; `sparsity_ratio`: 1 - that / dim."""
        active = float(np.count_nonzero(self.values) / len(self)) if len(self) else 0.0
        return {"active_dims": active, "sparsity_ratio": 1.0 - active / self.dim}

    def save(self, path: str | PathLike[str]) -> None:
        """Write a `.npz` file, under a temporary name first."""
        arrays = {"indices": self.indices, "values": self.values, "indptr": self.indptr, "dim": np.array(self.dim)}
        write_arrays(Path(path), arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "SparseVectors":
        """Read what `save` wrote.

        Raises:
            ModelNotFoundError: no such file.
            ModelFolderError: the file is damaged, or is no file of sparse vectors.
        """
        found = read_arrays(Path(path), NAMES)
        try:
            return cls(found["indices"], found["values"], found["indptr"], int(found["dim"]))
        except (ArgumentError, TypeError, ValueError) as error:
            raise ModelFolderError(f"{Path(path).name}: no sparse vectors: {error} Write the file again.") from error

    def _row(self, start: int, end: int) -> SparseVector:
        return SparseVector(self.indices[start:end], self.values[start:end], self.dim)


def intersection(one: SparseVector, others: "SparseVector | SparseVectors") -> "SparseVector | SparseVectors":
    """What two vectors have in common: the products of their weights, where these are above 0.

    Args:
        one: a row.
        others: a row, or rows to compare it with one by one.

    Raises:
        ArgumentError: vectors of different dimensions.
    """
    rows = others.as_rows() if isinstance(others, SparseVector) else others
    if one.dim != rows.dim:
        raise ArgumentError(f"vectors: dimensions {one.dim} and {rows.dim}, expected one. Use one model's vectors.")
    weights = one.to_dense()
    products = rows.values * weights[rows.indices]
    keep = products > 0
    running = np.concatenate([[0], np.cumsum(keep)])
    found = SparseVectors(rows.indices[keep], products[keep], running[rows.indptr], rows.dim)
    return found[0] if isinstance(others, SparseVector) else found


def _entries(row: Row) -> tuple[TokenIds, Floats]:
    if isinstance(row, SparseVector):
        return row.indices, row.values
    stated: tuple[Any, Any] = (list(row.keys()), list(row.values())) if isinstance(row, Mapping) else row
    indices, values = np.asarray(stated[0]), np.asarray(stated[1], np.float32)
    if indices.ndim != 1 or indices.shape != values.shape or (len(indices) and indices.dtype.kind not in "iu"):
        raise ArgumentError(
            f"row: indices of shape {list(indices.shape)} and {indices.dtype}, weights of {list(values.shape)}, "
            "expected as many whole numbers as weights. Correct the row."
        )
    order = np.argsort(indices, kind="stable")
    return indices[order].astype(np.int32), values[order]


def _check(indices: TokenIds, values: Floats, indptr: Integers, dim: int) -> None:
    whole_number("dim", dim)
    for name, array, dtype in (
        ("indices", indices, np.int32),
        ("values", values, np.float32),
        ("indptr", indptr, np.int64),
    ):
        if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype != dtype:
            found = f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else repr(array)[:60]
            raise ArgumentError(f"{name}: {found}, expected {np.dtype(dtype)} of one dimension. Convert it.")
    if not len(indptr) or indptr[0] != 0 or indptr[-1] != len(indices) or len(indices) != len(values):
        raise ArgumentError(
            f"indptr: ends at {indptr[-1:].tolist()} for {len(indices)} indices and {len(values)} values, expected "
            "from 0 to their number. Correct the arrays."
        )
    if (np.diff(indptr) < 0).any():
        raise ArgumentError(f"indptr: falls, at row {int(np.diff(indptr).argmin())}, expected rising. Correct it.")
    if not len(indices):
        return
    if int(indices.min()) < 0 or int(indices.max()) >= dim:
        raise ArgumentError(f"indices: from {indices.min()} to {indices.max()}, expected 0 to {dim - 1}. Correct dim.")
    rising = np.diff(indices) > 0
    starts = indptr[1:-1]
    rising[starts[(starts > 0) & (starts < len(indices))] - 1] = True  # a new row begins anew
    if not rising.all():
        place = int(np.argmin(rising))
        raise ArgumentError(
            f"indices: {indices[place]} is followed by {indices[place + 1]} in a row, expected ascending without "
            "repeats. Use SparseVectors.from_rows, which sorts."
        )
    if not np.isfinite(values).all():
        raise ArgumentError(f"values: {values[~np.isfinite(values)][0]}, expected finite numbers. Correct them.")
