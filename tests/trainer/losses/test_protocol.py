from dataclasses import field, replace
from typing import Any

import pytest
import torch
from torch import nn

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.protocol import (
    UNTRAINED,
    can_be_wrapped,
    compute,
    inside,
    modules_of,
    named_modules_of,
    on_arrays,
    parts_of,
    parts_of_arrays,
    prepare,
    total,
)
from tests.trainer.losses.stand_ins import Doubling, column


@loss
class Sum:
    weight: nn.Module | None = None

    def __call__(self, columns, labels=None):
        return columns[0].sum()

    def prepared(self, model):
        return replace(self, weight=nn.Linear(model.weight.shape[1], 1))


@loss
class Parts:
    def __call__(self, columns, labels=None):
        return sum(self.parts(columns, labels).values())

    def parts(self, columns, labels=None):
        return {"one": columns[0].sum(), "two": columns[0].sum() * 2}


@loss
class OnBatch:
    loss: Any = None

    def on_batch(self, batch, labels=None):
        return torch.tensor(float(len(batch)))


@loss
class OnBatchInParts(OnBatch):
    def batch_parts(self, batch, labels=None):
        return {"rows": torch.tensor(float(len(batch)))}


@loss
class Bound:
    def on_batch(self, batch, labels=None):
        return self.bound(batch)(batch.embeddings(), labels)

    def bound(self, batch):
        return lambda columns, labels=None: columns[0].sum() * len(batch)


@loss
class Asking:
    guide: Any = field(metadata=UNTRAINED)
    head: nn.Module


def batch() -> Batch:
    return Batch(Doubling(), [column(2)])


TOTAL = float(Doubling()(column(2))["sentence_embedding"].detach().sum())


def test_a_loss_of_either_form_is_computed_on_a_batch():
    assert compute(Sum(), batch()).item() == pytest.approx(TOTAL)
    assert compute(OnBatch(), batch()).item() == 2
    assert compute(Bound(), batch()).item() == pytest.approx(2 * TOTAL)


def test_parts_have_names_and_a_loss_without_them_one():
    assert {name: value.item() for name, value in parts_of(Parts(), batch()).items()} == pytest.approx(
        {"one": TOTAL, "two": 2 * TOTAL}
    )
    assert parts_of(Sum(), batch())["loss"].item() == pytest.approx(TOTAL)
    assert parts_of(OnBatch(), batch()) == {"loss": 2}
    assert parts_of(OnBatchInParts(), batch()) == {"rows": 2}
    assert list(parts_of_arrays(Parts(), [torch.ones(1, 1)])) == ["one", "two"]


def test_a_plain_function_is_a_loss():
    assert compute(lambda columns, labels: columns[0].sum(), batch()).item() == pytest.approx(TOTAL)


def test_a_loss_becomes_a_function_of_arrays_when_bound_to_a_batch():
    arrays = [torch.ones(2, 2)]
    assert on_arrays(Sum(), batch())(arrays).item() == 4
    assert on_arrays(Bound(), batch())(arrays).item() == 8
    assert [can_be_wrapped(one) for one in (Sum(), Bound(), OnBatch())] == [True, True, False]


def test_a_loss_that_needs_the_model_cannot_be_a_function_of_arrays():
    with pytest.raises(ArgumentError, match="OnBatch: inside another loss"):
        on_arrays(OnBatch(), batch())


def test_preparing_reaches_the_losses_inside_and_leaves_the_given_one_alone():
    given = OnBatch(loss=OnBatch(loss=Sum()))
    made = prepare(given, Doubling(dim=5))
    assert given.loss.loss.weight is None
    assert made.loss.loss.weight.in_features == 5


def test_what_needs_no_preparing_is_given_back_itself():
    given, function = OnBatch(loss=Parts()), len
    assert prepare(given, Doubling()) is given
    assert prepare(function, Doubling()) is function


def test_modules_of_a_loss_are_those_that_it_trains():
    guide, head = nn.Linear(1, 1), nn.Linear(2, 2)
    asking = OnBatch(loss=Asking(guide=guide, head=head))
    assert list(modules_of(asking)) == [head]
    assert list(modules_of(Sum)) == []
    assert list(modules_of(len)) == []


def test_modules_have_the_names_of_the_way_to_them():
    guide, head = nn.Linear(1, 1), nn.Linear(2, 2)
    losses = {"a": OnBatch(loss=Asking(guide=guide, head=head)), "b": head, "c": len}
    assert list(named_modules_of(losses)) == [("a.loss.head", head), ("b.loss", head)]
    assert [name for name, _ in named_modules_of(losses, trained=False)] == ["a.loss.guide", "a.loss.head", "b.loss"]


def test_the_losses_inside_come_after_those_around_them():
    inner = OnBatch(loss=Parts())
    outer = OnBatch(loss=inner)
    assert list(inside({"a": outer, "b": len})) == [outer, inner, inner.loss, len]


def test_the_total_of_parts_may_be_of_several_precisions():
    assert total({"one": torch.tensor(1.0), "two": torch.tensor(2.0, dtype=torch.bfloat16)}).item() == 3
    assert total({"one": torch.tensor(1.0, dtype=torch.bfloat16)}).dtype is torch.bfloat16
