"""Mirrors runtime/airvec/sparse_similarity.py, through the public functions of airvec.similarity."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from airvec import csr, similarity
from airvec.errors import ArgumentError
from airvec.search import paraphrase_mining_embeddings, semantic_search
from airvec.similarity import SIMILARITIES, cos_sim, dot_score, euclidean_sim, manhattan_sim
from airvec.sparse_vectors import SparseVectors
from tests.golden import reference

NAMES = pytest.mark.parametrize("name", SIMILARITIES)
VALUES = st.one_of(st.just(0.0), st.floats(-8, 8, width=32).filter(lambda value: abs(value) > 1e-3))
A = SparseVectors.from_rows([{0: 3.0, 3: 4.0}, {}], 5)
B = SparseVectors.from_rows([{0: 4.0, 3: 3.0}, {0: -3.0, 3: -4.0}, {1: 12.0}], 5)


def random_rows(count, seed, dim=300, share=0.1):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(count, dim)) * (rng.random((count, dim)) < share)
    return SparseVectors.from_dense(table.astype(np.float32))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (cos_sim, [[0.96, -1, 0], [0, 0, 0]]),
        (dot_score, [[24, -25, 0], [0, 0, 0]]),
        (euclidean_sim, [[-np.sqrt(2), -10, -13], [-5, -5, -12]]),
        (manhattan_sim, [[-2, -14, -19], [-7, -7, -12]]),
    ],
)
def test_values_worked_out_by_hand(function, expected):
    for a, b in ((A, B), (A.to_dense(), B), (A, B.to_dense())):
        np.testing.assert_allclose(function(a, b), expected, rtol=1e-6, atol=1e-7)


@NAMES
@settings(max_examples=60, deadline=None)
@given(a=arrays(np.float32, (3, 6), elements=VALUES), b=arrays(np.float32, (4, 6), elements=VALUES))
def test_it_equals_plain_loops_over_dense_vectors(name, a, b):
    every, pairwise = SIMILARITIES[name]
    expected = np.array(reference.table(reference.SCORES[name], a, b))
    x, y = SparseVectors.from_dense(a), SparseVectors.from_dense(b)
    for left, right in ((x, y), (a, y), (x, b)):
        found = every(left, right)
        assert (found.dtype, found.shape) == (np.float32, (3, 4))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-5)
        pairs = pairwise(left, right[:3])
        assert (pairs.dtype, pairs.shape) == (np.float32, (3,))
        np.testing.assert_allclose(pairs, np.diagonal(expected), rtol=1e-6, atol=1e-5)


@NAMES
def test_many_rows_give_the_numbers_of_dense_vectors(name):
    every, pairwise = SIMILARITIES[name]
    x, y = random_rows(40, 1), random_rows(30, 2)
    dense = every(x.to_dense().astype(np.float64), y.to_dense())
    scale = np.abs(dense).max()
    np.testing.assert_allclose(every(x, y), dense, rtol=1e-6, atol=1e-6 * scale)
    np.testing.assert_allclose(every(y, x), dense.T, rtol=1e-6, atol=1e-6 * scale)
    np.testing.assert_allclose(pairwise(x[:30], y), np.diagonal(dense), rtol=1e-6, atol=1e-6 * scale)


@NAMES
def test_blocks_do_not_change_the_numbers(monkeypatch, name):
    x, y = random_rows(9, 1), random_rows(20, 2)
    functions = SIMILARITIES[name]
    whole = [
        [function(a, b) for a, b in sides(x, y[: len(y) if function is functions[0] else 9])] for function in functions
    ]
    monkeypatch.setattr(csr, "BLOCK", 50)
    monkeypatch.setattr(similarity, "BLOCK_BYTES", 4 * 300 * 2)
    for function, expected in zip(functions, whole, strict=True):
        for (a, b), one in zip(sides(x, y[: len(y) if function is functions[0] else 9]), expected, strict=True):
            np.testing.assert_allclose(function(a, b), one, rtol=1e-6, atol=1e-6)


def sides(x, y):
    return [(x, y), (x, y.to_dense()), (x.to_dense(), y)]


@NAMES
def test_one_vector_is_a_row(name):
    every, pairwise = SIMILARITIES[name]
    assert every(A[0], B).shape == (1, 3)
    assert every(B, A[0]).shape == (3, 1)
    assert pairwise(A[0], B[0]).tolist() == every(A[0], B[0])[0].tolist()
    assert every(A[0], [4.0, 0.0, 0.0, 3.0, 0.0])[0, 0] == pytest.approx(every(A[0], B[0])[0, 0], rel=1e-6)


@NAMES
def test_no_rows_give_no_scores(name):
    every, pairwise = SIMILARITIES[name]
    dense = np.ones((2, 5), np.float32)
    assert every(A[:0], B).shape == every(A[:0], np.ones((3, 5))).shape == (0, 3)
    assert every(B, A[:0]).shape == every(np.ones((3, 5)), A[:0]).shape == (3, 0)
    assert pairwise(A[:0], B[:0]).shape == pairwise(A[:0], dense[:0]).shape == (0,)
    empty = SparseVectors.from_rows([{}, {}], 5)
    assert (every(empty, empty) == 0).all()
    assert (pairwise(empty, empty) == 0).all()


def test_equal_vectors_have_the_distance_zero_exactly_and_near_ones_their_digits():
    rows = random_rows(10, 3)
    for function in (euclidean_sim, manhattan_sim):
        assert (np.diagonal(function(rows, rows)) == 0).all()
    near = SparseVectors(rows.indices, rows.values + np.float32(1e-5), rows.indptr, rows.dim)
    expected = -np.abs(near.values - rows.values).astype(np.float64)
    found = np.diagonal(manhattan_sim(rows, near))
    np.testing.assert_allclose(found, np.add.reduceat(expected, rows.indptr[:-1]), rtol=1e-6)


@NAMES
def test_other_dimensions_and_other_numbers_of_rows_are_refused(name):
    every, pairwise = SIMILARITIES[name]
    for other in (SparseVectors.from_rows([{}, {}], 6), np.zeros((2, 6))):
        for function in (every, pairwise):
            with pytest.raises(ArgumentError, match="5 and 6 dimensions, expected the same"):
                function(A, other)
            with pytest.raises(ArgumentError, match="6 and 5 dimensions, expected the same"):
                function(other, A)
    for other in (B, B.to_dense()):
        with pytest.raises(ArgumentError, match="2 and 3 rows, expected as many"):
            pairwise(A, other)


@pytest.mark.parametrize("name", ["cosine", "dot", "manhattan"])
def test_large_inputs_are_never_held_dense(name):
    rng, count, dim = np.random.default_rng(5), 3000, 50_000
    indices = np.sort(rng.integers(0, dim // 20, (count, 20)) + np.arange(20) * (dim // 20), axis=1).astype(np.int32)
    rows = SparseVectors(indices.ravel(), np.ones(20 * count, np.float32), np.arange(count + 1) * 20, dim)
    every, pairwise = SIMILARITIES[name]
    tracemalloc.start()
    every(rows[:20], rows)
    pairwise(rows, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6 < count * dim * 4 / 20


@pytest.mark.parametrize("score", [cos_sim, dot_score, euclidean_sim])
@pytest.mark.parametrize("corpus_chunk_size", [7, 500_000])
def test_semantic_search_finds_the_same_in_sparse_and_dense_vectors(score, corpus_chunk_size):
    queries, corpus = random_rows(5, 6, dim=40), random_rows(30, 7, dim=40)
    options = {"top_k": 4, "score_function": score, "corpus_chunk_size": corpus_chunk_size, "query_chunk_size": 2}
    expected = semantic_search(queries.to_dense(), corpus.to_dense(), **options)
    for some, others in ((queries, corpus), (queries.to_dense(), corpus), (queries, corpus.to_dense())):
        found = semantic_search(some, others, **options)
        assert [[hit["corpus_id"] for hit in hits] for hits in found] == [
            [h["corpus_id"] for h in hits] for hits in expected
        ]
        scores = [[hit["score"] for hit in hits] for hits in found]
        np.testing.assert_allclose(scores, [[hit["score"] for hit in hits] for hits in expected], rtol=1e-5, atol=1e-6)


def test_semantic_search_takes_one_sparse_query_and_gives_unrelated_rows_the_score_zero():
    assert semantic_search(A[0], B, top_k=3, score_function=dot_score) == [
        [{"corpus_id": 0, "score": 24.0}, {"corpus_id": 2, "score": 0.0}, {"corpus_id": 1, "score": -25.0}]
    ]
    assert semantic_search(A, B[:0]) == [[], []]
    with pytest.raises(ArgumentError, match="5 and 6 dimensions"):
        semantic_search(A, SparseVectors.from_rows([{}], 6))


def test_pairs_of_sparse_rows_are_mined():
    rows = SparseVectors.concatenate([A, B])
    found = paraphrase_mining_embeddings(rows, max_pairs=1)
    assert found == [[pytest.approx(0.96), 0, 2]]
