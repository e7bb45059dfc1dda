"""Sparse vectors, of which only the entries that are not 0 are kept: `SparseVectors`, rows, and `SparseVector`, one.

Knows nothing of the models that make them and of similarity.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, cast, overload

import numpy as np

from airvec import csr
from airvec import sparse_formats as formats
from airvec.arrays import Array, Floats, Integers, TokenIds
from airvec.checks import whole_number
from airvec.errors import ArgumentError, ModelFolderError
from airvec.json_file import short_name
from airvec.sparse_file import read_rows, write_rows


@dataclass(frozen=True, eq=False, repr=False)
class SparseVector:
    """One sparse vector of `dim` dimensions.

    Attributes:
        indices: int32 (k,), the dimensions that have an entry, rising.
        values: float32 (k,), their values, finite.
        dim: dimensions in all.

    Raises:
        ArgumentError: another type or shape, indices that do not rise or lie outside 0 … dim - 1, values not finite.
    """

    indices: TokenIds
    values: Floats
    dim: int

    def __post_init__(self) -> None:
        csr.check_rows(self.indices, self.values, np.array([0, np.size(self.indices)], np.int64), self.dim)

    def __len__(self) -> int:
        return self.dim

    def __repr__(self) -> str:
        entries = zip(self.indices[:4].tolist(), self.values[:4].tolist(), strict=True)
        shown = ", ".join(f"{index}: {value:.4g}" for index, value in entries)
        return f"SparseVector({{{shown}{', …' if len(self.indices) > 4 else ''}}}, dim={self.dim})"

    @property
    def shape(self) -> tuple[int]:
        """(dim,)."""
        return (self.dim,)

    def as_rows(self) -> "SparseVectors":
        """The same vector as the only row of `SparseVectors`."""
        return SparseVectors(self.indices, self.values, np.array([0, len(self.indices)], np.int64), self.dim)

    def to_dense(self) -> Floats:
        """float32 (dim,); `np.asarray(vector)` is the same."""
        return self.as_rows().to_dense()[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return csr.as_array(self.to_dense(), dtype, copy)

    def to_scipy(self) -> Any:
        """A `scipy.sparse.csr_matrix` float32 (1, dim); needs scipy."""
        return self.as_rows().to_scipy()

    def to_dict(self) -> dict[int, float]:
        """`{index: weight}`, without entries of 0; also what Milvus takes for a SPARSE_FLOAT_VECTOR."""
        return formats.weights(self.indices, self.values)

    to_milvus = to_dict

    def to_tokens(self, vocabulary: formats.Vocabulary, top_k: int | None = None) -> list[tuple[str, float]]:
        """(token, weight), heaviest first and the lower index first among equals.

        Args:
            vocabulary: the tokens by index, or `{token: index}` as a tokenizer's `get_vocab()` gives it.
            top_k: most of them; None = all.

        Raises:
            ArgumentError: `top_k` below 1, or an index that the vocabulary does not have.
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
            vocabulary: as in `to_tokens`.
            quantize: bits of an impact, 1 to 24.
            maximum: the weight that gets the highest impact, the same for a whole corpus; None = this row's largest.

        Raises:
            ArgumentError: `quantize` or `maximum` out of range, or an index that the vocabulary does not have.
        """
        scale = formats.impact_scale(self.values, maximum, quantize)
        return formats.impacts(self.indices, self.values, formats.token_names(vocabulary), scale, quantize)

    def to_qdrant(self) -> dict[str, list[int] | list[float]]:
        """`{"indices": […], "values": […]}`; also what Pinecone takes."""
        return formats.index_and_value_lists(self.indices, self.values)

    to_pinecone = to_qdrant

    def to_pgvector(self) -> str:
        """`"{1:0.5,8:2.0}/30522"`, the text form of `sparsevec`, which counts from 1."""
        return formats.sparsevec(self.indices, self.values, self.dim)

    def sparsity(self) -> dict[str, float]:
        """As `SparseVectors.sparsity`, of this one vector."""
        return self.as_rows().sparsity()

    def top(self, k: int) -> "SparseVector":
        """As `SparseVectors.top`, of this one vector."""
        return self.as_rows().top(k)[0]


Row: TypeAlias = SparseVector | Mapping[int, float] | tuple[Any, Any]


@dataclass(frozen=True, eq=False, repr=False)
class SparseVectors:
    """n sparse vectors of `dim` dimensions in CSR form.

    `vectors[i]` and iteration give a `SparseVector`; a slice, row numbers or a mask (n,) give `SparseVectors`.

    Attributes:
        indices: int32 (entries,), the dimensions that have an entry, rising within a row.
        values: float32 (entries,), their values, finite.
        indptr: int64 (n + 1,): row i has the entries `indptr[i]` to `indptr[i + 1]`.
        dim: dimensions in all.

    Raises:
        ArgumentError: another type or shape, lengths that do not fit together, indices that do not rise within a row
            or lie outside 0 … dim - 1, values that are not finite.

    >>> vectors = SparseVectors.from_rows([{1: 0.5, 3: 2.0}, {}], dim=4)
    >>> vectors.to_dense().tolist()
    [[0.0, 0.5, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0]]
    >>> vectors[0]
    SparseVector({1: 0.5, 3: 2}, dim=4)
    """

    indices: TokenIds
    values: Floats
    indptr: Integers
    dim: int

    def __post_init__(self) -> None:
        csr.check_rows(self.indices, self.values, self.indptr, self.dim)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __repr__(self) -> str:
        a_row = len(self.indices) / max(1, len(self))
        return f"SparseVectors({len(self)} rows, dim={self.dim}, {a_row:.1f} entries a row)"

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
            ArgumentError: something else, such as two dimensions.
        """
        if isinstance(rows, (int, np.integer)) and not isinstance(rows, bool):
            place = range(len(self))[int(cast(int, rows))]
            return self._row(int(self.indptr[place]), int(self.indptr[place + 1]))
        if isinstance(rows, slice) and cast(Any, rows).step in (None, 1):
            first, last, _ = cast(Any, rows).indices(len(self))
            return self._span(first, max(first, last))
        places, indptr = csr.picked_entries(self.indptr, csr.row_selection(rows, len(self)))
        return SparseVectors(self.indices[places], self.values[places], indptr, self.dim)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, dim)."""
        return len(self), self.dim

    @property
    def counts(self) -> Integers:
        """The number of entries of each row, int64 (n,)."""
        return np.diff(self.indptr)

    @classmethod
    def from_rows(cls, rows: Iterable[Row], dim: int | None = None) -> "SparseVectors":
        """From rows one by one, their entries in any order; entries of 0 are left out.

        Args:
            rows: each a `SparseVector`, `{index: weight}`, or `(indices, weights)`.
            dim: dimensions of all; None = those of the first row, which is a `SparseVector`.

        Raises:
            ArgumentError: no `dim`, a row of other dimensions, an index outside or twice in a row, a weight not finite.
        """
        given = list(rows)
        if dim is None and given and isinstance(given[0], SparseVector):
            dim = given[0].dim
        if dim is None:
            raise ArgumentError(f"dim: {dim}, expected the number of dimensions of the {len(given)} rows. State it.")
        csr.check_dim(dim)
        parts = [_entries(row, f"row {place}", dim) for place, row in enumerate(given)]
        indices = np.concatenate([np.zeros(0, np.int32), *(indices for indices, _ in parts)])
        values = np.concatenate([np.zeros(0, np.float32), *(values for _, values in parts)])
        return cls(indices, values, csr.row_starts([len(indices) for indices, _ in parts]), dim)

    @classmethod
    def from_dense(cls, array: Array) -> "SparseVectors":
        """The entries of numbers (n, dim) that are not 0.

        Raises:
            ArgumentError: another shape, no numbers, or a value that is not finite.
        """
        return cls(*csr.rows_of_dense(array))

    @classmethod
    def from_scipy(cls, matrix: Any) -> "SparseVectors":
        """From any scipy sparse matrix or array (n, dim) of numbers; entries of 0 are left out.

        Raises:
            ArgumentError: something else, or a value that is not finite.
        """
        return cls(*csr.rows_of_scipy(matrix))

    @classmethod
    def concatenate(cls, parts: "Iterable[SparseVectors]") -> "SparseVectors":
        """The rows of all parts, in order.

        Raises:
            ArgumentError: no parts, or of different dimensions.
        """
        given = list(parts)
        dims = sorted({part.dim for part in given})
        if len(dims) != 1:
            raise ArgumentError(f"parts: {len(given)} of dimensions {dims}, expected some, of one. Use one model's.")
        return cls(
            np.concatenate([part.indices for part in given]),
            np.concatenate([part.values for part in given]),
            csr.row_starts(np.concatenate([part.counts for part in given])),
            dims[0],
        )

    def to_dense(self) -> Floats:
        """float32 (n, dim); `np.asarray(vectors)` is the same."""
        dense = np.zeros(self.shape, np.float32)
        dense[csr.row_numbers(self.indptr), self.indices] = self.values
        return dense

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return csr.as_array(self.to_dense(), dtype, copy)

    def to_scipy(self) -> Any:
        """A `scipy.sparse.csr_matrix` float32 (n, dim) over the same memory; needs scipy.

        Raises:
            MissingPackageError: scipy is not installed.
        """
        return csr.scipy_of_rows(self.indices, self.values, self.indptr, self.shape)

    def to_dict(self) -> list[dict[int, float]]:
        """`SparseVector.to_dict` of each row; also what Milvus takes."""
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
        """Each row's `k` entries with the largest absolute value, signs kept; among equals the lower index stays.

        Raises:
            ArgumentError: `k` below 1.
        """
        if whole_number("k", k) >= int(self.counts.max(initial=0)):
            return self
        kept, indptr = csr.strongest_entries(self.values, self.indptr, k)
        return SparseVectors(self.indices[kept], self.values[kept], indptr, self.dim)

    def sparsity(self) -> dict[str, float]:
        """`active_dims`: entries that are not 0, a row on average; `sparsity_ratio`: 1 - that / dim."""
        active = float(np.count_nonzero(self.values)) / max(1, len(self))
        return {"active_dims": active, "sparsity_ratio": 1.0 - active / max(1, self.dim)}

    def save(self, path: str | PathLike[str]) -> None:
        """Write a `.npz` file of exactly this name, whole or not at all; `scipy.sparse.load_npz` reads it too.

        Raises:
            ArgumentError: a folder lies there, or `path` names no file.
        """
        write_rows(Path(path), self.indices, self.values, self.indptr, self.shape)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "SparseVectors":
        """Read what `save` or `scipy.sparse.save_npz` (of a csr matrix) wrote; its numbers become float32.

        Raises:
            ModelNotFoundError: no such file.
            ModelFolderError: the file is damaged, or is no file of sparse vectors.
        """
        try:
            return cls(*read_rows(Path(path)))
        except ArgumentError as error:
            raise ModelFolderError(f"{short_name(Path(path))}: no sparse vectors: {error} Write it again.") from None

    def _row(self, start: int, end: int) -> SparseVector:
        return SparseVector(self.indices[start:end], self.values[start:end], self.dim)

    def _span(self, first: int, last: int) -> "SparseVectors":
        """Rows that follow one another, without copies of their entries."""
        start, end = self.indptr[first], self.indptr[last]
        indptr = self.indptr[first : last + 1] - start
        return SparseVectors(self.indices[start:end], self.values[start:end], indptr, self.dim)


def intersection(one: SparseVector, others: "SparseVector | SparseVectors") -> "SparseVector | SparseVectors":
    """What two vectors have in common: the products of their weights, where these are above 0.

    Args:
        one: a row.
        others: a row, or rows to compare it with one by one.

    Raises:
        ArgumentError: vectors of different dimensions, or `one` is not one row.
    """
    if not isinstance(one, SparseVector):
        raise ArgumentError(f"one: {one!r:.60}, expected a SparseVector. Pass one row, and the others second.")
    rows = others.as_rows() if isinstance(others, SparseVector) else others
    if one.dim != rows.dim:
        raise ArgumentError(f"vectors: dimensions {one.dim} and {rows.dim}, expected one. Use one model's vectors.")
    weights = one.to_dense()
    products = rows.values * weights[rows.indices]
    kept = np.flatnonzero(products > 0)
    found = SparseVectors(rows.indices[kept], products[kept], np.searchsorted(kept, rows.indptr), rows.dim)
    return found[0] if isinstance(others, SparseVector) else found


def _entries(row: Row, where: str, dim: int) -> tuple[TokenIds, Floats]:
    if isinstance(row, SparseVector):
        if row.dim != dim:
            raise ArgumentError(f"{where}: {row.dim} dimensions, expected {dim}. Use one model's vectors.")
        return row.indices, row.values
    if isinstance(row, Mapping):
        return csr.sorted_entries(list(row), list(row.values()), where, dim)
    if isinstance(row, tuple) and len(row) == 2:
        return csr.sorted_entries(*row, where, dim)
    raise ArgumentError(f"{where}: {row!r:.60}, expected {{index: weight}} or (indices, weights). Convert it.")
