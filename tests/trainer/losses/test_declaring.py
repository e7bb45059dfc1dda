from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from torch import nn

from airvec.errors import ArgumentError
from airvec_trainer.losses import CoSENTLoss
from airvec_trainer.losses.declaring import loss
from tests.trainer.losses.stand_ins import Reader


@loss
class Scaled:
    scale: float = 20.0
    margin: float = 0.5


@loss
class WithModel:
    model: nn.Module
    scale: float = 1.0


@loss
class Bare:
    pass


@loss
class Guided:
    guide: Any
    scale: float = 1.0


MODEL = Reader()


@pytest.mark.parametrize(
    "made",
    [
        Scaled(scale=2.0, margin=3.0),
        Scaled(MODEL, 2.0, 3.0),
        Scaled(MODEL, 2.0, margin=3.0),
        Scaled(MODEL, scale=2.0, margin=3.0),
        Scaled(model=MODEL, scale=2.0, margin=3.0),
    ],
    ids=["by name", "all in order", "some in order", "model first", "model by name"],
)
def test_a_loss_is_made_by_name_or_the_old_way(made: Scaled):
    assert made == Scaled(scale=2.0, margin=3.0)
    assert repr(made) == "Scaled(scale=2.0, margin=3.0)"


def test_the_model_is_not_kept():
    assert MODEL not in vars(Scaled(MODEL)).values()


def test_a_field_called_model_keeps_it():
    assert WithModel(model=MODEL).model is MODEL


def test_values_without_a_model_in_front_are_refused():
    with pytest.raises(ArgumentError, match=r"Scaled: 5\.0 without a name, .* Name it: scale, margin"):
        Scaled(5.0)


@pytest.mark.parametrize("module", [nn.Sigmoid(), nn.L1Loss(), nn.Linear(3, 3)])
def test_a_module_that_is_no_model_is_not_taken_for_one(module: nn.Module):
    with pytest.raises(ArgumentError, match=rf"Scaled: {type(module).__name__}\(.*without a name"):
        Scaled(module)


def test_a_model_may_be_inside_of_what_spreads_it_over_devices():
    assert Scaled(nn.DataParallel(MODEL), 2.0) == Scaled(scale=2.0)


def test_a_value_without_a_name_is_shown_short():
    with pytest.raises(ArgumentError) as raised:
        Scaled("x" * 500)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("old", [(), (MODEL,)])
def test_what_must_be_given_and_is_not_is_named(old: tuple[Any, ...]):
    with pytest.raises(ArgumentError, match=r"Guided: no guide is given, expected one\. Name it: Guided\(guide=…\)"):
        Guided(*old)


def test_more_values_than_fields_are_refused():
    with pytest.raises(ArgumentError, match="Scaled: 3 values behind the model, expected at most 2: scale, margin"):
        Scaled(MODEL, 1.0, 2.0, 3.0)
    with pytest.raises(ArgumentError, match="Bare: 1 values behind the model, expected at most 0: it has no fields"):
        Bare(MODEL, 1.0)


def test_one_field_given_twice_is_an_error():
    with pytest.raises(TypeError, match="scale"):
        Scaled(MODEL, 2.0, scale=3.0)


def test_a_loss_is_frozen_and_can_be_copied_with_a_change():
    made = Scaled(scale=2.0)
    with pytest.raises(FrozenInstanceError):
        made.scale = 3.0
    assert replace(made, margin=1.0) == Scaled(scale=2.0, margin=1.0)


@loss
class Around:
    loss: Any
    weight: float = 1.0


@pytest.mark.parametrize("inner", [CoSENTLoss(), lambda columns, labels: 0, nn.L1Loss()])
def test_a_loss_around_another_takes_that_one_first(inner: Any):
    assert Around(inner, 2.0) == Around(loss=inner, weight=2.0) == Around(MODEL, inner, 2.0)
    with pytest.raises(ArgumentError, match=r"Around: 3 without a name"):
        Around(3)
    with pytest.raises(ArgumentError, match="Around: 3 values, expected at most 2: loss, weight"):
        Around(inner, 2.0, 3.0)
