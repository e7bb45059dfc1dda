"""Numbers that can be checked by hand: rows on two axes have cosines 1 and 0."""

from math import e, log

import pytest
import torch

from airvec.errors import AirvecWarning
from airvec_trainer.losses import (
    MegaBatchMarginLoss,
    MultipleNegativesRankingLoss,
    MultipleNegativesSymmetricRankingLoss,
)
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.protocol import compute
from airvec_trainer.similarity import dot_score
from tests.contracts.losses_by_room import TinyModel, batch

AXES = torch.eye(2)
OTHERS = AXES.flip(0)


def ranking(columns, **settings) -> float:
    return MultipleNegativesRankingLoss(scale=1, **settings)(columns).item()


def test_anchors_that_are_their_positives():
    assert ranking([AXES, AXES]) == pytest.approx(log(1 + 1 / e))


def test_anchors_that_are_each_others_positives():
    assert ranking([AXES, OTHERS]) == pytest.approx(log(1 + e))


def test_a_batch_of_one_has_nothing_to_lose():
    assert ranking([AXES[:1], AXES[1:]]) == 0


def test_negatives_join_the_documents():
    # each anchor: its positive at 1, the other's at 0, its negative at 0 and the other's at 1
    assert ranking([AXES, AXES, OTHERS]) == pytest.approx(log((2 * e + 2) / e))


def test_the_scale_is_the_inverse_of_a_temperature():
    assert MultipleNegativesRankingLoss(scale=2)([AXES, AXES]).item() == pytest.approx(log(1 + e**-2))


def test_dot_products_see_lengths():
    value = MultipleNegativesRankingLoss(scale=1, similarity_fct=dot_score)([2 * AXES, AXES])
    assert value.item() == pytest.approx(log(1 + e**-2))


@pytest.mark.parametrize(
    ("directions", "total"),
    [
        (("query_to_doc",), e + 1),
        (("query_to_doc", "query_to_query"), e + 2),  # the other anchor is at 0: exp 0
        (("query_to_doc", "doc_to_query"), 2 * e + 2),  # the anchors for the positive: the same again
        (("query_to_doc", "doc_to_doc"), e + 2),
        (("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc"), 2 * e + 4),
    ],
)
def test_directions_add_to_the_sum(directions, total):
    assert ranking([AXES, AXES], directions=directions) == pytest.approx(log(total / e))


@pytest.mark.parametrize(
    ("mode", "total"),
    [
        # documents of an anchor: positive at 1, the other's positive at 0, own negative at 0, the other's negative at 1
        ("in_batch_negatives", e + 1 + 1 + e**3),  # strength 2: exp(1 + 2·1)
        ("hard_negatives", e + 1 + 1 + e),
        ("all_negatives", e + 1 + 1 + e**3),
    ],
)
def test_hardness_raises_the_negatives_it_names(mode, total):
    found = ranking([AXES, AXES, OTHERS], hardness_mode=mode, hardness_strength=2)
    assert found == pytest.approx(log(total / e))


def test_hard_negatives_are_the_rows_own():
    # own negative equals the anchor: exp(1 + 2), the other's negative is at 0
    found = ranking([AXES, AXES, AXES], hardness_mode="hard_negatives", hardness_strength=2)
    assert found == pytest.approx(log((e + 1 + e**3 + 1) / e))


def test_hardness_has_no_gradient_of_its_own():
    anchors = AXES.clone().requires_grad_()
    MultipleNegativesRankingLoss(
        scale=1, similarity_fct=dot_score, hardness_mode="in_batch_negatives", hardness_strength=1
    )([anchors, AXES + 1]).backward()
    # logits of row 0: 2 and 1 + 1 = 2, so ½ each: gradient ½ (1, 2) + ½ (2, 1) − (2, 1), over two rows
    assert torch.allclose(anchors.grad[0], torch.tensor([-0.25, 0.25]))


def test_a_hardness_without_strength_warns():
    with pytest.warns(AirvecWarning, match="hardness_mode='all_negatives' with hardness_strength=0 changes nothing"):
        MultipleNegativesRankingLoss(hardness_mode="all_negatives")


def test_the_symmetric_loss_is_the_mean_of_both_ways():
    first = AXES[[0, 0]]
    forward = (log(1 + 1 / e) + log(1 + e)) / 2
    assert MultipleNegativesSymmetricRankingLoss(scale=1)([first, AXES]).item() == pytest.approx((forward + log(2)) / 2)


def test_the_symmetric_loss_is_the_ranking_loss_in_two_directions():
    columns = list(torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0)))
    two = MultipleNegativesRankingLoss(directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction")
    assert MultipleNegativesSymmetricRankingLoss()(columns) == two(columns)


def test_margins_that_are_kept_cost_nothing():
    assert MegaBatchMarginLoss()([AXES, AXES]) == 0


def test_margins_that_are_missed_cost_what_is_missing():
    # positives at 0, the hardest negative at 1: 0.8 − 0 and 1 − 0.3
    assert MegaBatchMarginLoss()([AXES, OTHERS]).item() == pytest.approx(1.5)


def test_the_mini_batched_version_has_the_same_value_and_gradient():
    found = []
    for settings in ({"use_mini_batched_version": False}, {"mini_batch_size": 3}, {"mini_batch_num_tokens": 7}):
        model = TinyModel()
        value = compute(MegaBatchMarginLoss(positive_margin=1.5, negative_margin=-1, **settings), batch(model, 5))
        value.backward()
        found.append((value.detach(), model.words.weight.grad))
    for value, gradient in found[1:]:
        assert torch.allclose(value, found[0][0])
        assert torch.allclose(gradient, found[0][1], atol=1e-6)


def test_the_mini_batched_version_embeds_few_rows_at_a_time():
    seen = []

    class Counting(TinyModel):
        def forward(self, column):
            seen.append(len(column["input_ids"]))
            return super().forward(column)

    given: Batch = batch(Counting(), 5)
    MegaBatchMarginLoss(mini_batch_size=2).on_batch(given).backward()
    assert max(seen) == 2
