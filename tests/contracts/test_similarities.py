"""What every similarity keeps, found through the one dict of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from airvec.errors import ArgumentError
from airvec.similarity import SIMILARITIES
from tests.golden import reference

NAMES = pytest.mark.parametrize("name", SIMILARITIES)
VALUES = st.floats(-8, 8, width=32).filter(lambda value: value == 0 or abs(value) > 1e-3)


def rows(count: int, dim: int = 3):
    return arrays(np.float32, (count, dim), elements=VALUES)


def test_every_similarity_has_a_version_in_plain_loops():
    assert set(SIMILARITIES) == set(reference.SCORES)


@NAMES
@settings(max_examples=40, deadline=None)
@given(a=rows(3), b=rows(4))
def test_it_equals_plain_loops(name, a, b):
    every, pairwise = SIMILARITIES[name]
    expected = np.array(reference.table(reference.SCORES[name], a, b))
    np.testing.assert_allclose(every(a, b), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(pairwise(a, b[:3]), np.diagonal(expected), rtol=1e-5, atol=1e-5)


@NAMES
@settings(max_examples=20, deadline=None)
@given(a=rows(3))
def test_it_is_symmetric_and_nothing_is_more_similar_than_the_vector_itself(name, a):
    scores = SIMILARITIES[name][0](a, a)
    np.testing.assert_allclose(scores, scores.T, atol=1e-5)
    if name != "dot":
        lengths = np.abs(a).sum(axis=1)
        itself = np.diagonal(scores)[lengths > 0]
        assert (itself[:, None] >= scores[lengths > 0] - 1e-5).all()


@NAMES
def test_lists_single_vectors_and_every_float_type_are_read(name):
    every, pairwise = SIMILARITIES[name]
    a, b = [[1.0, 2.0], [0.5, -1.0]], [2.0, 0.25]
    expected = np.array(reference.table(reference.SCORES[name], a, [b]))
    for kind in (np.float16, np.float32, np.float64):
        found = every(np.array(a, kind), np.array(b, kind))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(every(a, b), expected, rtol=1e-5)
    np.testing.assert_allclose(every([np.array(row) for row in a], b), expected, rtol=1e-5)
    assert every(b, b).shape == (1, 1)
    assert pairwise(b, b).shape == (1,)
    assert pairwise(a, a).dtype == np.float32


@NAMES
def test_no_rows_give_no_scores(name):
    every, pairwise = SIMILARITIES[name]
    none, two = np.zeros((0, 3), np.float32), np.ones((2, 3), np.float32)
    assert every(none, two).shape == (0, 2)
    assert every(two, none).shape == (2, 0)
    assert every(none, none).shape == (0, 0)
    assert pairwise(none, none).shape == (0,)


@NAMES
def test_the_inputs_are_left_as_they_were(name):
    a, b = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones((2, 3), np.float32)
    before = a.copy(), b.copy()
    for function in SIMILARITIES[name]:
        function(a, b)
    assert (a == before[0]).all()
    assert (b == before[1]).all()


@NAMES
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([[1.0, 2.0]], [[1.0, 2.0, 3.0]], "2 and 3 dimensions, expected the same"),
        (np.zeros((2, 2, 2)), [[1.0, 2.0]], r"shape \[2, 2, 2\] of float64"),
        ([[1.0], [1.0, 2.0]], [1.0], "Expected rows of one length"),
        (["one", "two"], [1.0, 2.0], r"shape \[2\] of <U3, expected numbers"),
        (None, [1.0], r"shape \[\] of object"),
    ],
)
def test_what_are_no_vectors_is_refused(name, a, b, message):
    for function in SIMILARITIES[name]:
        with pytest.raises(ArgumentError, match=message):
            function(a, b)


@NAMES
def test_pairs_need_as_many_rows_on_both_sides(name):
    with pytest.raises(ArgumentError, match="2 and 1 rows, expected as many"):
        SIMILARITIES[name][1](np.zeros((2, 3)), np.zeros((1, 3)))
