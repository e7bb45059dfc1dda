import pytest
import torch
from torch import nn

from airvec.errors import ArgumentError
from airvec_trainer.losses.rerank import MarginMSELoss
from tests.trainer.losses.rerank.given_scores import batch_of

SCORES = [torch.tensor([3.0]), torch.tensor([1.0]), torch.tensor([2.0])]  # margins 2 and 1


@pytest.mark.parametrize(
    "labels",
    [torch.tensor([[4.0, 1.0]]), torch.tensor([[5.0, 1.0, 4.0]]), [torch.tensor([5.0, 1.0, 4.0])], [[4.0, 1.0]]],
)
def test_margins_and_scores_of_a_teacher_say_the_same(labels):
    assert MarginMSELoss()(SCORES, labels).item() == 2.0  # ((2 - 4)² + (1 - 1)²) / 2


def test_one_negative_needs_a_number_a_row():
    assert MarginMSELoss()(SCORES[:2], torch.tensor([5.0])).item() == 9.0


def test_the_activation_comes_before_the_difference():
    value = MarginMSELoss(activation_fn=nn.ReLU())([torch.tensor([-3.0]), torch.tensor([1.0])], torch.tensor([0.0]))
    assert value.item() == 1.0


def test_each_column_has_a_pass_of_its_own():
    batch = batch_of(torch.tensor([[3.0, 1.0, 2.0]]), ["q0"], ["d0"], ["d1"], ["d2"])
    assert MarginMSELoss().on_batch(batch, torch.tensor([[4.0, 1.0]])).item() == 2.0
    assert batch.model.asked == [[("q0", "d0")], [("q0", "d1")], [("q0", "d2")]]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ArgumentError, match="labels are None, expected 2 margins for each of 1 rows"):
        MarginMSELoss()(SCORES)
    with pytest.raises(ArgumentError, match=r"labels of shape \(1, 4\) for 1 rows with 2 negatives"):
        MarginMSELoss()(SCORES, torch.zeros(1, 4))
    with pytest.raises(ArgumentError, match="1 columns, expected 2 or more"):
        MarginMSELoss()(SCORES[:1], torch.zeros(1))
    with pytest.raises(ArgumentError, match="2 columns beside the labels, expected 3 or more"):
        MarginMSELoss().on_batch(batch_of(torch.zeros(1, 1), ["q0"], ["d0"]), torch.zeros(1))
    with pytest.raises(ArgumentError, match="reduction='none'"):
        MarginMSELoss(reduction="none")
