"""Mirrors runtime/airvec/search/dense_index.py: against plain loops over the decoded vectors."""

import json

import numpy as np
import pytest

from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.search import dense_index
from airvec.search.dense_index import DenseIndex

PRECISIONS = pytest.mark.parametrize("precision", dense_index.PRECISIONS)
KEPT = pytest.mark.parametrize("keep_float", [False, True])


def units(count: int, dim: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def decoded(vectors: np.ndarray, precision: str) -> np.ndarray:
    """The vectors that the codes stand for, worked out without packing and folding."""
    if precision == "binary":
        return np.where(vectors > 0, 1, -1) / np.sqrt(vectors.shape[1])
    if precision == "int8":
        low, high = vectors.min(axis=0), vectors.max(axis=0)
        step = (high - low) / 255
        return low + (np.clip(np.floor((vectors - low) / np.where(step, step, 1)), 0, 255) + 0.5) * step
    return vectors


def best(scores: np.ndarray, rows: np.ndarray, top_k: int) -> list[int]:
    return sorted(rows.tolist(), key=lambda row: (-scores[row], row))[:top_k]


@PRECISIONS
@pytest.mark.parametrize("dim", [1, 12, 64, 70, 200])
def test_scores_are_those_of_the_decoded_vectors(precision, dim):
    vectors, queries = units(300, dim), units(70, dim, seed=1)
    found = DenseIndex.build(vectors, precision).search(queries, top_k=300)
    expected = queries @ decoded(vectors, precision).T
    np.testing.assert_allclose(found.scores, -np.sort(-expected, axis=1), atol=2e-6)
    np.testing.assert_allclose(np.take_along_axis(expected, found.rows, axis=1), found.scores, atol=2e-6)
    assert (found.rows.dtype, found.scores.dtype) == (np.int64, np.float32)


@PRECISIONS
@KEPT
def test_blocks_of_rows_and_queries_do_not_change_what_is_found(monkeypatch, precision, keep_float):
    vectors, queries = units(50, 24), units(9, 24, seed=1)
    index = DenseIndex.build(vectors, precision, keep_float=keep_float)
    whole = index.search(queries, top_k=5)
    monkeypatch.setattr(dense_index, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(dense_index, "QUERIES_AT_ONCE", 2)
    parts = DenseIndex.build(vectors, precision, keep_float=keep_float).search(queries, top_k=5)
    assert (parts.rows == whole.rows).all()
    np.testing.assert_allclose(parts.scores, whole.scores, atol=1e-6)


@PRECISIONS
@KEPT
@pytest.mark.parametrize("view", [lambda array: array, lambda array: array[::2], lambda array: array[0]])
def test_what_the_caller_writes_to_the_vectors_later_changes_nothing(precision, keep_float, view):
    vectors, queries = units(20, 24), units(3, 24, seed=1)
    index = DenseIndex.build(view(vectors), precision, keep_float=keep_float)
    before = index.search(queries, top_k=5)
    vectors[:] = 7
    after = index.search(queries, top_k=5)
    assert (after.rows.tolist(), after.scores.tolist()) == (before.rows.tolist(), before.scores.tolist())


def test_vectors_on_disk_are_searched_where_they_lie(tmp_path):
    np.save(tmp_path / "vectors.npy", units(20, 24))
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    index = DenseIndex.build(mapped)
    assert np.shares_memory(index.codes, mapped)
    assert index.search(mapped[3], 1).rows.tolist() == [[3]]


@PRECISIONS
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_queries_that_are_not_finite_are_refused(precision, value):
    queries = units(3, 24)
    queries[1, 5] = value
    with pytest.raises(ArgumentError, match="queries: row 1 holds a value that is not finite"):
        DenseIndex.build(units(20, 24), precision).search(queries)


def test_binary_candidates_are_the_nearest_by_hamming_distance():
    vectors, queries = units(200, 100), units(20, 100, seed=1)
    found = DenseIndex.build(vectors, "binary").search(queries, top_k=3, rescore_multiplier=4)
    for place, query in enumerate(queries):
        distances = ((vectors > 0) != (query > 0)).sum(axis=1)
        candidates = np.argsort(distances, kind="stable")[:12]
        assert found.rows[place].tolist() == best(decoded(vectors, "binary") @ query, candidates, 3)


def test_without_rescoring_scores_are_those_of_the_bits_of_both():
    vectors, queries = units(200, 100), units(20, 100, seed=1)
    expected = decoded(queries, "binary") @ decoded(vectors, "binary").T
    for keep_float in (False, True):
        index = DenseIndex.build(vectors, "binary", keep_float=keep_float)
        found = index.search(queries, top_k=3, rescore_multiplier=0)
        np.testing.assert_allclose(found.scores, -np.sort(-expected, axis=1)[:, :3], atol=1e-6)
    kept = DenseIndex.build(vectors, "int8", keep_float=True).search(queries, top_k=3, rescore_multiplier=0)
    alone = DenseIndex.build(vectors, "int8").search(queries, top_k=3)
    assert (kept.scores == alone.scores).all()


def test_a_larger_multiplier_finds_more_of_the_nearest():
    vectors, queries = units(2000, 32), units(40, 32, seed=1)
    index = DenseIndex.build(vectors, "binary", keep_float=True)
    nearest = DenseIndex.build(vectors).search(queries, top_k=10).rows
    shares = [
        np.mean(
            [len(np.intersect1d(*rows)) for rows in zip(index.search(queries, 10, many).rows, nearest, strict=True)]
        )
        for many in (1, 4, 16)
    ]
    assert shares[0] < shares[1] < shares[2]


@pytest.mark.parametrize("precision", ["int8", "binary"])
def test_kept_floats_give_candidates_their_exact_scores(precision):
    vectors, queries = units(100, 40), units(10, 40, seed=1)
    index = DenseIndex.build(vectors, precision, keep_float=True)
    found, exact = index.search(queries, 5, rescore_multiplier=20), DenseIndex.build(vectors).search(queries, 5)
    assert (found.rows == exact.rows).all()  # 5 x 20 candidates are all rows
    np.testing.assert_allclose(found.scores, exact.scores, atol=1e-6)
    few = index.search(queries, 5, rescore_multiplier=1)
    np.testing.assert_allclose(few.scores, np.einsum("qd,qkd->qk", queries, vectors[few.rows]), atol=1e-6)


@PRECISIONS
@KEPT
def test_equal_vectors_come_in_the_order_of_rows(precision, keep_float):
    vectors = np.repeat(units(3, 16), 4, axis=0)
    found = DenseIndex.build(vectors, precision, keep_float=keep_float).search(vectors[4], top_k=4)
    assert found.rows.tolist() == [[4, 5, 6, 7]]


@PRECISIONS
@KEPT
def test_an_index_saved_and_opened_finds_the_same(tmp_path, precision, keep_float):
    vectors, queries = units(130, 70), units(5, 70, seed=1)
    index = DenseIndex.build(vectors, precision, keep_float=keep_float)
    index.save(tmp_path)
    opened = DenseIndex.load(tmp_path)
    before, after = index.search(queries, 7), opened.search(queries, 7)
    assert (before.rows == after.rows).all()
    assert (before.scores == after.scores).all()
    assert len(opened) == len(index) == 130
    assert opened.nbytes == index.nbytes
    assert (opened.floats is not None) == (keep_float and precision != "float32")


def test_what_is_opened_lies_on_disk(tmp_path):
    DenseIndex.build(units(20, 8), "int8", keep_float=True).save(tmp_path)
    opened = DenseIndex.load(tmp_path)
    for array in (opened.codes, opened.floats):
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable


def test_bytes_are_a_quarter_and_a_thirty_second():
    vectors = units(1000, 128)
    sizes = {name: DenseIndex.build(vectors, name).nbytes for name in dense_index.PRECISIONS}
    assert sizes == {"float32": 512_000, "int8": 128_000 + 2 * 128 * 4, "binary": 16_000}
    assert DenseIndex.build(vectors, "binary", keep_float=True).nbytes == 16_000 + 512_000


@PRECISIONS
def test_few_vectors_and_none_at_all_can_be_searched(precision):
    one = units(1, 6)
    found = DenseIndex.build(one, precision).search(one, top_k=10)
    assert found.rows.tolist() == [[0]]
    assert found.scores[0, 0] == pytest.approx(float(decoded(one, precision)[0] @ one[0]), abs=1e-6)
    none = DenseIndex.build(np.zeros((0, 6), np.float32), precision)
    assert none.search(one).rows.shape == (1, 0)
    assert DenseIndex.build(one, precision).search(np.zeros((0, 6))).rows.shape == (0, 0)


def test_bad_arguments_are_refused():
    vectors = units(4, 6)
    with pytest.raises(ArgumentError, match="precision: 'uint8', expected one of float32, int8, binary"):
        DenseIndex.build(vectors, "uint8")
    index = DenseIndex.build(vectors)
    with pytest.raises(ArgumentError, match="7 dimensions, the index has 6"):
        index.search(units(1, 7))
    for arguments in ({"top_k": 0}, {"rescore_multiplier": -1}):
        with pytest.raises(ArgumentError, match="expected a whole number of at least"):
            index.search(vectors, **arguments)
    for value in (np.nan, np.inf):
        vectors[2, 3] = value
        with pytest.raises(ArgumentError, match="row 2 holds a value that is not finite"):
            DenseIndex.build(vectors)


@pytest.mark.parametrize("name", ["codes.npy", "ranges.npy", "floats.npy", "index.json"])
def test_a_file_that_is_missing_or_cut_short_is_named(tmp_path, name):
    DenseIndex.build(units(20, 8), "int8", keep_float=True).save(tmp_path)
    file = tmp_path / name
    content = file.read_bytes()
    for rest in (content[:-8], content[:20], b""):
        file.write_bytes(rest)
        with pytest.raises(ModelFolderError, match=name.replace(".", r"\.")):
            DenseIndex.load(tmp_path)
    file.unlink()
    with pytest.raises(ModelNotFoundError, match=name.replace(".", r"\.")):
        DenseIndex.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("codes", np.zeros(12, np.int8), "12 values, expected a multiple of 8"),
        ("codes", np.zeros(16, np.float32), "holds float32"),
        ("floats", np.zeros(8, np.float32), "8 values, expected 20 × 8"),
        ("ranges", np.zeros(8, np.float32), "8 values, expected 2 × 8"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(tmp_path, name, array, message):
    DenseIndex.build(units(20, 8), "int8", keep_float=True).save(tmp_path)
    np.save(tmp_path / f"{name}.npy", array)
    with pytest.raises(ModelFolderError, match=message):
        DenseIndex.load(tmp_path)


@pytest.mark.parametrize("wrong", [{"precision": "int4"}, {"dim": 0}, {"dim": "8"}, {"keep_float": 1}])
def test_settings_that_cannot_be_are_refused(tmp_path, wrong):
    DenseIndex.build(units(20, 8)).save(tmp_path)
    settings = json.loads((tmp_path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps(settings | wrong))
    with pytest.raises(ModelFolderError, match=next(iter(wrong))):
        DenseIndex.load(tmp_path)
