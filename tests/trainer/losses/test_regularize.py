import pytest
import torch

from airvec.errors import ArgumentError
from airvec_trainer.losses import GlobalOrthogonalRegularizationLoss
from airvec_trainer.similarity import dot_score

ALIKE = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
OPPOSITE = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])


def test_alike_rows_cost_their_mean_and_their_second_moment():
    # One pair of cosine 1 in two dimensions: 1² and 1 − ½.
    parts = GlobalOrthogonalRegularizationLoss().parts([ALIKE])
    assert {name: part.item() for name, part in parts.items()} == {"gor_mean": 1.0, "gor_second_moment": 0.5}
    assert GlobalOrthogonalRegularizationLoss()([ALIKE]).item() == 1.5


def test_opposite_rows_cost_the_same_for_the_mean_is_squared():
    assert GlobalOrthogonalRegularizationLoss()([OPPOSITE]).item() == 1.5


def test_rows_at_right_angles_cost_nothing():
    assert GlobalOrthogonalRegularizationLoss()([torch.eye(3)]).item() == 0


def test_a_second_moment_as_of_random_directions_costs_nothing():
    # Three directions 60° apart: cosines ½, ½, −½, the second moment ¼ is below ½.
    rows = torch.tensor([[1.0, 0.0], [0.5, 0.75**0.5], [-0.5, 0.75**0.5]])
    parts = GlobalOrthogonalRegularizationLoss().parts([rows])
    assert parts["gor_mean"].item() == pytest.approx(1 / 36, rel=1e-5)
    assert parts["gor_second_moment"].item() == 0


def test_weights_count_and_one_of_none_leaves_its_term_out():
    weighted = GlobalOrthogonalRegularizationLoss(mean_weight=3.0, second_moment_weight=4.0)
    assert weighted([ALIKE]).item() == 3 + 2
    assert list(GlobalOrthogonalRegularizationLoss(mean_weight=None).parts([ALIKE])) == ["gor_second_moment"]
    assert list(GlobalOrthogonalRegularizationLoss(second_moment_weight=0).parts([ALIKE])) == ["gor_mean"]


@pytest.mark.parametrize(("aggregation", "expected"), [("mean", 0.75), ("sum", 1.5)])
def test_columns_are_each_by_themselves(aggregation: str, expected: float):
    assert GlobalOrthogonalRegularizationLoss(aggregation=aggregation)([ALIKE, torch.eye(2)]).item() == expected


def test_another_similarity_may_be_chosen():
    assert GlobalOrthogonalRegularizationLoss(similarity_fct=dot_score, second_moment_weight=0)([2 * ALIKE]) == 16


def test_one_row_alone_costs_nothing():
    alone = ALIKE[:1].clone().requires_grad_()
    value = GlobalOrthogonalRegularizationLoss()([alone])
    value.backward()
    assert value.item() == 0
    assert torch.equal(alone.grad, torch.zeros(1, 2))


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ArgumentError, match=r"mean_weight=0 and second_moment_weight=None, expected one above 0"):
        GlobalOrthogonalRegularizationLoss(mean_weight=0, second_moment_weight=None)
    with pytest.raises(ArgumentError, match="aggregation='max'"):
        GlobalOrthogonalRegularizationLoss(aggregation="max")
