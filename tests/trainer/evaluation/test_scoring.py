"""Similarities of pairs: equal pairs are ties."""

import numpy as np
import pytest

from airvec.sparse_vectors import SparseVectors
from airvec_trainer.evaluation.scoring import MEASURES, pair_scores


def vectors(count=500, dim=384, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


@pytest.mark.parametrize("factor", [1.0, 0.3, -1.0])
def test_a_vector_has_exactly_the_cosine_1_with_itself_and_its_multiples(factor):
    some = vectors()
    found = pair_scores("cosine", some, np.float64(factor) * some.astype(np.float64))
    assert set(found.tolist()) == {np.sign(factor)}


def test_a_sparse_vector_has_exactly_the_cosine_1_with_itself():
    some = SparseVectors.from_dense(np.maximum(vectors() - 1, 0).astype(np.float32))
    assert set(pair_scores("cosine", some, some).tolist()) == {1.0}


def test_cosines_of_codes_are_ties_where_their_fractions_are_equal():
    signs = np.sign(vectors(2000, 24)).astype(np.float64)
    found = pair_scores("cosine", signs[:1000], signs[1000:])
    exact = (signs[:1000] * signs[1000:]).sum(axis=1) / 24
    assert len(set(found.tolist())) == len(set(exact.tolist()))
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("name", MEASURES)
def test_a_pair_and_the_same_pair_turned_round_or_elsewhere_are_ties(name, sparse):
    one, other = vectors(50), vectors(50, seed=1)
    if sparse:
        one, other = (SparseVectors.from_dense(np.maximum(side, 0)) for side in (one, other))
    found = pair_scores(name, one, other)
    assert found.tolist() == pair_scores(name, other, one).tolist()
    assert found[3:].tolist() == pair_scores(name, one[3:], other[3:]).tolist()


def test_vectors_of_length_0_have_the_cosine_0():
    nothing = np.zeros((2, 4), np.float32)
    assert pair_scores("cosine", nothing, nothing).tolist() == [0, 0]
    sparse = SparseVectors.from_dense(nothing)
    assert pair_scores("cosine", sparse, sparse).tolist() == [0, 0]
