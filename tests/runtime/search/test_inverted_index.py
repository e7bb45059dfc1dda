"""Mirrors runtime/airvec/search/inverted_index.py: against dense dot products."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from airvec import csr
from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.search import InvertedIndex
from airvec.sparse_vectors import SparseVectors

DOCUMENTS = SparseVectors.from_rows([{0: 1.0, 2: 2.0}, {}, {2: 3.0}, {0: 1.0, 1: -1.0}], 4)
VALUES = st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0, -1.0, 0.5])


def tables(width):
    return arrays(
        np.float32, array_shapes(min_dims=1, max_dims=1, max_side=9).map(lambda s: (*s, width)), elements=VALUES
    )


def hits(index, query, top_k=10):
    return index.search(query, top_k).hits(0)


def test_scores_worked_out_by_hand():
    index = InvertedIndex.build(DOCUMENTS)
    query = SparseVectors.from_rows([{0: 2.0, 2: 1.0}], 4)
    assert hits(index, query) == [(0, 4.0), (2, 3.0), (3, 2.0)]
    assert hits(index, query[0], 1) == [(0, 4.0)]
    assert hits(index, SparseVectors.from_rows([{1: 1.0, 0: 0.5}], 4)) == [(0, 0.5), (3, -0.5)]
    assert (len(index), index.dim, index.nbytes) == (4, 4, 5 * 4 + 5 * 4 + 5 * 8)


@settings(max_examples=100, deadline=None)
@given(documents=tables(5), queries=tables(5), top_k=st.integers(1, 12))
def test_results_are_the_best_dot_products_that_are_not_zero(documents, queries, top_k):
    index = InvertedIndex.build(SparseVectors.from_dense(documents))
    found = index.search(SparseVectors.from_dense(queries), top_k)
    for place, query in enumerate(queries):
        scores = documents @ query  # exact: halves of small whole numbers
        expected = sorted(np.flatnonzero(scores).tolist(), key=lambda row: (-scores[row], row))[:top_k]
        assert found.hits(place) == [(row, scores[row]) for row in expected]


def test_blocks_change_nothing(monkeypatch):
    rows = SparseVectors.from_dense(np.random.default_rng(1).integers(0, 3, (50, 20)).astype(np.float32))
    whole = InvertedIndex.build(rows)
    monkeypatch.setattr(csr, "BLOCK", 30)
    parts = InvertedIndex.build(rows)
    for name in ("offsets", "documents", "weights"):
        assert getattr(parts, name).tolist() == getattr(whole, name).tolist()


def test_equal_scores_come_by_document_and_rows_that_are_not_filled_are_marked():
    index = InvertedIndex.build(SparseVectors.from_rows([{0: 1.0}] * 5 + [{1: 1.0}], 2))
    found = index.search(SparseVectors.from_rows([{0: 1.0}, {1: 2.0}, {}], 2), top_k=3)
    assert found.rows.tolist() == [[0, 1, 2], [5, -1, -1], [-1, -1, -1]]
    assert found.scores.tolist() == [[1, 1, 1], [2, -np.inf, -np.inf], [-np.inf] * 3]
    assert (found.rows.dtype, found.scores.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("rows", [[], [{}, {}]])
def test_a_corpus_of_nothing_has_no_results(rows, tmp_path):
    index = InvertedIndex.build(SparseVectors.from_rows(rows, 3))
    index.save(tmp_path)
    for one in (index, InvertedIndex.load(tmp_path)):
        assert len(one) == len(rows)
        assert hits(one, SparseVectors.from_rows([{1: 1.0}], 3)) == []
    assert index.search(SparseVectors.from_rows([], 3)).rows.shape == (0, 0)


def test_vectors_of_no_dimensions_are_indexed_too():
    index = InvertedIndex.build(SparseVectors.from_rows([{}, {}], 0))
    assert (len(index), index.dim) == (2, 0)
    assert hits(index, SparseVectors.from_rows([{}], 0)) == []


@pytest.mark.parametrize("top_k", [0, -1, 2.5, True])
def test_results_are_one_or_more(top_k):
    with pytest.raises(ArgumentError, match=f"top_k: {top_k}"):
        InvertedIndex.build(DOCUMENTS).search(DOCUMENTS, top_k)


@pytest.mark.parametrize("queries", [SparseVectors.from_rows([{}], 5), np.zeros((1, 4), np.float32), None])
def test_queries_of_another_width_or_kind_are_refused(queries):
    with pytest.raises(ArgumentError, match="queries: .*expected sparse vectors of the index's 4 dimensions"):
        InvertedIndex.build(DOCUMENTS).search(queries)


@pytest.mark.parametrize("vectors", [np.ones((2, 3)), [[1.0]], None, "a b"])
def test_what_are_no_sparse_vectors_is_refused(vectors):
    with pytest.raises(ArgumentError, match=r"vectors: \w+.*, expected SparseVectors\. Pass what SparseEncoder"):
        InvertedIndex.build(vectors)


@pytest.mark.parametrize("mmap", [True, False])
def test_an_index_comes_back_from_its_folder(tmp_path, mmap):
    index = InvertedIndex.build(DOCUMENTS)
    index.save(tmp_path / "new" / "index")
    loaded = InvertedIndex.load(str(tmp_path / "new" / "index"), mmap=mmap)
    assert isinstance(loaded.weights, np.memmap) == isinstance(loaded.documents, np.memmap) == mmap
    assert (len(loaded), loaded.dim, loaded.nbytes) == (4, 4, index.nbytes)
    found, expected = loaded.search(DOCUMENTS), index.search(DOCUMENTS)
    assert (found.rows == expected.rows).all()
    assert (found.scores == expected.scores).all()


def test_an_index_may_be_saved_over_the_one_that_is_open(tmp_path):
    InvertedIndex.build(DOCUMENTS).save(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    opened = InvertedIndex.load(tmp_path)
    opened.save(tmp_path)
    InvertedIndex.build(DOCUMENTS[:1]).save(tmp_path)
    assert hits(opened, DOCUMENTS[2]) == [(2, 9.0), (0, 6.0)]
    assert len(InvertedIndex.load(tmp_path)) == 1
    names = ["documents.npy", "notes.txt", "offsets.npy", "shape.npy", "weights.npy"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_a_save_that_is_cut_short_is_refused_by_load(tmp_path, monkeypatch):
    InvertedIndex.build(DOCUMENTS).save(tmp_path)

    def full(path, array):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("airvec.search.inverted_index.write_array", full)
    with pytest.raises(OSError, match="No space left"):
        InvertedIndex.build(DOCUMENTS[:2]).save(tmp_path)
    with pytest.raises(ModelNotFoundError, match=r"shape.npy: no such file.*write it again"):
        InvertedIndex.load(tmp_path)


@pytest.mark.parametrize("name", ["offsets", "documents", "weights", "shape"])
def test_a_missing_cut_or_mistyped_file_is_named(tmp_path, name):
    InvertedIndex.build(DOCUMENTS).save(tmp_path)
    file = tmp_path / f"{name}.npy"
    content = file.read_bytes()
    for damaged in (content[:-4], content[:30], b""):
        file.write_bytes(damaged)
        with pytest.raises(ModelFolderError, match=f"{name}.npy: .*write it again"):
            InvertedIndex.load(tmp_path)
    np.save(file, np.zeros(4, np.float16))
    with pytest.raises(ModelFolderError, match=rf"{name}.npy: holds float16 \[4\]"):
        InvertedIndex.load(tmp_path)
    file.unlink()
    with pytest.raises(ModelNotFoundError, match=f"{name}.npy: no such file"):
        InvertedIndex.load(tmp_path)


@pytest.mark.parametrize("name", ["offsets", "documents", "weights", "shape"])
def test_files_of_two_indexes_do_not_go_together(tmp_path, name):
    InvertedIndex.build(DOCUMENTS).save(tmp_path / "one")
    InvertedIndex.build(SparseVectors.from_rows([{0: 1.0, 4: 1.0}], 5)).save(tmp_path / "two")
    (tmp_path / "two" / f"{name}.npy").replace(tmp_path / "one" / f"{name}.npy")
    with pytest.raises(ModelFolderError, match=r"one: offsets \[0\] to .*are not those of one index. Write it again"):
        InvertedIndex.load(tmp_path / "one")


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("offsets", [0, 3, 2, 5, 5]),
        ("offsets", [1, 2, 3, 5, 5]),
        ("shape", [-1, 4]),
        ("shape", [4]),
        ("shape", [4, -1]),
    ],
)
def test_numbers_that_no_index_has_are_refused(tmp_path, name, array):
    InvertedIndex.build(DOCUMENTS).save(tmp_path)
    np.save(tmp_path / f"{name}.npy", np.array(array, np.int64))
    with pytest.raises(ModelFolderError, match="are not those of one index"):
        InvertedIndex.load(tmp_path)


@pytest.mark.parametrize("documents", [[0, 4, 3, 0, 2], [-1, 3, 3, 0, 2]])
def test_documents_that_are_not_there_are_noticed_by_the_search_that_meets_them(tmp_path, documents):
    InvertedIndex.build(DOCUMENTS).save(tmp_path)
    np.save(tmp_path / "documents.npy", np.array(documents, np.int32))
    loaded = InvertedIndex.load(tmp_path)
    assert hits(loaded, SparseVectors.from_rows([{2: 1.0}], 4)) == [(2, 3.0), (0, 2.0)]
    with pytest.raises(ModelFolderError, match=r"documents.npy: dimension 0 has documents .* expected some of 4"):
        loaded.search(SparseVectors.from_rows([{0: 1.0}], 4))
