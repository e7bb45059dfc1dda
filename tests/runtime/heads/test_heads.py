"""Heads worked out by hand, and what they refuse. Mirrors linear, neighbors, perceptron, prototypes and prepared."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.heads import Linear, Neighbors, Normalize, Perceptron, Prepared, Prototypes, Standardize, packed, unpacked

EYE = np.eye(2)
ZERO = np.zeros(2)
# Vectors at 0, 1 and 10 of a line, the first two with label 0.
LINE = {"vectors": np.array([[0.0], [1.0], [10.0]]), "targets": np.array([0, 0, 1]), "labels": 2, "metric": "euclidean"}


def test_softmax_of_two_scores():
    found = Linear(EYE, np.array([np.log(3.0), 0.0])).probabilities(np.zeros((1, 2)))
    np.testing.assert_allclose(found, [[0.75, 0.25]])


def test_one_row_of_weights_is_the_second_of_two_labels():
    head = Linear(np.array([[1.0, 0.0]]), np.zeros(1))
    assert head.decide(np.array([[2.0, 0], [-2.0, 0], [0.0, 0]])).tolist() == [1, 0, 0]
    np.testing.assert_allclose(head.probabilities(np.array([[np.log(4.0), 0]])), [[0.2, 0.8]])


def test_large_scores_do_not_overflow():
    with np.errstate(over="raise", invalid="raise"):
        found = Linear(1e5 * EYE, ZERO).probabilities(EYE)
        one = Linear(np.array([[1e5, -1e5]]), np.zeros(1)).probabilities(EYE)
    np.testing.assert_allclose(found, EYE)
    np.testing.assert_allclose(one, EYE[::-1])


def test_sigmoids_that_are_all_zero_stay():
    """As scikit-learn's: there is nothing to scale."""
    found = Linear(np.eye(3) * -1e5, np.full(3, -1e5), "sigmoid").probabilities(np.ones((1, 3)))
    assert found.tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize(("count", "expected"), [(1, [1.0, 0.0]), (3, [2 / 3, 1 / 3])])
def test_neighbours_vote(count, expected):
    np.testing.assert_allclose(Neighbors(**LINE, count=count).probabilities(np.array([[0.5]])), [expected])


def test_near_neighbours_count_more():
    head = Neighbors(**LINE, count=3, weighting="distance")
    np.testing.assert_allclose(head.probabilities(np.array([[2.0]])), [[12 / 13, 1 / 13]])  # 1/2 + 1/1 against 1/8


def test_a_neighbour_without_distance_alone_counts():
    head = Neighbors(**LINE, count=3, weighting="distance")
    assert head.probabilities(np.array([[10.0]])).tolist() == [[0.0, 1.0]]


def test_two_copies_of_a_text_count_alike():
    """Their cosine distances to themselves are rounding errors, of which one may be 0 and the other not."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(50, 64))
    twice = np.concatenate([vectors, 3 * vectors])
    head = Neighbors(twice, np.arange(100) // 50, 2, 4, "cosine", "distance")
    np.testing.assert_array_equal(head.probabilities(vectors), np.full((50, 2), 0.5))


def test_more_vectors_than_a_block():
    vectors = np.random.default_rng(0).normal(size=(700, 8))
    head = Neighbors(vectors, np.arange(700), 700, 1)
    assert head.decide(vectors).tolist() == list(range(700))


def test_layers_by_hand():
    weights = (np.array([[1.0, -1.0]]), np.array([[2.0], [3.0]]))
    head = Perceptron(weights, (ZERO, np.array([-4.0])), "relu")
    np.testing.assert_allclose(
        head.probabilities(np.array([[2.0], [-1.0]])), [[0.5, 0.5], [1 / (1 + np.exp(-1)), 1 / (1 + np.e)]]
    )
    assert (head.dim, head.outputs) == (1, 2)


def test_the_nearest_description_wins_whatever_the_lengths():
    head = Prototypes(np.array([[100.0, 0.0], [0.0, 0.1]]))
    assert head.decide(np.array([[0.2, 0.3], [5.0, 4.0], [0.0, 0.0]])).tolist() == [1, 0, 0]


def test_a_lower_temperature_is_more_certain():
    vectors = np.array([[1.0, 0.5]])
    sure, unsure = (Prototypes(EYE, value).probabilities(vectors)[0, 0] for value in (0.05, 1.0))
    assert sure > 0.99
    assert 0.5 < unsure < 0.7


def test_steps_go_first():
    inner = Linear(np.array([[1.0, -1.0]]), np.zeros(1))
    head = Prepared((Standardize(np.array([1.0, 0.0]), np.array([2.0, 4.0])), Normalize("max")), inner)
    assert head.decide(np.array([[3.0, 0.0], [1.0, 4.0]])).tolist() == [1, 0]
    assert (head.dim, head.outputs, head.multi_label) == (2, 2, False)


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_a_row_of_zeros_stays(norm):
    assert Normalize(norm)(np.zeros((2, 3))).tolist() == np.zeros((2, 3)).tolist()


HEADS = [
    Linear(EYE, ZERO), Linear(EYE, ZERO, "sigmoid", multi_label=True), Neighbors(**LINE, count=2),
    Perceptron((EYE,), (ZERO,)), Prototypes(EYE), Prepared((Normalize(),), Linear(EYE, ZERO)),
]  # fmt: skip


@pytest.mark.parametrize("head", HEADS, ids=lambda head: type(head).__name__)
def test_no_rows_give_no_rows(head):
    assert head.probabilities(np.zeros((0, head.dim))).shape == (0, head.outputs)
    assert head.decide(np.zeros((0, head.dim))).shape == ((0, head.outputs) if head.multi_label else (0,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(EYE, np.zeros(3)), "bias: 3 of them, expected 2"),
        (lambda: Linear(ZERO, ZERO), r"weights: \[2\] of float64, expected numbers in 2 dimensions"),
        (lambda: Linear(EYE * np.nan, ZERO), r"weights: nan at \[0, 0\], expected finite"),
        (lambda: Linear(EYE, ZERO * np.nan), "bias: array"),
        (lambda: Linear(EYE, ZERO, "probit"), "link: 'probit', expected one of softmax"),
        (lambda: Linear(np.array([["a"]]), ZERO), "weights: .* expected numbers"),
        (lambda: Neighbors(**LINE, count=4), "count: 4 of 3 vectors"),
        (lambda: Neighbors(**LINE, count=0), "count: 0, expected a whole number of at least 1"),
        (lambda: Neighbors(**LINE | {"labels": 1}, count=1), "targets: int64 .* from 0 to 1, expected .* 0 to 0"),
        (lambda: Neighbors(**LINE | {"targets": np.zeros(3)}, count=1), "targets: float64"),
        (lambda: Neighbors(**LINE | {"targets": np.zeros((3, 3), int)}, count=1), "targets: int64"),
        (lambda: Neighbors(**LINE | {"targets": np.zeros(2, int)}), "targets: 2 of them, expected 3"),
        (lambda: Neighbors(**LINE | {"metric": "manhattan"}, count=1), "metric: 'manhattan'"),
        (lambda: Neighbors(**LINE, count=1, weighting="none"), "weighting: 'none'"),
        (lambda: Perceptron((), ()), r"weights: \(\), expected at least one layer"),
        (lambda: Perceptron((EYE, np.eye(3)), (ZERO, np.zeros(3))), "rows of layer 1: 3 of them, expected 2"),
        (lambda: Perceptron((EYE,), (np.zeros(3),)), "bias of layer 0: 3 of them, expected 2"),
        (lambda: Perceptron((EYE,), (ZERO,), "gelu"), "activation: 'gelu'"),
        (lambda: Prototypes(np.array([[1.0, 0], [0, 0]])), "vectors: row 1 is zero"),
        (lambda: Prototypes(EYE, 0.0), "temperature: 0.0, expected a number above 0"),
        (lambda: Normalize("l3"), "norm: 'l3'"),
        (lambda: Standardize(ZERO, ZERO), "scale: .* expected none to be 0"),
        (lambda: Prepared((Standardize(np.zeros(3), np.ones(3)),), Linear(EYE, ZERO)), "mean: 3 of them, expected 2"),
        (lambda: packed(object()), "head: object, expected one of airvec.heads"),
        (lambda: unpacked({"type": "forest"}, {}), "head: type 'forest', expected linear"),
        (lambda: unpacked({}, {}), "head: no 'type'"),
        (lambda: unpacked({"type": "perceptron", "layers": "x"}, {}), "head: .* cannot be read"),
        (lambda: unpacked(packed(HEADS[0]).settings, {"weights": EYE}), "head: no 'bias'"),
        (lambda: unpacked(packed(HEADS[0]).settings | {"steps": [{"type": "pca"}]}, packed(HEADS[0]).arrays), "'pca'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
