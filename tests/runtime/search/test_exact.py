"""Mirrors runtime/airvec/search/exact.py, against the loops of golden/reference.py."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from airvec.errors import ArgumentError
from airvec.search import blocks, hamming_sim, paraphrase_mining, paraphrase_mining_embeddings, semantic_search
from airvec.similarity import cos_sim, dot_score, euclidean_sim
from tests.golden import reference

FEW_VALUES = st.sampled_from([-2.0, -1.0, 0.0, 1.0, 3.0])  # so that many scores are equal
SIZES = st.integers(1, 9)


def vectors(count: int, dim: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def ids(hits) -> list[list[int]]:
    return [[hit["corpus_id"] for hit in one] for one in hits]


def whole(rows: np.ndarray) -> np.ndarray:
    """Rows whose dot products are exact in float32, so that ties are ties."""
    return np.rint(rows * 4)


@pytest.mark.parametrize("corpus_chunk", [1, 2, 7, 30, 31, 500])
@pytest.mark.parametrize("query_chunk", [1, 4, 100])
def test_search_finds_what_plain_loops_find_whatever_the_chunks(query_chunk, corpus_chunk):
    queries, corpus = whole(vectors(9)), whole(vectors(31, seed=1))
    found = semantic_search(queries, corpus, query_chunk, corpus_chunk, top_k=5, score_function=dot_score)
    scores = reference.table(reference.dot, queries, corpus)
    assert ids(found) == [reference.nearest(row, 5) for row in scores]
    assert [[hit["score"] for hit in one] for one in found] == [sorted(row, reverse=True)[:5] for row in scores]


@pytest.mark.parametrize("corpus_chunk", [3, 5, 7, 500])
def test_rows_that_are_no_numbers_hide_no_others_whatever_the_chunks(corpus_chunk):
    queries, corpus = whole(vectors(4)), whole(vectors(31, seed=1))
    corpus[:6] = np.nan
    found = semantic_search(queries, corpus, 4, corpus_chunk, top_k=5, score_function=dot_score)
    scores = reference.table(reference.dot, queries, corpus[6:])
    assert ids(found) == [[place + 6 for place in reference.nearest(row, 5)] for row in scores]


def test_search_compares_by_cosine_unless_told_otherwise():
    corpus = [[10.0, 10.0], [0.0, 0.5], [0.0, 0.0]]
    assert semantic_search([0.0, 1.0], corpus, top_k=2) == [
        [{"corpus_id": 1, "score": 1.0}, {"corpus_id": 0, "score": pytest.approx(0.70711, abs=1e-5)}]
    ]
    assert ids(semantic_search([0.0, 1.0], corpus, score_function=dot_score)) == [[0, 1, 2]]
    assert ids(semantic_search([0.0, 1.0], corpus, score_function=euclidean_sim)) == [[1, 2, 0]]


def test_more_results_than_rows_gives_all_rows():
    assert ids(semantic_search(np.eye(3)[:2], np.eye(3), top_k=50)) == [[0, 1, 2], [1, 0, 2]]


def test_an_empty_corpus_gives_no_hits_and_no_queries_give_no_lists():
    assert semantic_search(np.eye(2), np.zeros((0, 2))) == [[], []]
    assert semantic_search(np.zeros((0, 2)), np.eye(2)) == []


def test_hits_are_plain_numbers():
    (hit,) = semantic_search(np.eye(2)[0], np.eye(2), top_k=1)[0]
    assert (type(hit["corpus_id"]), type(hit["score"])) == (int, float)


def test_codes_are_searched_exactly():
    corpus = np.array([[127] * 8, [-128] * 8, [1] * 8], np.int8)
    (hits,) = semantic_search(corpus[0], corpus, score_function=dot_score)
    assert [(hit["corpus_id"], hit["score"]) for hit in hits] == [(0, 129032.0), (2, 1016.0), (1, -130048.0)]


@pytest.mark.parametrize("dim", [8, 1024, 1025, 3000])
def test_sums_of_products_of_codes_are_exact_at_any_width(dim):
    draw = np.random.default_rng(dim)
    corpus = draw.integers(-128, 128, (60, dim), dtype=np.int8)
    corpus[:3] = -128
    corpus[1, 0], corpus[2, 0] = -127, -126
    (hits,) = semantic_search(corpus[0], corpus, top_k=60, score_function=dot_score)
    expected = corpus.astype(np.int64) @ corpus[0].astype(np.int64)
    assert [hit["corpus_id"] for hit in hits] == np.argsort(-expected.astype(np.float32), kind="stable").tolist()
    assert [hit["score"] for hit in hits] == np.sort(expected)[::-1].astype(np.float32).tolist()


def test_packed_bits_are_searched_by_hamming_distance():
    bits = np.random.default_rng(0).integers(0, 2, (50, 70), dtype=np.uint8)
    codes = np.packbits(bits, axis=1)
    (hits,) = semantic_search(codes[7], codes, top_k=50, score_function=hamming_sim)
    distances = (bits != bits[7]).sum(axis=1)
    assert [hit["corpus_id"] for hit in hits] == np.argsort(distances, kind="stable").tolist()
    assert [hit["score"] for hit in hits] == (-np.sort(distances)).tolist()


FUNCTIONS = [cos_sim, dot_score, hamming_sim, euclidean_sim]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int8, np.uint8])
def test_small_blocks_find_what_the_whole_table_says(monkeypatch, function, kind):
    draw = np.random.default_rng(1)
    rows = (draw.normal(size=(220, 16)) * 20).astype(np.int8)
    rows[150:180] = rows[20:50]  # equal scores, far apart
    rows = rows.view(np.uint8) if kind == np.uint8 else rows.astype(kind)
    if function is hamming_sim and rows.dtype.kind == "f":
        with pytest.raises(ArgumentError, match="expected uint8 on both sides, or int8"):
            semantic_search(rows[:2], rows, score_function=function)
        return
    for name, value in (("SCORES_AT_ONCE", 300), ("VALUES_AT_ONCE", 500), ("FIRST_ROWS", 3)):
        monkeypatch.setattr(blocks, name, value)
    found = semantic_search(rows[140:170], rows, query_chunk_size=11, top_k=9, score_function=function)
    table = function(rows[140:170], rows)
    # What is left open: equal rows that BLAS sums up otherwise at the end of a block than in its middle.
    expected = -np.sort(-table, axis=1)[:, :9]
    np.testing.assert_allclose([[hit["score"] for hit in one] for one in found], expected, rtol=1e-5, atol=1e-5)
    if rows.dtype.kind in "iu" and function is not cos_sim:
        assert ids(found) == np.argsort(-table, axis=1, kind="stable")[:, :9].tolist()


@pytest.mark.parametrize("function", FUNCTIONS[:3], ids=lambda function: function.__name__)
def test_memory_does_not_grow_with_the_corpus(function):
    """The whole table would take 160 MB; the vectors, 3 MB, are there before."""
    codes = np.random.default_rng(0).integers(-128, 128, (400_000, 8), dtype=np.int8)
    tracemalloc.start()
    semantic_search(codes[:100], codes, score_function=function)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25e6


def test_a_memory_mapped_corpus_is_searched(tmp_path):
    corpus = vectors(20)
    np.save(tmp_path / "corpus.npy", corpus)
    mapped = np.load(tmp_path / "corpus.npy", mmap_mode="r")
    assert semantic_search(corpus[:3], mapped, corpus_chunk_size=6) == semantic_search(corpus[:3], corpus)


def test_a_query_that_is_no_number_does_not_disturb_the_others():
    queries = np.array([[np.nan, 1], [0, 1]], np.float32)
    assert ids(semantic_search(queries, np.eye(2), top_k=1)) == [[0], [1]]


@pytest.mark.parametrize("name", ["query_chunk_size", "corpus_chunk_size", "top_k"])
@pytest.mark.parametrize("value", [0, -1, 2.5, None, True])
def test_sizes_that_are_no_whole_numbers_are_refused(name, value):
    with pytest.raises(ArgumentError, match=f"{name}: {value}, expected a whole number of at least 1"):
        semantic_search(np.eye(2), np.eye(2), **{name: value})
    with pytest.raises(ArgumentError, match=f"{name}: {value}, expected a whole number of at least 1"):
        paraphrase_mining_embeddings(np.eye(2), **{name: value})


def test_vectors_of_different_widths_are_refused():
    with pytest.raises(ArgumentError, match="2 and 3 dimensions"):
        semantic_search(np.eye(2), np.eye(3))


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(0, 8), st.just(3)), elements=FEW_VALUES),
    SIZES, SIZES, st.integers(1, 4), st.integers(1, 12),
)  # fmt: skip
def test_mining_finds_the_pairs_of_plain_loops(rows, query_chunk, corpus_chunk, top_k, max_pairs):
    found = paraphrase_mining_embeddings(rows, query_chunk, corpus_chunk, max_pairs, top_k, dot_score)
    scores = reference.table(reference.dot, rows, rows)
    expected = reference.pairs(scores, top_k, max_pairs)
    if rows.shape[0] <= query_chunk:  # else pairs are dropped at each block, and ties at the bound may differ
        assert [(i, j) for _, i, j in found] == expected
    assert [score for score, _, _ in found] == [scores[i][j] for i, j in expected]


def test_mining_gives_each_pair_once_and_no_row_with_itself():
    rows = vectors(12, dim=2)
    found = paraphrase_mining_embeddings(rows, query_chunk_size=5, corpus_chunk_size=4)
    assert len(found) == len({(i, j) for _, i, j in found}) == 66
    assert all(i < j for _, i, j in found)
    assert [score for score, _, _ in found] == sorted((score for score, _, _ in found), reverse=True)
    assert [type(value) for value in found[0]] == [float, int, int]


def test_equal_rows_are_each_others_pairs_even_where_they_hide_the_row_itself():
    found = paraphrase_mining_embeddings(np.ones((5, 3)), top_k=1)
    assert [(i, j) for _, i, j in found] == [(0, 1), (0, 2), (0, 3), (0, 4)]


def test_mining_texts_encodes_them_once_with_the_options_given():
    class Model:
        def encode(self, inputs, prompt_name, prompt, batch_size, show_progress_bar, *, truncate_dim):
            self.seen = (inputs, prompt_name, prompt, batch_size, show_progress_bar, truncate_dim)
            return np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]])

    model = Model()
    found = paraphrase_mining(model, ["a", "b", "c"], batch_size=3, top_k=1, max_pairs=1, truncate_dim=2, prompt="q: ")
    assert [(i, j) for _, i, j in found] == [(0, 2)]
    assert model.seen == (["a", "b", "c"], None, "q: ", 3, False, 2)
