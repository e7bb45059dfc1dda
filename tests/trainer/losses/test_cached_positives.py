from typing import Any

import pytest
import torch
from torch import nn

from airvec.errors import ArgumentError
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
from tests.trainer.losses.stand_ins import Doubling, column


class Guide:
    def encode(self, texts: list[Any]) -> torch.Tensor:
        return torch.stack(texts)


GUIDE = Guide()
MODEL = nn.Identity()
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
