"""`DenseIndex`: vectors as float32, int8 codes or bits, and exact search over them.

int8: the float query against the middle of each code's level. Binary: candidates by Hamming distance, then the float
query against their bits, read as a unit vector of ±1 / √dim. With `keep_float` the candidates of both are scored once
more, by their float vectors.
Knows nothing of texts and models.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np

from airvec.array_file import read_array
from airvec.arrays import Array, Floats, Integers, Vectors
from airvec.checks import whole_number
from airvec.errors import ArgumentError, ModelFolderError
from airvec.json_file import read_object, short_name
from airvec.precision import LEVELS, quantize_embeddings
from airvec.search.exact import nearest_rows
from airvec.search.ranking import Ranking, ranked, stacked
from airvec.similarity import as_rows, dot_score

PRECISIONS = ("float32", "int8", "binary")
ROWS_AT_ONCE = 16_384  # of 384 dimensions: 25 MB as float32
QUERIES_AT_ONCE = 64
RESCORE_MULTIPLIER = 4
WORD = 64  # bits that are compared at once


@dataclass(frozen=True)
class DenseIndex:
    """n vectors, searched by their dot product with a query.

    `codes` is (n, dim) float32 or int8; for binary it is uint64 (n, ceil(dim / 64)), a bit a dimension: is it above 0?
    `ranges` is float32 (2, dim), smallest and largest value of each dimension, for int8. `floats` is float32 (n, dim),
    where they are kept beside codes.
    """

    precision: str
    dim: int
    codes: Array
    ranges: Floats | None = None
    floats: Floats | None = None

    @classmethod
    def build(cls, vectors: Vectors, precision: str = "float32", *, keep_float: bool = False) -> Self:
        """An index of vectors (n, dim), float.

        Args:
            vectors: unit vectors where cosines are wanted. They are copied where they are kept, but for a float32
                `np.memmap`, which is searched where it lies.
            precision: `"float32"`; `"int8"`, a quarter of the bytes; `"binary"`, a thirty-second.
            keep_float: keep the vectors beside int8 codes or bits, to score the best candidates with.

        Raises:
            ArgumentError: unknown precision, or vectors that are no finite numbers.
        """
        check_index_precision(precision)
        given = as_rows(vectors)
        floats = _finite("vectors", given)
        count, dim = floats.shape
        keeps = keep_float or precision == "float32"
        if keeps and not isinstance(vectors, np.memmap) and np.may_share_memory(floats, given):
            floats = floats.copy()  # the caller may write to theirs
        kept = floats if keep_float and precision != "float32" else None
        if precision == "float32":
            return cls(precision, dim, floats)
        if precision == "binary":
            return cls(precision, dim, _words(floats), None, kept)
        ranges = np.vstack([floats.min(axis=0), floats.max(axis=0)]) if count else np.zeros((2, dim), np.float32)
        codes = np.empty((count, dim), np.int8)
        for start in range(0, count, ROWS_AT_ONCE):
            block = floats[start : start + ROWS_AT_ONCE]
            codes[start : start + len(block)] = quantize_embeddings(block, "int8", ranges)
        return cls(precision, dim, codes, ranges, kept)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def nbytes(self) -> int:
        """Bytes of all its arrays."""
        return sum(array.nbytes for array in (self.codes, self.ranges, self.floats) if array is not None)

    def search(self, queries: Vectors, top_k: int = 10, rescore_multiplier: int = RESCORE_MULTIPLIER) -> Ranking:
        """The `top_k` rows with the highest dot product for each query.

        Args:
            queries: (n, dim) or (dim,), float.
            top_k: results a query; fewer where there are fewer rows.
            rescore_multiplier: for bits, and for int8 with kept floats: `top_k` × this many candidates are scored
                again; 0 = none are, and scores are those of the codes alone.

        Raises:
            ArgumentError: a number too low, or queries of another width or that are no finite numbers.
        """
        whole_number("top_k", top_k)
        whole_number("rescore_multiplier", rescore_multiplier, smallest=0)
        floats = _finite("queries", as_rows(queries))
        if floats.shape[1] != self.dim:
            raise ArgumentError(
                f"queries: {floats.shape[1]} dimensions, the index has {self.dim}. Use the model that it was made with."
            )
        parts = [floats[start : start + QUERIES_AT_ONCE] for start in range(0, len(floats), QUERIES_AT_ONCE)]
        found = [one for part in parts for one in self._search(part, min(top_k, len(self)), rescore_multiplier)]
        return stacked(found)

    def save(self, folder: str | PathLike[str]) -> None:
        """Write the arrays as `.npy` files, each flat, and their shape as JSON, into a folder that is there."""
        home = Path(folder)
        for name, array in (("codes", self.codes), ("ranges", self.ranges), ("floats", self.floats)):
            if array is not None:
                np.save(home / f"{name}.npy", array.reshape(-1), allow_pickle=False)
        settings = {"precision": self.precision, "dim": self.dim, "keep_float": self.floats is not None}
        (home / "index.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | PathLike[str]) -> Self:
        """Open what `save` wrote; the arrays stay on disk, and are read as far as searches need them.

        Raises:
            ModelNotFoundError: a file is missing.
            ModelFolderError: a file is damaged, or does not fit the others.
        """
        home = Path(folder)
        settings = read_object(home / "index.json")
        precision, dim = settings.text("precision", ""), settings.need_integer("dim")
        if precision not in PRECISIONS:
            raise ModelFolderError(
                f"{settings.file}: 'precision' is {precision!r}, expected one of {', '.join(PRECISIONS)}. "
                "Write the index again."
            )
        codes = _read(home / "codes.npy", *_layout(precision, dim))
        ranges = _read(home / "ranges.npy", np.float32, dim, 2) if precision == "int8" else None
        kept = settings.flag("keep_float", False)
        floats = _read(home / "floats.npy", np.float32, dim, len(codes)) if kept else None
        return cls(precision, dim, codes, ranges, floats)

    def _search(self, queries: Floats, top_k: int, rescore_multiplier: int) -> list[tuple[Integers, Floats]]:
        """Rows and scores, (top_k,) both, of each query of a block (n, dim)."""
        if self.precision == "float32":
            return self._nearest(queries, top_k, dot_score, np.asarray)
        again = rescore_multiplier > 0 and (self.precision == "binary" or self.floats is not None)
        count = min(top_k * rescore_multiplier, len(self)) if again else top_k
        if self.precision == "int8":
            found = self._nearest_levels(queries, count)
        else:
            found = self._nearest(_words(queries), count, self._agreement, np.asarray)
        if not again:
            return found
        return [self._rescored(query, rows, top_k) for query, (rows, _) in zip(queries, found, strict=True)]

    def _nearest(
        self, queries: Array, top_k: int, score: Callable[[Array, Array], Floats], prepare: Callable[[Array], Array]
    ) -> list[tuple[Integers, Floats]]:
        scores, rows = nearest_rows(queries, self.codes, top_k, ROWS_AT_ONCE, score, prepare)
        return list(zip(rows, scores, strict=True))

    def _nearest_levels(self, queries: Floats, top_k: int) -> list[tuple[Integers, Floats]]:
        """By int8 codes: value = low + (code + 128.5) × step, of which the step goes into the query."""
        low, steps = _steps(self.ranges)
        shift = queries @ (low + 128.5 * steps)  # (n,)
        found = self._nearest(queries * steps, top_k, dot_score, _as_floats)
        return [(rows, scores + one) for (rows, scores), one in zip(found, shift, strict=True)]

    def _agreement(self, queries: Array, codes: Array) -> Floats:
        """Dot product of the vectors that two rows of bits stand for: uint64 (n, words), (m, words) -> (n, m)."""
        ones = np.ones(codes.shape[1], np.float32)
        # The bits that differ; a product with ones adds six counts in half the time of sum(axis=1).
        differ = np.stack([np.bitwise_count(codes ^ query).astype(np.float32) @ ones for query in queries])
        return 1 - differ * np.float32(2 / self.dim)

    def _rescored(self, query: Floats, rows: Integers, top_k: int) -> tuple[Integers, Floats]:
        """The best `top_k` of some rows by their float vectors, or by their bits."""
        vectors = _signs(self.codes[rows], self.dim) if self.floats is None else self.floats[rows]  # (m, dim)
        return ranked(rows, vectors @ query, top_k)


def check_index_precision(precision: str) -> None:
    """Refuse a precision that an index cannot have.

    Raises:
        ArgumentError: it is none of PRECISIONS.
    """
    if precision not in PRECISIONS:
        raise ArgumentError(f"precision: {precision!r}, expected one of {', '.join(PRECISIONS)}. Correct it.")


def _finite(where: str, vectors: Array) -> Floats:
    """The vectors as float32, (n, dim).

    Raises:
        ArgumentError: one of them is not finite.
    """
    floats = np.ascontiguousarray(vectors, np.float32)
    if floats.size and not np.isfinite([floats.min(), floats.max()]).all():
        bad = int(np.flatnonzero(~np.isfinite(floats).all(axis=1))[0])
        raise ArgumentError(f"{where}: row {bad} holds a value that is not finite, expected numbers. Mend it.")
    return floats


def _steps(ranges: Floats | None) -> tuple[Floats, Floats]:
    """Lowest value and width of a level, (dim,) both."""
    low, high = np.zeros((2, 1), np.float32) if ranges is None else ranges
    return low, (high - low) / np.float32(LEVELS)


def _as_floats(codes: Array) -> Floats:
    return codes.astype(np.float32)


def _words(vectors: Floats) -> Array:
    """A bit a dimension, is it above 0, in whole words: (n, dim) -> uint64 (n, ceil(dim / 64))."""
    bits = quantize_embeddings(vectors, "ubinary")  # (n, ceil(dim / 8))
    missing = -bits.shape[1] % (WORD // 8)
    return np.ascontiguousarray(np.pad(bits, ((0, 0), (0, missing)))).view(np.uint64)


def _signs(words: Array, dim: int) -> Floats:
    """The vectors that bits stand for, of length 1: uint64 (n, words) -> float32 (n, dim)."""
    bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, count=dim)
    return (bits * np.float32(2) - 1) / np.float32(dim**0.5)


def _layout(precision: str, dim: int) -> tuple[type[np.generic], int]:
    """Type and width of the codes."""
    if precision == "binary":
        return np.uint64, -(-dim // WORD)
    return (np.int8 if precision == "int8" else np.float32), dim


def _read(file: Path, dtype: type[np.generic], width: int, count: int | None = None) -> Any:
    """Rows (count, width) of a flat array on disk.

    Raises:
        ModelFolderError: it does not hold so many values.
    """
    flat = read_array(file, dtype, mmap=True)
    expected = f"a multiple of {width}" if count is None else f"{count} × {width}"
    if len(flat) % width or (count is not None and len(flat) != count * width):
        raise ModelFolderError(f"{short_name(file)}: {len(flat)} values, expected {expected}. Write the index again.")
    return flat.reshape(-1, width)
