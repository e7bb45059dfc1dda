"""Numbers that can be checked by hand: from the origin, (3, 4) is 5 away."""

import pytest
import torch

from airvec_trainer.losses import TripletDistanceMetric, TripletLoss

ANCHOR = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
NEAR, FAR = torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[2.0, 0.0], [9.0, 0.0]])


def test_a_negative_that_is_too_near_costs_what_is_missing():
    assert TripletLoss()([ANCHOR, NEAR, FAR]).item() == pytest.approx((5 - 2 + 5 + 0) / 2)


def test_distances_can_be_sums_of_differences():
    loss = TripletLoss(distance_metric=TripletDistanceMetric.MANHATTAN, triplet_margin=1)
    assert loss([ANCHOR, NEAR, FAR]).item() == pytest.approx((7 - 2 + 1 + 0) / 2)


def test_distances_can_be_of_directions():
    axes = torch.eye(2)
    loss = TripletLoss(distance_metric=TripletDistanceMetric.COSINE, triplet_margin=0.5)
    assert loss([axes, axes, axes.flip(0)]) == 0
    assert loss([axes, axes.flip(0), 3 * axes]).item() == pytest.approx(1.5)
