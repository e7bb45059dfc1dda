"""Mirrors runtime/airvec/search/exact.py, against the loops of golden/reference.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from airvec.errors import ArgumentError, MissingPackageError
from airvec.search import (
    community_detection,
    paraphrase_mining,
    paraphrase_mining_embeddings,
    semantic_search,
    top_k_rows,
)
from airvec.similarity import dot_score, euclidean_sim
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


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(1, 8)), elements=FEW_VALUES), SIZES)
def test_the_highest_scores_come_first_and_ties_by_place(scores, top_k):
    assert top_k_rows(scores, top_k).tolist() == [reference.nearest(row, top_k) for row in scores.tolist()]


def test_a_score_that_is_no_number_comes_last():
    scores = np.array([[np.nan, 1, 2, np.nan], [np.nan] * 4], np.float32)
    assert top_k_rows(scores, 3).tolist() == [[2, 1, 0], [0, 1, 2]]
    assert top_k_rows(scores, 9).tolist() == [[2, 1, 0, 3], [0, 1, 2, 3]]


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


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(0, 10), st.just(2)), elements=st.sampled_from([-1.0, 0.0, 1.0, 2.0])),
    st.sampled_from([0.5, 0.75, 0.92]), st.integers(1, 4), SIZES,
)  # fmt: skip
def test_communities_are_those_of_plain_loops(rows, threshold, smallest, batch):
    found = community_detection(rows, threshold, smallest, batch)
    rounded = [[round(value, 5) for value in row] for row in reference.table(reference.cosine, rows, rows)]
    expected = reference.communities(rounded, threshold, smallest)
    assert [(one[0], sorted(one)) for one in found] == [(one[0], sorted(one)) for one in expected]


def test_communities_by_hand():
    rows = [[1, 0], [1, 0.1], [1, -0.1], [0, 1], [0.1, 1], [-1, -1]]
    assert community_detection(np.array(rows), threshold=0.9, min_community_size=2) == [[0, 1, 2], [3, 4]]
    assert community_detection(rows, threshold=0.9, min_community_size=3) == [[0, 1, 2]]
    assert community_detection(rows, threshold=0.9, min_community_size=1)[-1] == [5]


def test_no_row_is_in_two_communities():
    angles = np.linspace(0, 1.5, 16)
    groups = community_detection(np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.95, 2, batch_size=5)
    members = [row for group in groups for row in group]
    assert len(groups) > 1
    assert len(members) == len(set(members))


@pytest.mark.parametrize("rows", [[], np.zeros((0, 3)), np.eye(3)])
def test_fewer_rows_than_the_smallest_community_give_none(rows):
    assert community_detection(rows, min_community_size=4) == []


@pytest.mark.parametrize("name", ["min_community_size", "batch_size"])
def test_communities_refuse_sizes_below_one(name):
    with pytest.raises(ArgumentError, match=f"{name}: 0, expected a whole number of at least 1"):
        community_detection(np.eye(3), **{name: 0})


def test_a_progress_bar_over_the_rows_needs_tqdm(monkeypatch, capsys):
    assert community_detection(np.eye(3), min_community_size=1, show_progress_bar=True) == [[0], [1], [2]]
    assert "Finding groups" in capsys.readouterr().err
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match="pip install"):
        community_detection(np.eye(3), min_community_size=1, show_progress_bar=True)
