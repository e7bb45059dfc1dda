from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from airvec.errors import ArgumentError
from airvec_trainer.losses import ContrastiveTensionLoss, MultipleNegativesRankingLoss, SoftmaxLoss
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.gradcache import GradCache
from airvec_trainer.losses.protocol import parts_of
from tests.trainer.losses.stand_ins import Doubling, column

PLAIN = MultipleNegativesRankingLoss(scale=0.05)  # of embeddings about 10 long


def batch(model: nn.Module, rows: int = 7, width: int = 3) -> Batch:
    return Batch(model, [column(rows, seed=number) for number in range(width)])


def gradient(loss: Any, given: Batch, *, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    given.model.zero_grad()
    value = sum(parts_of(loss, given).values())
    (value * scale).backward()
    return value.detach(), given.model.weight.grad


class InParts:
    def __call__(self, columns: list[Tensor], labels: Any = None) -> Tensor:
        return sum(self.parts(columns).values())

    def parts(self, columns: list[Tensor], labels: Any = None) -> dict[str, Tensor]:
        return {
            "mean": columns[0].mean(),
            "square": (columns[0] ** 2).mean(),
            "third": columns[1].sum() + columns[2].sum(),
        }


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_value_and_gradient_are_the_plain_losss(size: int):
    plain, cached = (gradient(loss, batch(Doubling())) for loss in (PLAIN, GradCache(loss=PLAIN, mini_batch_size=size)))
    torch.testing.assert_close(cached, plain)
    assert plain[1].abs().max() > 1e-3


def test_the_last_mini_batch_may_be_smaller():
    model = Doubling()
    gradient(GradCache(loss=PLAIN, mini_batch_size=3), batch(model, width=2))
    assert model.shapes == [(3, 3), (3, 3), (1, 3)] * 4  # two columns, two passes


def test_mini_batches_by_tokens_hold_as_many_texts_as_fit():
    model, given = Doubling(), column(5)
    given["attention_mask"] = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 1, 1], [1, 0, 0]])
    GradCache(loss=lambda columns, _: columns[0].sum(), mini_batch_num_tokens=3).on_batch(Batch(model, [given]))
    assert model.shapes == [(2, 2), (1, 3), (1, 3), (1, 1)]


def test_a_text_longer_than_the_mini_batch_has_one_of_its_own():
    model = Doubling()
    value, found = gradient(GradCache(loss=PLAIN, mini_batch_num_tokens=1), batch(model, 3, 2))
    assert set(model.shapes) == {(1, 3)}
    torch.testing.assert_close((value, found), gradient(PLAIN, batch(Doubling(), 3, 2)))


class Recorded(Doubling):
    """Remembers the embeddings of each pass, by the ids that they are of."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.seen: dict[str, list[Tensor]] = {}

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        found = super().forward(features)
        self.seen.setdefault(str(features["input_ids"].tolist()), []).append(found["sentence_embedding"].detach())
        return found


def test_dropout_falls_the_same_way_in_both_passes():
    model = Recorded(dropout=0.5)
    gradient(GradCache(loss=PLAIN, mini_batch_size=2), batch(model))
    assert all(torch.equal(first, second) for first, second in model.seen.values())
    assert any((first == 0).any() for first, _ in model.seen.values())


def test_the_second_pass_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(0)
    value = GradCache(loss=PLAIN, mini_batch_size=2).on_batch(batch(Doubling(dropout=0.5)))
    expected = torch.get_rng_state()
    value.backward()
    assert torch.equal(torch.get_rng_state(), expected)


def test_a_scaled_backward_pass_scales_the_gradient():
    cached = GradCache(loss=PLAIN, mini_batch_size=2)
    plain, scaled = (gradient(cached, batch(Doubling()), scale=scale)[1] for scale in (1.0, 1024.0))
    torch.testing.assert_close(scaled, plain * 1024)


def test_gradients_of_two_batches_add_up():
    model, cached = Doubling(), GradCache(loss=PLAIN, mini_batch_size=2)
    once = gradient(cached, batch(model))[1].clone()
    (cached.on_batch(batch(model)) / 2).backward()
    torch.testing.assert_close(model.weight.grad, once * 1.5)


@pytest.mark.parametrize("outside", [True, False], ids=["backward outside of autocast", "backward inside"])
def test_under_autocast_the_gradient_is_the_plain_losss(outside: bool):
    found = []
    for loss in (PLAIN, GradCache(loss=PLAIN, mini_batch_size=2)):
        model = Recorded()
        with torch.autocast("cpu", torch.bfloat16):
            value = sum(parts_of(loss, batch(model)).values())
            if not outside:
                value.backward()
        if outside:
            value.backward()
        assert {one.dtype for seen in model.seen.values() for one in seen} == {torch.bfloat16}
        found.append((value.detach(), model.weight.grad))
    torch.testing.assert_close(found[1], found[0], rtol=2e-2, atol=1e-3)


def test_a_pass_behind_it_under_the_same_autocast_has_its_graph():
    model, cached = Doubling(), GradCache(loss=PLAIN, mini_batch_size=2)
    with torch.autocast("cpu", torch.bfloat16):
        cached.on_batch(batch(model))
        assert all(embeddings.requires_grad for embeddings in batch(model).embeddings())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions_have_the_plain_losss_gradient(dtype: torch.dtype):
    plain, cached = (
        gradient(loss, batch(Doubling().to(dtype))) for loss in (PLAIN, GradCache(loss=PLAIN, mini_batch_size=2))
    )
    steps = {torch.float64: 1e-12, torch.bfloat16: 2e-2, torch.float16: 2e-3}[dtype]
    torch.testing.assert_close(cached, plain, rtol=steps, atol=steps)


def test_without_gradients_there_is_one_pass_and_the_value():
    model = Doubling()
    with torch.no_grad():
        value = GradCache(loss=PLAIN, mini_batch_size=4).on_batch(batch(model))
    assert not value.requires_grad
    assert len(model.shapes) == 6
    torch.testing.assert_close(value, PLAIN(batch(Doubling()).embeddings()).detach())


def test_parts_keep_their_names_and_the_gradient_of_their_sum():
    cached = GradCache(loss=InParts(), mini_batch_size=2)
    parts = parts_of(cached, batch(Doubling()))
    assert {name: float(part.detach()) for name, part in parts.items()} == pytest.approx(
        {name: float(part.detach()) for name, part in parts_of(InParts(), batch(Doubling())).items()}
    )
    torch.testing.assert_close(gradient(cached, batch(Doubling())), gradient(InParts(), batch(Doubling())))


def test_parts_may_be_of_several_precisions():
    class Mixed(InParts):
        def parts(self, columns: list[Tensor], labels: Any = None) -> dict[str, Tensor]:
            return {"half": sum(column.sum() for column in columns), "whole": columns[0].float().sum()}

    given = batch(Doubling().to(torch.bfloat16))
    value = GradCache(loss=Mixed(), mini_batch_size=2).on_batch(given)
    value.backward()
    assert value.dtype == torch.float32
    assert given.model.weight.grad.abs().max() > 0


def test_a_losss_own_weights_learn_with_the_same_scale():
    labels, found = torch.tensor([0, 1, 2, 0]), []
    for cached in (False, True):
        torch.manual_seed(2)
        loss = SoftmaxLoss(embedding_dimension=4, num_labels=3)
        whole = GradCache(loss=loss, mini_batch_size=2) if cached else loss
        given = batch(Doubling(), 4, 2)
        (sum(parts_of(whole, given, labels).values()) * 8).backward()
        found.append([given.model.weight.grad, *(weight.grad for weight in loss.classifier.parameters())])
    torch.testing.assert_close(found[1], found[0])


def test_a_frozen_model_has_no_second_gradient():
    model = Doubling()
    model.weight.requires_grad_(False)
    GradCache(loss=PLAIN, mini_batch_size=2).on_batch(batch(model)).backward()
    assert model.weight.grad is None


class OnTwoDevices(Doubling):
    """Counts the passes in which gradients would be averaged, as DistributedDataParallel does outside of no_sync."""

    def __init__(self) -> None:
        super().__init__()
        self.quiet, self.averaged = False, 0

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        self.quiet = True
        yield
        self.quiet = False

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        self.averaged += torch.is_grad_enabled() and not self.quiet
        return super().forward(features)


def test_several_devices_average_once_a_step():
    model = OnTwoDevices()
    GradCache(loss=PLAIN, mini_batch_size=2).on_batch(batch(model)).backward()
    assert model.averaged == 1


def kept_for_backward(loss: Any, rows: int) -> int:
    """The most numbers of inputs that the model's graphs hold at once: all passes since a backward pass."""
    sizes: list[int] = []
    total = 0

    class Held(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, embeddings: Tensor) -> Tensor:
            nonlocal total
            ctx.size = embeddings.numel() if embeddings.requires_grad else 0
            total += ctx.size
            sizes.append(total)
            return embeddings.clone()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            nonlocal total
            total -= ctx.size
            return gradient

    class Holding(Doubling):
        def forward(self, features: dict[str, Any]) -> dict[str, Any]:
            found = super().forward(features)
            return {**found, "sentence_embedding": Held.apply(found["sentence_embedding"])}

    sum(parts_of(loss, batch(Holding(), rows)).values()).backward()
    assert total == 0
    return max(sizes)


def test_memory_grows_with_the_mini_batch_and_not_with_the_batch():
    cached = GradCache(loss=PLAIN, mini_batch_size=2)
    assert kept_for_backward(PLAIN, 8) * 8 == kept_for_backward(PLAIN, 64)
    assert kept_for_backward(cached, 8) == kept_for_backward(cached, 64) == 2 * 4
    assert kept_for_backward(replace(cached, mini_batch_size=4), 64) == 4 * 4


class Sliced:
    """The mean over rows of the first column's products with all of the second."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, columns: list[Tensor], labels: Any = None) -> Tensor:
        return sum(self.slices(columns, labels, size=len(columns[0])))

    def slices(self, columns: list[Tensor], labels: Any = None, *, size: int) -> Iterator[Tensor]:
        for some in columns[0].split(size):
            self.sizes.append(len(some))
            yield (some @ columns[1].T).pow(2).sum() / len(columns[0])


def test_a_loss_of_all_rows_against_all_is_computed_a_mini_batch_at_a_time():
    loss = Sliced()
    plain = gradient(loss, batch(Doubling(), width=2))
    cached = GradCache(loss=loss, mini_batch_size=3)
    torch.testing.assert_close(gradient(cached, batch(Doubling(), width=2)), plain)
    assert loss.sizes == [7, 3, 3, 1]
    with torch.no_grad():
        torch.testing.assert_close(cached.on_batch(batch(Doubling(), width=2)), plain[0])


def test_a_column_that_the_loss_does_not_use_is_named():
    cached = GradCache(loss=lambda columns, _: columns[0].sum() + columns[2].sum())
    with pytest.raises(ArgumentError, match="function does not use column 1, 3 of 4"):
        cached.on_batch(batch(Doubling(), width=4))


@pytest.mark.parametrize("wrong", [{"mini_batch_size": 0}, {"mini_batch_num_tokens": -1}])
def test_mini_batches_of_nothing_are_refused(wrong: dict[str, int]):
    with pytest.raises(ArgumentError, match=rf"GradCache: {next(iter(wrong))}="):
        GradCache(loss=PLAIN, **wrong)


def test_a_loss_that_needs_the_model_is_refused():
    with pytest.raises(ArgumentError, match="GradCache: loss is ContrastiveTensionLoss"):
        GradCache(loss=ContrastiveTensionLoss())
    with pytest.raises(ArgumentError, match="GradCache: loss is GradCache"):
        GradCache(loss=GradCache(loss=PLAIN))


def test_a_progress_bar_is_drawn_for_every_walk(capsys: pytest.CaptureFixture[str]):
    gradient(GradCache(loss=PLAIN, mini_batch_size=4, show_progress_bar=True), batch(Doubling(), width=2))
    assert capsys.readouterr().err.count("Embed mini-batches: 100%") == 3
