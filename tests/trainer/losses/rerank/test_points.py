import math

import pytest
import torch
from torch import nn

from airvec.errors import ArgumentError
from airvec_trainer.losses.rerank import BinaryCrossEntropyLoss, CrossEntropyLoss, MSELoss
from tests.trainer.losses.rerank.given_scores import batch_of

POINTS = pytest.mark.parametrize("loss", [BinaryCrossEntropyLoss(), MSELoss()])


def test_binary_cross_entropy_is_minus_the_logarithm_of_the_right_answer():
    logits = torch.tensor([math.log(3), math.log(3)])  # a yes at 3/4
    value = BinaryCrossEntropyLoss()([logits], torch.tensor([1, 0]))
    assert value.item() == pytest.approx((math.log(4 / 3) + math.log(4)) / 2)


@pytest.mark.parametrize("weight", [torch.tensor([3.0]), torch.tensor(3.0), 3.0])
def test_positives_can_count_more(weight):
    loss = BinaryCrossEntropyLoss(pos_weight=weight)
    assert loss([torch.zeros(2)], torch.tensor([1.0, 0.0])).item() == pytest.approx(2 * math.log(2))


def test_the_activation_comes_before_the_loss():
    value = MSELoss(activation_fn=nn.Sigmoid())([torch.zeros(1, 1)], torch.tensor([1.0]))
    assert value.item() == 0.25


def test_the_rows_can_be_summed():
    assert MSELoss(reduction="sum")([torch.tensor([1.0, 2.0])], torch.tensor([0.0, 0.0])).item() == 5.0


def test_a_class_costs_the_logarithm_of_its_share():
    logits = torch.tensor([[math.log(2), 0.0, 0.0]])  # shares 1/2, 1/4, 1/4
    assert CrossEntropyLoss()([logits], torch.tensor([1])).item() == pytest.approx(math.log(4))


def test_probabilities_are_labels_too():
    value = CrossEntropyLoss()([torch.zeros(1, 2)], torch.tensor([[0.5, 0.5]]))
    assert value.item() == pytest.approx(math.log(2))


def test_labels_of_a_row_each_may_stand_below_one_another():
    logits, labels = torch.randn(3, 4), torch.tensor([0, 3, 2])
    assert CrossEntropyLoss()([logits], labels[:, None]) == CrossEntropyLoss()([logits], labels)


def test_weights_of_classes_go_with_halves():
    loss = CrossEntropyLoss(weight=torch.tensor([1.0, 3.0]))
    assert loss([torch.zeros(2, 2, dtype=torch.bfloat16)], torch.tensor([0, 1])).item() == pytest.approx(
        0.693, abs=4e-3
    )


@POINTS
def test_a_batch_of_texts_has_the_value_of_its_scores(loss):
    table, labels = torch.tensor([[1.0, 9.0], [9.0, -2.0]]), torch.tensor([1.0, 0.0])
    batch = batch_of(table, ["q0", "q1"], ["d0", "d1"])
    assert loss.on_batch(batch, labels) == loss([torch.tensor([1.0, -2.0])], labels)
    assert batch.model.asked == [[("q0", "d0"), ("q1", "d1")]]


def test_the_gradient_arrives_at_the_model():
    batch = batch_of(torch.tensor([[3.0]]), ["q0"], ["d0"])
    MSELoss().on_batch(batch, torch.tensor([1.0])).backward()
    assert batch.model.table.grad.tolist() == [[[4.0]]]  # 2·(3 - 1)


@POINTS
def test_labels_that_are_missing_or_too_many_are_refused(loss):
    with pytest.raises(ArgumentError, match="labels are None, expected one for each of 2 pairs"):
        loss([torch.zeros(2)])
    with pytest.raises(ArgumentError, match=r"3 labels of shape \(3,\) for 2 pairs"):
        loss([torch.zeros(2)], torch.zeros(3))


@POINTS
def test_a_model_with_several_outputs_is_refused(loss):
    with pytest.raises(ArgumentError, match=r"gives \(3,\) scores a pair, expected 1"):
        loss.on_batch(batch_of(torch.zeros(1, 1, 3), ["q0"], ["d0"]), torch.zeros(1))


def test_a_model_with_one_output_has_no_classes():
    with pytest.raises(ArgumentError, match=r"logits of shape \(1, 1\), expected \(batch, classes\)"):
        CrossEntropyLoss().on_batch(batch_of(torch.zeros(1, 1), ["q0"], ["d0"]), torch.tensor([0]))


@pytest.mark.parametrize("label", [3, -1])
def test_a_class_that_the_model_does_not_have_is_refused(label):
    with pytest.raises(ArgumentError, match=f"label {label}, expected 0 to 2, as the model has 3 classes"):
        CrossEntropyLoss()([torch.zeros(2, 3)], torch.tensor([0, label]))


def test_a_class_may_be_left_out_of_the_mean():
    logits = torch.tensor([[1.0, 0.0], [0.0, 5.0]])
    alone = CrossEntropyLoss()([logits[:1]], torch.tensor([0]))
    assert CrossEntropyLoss()([logits], torch.tensor([0, -100])) == alone


def test_fractions_are_no_classes():
    with pytest.raises(ArgumentError, match=r"labels of torch.float32 and shape \(2,\), expected whole numbers"):
        CrossEntropyLoss()([torch.zeros(2, 3)], torch.tensor([0.0, 1.0]))


def test_other_columns_are_refused():
    with pytest.raises(ArgumentError, match="3 columns beside the labels, expected 2"):
        MSELoss().on_batch(batch_of(torch.zeros(1, 2), ["q0"], ["d0"], ["d1"]), torch.zeros(1))
    with pytest.raises(ArgumentError, match=r"columns of \[1, 2\] rows"):
        MSELoss().on_batch(batch_of(torch.zeros(1, 2), ["q0"], ["d0", "d1"]), torch.zeros(1))


@pytest.mark.parametrize("loss", [BinaryCrossEntropyLoss, MSELoss, CrossEntropyLoss])
def test_a_loss_is_one_number(loss):
    with pytest.raises(ArgumentError, match="reduction='none'"):
        loss(reduction="none")


def test_smoothing_is_a_share():
    with pytest.raises(ArgumentError, match="label_smoothing is 2"):
        CrossEntropyLoss(label_smoothing=2)
