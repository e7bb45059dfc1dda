"""Step 1: the nearest documents, by every similarity, dense and sparse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airvec.similarity import SIMILARITIES
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.mining import MiningSettings
from airvec_trainer.mining import retrieve as module
from airvec_trainer.mining.pairs import read_pairs
from airvec_trainer.mining.retrieve import nearest, padded, retrieved
from tests.trainer.mining.stand_in import pairs

QUIET = MiningSettings(show_progress_bar=False)
QUERIES = np.array([[1, 0], [0, 2]], np.float32)
DOCUMENTS = np.array([[3, 4], [4, 3], [0, 1], [4, 3]], np.float32)


def test_cosines_on_paper():
    found = nearest(QUERIES, DOCUMENTS, 3, "cosine", QUIET)
    assert found.rows.tolist() == [[1, 3, 0], [2, 0, 1]]  # 1 and 3 are alike: the lower row first
    np.testing.assert_allclose(found.scores, [[0.8, 0.8, 0.6], [1.0, 0.8, 0.6]], rtol=1e-6)


def test_dot_products_on_paper():
    found = nearest(QUERIES, DOCUMENTS, 2, "dot", QUIET)
    assert found.rows.tolist() == [[1, 3], [0, 1]]
    assert found.scores.tolist() == [[4, 4], [8, 6]]


def test_missing_documents_are_nobody():
    found = nearest(QUERIES, DOCUMENTS[:1], 3, "dot", QUIET)
    assert found.rows.tolist() == [[0, -1, -1]] * 2
    assert found.scores[:, 1:].tolist() == [[-np.inf, -np.inf]] * 2
    assert padded(np.zeros((2, 0), np.int64), np.zeros((2, 0), np.float32), 2).rows.tolist() == [[-1, -1]] * 2


def test_sparse_rows_give_what_dense_ones_give():
    random = np.random.default_rng(0)
    queries, documents = (np.maximum(0, random.normal(size=(n, 12))).astype(np.float32) for n in (5, 9))
    for similarity in SIMILARITIES:
        dense = nearest(queries, documents, 4, similarity, QUIET)
        sparse = nearest(SparseVectors.from_dense(queries), SparseVectors.from_dense(documents), 4, similarity, QUIET)
        np.testing.assert_array_equal(sparse.rows, dense.rows)
        np.testing.assert_allclose(sparse.scores, dense.scores, atol=1e-5)


def test_a_document_without_a_common_word_is_no_candidate():
    queries, documents = SparseVectors.from_dense(QUERIES), SparseVectors.from_dense(np.eye(2, dtype=np.float32))
    assert nearest(queries, documents, 2, "dot", QUIET).rows.tolist() == [[0, -1], [1, -1]]


@settings(max_examples=40, deadline=None)
@given(
    queries=st.integers(1, 7), documents=st.integers(1, 9), count=st.integers(1, 12), at_once=st.integers(1, 4),
    similarity=st.sampled_from(sorted(SIMILARITIES)), seed=st.integers(0, 9),
)  # fmt: skip
def test_blocks_change_nothing(queries, documents, count, at_once, similarity, seed):
    random = np.random.default_rng(seed)
    q, d = (random.integers(-2, 3, (n, 3)).astype(np.float32) for n in (queries, documents))  # with ties
    whole = nearest(q, d, count, similarity, QUIET)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "DOCUMENTS_AT_ONCE", at_once)
        parts = nearest(q, d, count, similarity, MiningSettings(faiss_batch_size=at_once, show_progress_bar=False))
    if similarity in ("dot", "manhattan"):  # of whole numbers these are exact, and equals stay equal
        np.testing.assert_array_equal(parts.rows, whole.rows)
    np.testing.assert_allclose(parts.scores, whole.scores, atol=1e-6)
    scores = SIMILARITIES[similarity][0](q, d)
    best = np.sort(scores, axis=1)[:, ::-1][:, :count]
    np.testing.assert_allclose(whole.scores[:, : best.shape[1]], best, atol=1e-6)


def test_scores_of_pairs_stand_beside_the_candidates():
    read = read_pairs(pairs(("q", "a"), ("q", "b"), ("r", "b")), None, None, None)
    found, scores = retrieved(QUERIES, DOCUMENTS[:2], read, 1, "cosine", QUIET)
    assert found.rows.tolist() == [[1], [0]]
    np.testing.assert_allclose(scores, [0.6, 0.8, 0.6], rtol=1e-6)
