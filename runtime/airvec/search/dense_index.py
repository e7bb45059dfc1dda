"""`DenseIndex`: vectors as float32, int8 codes or bits, and exact search over them.

int8: the float query against the middle of each code's level. Binary: candidates by Hamming distance, then the float
query against their bits, read as a unit vector of ±1 / √dim. With `keep_float` the candidates of both are scored once
more, by their float vectors.
Knows nothing of texts and models.
"""

import json
from collections.abc import Sequence
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
from airvec.search.blocks import VALUES_AT_ONCE, score_blocks
from airvec.search.hamming import hamming_sim
from airvec.search.nearest import nearest, top_k_rows
from airvec.search.ranking import Ranking, stacked
from airvec.similarity import Similarity, as_rows, dot_score

PRECISIONS = ("float32", "int8", "binary")
ROWS_AT_ONCE = 16_384  # of 384 dimensions: 25 MB as float32
QUERIES_AT_ONCE = 512
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
        ranges = None
        if precision == "int8":
            ranges = np.vstack([floats.min(axis=0), floats.max(axis=0)]) if count else np.zeros((2, dim), np.float32)
        dtype, width = _layout(precision, dim)
        codes = np.empty((count, width), dtype)
        for start in range(0, count, ROWS_AT_ONCE):
            block = floats[start : start + ROWS_AT_ONCE]
            found = _words(block) if ranges is None else quantize_embeddings(block, "int8", ranges)
            codes[start : start + len(block)] = found
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
        found = [self._search(part, min(top_k, len(self)), rescore_multiplier) for part in parts]
        return _joined(found) if found else stacked([])

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

    def _search(self, queries: Floats, top_k: int, rescore_multiplier: int) -> Ranking:
        """The best of each query of a block (n, dim)."""
        again = rescore_multiplier > 0 and (self.precision == "binary" or self.floats is not None)
        again = again and self.precision != "float32"
        count = min(top_k * rescore_multiplier, len(self)) if again else top_k
        found = self._nearest(queries, count)
        return self._rescored(queries, found.rows, top_k) if again else found

    def _nearest(self, queries: Floats, top_k: int) -> Ranking:
        """By the codes alone."""
        if self.precision == "binary":
            found = self._highest(_words(queries), top_k, hamming_sim)
            agreement = 1 + found.scores * np.float32(2 / self.dim)  # the dot product of unit vectors
            return Ranking(found.rows, agreement.astype(np.float32, copy=False))
        if self.precision == "float32":
            return self._highest(queries, top_k, dot_score)
        # A value is low + (code + 128.5) × step, and the step goes into the query.
        low, steps = _steps(self.ranges)
        shift = queries @ (low + 128.5 * steps)  # (n,)
        found = self._highest(queries * steps, top_k, dot_score)
        return Ranking(found.rows, np.add(found.scores, shift[:, None], dtype=np.float32))

    def _highest(self, queries: Array, top_k: int, function: Similarity) -> Ranking:
        scores, rows = nearest(score_blocks(queries, self.codes, function, ROWS_AT_ONCE), len(queries), top_k)
        return Ranking(rows, scores)

    def _rescored(self, queries: Floats, rows: Integers, top_k: int) -> Ranking:
        """The best `top_k` of each query's candidates (n, m) by their float vectors, or by their bits."""
        rows = np.sort(rows, axis=1)  # equal scores then come in the order of rows
        scores = np.empty(rows.shape, np.float32)
        size = max(1, VALUES_AT_ONCE // (4 * max(1, rows.shape[1] * self.dim)))
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            vectors = _signs(self.codes[some], self.dim) if self.floats is None else self.floats[some]  # (s, m, dim)
            scores[start : start + size] = np.matmul(vectors, queries[start : start + size, :, None])[..., 0]
        best = top_k_rows(scores, top_k)
        return Ranking(np.take_along_axis(rows, best, axis=1), np.take_along_axis(scores, best, axis=1))


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


def _joined(parts: Sequence[Ranking]) -> Ranking:
    """The rankings of some queries, and of those after them."""
    return Ranking(np.concatenate([one.rows for one in parts]), np.concatenate([one.scores for one in parts]))


def _words(vectors: Floats) -> Array:
    """A bit a dimension, is it above 0, in whole words: (n, dim) -> uint64 (n, ceil(dim / 64))."""
    bits = quantize_embeddings(vectors, "ubinary")  # (n, ceil(dim / 8))
    missing = -bits.shape[1] % (WORD // 8)
    return np.ascontiguousarray(np.pad(bits, ((0, 0), (0, missing)))).view(np.uint64)


def _signs(words: Array, dim: int) -> Floats:
    """The vectors that bits stand for, of length 1: uint64 (…, words) -> float32 (…, dim)."""
    bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=-1, count=dim)
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
