"""What holds dense, lexical and multi-vector embeddings together, and how it is scored."""

import numpy as np
import pytest

from airvec import ArgumentError, MultiEmbedding, MultiEmbeddings, SparseVectors
from airvec.multi_embeddings import score, score_pairwise


def embeddings(first: int = 0, texts: int = 3) -> MultiEmbeddings:
    dense = np.eye(4, dtype=np.float32)[first : first + texts]
    sparse = SparseVectors.from_rows([{place: 1.0} for place in range(first, first + texts)], 9)
    return MultiEmbeddings(dense, sparse, [np.full((2 + row, 5), row, np.float32) for row in range(texts)])


def test_it_has_a_length_rows_slices_and_a_description():
    found = embeddings()
    assert (len(found), len(found[1:]), [type(one) for one in found]) == (3, 2, [MultiEmbedding] * 3)
    assert repr(found) == "MultiEmbeddings(3 texts: dense (3, 4), sparse (3, 9), multi_vector 9 x 5)"
    assert found[-1].sparse.to_dict() == {2: 1.0}
    assert found[1].multi_vector.shape == (3, 5)
    np.testing.assert_array_equal(found[1:].dense, found.dense[1:])
    np.testing.assert_array_equal(found[2].as_rows().dense, found.dense[2:])
    with pytest.raises(IndexError):
        found[3]
    assert repr(MultiEmbeddings(multi_vector=[])) == "MultiEmbeddings(0 texts: multi_vector 0)"


def test_parts_are_joined_in_order():
    joined = MultiEmbeddings.concatenate([embeddings(0, 1), embeddings(1, 2)])
    np.testing.assert_array_equal(joined.dense, np.eye(4)[:3])
    assert joined.sparse.to_dict() == [{0: 1.0}, {1: 1.0}, {2: 1.0}]
    assert [one.shape for one in joined.multi_vector] == [(2, 5), (2, 5), (3, 5)]
    with pytest.raises(ArgumentError, match="'dense'.*expected embeddings of the same parts"):
        MultiEmbeddings.concatenate([embeddings(), MultiEmbeddings(embeddings().dense)])
    with pytest.raises(ArgumentError, match=r"parts: \[\]"):
        MultiEmbeddings.concatenate([])


def test_parts_of_different_lengths_or_none_are_refused():
    with pytest.raises(ArgumentError, match="'dense': 3, 'multi_vector': 1"):
        MultiEmbeddings(embeddings().dense, multi_vector=[np.zeros((1, 2), np.float32)])
    with pytest.raises(ArgumentError, match="of lengths {}"):
        MultiEmbeddings()


def test_without_weights_what_both_sides_have_counts_alike():
    whole, dense = embeddings(), MultiEmbeddings(embeddings().dense)
    np.testing.assert_allclose(score(dense, whole), np.eye(3))
    both = MultiEmbeddings(embeddings().dense * 3, embeddings().sparse)
    np.testing.assert_allclose(score(both, whole), 2 * np.eye(3))
    assert score(both, whole).dtype == np.float32
    np.testing.assert_allclose(score_pairwise(both, whole), [2, 2, 2])


def test_one_text_is_scored_as_one_row():
    assert score(embeddings()[0], embeddings()).shape == (1, 3)
    assert score(embeddings(), embeddings()[0]).shape == (3, 1)
    assert score_pairwise(embeddings()[0], embeddings()[0]).shape == (1,)


@pytest.mark.parametrize("weights", [(1, 1), (1, -1, 1), (0, 0, 0), (1, float("nan"), 1), (1, float("inf"), 1)])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ArgumentError, match=r"weights: .*expected one number a part for dense, sparse, multi_vector"):
        score(embeddings(), embeddings(), weights)


def test_a_part_that_one_side_lacks_is_named():
    dense = MultiEmbeddings(embeddings().dense)
    with pytest.raises(ArgumentError, match="weights: 0.5 for sparse, which both sides must have"):
        score(dense, embeddings(), (1, 0.5, 0))
    with pytest.raises(ArgumentError, match="of which both sides have none"):
        score(dense, MultiEmbeddings(sparse=embeddings().sparse))
    with pytest.raises(ArgumentError, match="documents: ndarray"):
        score(embeddings(), embeddings().dense)
