"""Numbers that can be checked by hand: pairs with cosine 1, 0 and −1."""

from math import e, log

import pytest
import torch
from torch import nn

from airvec_trainer.losses import AnglELoss, CoSENTLoss, CosineSimilarityLoss
from airvec_trainer.similarity import pairwise_dot_score

FIRST = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
SECOND = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])  # cosines 1, 0, −1


def test_cosines_are_compared_with_scores():
    assert CosineSimilarityLoss()([FIRST, SECOND], torch.tensor([1.0, 0.5, 0.0])).item() == pytest.approx(1.25 / 3)


def test_cosines_can_be_transformed_and_compared_otherwise():
    loss = CosineSimilarityLoss(loss_fct=nn.L1Loss(reduction="sum"), cos_score_transformation=nn.ReLU())
    assert loss([FIRST, SECOND], torch.tensor([1.0, 0.5, 0.0])).item() == pytest.approx(0.5)


def test_pairs_in_the_right_order_cost_little():
    found = CoSENTLoss(scale=1)([FIRST, SECOND], torch.tensor([0.9, 0.5, 0.1]))
    assert found.item() == pytest.approx(log(1 + 1 / e + 1 / e + e**-2))


def test_pairs_in_the_wrong_order_cost_much():
    found = CoSENTLoss(scale=1)([FIRST, SECOND], torch.tensor([0.1, 0.5, 0.9]))
    assert found.item() == pytest.approx(log(1 + e + e + e**2))


def test_equal_scores_are_not_compared():
    assert CoSENTLoss()([FIRST, SECOND], torch.ones(3)) == 0


def test_one_pair_has_nothing_to_be_compared_with():
    assert CoSENTLoss()([FIRST[:1], SECOND[:1]], torch.ones(1)) == 0


def test_labels_may_be_whole_numbers_or_a_column():
    found = CoSENTLoss(scale=1)([FIRST, SECOND], torch.tensor([0, 1, 2]))
    assert CoSENTLoss(scale=1)([FIRST, SECOND], torch.tensor([[0.0], [1.0], [2.0]])) == found


def test_another_similarity_can_be_asked_for():
    found = CoSENTLoss(scale=1, similarity_fct=pairwise_dot_score)([FIRST, SECOND], torch.tensor([0, 1, 1]))
    assert found.item() == pytest.approx(log(1 + e**2 + e**3))  # products 2, 0, −1


def test_angles_are_differences_of_complex_numbers():
    # (1, 0) is the number 1, (0, 1) is i: |1/1| → |1 + 0|, against i |0 − 1|
    first, second = FIRST[:2], torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert AnglELoss(scale=1)([first, second], torch.tensor([0.0, 1.0])).item() == pytest.approx(log(2))


def test_triplets_need_no_labels():
    anchor, half = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.6, -0.8]])  # cosine 0.6, sine 0.8: 1.4
    assert AnglELoss(scale=1)([anchor, half, anchor]).item() == pytest.approx(log(1 + e ** (1 - 1.4)), rel=1e-5)
    assert AnglELoss(scale=1)([anchor, anchor, half]).item() == pytest.approx(log(1 + e**0.4), rel=1e-5)


def test_labels_of_triplets_are_the_positives_scores():
    anchor, half = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.6, -0.8]])
    found = AnglELoss(scale=1)([anchor, half, anchor], torch.tensor([0.2]))  # the negative then has 0.8
    assert found.item() == pytest.approx(log(1 + e**0.4), rel=1e-5)
