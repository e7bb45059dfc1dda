"""Numbers that can be checked by hand: texts on a line, where a distance is a difference."""

import math
from math import e, log

import pytest
import torch

from airvec.errors import ArgumentError
from airvec_trainer.losses import (
    BatchAllTripletLoss,
    BatchHardSoftMarginTripletLoss,
    BatchHardTripletLoss,
    BatchHardTripletLossDistanceFunction,
    BatchSemiHardTripletLoss,
    SupConLoss,
)

LINE = [torch.tensor([[0.0], [1.0], [3.0], [7.0]])]
TWO = torch.tensor([0, 0, 1, 1])
ALL = [BatchAllTripletLoss, BatchHardTripletLoss, BatchHardSoftMarginTripletLoss, BatchSemiHardTripletLoss]


def test_all_triplets_that_miss_the_margin_are_averaged():
    # d(a, p) − d(a, n): 1−3, 1−7 | 1−2, 1−6 | 4−3, 4−2 | 4−7, 4−6; with margin 3: 1, – | 2, – | 4, 5 | –, 1
    assert BatchAllTripletLoss(margin=3)(LINE, TWO).item() == pytest.approx((1 + 2 + 4 + 5 + 1) / 5)


def test_the_hardest_triplet_of_each_text_counts():
    assert BatchHardTripletLoss(margin=3)(LINE, TWO).item() == pytest.approx((1 + 2 + 5 + 1) / 4)


def test_a_soft_margin_needs_no_margin():
    expected = sum(log(1 + e**missed) for missed in (1 - 3, 1 - 2, 4 - 2, 4 - 6)) / 4
    assert BatchHardSoftMarginTripletLoss()(LINE, TWO).item() == pytest.approx(expected)


def test_semi_hard_negatives_lie_beyond_the_positive():
    # beyond the positive: 3 | 2 | none, so the farthest, 3 | 6: 1−3, 1−2, 4−3, 4−6, each + 3
    assert BatchSemiHardTripletLoss(margin=3)(LINE, TWO).item() == pytest.approx((1 + 2 + 4 + 1) / 4)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (BatchAllTripletLoss, 0.0),  # there is no triplet
        (BatchHardTripletLoss, (7 - 7 + 5 + 6 - 6 + 5 + 4 - 4 + 5 + 7 - 7 + 5) / 4),  # the nearest stands beyond all
        (BatchHardSoftMarginTripletLoss, log(2)),
        (BatchSemiHardTripletLoss, 5 + 2 * (1 + 3 + 7 + 2 + 6 + 4) / 12),  # against a itself, at 0
    ],
)
def test_a_batch_of_one_class_gives_what_the_formula_leaves(kind, expected):
    assert kind()(LINE, torch.ones(4, dtype=torch.int64)).item() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ALL)
def test_texts_that_are_alike_have_a_finite_gradient(kind):
    texts = torch.zeros(4, 3, requires_grad=True)
    kind()([texts], TWO).backward()
    assert texts.grad.isfinite().all()


def cosines(*angles: float) -> list[torch.Tensor]:
    return [torch.stack([torch.tensor([math.cos(angle), math.sin(angle)]) for angle in angles])]


def test_supervised_contrast_is_a_softmax_over_all_others():
    # angles 0, 60 and 90 degrees: cosines 0.5, 0 and √3/2; the third text is alone and counts nothing
    texts, third = cosines(0, math.pi / 3, math.pi / 2), math.sqrt(3) / 2
    first, second = (log(e ** (0.5 / t) + e ** (other / t)) - 0.5 / t for t, other in ((0.5, 0.0), (0.5, third)))
    found = SupConLoss(temperature=0.5, base_temperature=1)(texts, torch.tensor([0, 0, 1]))
    assert found.item() == pytest.approx(0.5 * (first + second) / 2)


def test_supervised_contrast_takes_the_mean_over_partners():
    texts, t = cosines(0, math.pi / 3, math.pi / 2), 0.07
    around = [[0.5, 0.0], [0.5, math.sqrt(3) / 2], [0.0, math.sqrt(3) / 2]]
    each = [log(sum(e ** (one / t) for one in row)) - sum(row) / 2 / t for row in around]
    assert SupConLoss()(texts, torch.zeros(3, dtype=torch.int64)).item() == pytest.approx(sum(each) / 3, rel=1e-5)


def test_supervised_contrast_without_a_pair_is_zero_with_a_gradient():
    texts = torch.eye(3, requires_grad=True)
    value = SupConLoss()([texts], torch.tensor([0, 1, 2]))
    value.backward()
    assert value.item() == 0
    assert texts.grad.abs().sum() == 0


@pytest.mark.parametrize("name", ["temperature", "base_temperature"])
def test_temperatures_are_above_zero(name):
    with pytest.raises(ArgumentError, match=rf"{name}.*above 0"):
        SupConLoss(**{name: 0})


def test_distances_of_all_pairs():
    rows = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    functions = BatchHardTripletLossDistanceFunction
    assert functions.euclidean_distance(rows).tolist() == [[0, 5], [5, 0]]
    assert functions.euclidean_distance(rows, squared=True).tolist() == [[0, 25], [25, 0]]
    assert functions.cosine_distance(torch.eye(2)).tolist() == [[0, 1], [1, 0]]
    assert functions.eucledian_distance is functions.euclidean_distance
    assert functions.euclidean_distance(rows.bfloat16()).dtype == torch.float32
