import math

import pytest
import torch
from torch import nn

from airvec.errors import ArgumentError
from airvec_trainer.losses.rerank import CachedMultipleNegativesRankingLoss, MultipleNegativesRankingLoss
from airvec_trainer.losses.rerank.positives import in_batch_negatives
from tests.trainer.losses.rerank.given_scores import batch_of

BOTH = pytest.mark.parametrize("loss", [MultipleNegativesRankingLoss, CachedMultipleNegativesRankingLoss])
QUERIES = ["q0", "q1", "q2"]
DOCUMENTS = ["d0", "d1", "d2"]
NEGATIVES = ["d3", "d4", "d5"]


def table(rows: int = 3, documents: int = 6) -> torch.Tensor:
    return torch.randn(rows, documents, generator=torch.Generator().manual_seed(0))


@BOTH
def test_the_first_column_is_right(loss):
    scores = [torch.tensor([math.log(2)]), torch.tensor([0.0]), torch.tensor([0.0])]  # shares 1/2, 1/4, 1/4
    assert loss(activation_fn=None, scale=None)(scores).item() == pytest.approx(math.log(2))


@BOTH
def test_scores_go_through_the_activation_and_are_scaled(loss):
    scores = [torch.tensor([0.0]), torch.tensor([-1e9])]  # 1/2 and 0 behind the sigmoid
    assert loss(scale=4.0)(scores).item() == pytest.approx(math.log(1 + math.exp(-2)))


@BOTH
def test_all_other_rows_answers_are_negatives_where_no_number_is_given(loss):
    batch = batch_of(table(), QUERIES, DOCUMENTS, NEGATIVES)
    value = loss(num_negatives=None, activation_fn=nn.Tanh(), scale=3.0).on_batch(batch)
    scores = table().tanh() * 3
    assert value.item() == pytest.approx(-scores.log_softmax(dim=1).diagonal().mean().item(), abs=1e-6)


@BOTH
def test_the_negatives_of_a_number_are_drawn_with_torchs_seed_and_without_repetition(loss):
    batch = batch_of(table(), QUERIES, DOCUMENTS, NEGATIVES)
    torch.manual_seed(5)
    loss(num_negatives=3).on_batch(batch)
    torch.manual_seed(5)
    drawn = in_batch_negatives([DOCUMENTS, NEGATIVES], 3)
    asked = [pair for some in batch.model.asked for pair in some]
    assert asked == [pair for column in [DOCUMENTS, *drawn, NEGATIVES] for pair in zip(QUERIES, column, strict=True)]
    for row, query in enumerate(QUERIES):
        found = [document for one, document in asked[3:12] if one == query]
        assert len(set(found)) == 3
        assert not {DOCUMENTS[row], NEGATIVES[row]} & set(found)


@BOTH
def test_no_negatives_of_other_rows_leave_those_that_are_given(loss):
    batch = batch_of(table(), QUERIES, DOCUMENTS, NEGATIVES)
    value = loss(num_negatives=0).on_batch(batch)
    assert value == loss()([table()[:, :3].diagonal(), table()[:, 3:].diagonal()])


@BOTH
def test_a_single_row_without_negatives_teaches_nothing(loss):
    batch = batch_of(table(1, 1), ["q0"], ["d0"])
    value = loss().on_batch(batch)
    value.backward()
    assert value.item() == 0.0
    assert batch.model.table.grad.tolist() == [[[0.0]]]


@pytest.mark.parametrize("size", [1, 4, 100])
def test_the_cache_gives_the_gradient_of_the_whole_batch(size):
    gradients = []
    for loss in (
        MultipleNegativesRankingLoss(num_negatives=None),
        CachedMultipleNegativesRankingLoss(num_negatives=None, mini_batch_size=size),
    ):
        batch = batch_of(table(), QUERIES, DOCUMENTS, NEGATIVES)
        (loss.on_batch(batch) * 8).backward()
        gradients.append(batch.model.table.grad)
    assert gradients[0].abs().max() > 0.01
    assert torch.allclose(*gradients, atol=1e-6)


def test_the_cache_scores_in_mini_batches_and_twice():
    batch = batch_of(table(), QUERIES, DOCUMENTS)
    CachedMultipleNegativesRankingLoss(num_negatives=1, mini_batch_size=4).on_batch(batch).backward()
    assert [len(some) for some in batch.model.asked] == [4, 2, 4, 2]
    assert batch.model.asked[:2] == batch.model.asked[2:]


def test_the_second_time_dropout_falls_as_the_first():
    batch = batch_of(table(), QUERIES, DOCUMENTS, NEGATIVES, noise=0.5)
    loss = CachedMultipleNegativesRankingLoss(num_negatives=None, mini_batch_size=5)
    loss.on_batch(batch).backward()
    given = batch.model.given
    assert len(given) == 8
    assert any((scores == 0).any() for scores in given)
    assert all(torch.equal(first, second) for first, second in zip(given[:4], given[4:], strict=True))


def test_without_gradients_the_cache_scores_once():
    batch = batch_of(table(), QUERIES, DOCUMENTS)
    with torch.no_grad():
        value = CachedMultipleNegativesRankingLoss(num_negatives=None).on_batch(batch)
    assert not value.requires_grad
    assert len(batch.model.asked) == 1


@BOTH
def test_prompt_and_task_of_the_batch_reach_the_model(loss):
    batch = batch_of(table(), QUERIES, DOCUMENTS)
    object.__setattr__(batch, "prompt", "query: ")
    object.__setattr__(batch, "task", "rerank")
    loss().on_batch(batch)
    assert set(batch.model.settings) == {("query: ", "rerank")}


@BOTH
def test_settings_that_cannot_be_are_refused(loss):
    with pytest.raises(ArgumentError, match="num_negatives is -1, expected 0 or more"):
        loss(num_negatives=-1)
    with pytest.raises(ArgumentError, match="1 columns beside the labels, expected 2 or more"):
        loss().on_batch(batch_of(table(), QUERIES))
    with pytest.raises(ArgumentError, match=r"gives \(2,\) scores a pair, expected 1"):
        loss().on_batch(batch_of(torch.zeros(3, 3, 2), QUERIES, DOCUMENTS))


def test_a_mini_batch_holds_something():
    with pytest.raises(ArgumentError, match="mini_batch_size is 0"):
        CachedMultipleNegativesRankingLoss(mini_batch_size=0)
