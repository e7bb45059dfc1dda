"""Numbers that tell whether embeddings have moved."""

from dataclasses import FrozenInstanceError, asdict

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.drift import drift, pair_quality, population_stability

RANDOM = np.random.default_rng(0)
AROUND = np.array([3.0, 0, 0, 0]) + RANDOM.normal(size=(500, 4))


def test_what_has_not_moved_is_stable():
    found = drift(AROUND, AROUND.copy())
    assert found.centroid_similarity == pytest.approx(1.0)
    assert found.stability_index == 0.0
    assert found.share_below == found.reference_share_below == pytest.approx(0.05, abs=0.002)
    assert found.similarity == found.reference_similarity


def test_other_texts_of_the_same_kind_are_stable_and_other_kinds_are_not():
    alike = np.array([3.0, 0, 0, 0]) + RANDOM.normal(size=(500, 4))
    assert drift(AROUND, alike).stability_index < 0.1
    moved = drift(AROUND, alike + np.array([0, 3.0, 0, 0]))
    assert moved.stability_index > 0.25
    assert moved.similarity < moved.reference_similarity
    assert moved.share_below > 0.3
    assert moved.centroid_similarity < 0.9


def test_lengths_do_not_count():
    longer = AROUND * RANDOM.uniform(1, 5, (500, 1))
    assert asdict(drift(AROUND, longer)) == pytest.approx(asdict(drift(AROUND, AROUND)))


def test_numbers_that_can_be_counted():
    found = drift([[1.0, 0], [0, 1]], [[1.0, 1], [-1, -1], [2, 2], [3, 3]], threshold=0.0)
    assert found.reference_similarity == pytest.approx(np.sqrt(0.5))
    assert found.similarity == pytest.approx(0.5)  # 1, -1, 1, 1
    assert found.std == pytest.approx(np.sqrt(0.75))
    assert found.share_below == 0.25
    assert (found.threshold, found.reference_share_below) == (0.0, 0.0)


def test_the_result_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        drift(AROUND, AROUND).threshold = 0.0


def test_an_empty_bin_does_not_make_the_index_infinite():
    # halves become 0 and all: (0.0001 - 0.5) ln(0.0001 / 0.5) + 0.5 ln 2
    expected = (1e-4 - 0.5) * np.log(1e-4 / 0.5) + 0.5 * np.log(2)
    assert population_stability([1, 2, 3, 4], [5, 6], bins=2) == pytest.approx(expected)


def test_constant_numbers_are_stable_until_they_fall_or_rise():
    assert population_stability([1.0] * 5, [1.0] * 9) == 0.0
    assert population_stability([1.0] * 5, [2.0] * 9) > 1
    assert population_stability([1.0] * 5, [0.5] * 9) > 1


def test_a_fall_below_ties_at_the_least_number_shows():
    reference = [1.0] * 3 + [2.0, 3, 4, 5, 6, 7, 8]
    assert population_stability(reference, reference) == 0.0
    fallen = population_stability(reference, [0.0] * 3 + reference[3:])
    # 3/10 leave the bin that ends at 1, for one that holds none
    assert fallen == pytest.approx(2 * (0.3 - 1e-4) * np.log(0.3 / 1e-4))
    risen = population_stability([-number for number in reference], [0.0] * 3 + [-number for number in reference[3:]])
    assert risen > 0.25


@pytest.mark.parametrize("threshold", [float("nan"), float("inf")])
def test_a_threshold_that_is_no_number_is_refused(threshold):
    with pytest.raises(ArgumentError, match=f"threshold: {threshold}, expected a finite number"):
        drift(AROUND, AROUND, threshold=threshold)


@pytest.mark.parametrize("reference", [np.zeros((3, 4)), [[1, 2, 3, 0.1], [-1, -2, -3, -0.1]]])
def test_a_reference_without_a_direction_is_refused(reference):
    with pytest.raises(ArgumentError, match=r"reference: the mean of [23] directions has the length"):
        drift(reference, AROUND)


def test_quality_of_pairs_that_people_scored():
    found = pair_quality([[1.0, 0]] * 3, [[2.0, 0], [3, 4], [0, 1]], [5, 1, 3])  # cosines 1, 0.6, 0
    assert found.spearman == pytest.approx(0.5)
    assert found.pearson == pytest.approx((2 * 7 / 15 * 1 + 0 + 0 - 2 * 1 / 15) / np.sqrt(8 * 38 / 75), abs=1e-12)
    assert found.mean_similarity == pytest.approx(1.6 / 3)
    assert found.std_similarity == pytest.approx(np.std([1, 0.6, 0]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((AROUND, AROUND[:, :2]), "4 and 2 dimensions"),
        ((AROUND[:0], AROUND), r"reference: shape \[0, 4\]"),
        ((AROUND, AROUND[0]), r"current: shape \[4\]"),
        ((AROUND, np.full((2, 4), np.nan)), "8 values that are not finite"),
    ],
)
def test_embeddings_that_cannot_be_compared_are_refused(given, message):
    with pytest.raises(ArgumentError, match=message):
        drift(*given)


def test_other_numbers_that_cannot_be_are_refused():
    with pytest.raises(ArgumentError, match="bins: 1"):
        drift(AROUND, AROUND, bins=1)
    with pytest.raises(ArgumentError, match=r"\[500, 4\] and \[499, 4\]"):
        pair_quality(AROUND, AROUND[1:], [1])
    with pytest.raises(ArgumentError, match="shapes"):
        pair_quality(AROUND, AROUND, [1, 2])
