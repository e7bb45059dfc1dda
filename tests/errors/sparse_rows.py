"""`SparseVectors` that are none: arrays, rows and files that do not fit, and calls that cannot be."""

from pathlib import Path

import numpy as np

from airvec.sparse_vectors import SparseVectors, intersection
from tests.errors.cases import Case, Topic
from tests.errors.models import rows


def made(indices: list[int], values: list[float], indptr: list[int], dim: int = 4) -> None:
    SparseVectors(np.array(indices, np.int32), np.array(values, np.float32), np.array(indptr, np.int64), dim)


def of_lists(_: Path) -> None:
    SparseVectors([0, 2], [1.0, 0.5], [0, 2], 4)


def file_in(home: Path) -> Path:
    rows().save(home / "vectors" / "rows.npz")
    return home / "vectors" / "rows.npz"


def file_of(home: Path, **arrays: object) -> None:
    file = file_in(home)
    np.savez(file, **arrays)
    SparseVectors.load(file)


def damaged_file(home: Path) -> None:
    file = file_in(home)
    whole = file.read_bytes()
    place = whole.index(rows().values.tobytes())
    file.write_bytes(whole[:place] + b"\1" + whole[place + 1 :])
    SparseVectors.load(file)


def cut_file(home: Path) -> None:
    file = file_in(home)
    file.write_bytes(file.read_bytes()[:200])
    SparseVectors.load(file)


def file_that_does_not_fit(home: Path) -> None:
    with np.load(file_in(home)) as found:
        arrays = dict(found)
    file_of(home, **(arrays | {"indptr": np.array([0, 2, 9])}))


CASES = (
    Case("Indices that are not sorted", "`SparseVectors(indices, values, indptr, dim)` from another library's arrays.",
         lambda _: made([2, 0], [1, 1], [0, 2])),
    Case("An index beyond dim", "A vocabulary that is too small for the vectors.",
         lambda _: made([0, 4], [1, 1], [0, 2])),
    Case("A weight that is not finite", "The model overflowed in half precision.",
         lambda _: made([0, 2], [1, np.nan], [0, 2])),
    Case("Rows that do not cover the arrays", "`indptr` ends before the last entry.",
         lambda _: made([0, 2], [1, 1], [0, 1])),
    Case("A row that goes backwards", "`indptr` falls.", lambda _: made([0, 2], [1, 1], [0, 2, 1, 2])),
    Case("Lists in place of arrays", "`SparseVectors([0, 2], [1.0, 0.5], [0, 2], 4)`.", of_lists),
    Case("More dimensions than int32 counts", "`from_rows(rows, dim=2**40)`, as of hashed words.",
         lambda _: SparseVectors.from_rows([{1: 1.0}], dim=2**40)),
    Case("Rows without a number of dimensions", "`from_rows([{3: 1.0}])`.",
         lambda _: SparseVectors.from_rows([{3: 1.0}])),
    Case("A row with an index beyond dim", "`from_rows([{9: 1.0}], dim=4)`.",
         lambda _: SparseVectors.from_rows([{9: 1.0}], dim=4)),
    Case("A row with more indices than weights", "`from_rows([([0, 1], [1.0])], dim=4)`.",
         lambda _: SparseVectors.from_rows([([0, 1], [1.0])], dim=4)),
    Case("A row with an index twice", "`from_rows([([1, 1], [1.0, 2.0])], dim=4)`.",
         lambda _: SparseVectors.from_rows([([1, 1], [1.0, 2.0])], dim=4)),
    Case("A row of words", '`from_rows([{"cat": 1.0}], dim=4)`; an index is a number.',
         lambda _: SparseVectors.from_rows([{"cat": 1.0}], dim=4)),
    Case("A row that is none", '`from_rows(["cat"], dim=4)`.', lambda _: SparseVectors.from_rows(["cat"], dim=4)),
    Case("A row of another dimension", "`from_rows([vector, …], dim=8)`.",
         lambda _: SparseVectors.from_rows([rows()[0]], dim=8)),
    Case("Several rows to intersect with others", "`intersection(vectors, others)`; the first must be one row.",
         lambda _: intersection(rows(), rows())),
    Case("A dense array of another shape", "`from_dense(…)` of three dimensions.",
         lambda _: SparseVectors.from_dense(np.zeros((2, 3, 4)))),
    Case("A scipy matrix that is none", "`from_scipy(array)`.", lambda _: SparseVectors.from_scipy(np.eye(3))),
    Case("Parts of different dimensions", "`concatenate([…])` of two models' vectors.",
         lambda _: SparseVectors.concatenate([rows(), SparseVectors.from_rows([{0: 1.0}], dim=3)])),
    Case("Rows chosen by a table", "`vectors[[[0, 1], [1, 0]]]`.", lambda _: rows()[[[0, 1], [1, 0]]]),
    Case("A vocabulary that is too short", "`to_tokens(vocabulary)`, with another model's.",
         lambda _: rows().to_tokens(["cat", "dog", "sun"])),
    Case("A vocabulary that is none", '`to_tokens("vocab.txt")`.', lambda _: rows().to_tokens("vocab.txt")),
    Case("Impacts of too many bits", "`to_anserini(vocabulary, quantize=32)`.",
         lambda _: rows().to_anserini(list("abcd"), quantize=32)),
    Case("Impacts of no bits", "`to_anserini(vocabulary, quantize=0)`.",
         lambda _: rows().to_anserini(list("abcd"), quantize=0)),
    Case("A highest impact below 0", "`to_anserini(vocabulary, maximum=-1.0)`.",
         lambda _: rows().to_anserini(list("abcd"), maximum=-1.0)),
    Case("No entries to keep", "`top(0)`.", lambda _: rows().top(0)),
    Case("A file of vectors that is missing", '`SparseVectors.load("vectors/rows.npz")`.',
         lambda home: SparseVectors.load(home / "vectors" / "rows.npz")),
    Case("A file of vectors cut short", "The disk was full when another program copied it.", cut_file),
    Case("A damaged file of vectors", "One byte was changed.", damaged_file),
    Case("A file of vectors with pickled objects", "It could run code; airvec unpickles nothing.",
         lambda home: file_of(home, indices=np.array([{"a": 1}], object))),
    Case("A folder in place of a file of vectors", '`vectors.save(".")`.', lambda _: rows().save(".")),
    Case("A file of other arrays", "A `.npz`, but not of sparse vectors.",
         lambda home: file_of(home, means=np.ones(3))),
    Case("A file whose arrays do not fit one another", "It was changed after it had been saved.",
         file_that_does_not_fit),
)  # fmt: skip
TOPIC = Topic("SparseVectors", "What you build, slice, convert or load; what models give is right by itself.", CASES)
