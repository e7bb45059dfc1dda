import math
import random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from airvec.errors import ArgumentError
from airvec_trainer.losses import (
    AdaptiveLayerLoss,
    CachedMultipleNegativesRankingLoss,
    ContrastiveTensionLoss,
    GISTEmbedLoss,
    GradCache,
    Matryoshka2dLoss,
    MatryoshkaLoss,
    MSELoss,
    MultipleNegativesRankingLoss,
)
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.protocol import modules_of, parts_of, prepare
from tests.trainer.losses.stand_ins import Doubling, column

PLAIN = MultipleNegativesRankingLoss()


def first(columns: list[Tensor], labels: Any = None) -> Tensor:
    """The sum of the first column."""
    return columns[0].sum()


class Widths:
    """Remembers how long the embeddings and labels were that it got."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, columns: list[Tensor], labels: Any = None) -> Tensor:
        self.seen.append((columns[0].shape[-1],) if labels is None else (columns[0].shape[-1], labels.shape[-1]))
        return columns[0].sum()


def batch(model: nn.Module | None = None, rows: int = 5) -> Batch:
    columns = [column(rows, seed=number) for number in range(2)]
    return Batch(model or Doubling(), columns, [list(one["input_ids"].float()) for one in columns])


class Guide:
    """Knows a text by its ids."""

    def encode(self, texts: list[Tensor]) -> Tensor:
        return torch.stack(texts)


def test_the_loss_is_summed_over_lengths_with_their_weights():
    # (3, 4, 0): 0.6 + 0.8 at full length; 1.4 at 2; 1 at 1.
    loss = MatryoshkaLoss(loss=first, matryoshka_dims=[1, 3, 2], matryoshka_weights=[10.0, 1.0, 2.0])
    assert loss([torch.tensor([[3.0, 4.0, 0.0]])]).item() == pytest.approx(1.4 + 2 * 1.4 + 10 * 1.0)


def test_lengths_are_walked_from_the_longest_and_weights_go_with_them():
    loss = MatryoshkaLoss(loss=first, matryoshka_dims=[8, 32, 16], matryoshka_weights=[1, 2, 3])
    assert loss.matryoshka_dims == (32, 16, 8)
    assert loss.matryoshka_weights == (2, 3, 1)


def test_all_lengths_may_be_drawn_or_some_as_pythons_random_says():
    widths = Widths()
    random.seed(4)
    expected = sorted(random.sample(range(4), 2))
    random.seed(4)
    MatryoshkaLoss(loss=widths, matryoshka_dims=[4, 3, 2, 1], n_dims_per_step=2)([torch.ones(2, 4)])
    assert widths.seen == [((4, 3, 2, 1)[number],) for number in expected]
    state = random.getstate()
    MatryoshkaLoss(loss=widths, matryoshka_dims=[2, 1], n_dims_per_step=2)([torch.ones(2, 4)])
    assert widths.seen[2:] == [(2,), (1,)]
    assert random.getstate() == state


@pytest.mark.parametrize(
    ("labels", "expected"),
    [(torch.ones(5, 4), 2), (torch.ones(5, 2, 4), 2), (torch.ones(5, 3), 3), (torch.ones(4), 4)],
    ids=["vectors", "vectors a column", "scores", "one a row"],
)
def test_only_a_teachers_vectors_are_shortened(labels: Tensor, expected: int):
    widths = Widths()
    MatryoshkaLoss(loss=widths, matryoshka_dims=[2])([torch.ones(5, 4)], labels)
    assert widths.seen == [(2, expected)]


def test_around_a_gradient_cache_the_value_and_gradient_stay():
    found = []
    for inner in (
        PLAIN,
        GradCache(loss=PLAIN, mini_batch_size=2),
        CachedMultipleNegativesRankingLoss(mini_batch_size=2),
    ):
        given = batch()
        value = MatryoshkaLoss(loss=inner, matryoshka_dims=[4, 2]).on_batch(given)
        value.backward()
        found.append((value.detach(), given.model.weight.grad, len(given.model.shapes)))
    torch.testing.assert_close(found[1][:2], found[0][:2])
    torch.testing.assert_close(found[2][:2], found[0][:2])
    assert [passes for *_, passes in found] == [2, 12, 12]


def test_inside_a_gradient_cache_it_is_the_same_loss():
    outside = MatryoshkaLoss(loss=GradCache(loss=PLAIN, mini_batch_size=2), matryoshka_dims=[4, 2])
    inside = GradCache(loss=MatryoshkaLoss(loss=PLAIN, matryoshka_dims=[4, 2]), mini_batch_size=2)
    torch.testing.assert_close(outside.on_batch(batch()), inside.on_batch(batch()))


def test_a_guides_embeddings_stay_whole():
    seen: list[int] = []

    class Watched(Guide):
        def encode(self, texts: list[Tensor]) -> Tensor:
            seen.append(len(texts))
            return super().encode(texts)

    gist = GISTEmbedLoss(guide=Watched(), temperature=1.0)
    value = MatryoshkaLoss(loss=gist, matryoshka_dims=[4, 2]).on_batch(batch())
    assert seen == [5, 5]  # once a column, whatever the lengths
    given = batch()
    columns, guide = given.embeddings(), [torch.stack(list(texts)) for texts in given.texts]
    expected = sum(
        gist.guided([nn.functional.normalize(one[:, :dim], dim=-1) for one in columns], guide) for dim in (4, 2)
    )
    torch.testing.assert_close(value, expected)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"matryoshka_dims": []}, r"matryoshka_dims=\[\]"),
        ({"matryoshka_dims": [4, 0]}, r"matryoshka_dims=\[4, 0\]"),
        ({"matryoshka_dims": [4, 2], "matryoshka_weights": [1.0]}, "1 matryoshka_weights for 2 dims"),
        ({"matryoshka_dims": [4], "loss": ContrastiveTensionLoss()}, "loss is ContrastiveTensionLoss"),
    ],
)
def test_lengths_that_cannot_be_are_refused(wrong: dict[str, Any], message: str):
    with pytest.raises(ArgumentError, match=message):
        MatryoshkaLoss(**{"loss": PLAIN, **wrong})


def test_lengths_above_the_embeddings_are_refused_when_prepared_or_in_the_first_step(caplog: pytest.LogCaptureFixture):
    loss = MatryoshkaLoss(loss=PLAIN, matryoshka_dims=[8, 2])
    with pytest.raises(ArgumentError, match=r"matryoshka_dims=\[8, 2\], expected 4 at most"):
        loss.on_batch(batch())

    class Sized(Doubling):
        def get_embedding_dimension(self) -> int:
            return 4

    with pytest.raises(ArgumentError, match="expected 4 at most"):
        prepare(loss, Sized())
    assert not caplog.messages
    prepare(MatryoshkaLoss(loss=PLAIN, matryoshka_dims=[2]), Sized())
    assert "leave out 4" in caplog.text


class Config:
    output_hidden_states = False


class Layered(nn.Module):
    """Three layers that each double; their input is the first of four."""

    def __init__(self) -> None:
        super().__init__()
        self.config, self.passes = Config(), 0

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        self.passes += 1
        layers = [features["input_ids"].float() * 2**layer for layer in range(4)]
        shown = {"all_layer_embeddings": layers} if self.config.output_hidden_states else {}
        return {**features, "token_embeddings": layers[-1], **shown}


class FirstOnes(nn.Module):
    """The token embeddings as they are, times a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1.0))

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        return {**features, "sentence_embedding": features["token_embeddings"] * self.weight}


def layered(*rows: list[float]) -> Batch:
    return Batch(nn.Sequential(Layered(), FirstOnes()), [{"input_ids": torch.tensor(rows)}])


@pytest.mark.parametrize(
    ("weighting", "weights"),
    [
        ("uniform", [1, 1, 1]),
        ("log", [1, 1 / (1 + math.log(2)), 1 / (1 + math.log(3))]),
        ("linear", [1, 1 / 2, 1 / 3]),
        (lambda layer: layer * 10.0, [0, 10, 20]),
    ],
)
def test_all_layers_count_with_their_weights(weighting: Any, weights: list[float]):
    loss = AdaptiveLayerLoss(
        loss=first, n_layers_per_step=-1, last_layer_weight=100.0, prior_layers_weight=3.0, kl_temperature=0,
        layer_weighting=weighting,
    )  # fmt: skip
    expected = 100 * 8 + sum(3 * weight * 2**layer / 3 for layer, weight in enumerate(weights))
    given = layered([1.0, 0.0])
    assert loss.on_batch(given).item() == pytest.approx(expected)
    assert given.model[0].passes == 1
    assert given.model[0].config.output_hidden_states is False


def test_layers_are_drawn_as_pythons_random_says():
    seen: list[float] = []

    def watched(columns: list[Tensor], labels: Any = None) -> Tensor:
        seen.append(columns[0].max().item())
        return columns[0].sum()

    random.seed(9)
    expected = random.sample(range(3), 2)
    random.seed(9)
    AdaptiveLayerLoss(loss=watched, n_layers_per_step=2).on_batch(layered([1.0, 0.0]))
    assert seen == [8.0, *(2.0**layer for layer in expected)]


def test_a_layer_is_drawn_towards_the_last_which_has_no_gradient_by_that():
    loss = AdaptiveLayerLoss(loss=lambda columns, _: columns[0].sum() * 0, n_layers_per_step=-1, kl_temperature=8.0)
    given = layered([1.0, 0.0])

    def divergence(layer: int) -> float:
        last, found = (1 / (1 + math.exp(-(2**number) / 8)) for number in (3, layer))
        return last * math.log(last / found) + (1 - last) * math.log((1 - last) / (1 - found))

    value = loss.on_batch(given)
    assert value.item() == pytest.approx(8 * sum(divergence(layer) for layer in range(3)), rel=1e-5)
    value.backward()
    # d KL / d weight at a layer is −(difference of the two distributions) · x / t, the last one being constant.
    slopes = [(1 / (1 + math.exp(-(2**layer) / 8)) - 1 / (1 + math.exp(-1))) * 2**layer for layer in range(3)]
    assert given.model[1].weight.grad.item() == pytest.approx(sum(slopes), rel=1e-5)


def test_a_model_inside_of_a_wrapper_is_found():
    class Spread(nn.Module):
        def __init__(self, module: nn.Module) -> None:
            super().__init__()
            self.module = module

        def forward(self, features: dict[str, Any]) -> Any:
            return self.module(features)

    given = layered([1.0, 2.0])
    loss = AdaptiveLayerLoss(loss=first, n_layers_per_step=-1)
    wrapped = Batch(Spread(given.model), given.columns)
    assert loss.on_batch(wrapped).item() == pytest.approx(loss.on_batch(given).item())


def test_a_model_without_layers_is_refused():
    loss = AdaptiveLayerLoss(loss=first)
    with pytest.raises(ArgumentError, match="the model begins with FirstOnes, expected a Transformer"):
        loss.on_batch(Batch(nn.Sequential(FirstOnes()), [{"token_embeddings": torch.ones(1, 2)}]))
    with pytest.raises(ArgumentError, match="the model is Doubling, expected a SentenceTransformer"):
        loss.on_batch(batch())


@pytest.mark.parametrize(
    "inner",
    [
        GradCache(loss=PLAIN),
        CachedMultipleNegativesRankingLoss(),
        MatryoshkaLoss(loss=GradCache(loss=PLAIN), matryoshka_dims=[2]),
        ContrastiveTensionLoss(),
    ],
)
def test_layers_do_not_reach_into_a_gradient_cache_or_a_second_model(inner: Any):
    with pytest.raises(ArgumentError, match=f"AdaptiveLayerLoss: loss is {type(inner).__name__}"):
        AdaptiveLayerLoss(loss=inner)


def test_a_weighting_that_is_none_is_refused():
    with pytest.raises(ArgumentError, match="layer_weighting='square'"):
        AdaptiveLayerLoss(loss=PLAIN, layer_weighting="square")


def test_both_at_once_are_one_around_the_other():
    given = layered([1.0, 2.0, 2.0], [0.0, 1.0, 0.0])
    both = Matryoshka2dLoss(
        loss=first, matryoshka_dims=[3, 2], matryoshka_weights=[1.0, 2.0], n_layers_per_step=-1, n_dims_per_step=-1
    )
    one_by_one = AdaptiveLayerLoss(
        loss=MatryoshkaLoss(loss=first, matryoshka_dims=[3, 2], matryoshka_weights=[1.0, 2.0]), n_layers_per_step=-1
    )
    torch.testing.assert_close(both.on_batch(given), one_by_one.on_batch(given))
    assert list(parts_of(both, given)) == ["loss"]


def test_both_at_once_check_their_settings_as_each_does():
    with pytest.raises(ArgumentError, match="1 matryoshka_weights for 2 dims"):
        Matryoshka2dLoss(loss=PLAIN, matryoshka_dims=[3, 2], matryoshka_weights=[1.0])
    with pytest.raises(ArgumentError, match="AdaptiveLayerLoss: loss is MatryoshkaLoss"):
        Matryoshka2dLoss(loss=GradCache(loss=PLAIN), matryoshka_dims=[3, 2])


def test_what_the_wrapped_loss_owns_is_found_and_prepared():
    class Sized(Doubling):
        device = torch.device("cpu")

        def get_embedding_dimension(self) -> int:
            return 4

    prepared = prepare(AdaptiveLayerLoss(loss=MSELoss(projection_dim=2)), Sized())
    assert len(list(modules_of(prepared))) == 1


@pytest.mark.parametrize("inner", [MSELoss(projection_dim=2), GradCache(loss=MSELoss(projection_dim=2))])
def test_a_layer_for_one_length_does_not_fit_several(inner: Any):
    with pytest.raises(ArgumentError, match=r"a layer for embeddings of one length .*projection_dim=2"):
        MatryoshkaLoss(loss=inner, matryoshka_dims=[4, 2])
