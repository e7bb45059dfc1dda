"""Mirrors runtime/airvec/similarity.py; what all similarities share is in contracts/test_similarities.py."""

import tracemalloc

import numpy as np
import pytest

from airvec import similarity
from airvec.similarity import (
    SIMILARITIES,
    as_rows,
    cos_sim,
    dot_score,
    euclidean_sim,
    manhattan_sim,
    pairwise_cos_sim,
    pairwise_dot_score,
    pairwise_euclidean_sim,
    pairwise_manhattan_sim,
)

A, B = [[3.0, 4.0], [0.0, 0.0]], [[4.0, 3.0], [-3.0, -4.0]]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (cos_sim, [[0.96, -1], [0, 0]]),
        (dot_score, [[24, -25], [0, 0]]),
        (euclidean_sim, [[-np.sqrt(2), -10], [-5, -5]]),
        (manhattan_sim, [[-2, -14], [-7, -7]]),
    ],
)
def test_values_worked_out_by_hand(function, expected):
    np.testing.assert_allclose(function(A, B), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (pairwise_cos_sim, [0.96, 0]),
        (pairwise_dot_score, [24, 0]),
        (pairwise_euclidean_sim, [-np.sqrt(2), -5]),
        (pairwise_manhattan_sim, [-2, -7]),
    ],
)
def test_pairwise_values_worked_out_by_hand(function, expected):
    np.testing.assert_allclose(function(A, B), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_dot_products_of_codes_do_not_wrap_around(kind):
    codes = np.full((2, 1000), np.iinfo(kind).max, kind)
    exact = 1000.0 * np.iinfo(kind).max ** 2
    assert dot_score(codes, codes).tolist() == [[exact] * 2] * 2
    assert pairwise_dot_score(codes, codes).tolist() == [exact] * 2


def test_codes_have_the_cosines_and_distances_of_their_values():
    a, b = np.array([[-128, 127, 0]], np.int8), np.array([[127, 127, 0]], np.int8)
    values = a.astype(np.float32), b.astype(np.float32)
    for every, pairwise in SIMILARITIES.values():
        assert every(a, b) == every(*values)
        assert pairwise(a, b) == pairwise(*values)


def test_distances_are_the_same_however_small_the_blocks(monkeypatch):
    vectors = np.random.default_rng(1).normal(size=(37, 5)).astype(np.float32)
    whole = euclidean_sim(vectors, vectors[:11]), manhattan_sim(vectors, vectors[:11])
    monkeypatch.setattr(similarity, "BLOCK_BYTES", 1)
    assert (euclidean_sim(vectors, vectors[:11]) == whole[0]).all()
    assert (manhattan_sim(vectors, vectors[:11]) == whole[1]).all()


def test_distances_to_many_rows_take_little_memory_besides_the_answer():
    few, many = np.zeros((2, 64), np.float32), np.zeros((500_000, 64), np.float32)
    tracemalloc.start()
    for distance in (manhattan_sim, euclidean_sim):
        assert distance(few, many).shape == (2, 500_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * similarity.BLOCK_BYTES


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
@pytest.mark.parametrize("dim", [1, 258, 259, 1024, 1025, 4096])
def test_dot_products_of_codes_are_exact_at_every_width(kind, dim):
    ends = np.iinfo(kind)
    codes = np.random.default_rng(dim).integers(ends.max - 3, ends.max, (5, dim), dtype=kind, endpoint=True)
    codes[0] = ends.min
    exact = codes.astype(np.int64) @ codes.T.astype(np.int64)
    assert (dot_score(codes, codes) == exact.astype(np.float32)).all()


def test_codes_are_multiplied_in_single_precision_where_that_is_exact():
    for kind, dim, expected in (
        (np.int8, 1024, np.float32), (np.int8, 1025, np.float64), (np.uint8, 258, np.float32),
        (np.uint8, 259, np.float64), (np.int32, 1, np.float64),
    ):  # fmt: skip
        assert similarity._exact(np.zeros((1, dim), kind), np.zeros((1, dim), kind)) is expected


def test_equal_vectors_have_the_distance_zero_exactly():
    vectors = np.random.default_rng(1).normal(size=(40, 384)).astype(np.float32)
    assert (np.diagonal(euclidean_sim(vectors, vectors)) == 0).all()


def test_half_precision_is_compared_in_single_precision():
    vectors = np.full((1, 400), 20, np.float16)
    assert dot_score(vectors, vectors) == 160_000  # float16 ends at 65,504


def test_rows_of_one_vector_are_that_vector():
    assert as_rows([1, 2]).shape == (1, 2)
    assert as_rows(np.zeros((0, 4))).shape == (0, 4)
