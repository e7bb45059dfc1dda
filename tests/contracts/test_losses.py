"""What every loss keeps, found through `losses.__all__` and `losses.rerank.__all__`: a new one is tested at once."""

import dataclasses
import inspect
import re
from typing import Any

import pytest
import torch
from torch import Tensor

from airvec.errors import ArgumentError
from airvec_trainer.losses.protocol import compute, parts_of_arrays, prepare
from tests.contracts.losses_by_room import (
    BEYOND,
    SETTINGS,
    TinyModel,
    batch,
    every_loss,
    given,
    made,
    of_arrays,
    of_batches,
)

EVERY = pytest.mark.parametrize("name", every_loss())
ARRAYS = pytest.mark.parametrize("name", of_arrays())
BATCHES = pytest.mark.parametrize("name", of_batches())


def run(
    loss: Any, columns: list[Tensor], labels: Any, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, list[Tensor]]:
    """The value and its gradient in each column."""
    leaves = [column.to(dtype, copy=True).requires_grad_() for column in columns]
    value = loss(leaves, labels)
    value.backward()
    return value.detach(), [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]


def picked(values: Any, order: list[int]) -> Any:
    return [values[place] for place in order] if isinstance(values, list) else values[order]


def test_there_are_losses_to_look_at():
    assert len(every_loss()) > 50
    assert len(of_arrays()) > 40
    assert set(BEYOND) <= set(every_loss())


@EVERY
def test_it_is_frozen(name):
    loss = made(name)
    with pytest.raises(dataclasses.FrozenInstanceError):
        loss.anything = 1


@EVERY
def test_its_fields_are_given_by_name_or_behind_a_model(name):
    model, settings = TinyModel(), SETTINGS.get(name, {})
    assert repr(made(name, model)) == repr(made(name))
    assert repr(every_loss()[name](model=model, **settings)) == repr(made(name))
    with pytest.raises(ArgumentError, match=r"without a name, expected fields by name, or a model first"):
        every_loss()[name]("a setting without its name")


@EVERY
def test_it_keeps_no_model(name):
    model = TinyModel()
    loss = made(name, model)
    assert all(getattr(loss, field.name) is not model for field in dataclasses.fields(loss))


@EVERY
def test_its_repr_says_what_it_is(name):
    loss = made(name)
    assert repr(loss).startswith(name.removeprefix("rerank.") + "(")
    assert all(f"{field.name}=" in repr(loss) for field in dataclasses.fields(loss) if field.repr)


@EVERY
def test_its_docstring_says_what_it_reads_where_it_is_from_and_shows_a_number(name):
    text = inspect.getdoc(every_loss()[name]) or ""
    assert re.search(r"^Data:", text, re.MULTILINE)
    assert re.search(r"^Source:", text, re.MULTILINE)
    assert re.search(r"https?://|arXiv \d", text.partition("Source:")[2])
    assert re.search(r"^Example:", text, re.MULTILINE)
    assert ">>>" in text


@ARRAYS
@pytest.mark.parametrize("rows", [6, 1])
def test_value_and_gradient_are_finite(name, rows):
    columns, labels = given(name, rows)
    value, gradients = run(made(name), columns, labels)
    assert value.shape == ()
    assert value.isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients)
    if rows > 1:
        assert any(gradient.abs().max() > 0 for gradient in gradients)


@ARRAYS
def test_the_order_of_the_rows_does_not_matter(name):
    columns, labels = given(name, 6)
    order = [3, 0, 5, 1, 4, 2]
    if "rerank.lists" in every_loss()[name].__module__:
        shuffled = picked(columns, order)
    else:
        shuffled = [picked(column, order) for column in columns]
    loss, permuted = made(name), None if labels is None else picked(labels, order)
    torch.manual_seed(4)
    value = run(loss, columns, labels)[0]
    torch.manual_seed(4)
    assert torch.allclose(run(loss, shuffled, permuted)[0], value, rtol=1e-5)


@ARRAYS
def test_bfloat16_gives_nearly_the_same(name):
    columns, labels = given(name, 6)
    value, gradients = run(made(name), columns, labels, torch.bfloat16)
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert torch.allclose(value.float(), run(made(name), columns, labels)[0], rtol=0.05, atol=0.02)


@ARRAYS
def test_the_inputs_are_left_as_they_were(name):
    columns, labels = given(name, 6)
    before = [column.clone() for column in columns]
    made(name)(columns, labels)
    assert all(torch.equal(column, old) for column, old in zip(columns, before, strict=True))


@ARRAYS
def test_its_parts_are_named_and_sum_to_it(name):
    columns, labels = given(name, 6)
    loss = made(name)
    torch.manual_seed(4)
    parts = parts_of_arrays(loss, columns, labels)
    torch.manual_seed(4)
    assert torch.allclose(torch.stack(list(parts.values())).sum(), loss(columns, labels))


@ARRAYS
def test_no_columns_are_refused_by_name(name):
    with pytest.raises(ArgumentError, match=name.removeprefix("rerank.")):
        made(name)([], given(name, 2)[1])


@BATCHES
@pytest.mark.parametrize("rows", [6, 1])
def test_on_a_batch_value_and_gradient_are_finite(name, rows):
    model = TinyModel()
    width = 1 if "InBatchNegatives" in name else 2
    value = compute(prepare(made(name), model), batch(model, rows, width), None)
    value.backward()
    assert value.shape == ()
    assert value.isfinite()
    assert model.words.weight.grad.isfinite().all()
