"""The losses that need more than columns, and those around another: against sentence-transformers' value and gradient.

On columns as the others; and on a tiny transformer in training, with dropout, the gradients of all its weights.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sentence_transformers
import torch
from sentence_transformers.sentence_transformer import losses as st

import airvec_trainer
from airvec_trainer import losses
from tests.parity.trainer.cases_wrapped import CASES, folder
from tests.parity.trainer.loss_cases import BOUNDS, LossCase, measure, run
from tests.parity.trainer.twins import SEED, Owned, columns, farthest, none, reference_step, step, twins
from tests.tiny import HIDDEN, tiny_checkpoint

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:The CachedMultipleNegativesSymmetricRankingLoss is deprecated"),
    pytest.mark.filterwarnings("ignore:The MultipleNegativesSymmetricRankingLoss is deprecated"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_and_gradient_are_the_references(case: LossCase):
    for dtype, bound in BOUNDS.items():
        if dtype == torch.float32 or case.halves:
            assert measure(case, dtype).worst <= bound, dtype


@pytest.mark.parametrize("name", sorted({case.loss for case in CASES}))
def test_no_loss_is_compared_on_zeros_alone(name: str):
    gradients = (one for case in CASES if case.loss == name for one in run(case.reference, case, torch.float32)[1])
    assert any(one.abs().max() > 0 for one in gradients)


@dataclass(frozen=True)
class Pair:
    """One loss in both libraries, and its own weights in the same order; either is made of its model."""

    name: str
    ours: Callable[[Any], Any]
    theirs: Callable[[Any], Any]
    width: int = 3
    labels: Any = None
    owned: tuple[Owned, Owned] = field(default=(none, none))
    dtype: torch.dtype = torch.float64  # in which nothing but the algorithm can differ

    def __str__(self) -> str:
        return self.name


def mnrl(model: Any) -> Any:
    return losses.MultipleNegativesRankingLoss(model)


def st_mnrl(model: Any) -> Any:
    return st.MultipleNegativesRankingLoss(model)


def both(name: str, **settings: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    return lambda model: getattr(losses, name)(model, **settings), lambda model: getattr(st, name)(model, **settings)


CACHED = "CachedMultipleNegativesRankingLoss"
DIMS = {"matryoshka_dims": [HIDDEN, 8, 16], "matryoshka_weights": [1.0, 0.3, 0.5]}
PAIRS = [
    Pair("several columns share a pass", mnrl, st_mnrl, 4),
    Pair("cached", *both(CACHED, mini_batch_size=4)),
    Pair("cached, one at a time", *both(CACHED, mini_batch_size=1)),
    Pair("cached by tokens", *both(CACHED, mini_batch_num_tokens=40)),
    Pair("cached, all directions", *both(
        CACHED, mini_batch_size=4, directions=("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc"))),
    Pair("cached, symmetric", *both("CachedMultipleNegativesSymmetricRankingLoss", mini_batch_size=4), width=2),
    Pair(
        "Matryoshka", lambda model: losses.MatryoshkaLoss(model, mnrl(model), **DIMS, n_dims_per_step=2),
        lambda model: st.MatryoshkaLoss(model, st_mnrl(model), **DIMS, n_dims_per_step=2),
    ),
    Pair(
        "Matryoshka, cached",
        lambda model: losses.MatryoshkaLoss(model, both(CACHED, mini_batch_size=4)[0](model), **DIMS),
        lambda model: st.MatryoshkaLoss(model, both(CACHED, mini_batch_size=4)[1](model), **DIMS),
    ),
    Pair(
        "a layer", lambda model: losses.AdaptiveLayerLoss(model, mnrl(model)),
        lambda model: st.AdaptiveLayerLoss(model, st_mnrl(model)),
    ),
    Pair(
        "all layers", lambda model: losses.AdaptiveLayerLoss(model, mnrl(model), -1, layer_weighting="log"),
        lambda model: st.AdaptiveLayerLoss(model, st_mnrl(model), -1, layer_weighting="log"),
    ),
    Pair(
        "layers and lengths", lambda model: losses.Matryoshka2dLoss(model, mnrl(model), **DIMS),
        lambda model: st.Matryoshka2dLoss(model, st_mnrl(model), **DIMS),
    ),
    Pair("spread", *both("GlobalOrthogonalRegularizationLoss")),
    Pair(
        "Contrastive Tension, labels", *both("ContrastiveTensionLoss"), width=2, labels=torch.arange(6) % 2,
        owned=(lambda loss: loss.twin.parameters(), lambda loss: loss.model1.parameters()),
    ),
    Pair(
        "Contrastive Tension in the batch", *both("ContrastiveTensionLossInBatchNegatives"), width=1,
        owned=(
            lambda loss: [*loss.twin.model.parameters(), loss.twin.logit_scale],
            lambda loss: [*loss.model1.parameters(), loss.logit_scale],
        ),
    ),
    Pair(
        "TSDAE", *both("DenoisingAutoEncoderLoss"), width=2, dtype=torch.float32,
        owned=(lambda loss: loss.decoder.model.parameters(), lambda loss: loss.decoder.parameters()),
    ),
]  # fmt: skip


def compared(pair: Pair, home: Path, texts: list[list[str]]) -> float:
    """How far the two libraries are apart, each from the same seeds."""
    models, found = twins(home, pair.dtype), []
    for model, make, run_step, owned in zip(
        models, (pair.ours, pair.theirs), (step, reference_step), pair.owned, strict=True
    ):
        random.seed(SEED)
        torch.manual_seed(SEED)
        found.append(run_step(model, make(model), texts, pair.labels, owned))
    assert max(float(gradient.abs().max()) for gradient in found[1].gradients.values()) > 1e-3
    return farthest(*found)


def bound(pair: Pair) -> float:
    return 1e-10 if pair.dtype == torch.float64 else 1e-5


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_all_weights_have_the_references_gradient_with_dropout_and_the_same_seed(pair: Pair):
    assert compared(pair, folder(), columns(pair.width)) <= bound(pair)


def test_equal_and_other_texts_are_told_apart_without_labels():
    first, second = columns(2)
    pair = Pair("Contrastive Tension", *both("ContrastiveTensionLoss"))
    assert compared(pair, folder(), [first, first[:2] + second[2:]]) <= bound(pair)


@pytest.mark.parametrize("name", ["GISTEmbedLoss", "CachedGISTEmbedLoss"])
@pytest.mark.parametrize("settings", [{}, {"margin": 0.1}, {"margin": 0.2, "margin_strategy": "relative"}], ids=str)
def test_a_guide_with_the_same_tokenizer_says_the_same(name: str, settings: dict[str, Any], tmp_path: Path):
    home = tiny_checkpoint(tmp_path / "guide", pooling="cls")
    guide = airvec_trainer.SentenceTransformer(home, device="cpu").double()
    st_guide = sentence_transformers.SentenceTransformer(str(home), device="cpu", local_files_only=True).double()
    pair = Pair(
        name, lambda model: getattr(losses, name)(model, guide, **settings),
        lambda model: getattr(st, name)(model, st_guide, **settings),
    )  # fmt: skip
    assert compared(pair, folder(), columns(3)) <= 1e-6  # the guide's vectors are float32 in ours


def test_a_model_that_pads_on_the_left_is_cached_as_the_references(tmp_path: Path):
    home = tiny_checkpoint(tmp_path / "left", "qwen3", pooling="lasttoken", padding_side="left", normalize=False)
    pair = Pair("cached", *both(CACHED, mini_batch_size=2))
    assert compared(pair, home, columns(3)) <= bound(pair)


def test_another_seed_would_be_caught():
    pair = Pair("cached", *both(CACHED, mini_batch_size=4))
    model, reference = twins(folder(), torch.float64)
    texts = columns(3)
    ours = step(model, pair.ours(model), texts)
    reference.preprocess = lambda texts, inner=reference.preprocess: (torch.rand(1), inner(texts))[1]
    assert farthest(ours, reference_step(reference, pair.theirs(reference), texts)) > 1e-3
