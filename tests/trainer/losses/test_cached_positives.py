from typing import Any

import pytest
import torch

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer.losses import (
    CachedGISTEmbedLoss,
    CachedMultipleNegativesRankingLoss,
    CachedMultipleNegativesSymmetricRankingLoss,
    GISTEmbedLoss,
    GradCache,
    MultipleNegativesRankingLoss,
    MultipleNegativesSymmetricRankingLoss,
)
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.protocol import compute, prepare
from airvec_trainer.similarity import dot_score
from tests.trainer.losses.stand_ins import Doubling, Reader, column


class Guide:
    def encode(self, texts: list[Any]) -> torch.Tensor:
        return torch.stack(texts)


GUIDE = Guide()
MODEL = Reader()
PAIRS = [
    (
        CachedMultipleNegativesRankingLoss(
            MODEL, scale=2.0, similarity_fct=dot_score, mini_batch_size=2,
            directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction",
            hardness_mode="in_batch_negatives", hardness_strength=0.5,
        ),
        MultipleNegativesRankingLoss(
            scale=2.0, similarity_fct=dot_score, directions=("query_to_doc", "doc_to_query"),
            partition_mode="per_direction", hardness_mode="in_batch_negatives", hardness_strength=0.5,
        ),
    ),
    (
        CachedMultipleNegativesSymmetricRankingLoss(MODEL, scale=2.0, similarity_fct=dot_score, mini_batch_size=2),
        MultipleNegativesSymmetricRankingLoss(scale=2.0, similarity_fct=dot_score),
    ),
    (
        CachedGISTEmbedLoss(
            MODEL, GUIDE, temperature=0.5, mini_batch_size=2, margin_strategy="relative", margin=0.1,
            contrast_anchors=False,
        ),
        GISTEmbedLoss(guide=GUIDE, temperature=0.5, margin_strategy="relative", margin=0.1, contrast_anchors=False),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("cached", "plain"), PAIRS, ids=lambda loss: type(loss).__name__)
def test_the_name_stands_for_a_cache_around_the_loss_with_its_settings(cached: Any, plain: Any):
    assert cached.cache() == GradCache(loss=plain, mini_batch_size=2)
    found = []
    for loss in (plain, prepare(cached, MODEL)):
        columns = [column(5, seed=number) for number in range(2)]
        model = Doubling()
        given = Batch(model, columns, [list(one["input_ids"].float()) for one in columns])
        value = compute(loss, given)
        value.backward()
        found.append((value.detach(), model.weight.grad))
    torch.testing.assert_close(found[1], found[0])


def test_the_guides_comparisons_are_made_a_mini_batch_at_a_time():
    columns = [column(40, seed=number) for number in range(2)]
    texts, largest = [list(one["input_ids"].float()) for one in columns], []
    for loss in (GISTEmbedLoss(guide=GUIDE), CachedGISTEmbedLoss(guide=GUIDE, mini_batch_size=2)):
        kept: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor, kept=kept: (kept.append(tensor.numel()), tensor)[1], lambda tensor: tensor
        ):
            compute(loss, Batch(Doubling(), columns, texts)).backward()
        largest.append(max(kept))
    assert largest == [40 * 120, 2 * 120]  # anchors by positives, anchors and positives


def test_a_warning_of_a_setting_is_given_when_the_loss_is_made_and_not_in_every_step():
    with pytest.warns(AirvecWarning):
        made = CachedMultipleNegativesRankingLoss(hardness_mode="hard_negatives")
    compute(made, Batch(Doubling(), [column(2), column(2, seed=1)]))


def test_other_settings_reach_the_cache():
    made = CachedMultipleNegativesRankingLoss(mini_batch_num_tokens=100, show_progress_bar=True).cache()
    assert (made.mini_batch_size, made.mini_batch_num_tokens, made.show_progress_bar) == (32, 100, True)


@pytest.mark.parametrize(
    ("made", "wrong", "message"),
    [
        (CachedMultipleNegativesRankingLoss, {"mini_batch_size": 0}, "GradCache: mini_batch_size=0"),
        (CachedMultipleNegativesRankingLoss, {"scale": 0}, "MultipleNegativesRankingLoss: scale=0"),
        (CachedMultipleNegativesSymmetricRankingLoss, {"scale": -1}, "scale=-1"),
    ],
)
def test_settings_are_refused_as_the_two_refuse_them(made: Any, wrong: dict[str, Any], message: str):
    with pytest.raises(ArgumentError, match=message):
        made(**wrong)
