import functools
from typing import Any

import pytest
import torch
from torch import nn

from airvec.errors import ArgumentError
from airvec_trainer.losses import CoSENTLoss
from airvec_trainer.objectives import made_for, of_data_set
from tests.trainer.losses.stand_ins import Reader

MODEL = Reader()


class OldForm(nn.Module):
    def forward(self, sentence_features: Any, labels: Any) -> Any:
        raise AssertionError


def test_a_loss_is_made_by_a_class_a_function_of_the_model_or_a_partial_class():
    for maker in (CoSENTLoss, lambda model: CoSENTLoss(), functools.partial(CoSENTLoss)):
        assert made_for(maker, MODEL) == CoSENTLoss()
    assert made_for({"a": functools.partial(CoSENTLoss, scale=30)}, MODEL) == {"a": CoSENTLoss(scale=30)}


def test_functions_of_columns_are_losses():
    def own(columns, labels):
        return columns[0].sum()

    assert made_for(own, MODEL) is own
    assert made_for(torch.add, MODEL) is torch.add  # built in: it does not say what it takes


def test_a_loss_in_sentence_transformers_form_is_told_the_form_of_this_package():
    with pytest.raises(ArgumentError, match=r"OldForm reads sentence_features.*Write __call__\(columns, labels\), or"):
        made_for(OldForm(), MODEL)


@pytest.mark.parametrize("nothing", [3, lambda model: None, lambda model: CoSENTLoss])
def test_what_is_no_loss_is_refused(nothing):
    with pytest.raises(ArgumentError, match="is no loss, expected one of airvec_trainer.losses"):
        made_for(nothing, MODEL)


@pytest.mark.parametrize(("name", "found"), [(None, "one data set without a name"), ("c", "'c'")])
def test_rows_of_no_known_data_set_are_told_where_each_has_its_loss(name, found):
    losses = {"a": CoSENTLoss(), "b": CoSENTLoss(scale=1)}
    message = rf"loss: one for each of 'a', 'b', and rows of {found}, .*evaluate\({{'a': dataset}}\)"
    with pytest.raises(ArgumentError, match=message):
        of_data_set(losses, name)
    assert of_data_set(losses, "b") is losses["b"]
    assert of_data_set(losses["a"], name) is losses["a"]
