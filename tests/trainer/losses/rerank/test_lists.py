import math

import pytest
import torch
from torch import nn

from airvec.errors import ArgumentError
from airvec_trainer.losses.rerank import (
    ADRMSELoss,
    LambdaLoss,
    ListMLELoss,
    ListNetLoss,
    NDCGLoss1Scheme,
    PListMLELoss,
    RankNetLoss,
)
from tests.trainer.losses.rerank.given_scores import batch_of

LOSSES = [ListNetLoss, ListMLELoss, PListMLELoss, ADRMSELoss, LambdaLoss, RankNetLoss]
EVERY = pytest.mark.parametrize("loss", LOSSES)
THREE = [torch.tensor([math.log(2), 0.0, 0.0])]  # shares 1/2, 1/4, 1/4
BEST_FIRST = [torch.tensor([2.0, 1.0, 0.0])]


def test_list_net_is_the_cross_entropy_of_two_distributions():
    labels = [torch.tensor([math.log(2), 0.0, 0.0])]
    assert ListNetLoss()(THREE, labels).item() == pytest.approx(1.5 * math.log(2))  # 1/2 log 2 + 1/2 log 4


def test_list_mle_is_the_probability_of_drawing_the_list():
    assert ListMLELoss()(THREE, BEST_FIRST).item() == pytest.approx(2 * math.log(2))  # 1/2 · 1/2 · 1


def test_position_aware_list_mle_counts_the_first_place_most():
    # Weights 3, 1, 0 of 4, and logarithms of 1/2, 1/2, 1.
    assert PListMLELoss()(THREE, BEST_FIRST).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("loss", [ListMLELoss, PListMLELoss])
def test_labels_bring_a_list_into_order(loss):
    mixed, labels = [torch.tensor([0.3, 1.7, -0.4])], [torch.tensor([0.0, 1.0, 2.0])]
    ordered, descending = [torch.tensor([-0.4, 1.7, 0.3])], [torch.tensor([2.0, 1.0, 0.0])]
    assert loss(respect_input_order=False)(mixed, labels) == loss()(ordered, descending)
    assert loss()(mixed, labels) != loss()(ordered, descending)


def test_adr_mse_compares_ranks():
    # Ranks 1 and 2; of equal scores both soft ranks are 1/2 + 1/2 + 1/2.
    value = ADRMSELoss()([torch.zeros(2)], [torch.tensor([1.0, 0.0])])
    assert value.item() == pytest.approx((0.25 / 1 + 0.25 / math.log2(3)) / 2)


def test_equal_labels_share_a_rank():
    assert ADRMSELoss()([torch.zeros(3)], [torch.ones(3)]).item() == 0.0  # all have rank 2, soft and not


def test_alpha_makes_ranks_hard():
    value = ADRMSELoss(alpha=1e4)([torch.tensor([1.0, 0.0])], [torch.tensor([1.0, 0.0])])
    assert value.item() == pytest.approx(0.0, abs=1e-6)


def test_rank_net_counts_the_pairs_of_unlike_labels():
    # σ(s₀ - s₁) = σ(s₀ - s₂) = 2/3, and the equal labels of the last two are no pair.
    value = RankNetLoss()(THREE, [torch.tensor([1.0, 0.0, 0.0])])
    assert value.item() == pytest.approx(math.log2(1.5))
    natural = RankNetLoss(reduction_log="natural")(THREE, [torch.tensor([1.0, 0.0, 0.0])])
    assert natural.item() == pytest.approx(math.log(1.5))


def test_lambda_loss_weighs_pairs_by_what_they_are_worth():
    # One pair on ranks 1 and 2: gains 1 and 0, so both schemes give 1 - 1/log2 3, times 10 + 1; -log2 σ(0) is 1.
    value = LambdaLoss()([torch.zeros(2)], [torch.tensor([1.0, 0.0])])
    assert value.item() == pytest.approx(11 * (1 - 1 / math.log2(3)))


def test_lambda_loss_of_the_first_scheme_counts_each_document_with_every_other():
    # Gains 1 and 0: the first row counts 1 twice, the second 0; -log2 σ(0) is 1, and there are 4 pairs.
    value = LambdaLoss(weighting_scheme=NDCGLoss1Scheme())([torch.zeros(2)], [torch.tensor([1.0, 0.0])])
    assert value.item() == pytest.approx(0.5)


def test_only_pairs_with_one_of_the_first_k_count():
    scores, labels = [torch.tensor([3.0, 2.0, 1.0])], [torch.tensor([0.0, 2.0, 1.0])]
    # By rank: labels 0, 2, 1. Of the pairs (2,1), (3,1) and (2,3) the last has neither on rank 1.
    expected = (math.log2(1 + math.e) + math.log2(1 + math.e**2)) / 2
    assert RankNetLoss(k=1)(scores, labels).item() == pytest.approx(expected)


@EVERY
def test_lists_need_not_be_alike_in_length(loss):
    scores = [torch.randn(size, generator=torch.Generator().manual_seed(size)) for size in (4, 1, 3)]
    labels = [torch.arange(float(size)) for size in (4, 1, 3)]
    together = loss()(scores, labels).item()
    alone = [loss()([one], [label]).item() for one, label in zip(scores, labels, strict=True)]
    counts = {ADRMSELoss: (4, 1, 3), LambdaLoss: (6, 0, 3), RankNetLoss: (6, 0, 3)}.get(loss, (1, 1, 1))
    expected = sum(count * value for count, value in zip(counts, alone, strict=True)) / sum(counts)
    assert together == pytest.approx(expected, rel=1e-5)


@EVERY
def test_the_activation_is_applied_to_float32(loss):
    scores, labels = [torch.tensor([0.3, -1.0, 2.0], dtype=torch.bfloat16)], [torch.arange(3)]
    value = loss(activation_fn=nn.Tanh())(scores, labels)
    assert value.dtype == torch.float32
    assert value == loss(activation_fn=None)([scores[0].float().tanh()], labels)


@pytest.mark.parametrize(("size", "passes"), [(None, [2, 2, 1]), (3, [3, 2]), (0, [5]), (-1, [5]), (9, [5])])
@EVERY
def test_pairs_are_scored_in_mini_batches(loss, size, passes):
    table, labels = torch.randn(2, 5), [torch.tensor([1, 0, 2]), torch.tensor([0, 1])]
    batch = batch_of(table, ["q0", "q1"], [["d0", "d1", "d2"], ["d3", "d4"]])
    value = loss(mini_batch_size=size).on_batch(batch, labels)
    assert [len(some) for some in batch.model.asked] == passes
    assert value.item() == pytest.approx(loss()([table[0, :3], table[1, 3:]], labels).item())
    value.backward()
    assert batch.model.table.grad[0, :3].abs().sum() > 0


@EVERY
def test_a_query_with_one_document_is_no_error(loss):
    scores = torch.tensor([2.0], requires_grad=True)
    value = loss()([scores], [torch.tensor([1.0])])
    value.backward()
    assert value.item() == 0.0
    assert scores.grad.tolist() == [0.0]


@pytest.mark.parametrize("loss", [LambdaLoss, RankNetLoss])
def test_where_no_document_is_better_than_another_there_is_nothing_to_learn(loss):
    scores = torch.tensor([2.0, -1.0], requires_grad=True)
    value = loss()([scores], [torch.ones(2)])
    value.backward()
    assert value.item() == 0.0
    assert scores.grad.tolist() == [0.0, 0.0]


@EVERY
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "labels are None, expected a list of numbers for each query"),
        (torch.zeros(2), r"labels are a tensor of shape \(2,\)"),
        ([1.0, 0.0], r"labels are \[1.0, 0.0\], expected a list of numbers for each query"),
        ([torch.zeros(2), torch.zeros(2)], r"queries with \[2, 1\] documents have \[2, 2\] labels"),
        ([torch.zeros(2)], r"queries with \[2, 1\] documents have \[2\] labels"),
        ([torch.zeros(2), torch.tensor([math.nan])], "1 of 3 labels are NaN or infinite"),
    ],
)
def test_labels_that_do_not_fit_are_refused(loss, labels, message):
    with pytest.raises(ArgumentError, match=f"{loss.__name__}: {message}"):
        loss()([torch.zeros(2), torch.zeros(1)], labels)


@EVERY
def test_a_query_without_documents_is_refused_before_the_model_runs(loss):
    batch = batch_of(torch.zeros(2, 1), ["q0", "q1"], [["d0"], []])
    with pytest.raises(ArgumentError, match=r"queries with \[1, 0\] documents, expected at least one each"):
        loss().on_batch(batch, [torch.zeros(1), torch.zeros(0)])
    assert batch.model.asked == []


@EVERY
def test_a_text_is_no_list_of_documents(loss):
    with pytest.raises(ArgumentError, match="the documents of row 0 are the text 'd0', expected a list of texts"):
        loss().on_batch(batch_of(torch.zeros(1, 1), ["q0"], ["d0"]), [torch.zeros(1)])


@EVERY
def test_a_model_with_several_outputs_is_refused(loss):
    with pytest.raises(ArgumentError, match=r"gives \(3,\) scores a pair, expected 1"):
        loss().on_batch(batch_of(torch.zeros(1, 1, 3), ["q0"], [["d0"]]), [torch.zeros(1)])


@pytest.mark.parametrize("loss", [LambdaLoss, RankNetLoss])
def test_settings_that_cannot_be_are_refused(loss):
    with pytest.raises(ArgumentError, match="k=0, expected 1 or more"):
        loss(k=0)
    with pytest.raises(ArgumentError, match="reduction_log='decimal'"):
        loss(reduction_log="decimal")


@pytest.mark.parametrize("loss", [LambdaLoss, RankNetLoss])
@pytest.mark.parametrize("sigma", [-1, 0, None])
def test_a_sigma_that_would_turn_the_order_round_is_refused(loss, sigma):
    with pytest.raises(ArgumentError, match=f"sigma={sigma}, expected a number above 0"):
        loss(sigma=sigma)


def test_gains_that_float32_cannot_hold_are_scaled():
    scores = [torch.tensor([0.3, -0.2, 0.1])]
    high, low = ([torch.tensor([1.0, 2.0, 0.0]) * size] for size in (100.0, 40.0))
    value = LambdaLoss()(scores, high)
    assert value.item() == pytest.approx(LambdaLoss()(scores, low).item(), rel=1e-5)  # of both the best gains all
