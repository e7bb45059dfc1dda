"""Numbers that can be checked by hand: pairs at cosine distance 0, 1 and 2."""

from math import log

import pytest
import torch
from torch import nn

from airvec.errors import AirvecWarning
from airvec_trainer.losses import ContrastiveLoss, OnlineContrastiveLoss, SiameseDistanceMetric, SoftmaxLoss
from airvec_trainer.losses.protocol import modules_of, prepare

FIRST = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
SECOND = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])


def test_positive_pairs_cost_half_their_squared_distance():
    found = ContrastiveLoss(size_average=False)([FIRST, SECOND], torch.ones(3))
    assert found.item() == pytest.approx((0 + 1 + 4) / 2)


def test_negative_pairs_cost_what_they_lack_of_the_margin():
    found = ContrastiveLoss(margin=1.5)([FIRST, SECOND], torch.zeros(3))
    assert found.item() == pytest.approx((1.5**2 + 0.5**2 + 0) / 2 / 3)


@pytest.mark.parametrize(("metric", "squared"), [("EUCLIDEAN", 1 + 1 + 9 + 4), ("MANHATTAN", 1 + 16 + 4)])
def test_other_distances_can_be_asked_for(metric, squared):
    loss = ContrastiveLoss(distance_metric=getattr(SiameseDistanceMetric, metric), size_average=False)
    assert loss([FIRST, SECOND], torch.ones(3)).item() == pytest.approx(squared / 2, rel=1e-4)


def test_other_labels_weigh_and_warn():
    with pytest.warns(AirvecWarning, match="ContrastiveLoss: labels that are neither 0 nor 1, such as 0.5: they weigh"):
        found = ContrastiveLoss(margin=1)([FIRST[:1], SECOND[:1]], torch.tensor([0.5]))
    assert found.item() == pytest.approx(0.25)


def test_only_hard_pairs_count_online():
    # positives at 0 and 1, a negative at 2: none is hard; then the negative at 0 makes the positives beyond it hard
    assert OnlineContrastiveLoss()([FIRST, SECOND], torch.tensor([1, 1, 0])) == 0
    assert OnlineContrastiveLoss()([FIRST, SECOND], torch.tensor([0, 1, 1])).item() == pytest.approx(1 + 4 + 0.25)


def test_without_the_other_kind_the_mean_decides_online():
    assert OnlineContrastiveLoss()([FIRST, SECOND], torch.ones(3)).item() == pytest.approx(4)  # mean 1
    assert OnlineContrastiveLoss()([FIRST, SECOND], torch.zeros(3)).item() == pytest.approx(0.25)


def test_other_labels_are_left_out_online_and_warn():
    with pytest.warns(AirvecWarning, match="OnlineContrastiveLoss: .* such as 2: those rows are left out"):
        found = OnlineContrastiveLoss()([FIRST, SECOND], torch.tensor([0, 1, 2]))
    assert found.item() == pytest.approx(1.25)


def classifier(weights: list[list[float]]) -> nn.Linear:
    made = nn.Linear(len(weights[0]), len(weights), bias=False)
    made.weight.data = torch.tensor(weights)
    return made


def test_the_classifier_reads_the_parts_in_order():
    # parts of u = 1, v = 3 are 1, 3, |1 − 3| = 2 and 1 · 3 = 3
    loss = SoftmaxLoss(
        embedding_dimension=1,
        num_labels=2,
        concatenation_sent_multiplication=True,
        classifier=classifier([[1000.0, 100.0, 10.0, 1.0], [0.0, 0.0, 0.0, 0.0]]),
    )
    assert loss.logits([torch.tensor([[1.0]]), torch.tensor([[3.0]])]).tolist() == [[1323.0, 0.0]]


def test_classes_and_probabilities_are_read():
    loss = SoftmaxLoss(embedding_dimension=2, num_labels=4, classifier=classifier([[0.0] * 6] * 4))
    assert loss([FIRST, SECOND], torch.tensor([0, 3, 1])).item() == pytest.approx(log(4))
    assert loss([FIRST, SECOND], torch.full((3, 4), 0.25)).item() == pytest.approx(log(4))


def test_one_number_a_pair_can_be_learnt_with_another_loss():
    loss = SoftmaxLoss(
        embedding_dimension=2, num_labels=1, loss_fct=lambda logits, labels: (logits[:, 0] - labels).abs().sum()
    )
    loss.classifier.weight.data.zero_()
    loss.classifier.bias.data.zero_()
    assert loss([FIRST, SECOND], torch.tensor([[1.0], [2.0], [3.0]])).item() == pytest.approx(6)


def test_the_classifier_is_trained_and_stays_where_the_loss_is_prepared():
    loss = SoftmaxLoss(sentence_embedding_dimension=2, num_labels=3)
    assert prepare(loss, nn.Linear(1, 1)) is loss
    trained = [weight for owned in modules_of(loss) for weight in owned.parameters()]
    assert [id(weight) for weight in trained] == [id(weight) for weight in loss.classifier.parameters()]
    assert loss.embedding_dimension == 2
