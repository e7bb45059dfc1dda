"""The model's weights and the losses' own: names, groups, files."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from airvec.errors import ArgumentError
from airvec_trainer.errors import TrainingError
from airvec_trainer.losses import SoftmaxLoss
from airvec_trainer.weights import Weights, load_loss_weights, parameter_groups, save_loss_weights


def softmax(labels: int = 3) -> Any:
    return SoftmaxLoss(embedding_dimension=4, num_labels=labels)


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))


def test_names_are_the_model_s_and_the_fields_of_losses() -> None:
    single = Weights(model(), softmax())
    assert set(single.of_losses()) == {"classifier.weight", "classifier.bias"}
    several = Weights(model(), {"nli": softmax(), "model": softmax()})
    assert {"nli.classifier.weight", "loss_model.classifier.weight"} <= set(several.of_losses())
    assert {name.partition(".")[0] for name, _ in single.named_parameters()} == {"model", "classifier"}


def test_every_weight_is_in_one_group() -> None:
    weights = Weights(model(), softmax())
    groups = parameter_groups(weights, {"model.0.weight"}, 0.1, {r"^model\.1": 1e-2, "bias$": 1e-3})
    members = [id(weight) for group in groups for weight in group["params"]]
    assert len(members) == len(set(members)) == len(list(weights.parameters()))
    rates = {id(weight): group.get("lr") for group in groups for weight in group["params"]}
    named = dict(weights.named_parameters())
    assert rates[id(named["model.1.weight"])] == 1e-2
    assert rates[id(named["model.1.bias"])] == 1e-3  # the later pattern wins
    assert rates[id(named["model.0.weight"])] is None


def test_frozen_weights_are_in_no_group() -> None:
    weights = Weights(model().requires_grad_(False), softmax())
    groups = parameter_groups(weights, set(), 0.0, {})
    assert sum(len(group["params"]) for group in groups) == 2


def test_a_pattern_without_weights_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="'head' finds none of the 6 weights"):
        parameter_groups(Weights(model(), softmax()), set(), 0.0, {"head": 1e-3})


def test_what_losses_learned_comes_back_from_a_file(tmp_path: Path) -> None:
    saved, fresh = Weights(model(), softmax()), Weights(model(), softmax())
    save_loss_weights(saved, tmp_path)
    load_loss_weights(fresh, tmp_path)
    for name, weight in saved.of_losses().items():
        assert torch.equal(weight, fresh.of_losses()[name])


def test_another_loss_s_weights_are_refused(tmp_path: Path) -> None:
    save_loss_weights(Weights(model(), softmax()), tmp_path)
    with pytest.raises(TrainingError, match="Resume with the loss"):
        load_loss_weights(Weights(model(), softmax(labels=5)), tmp_path)
