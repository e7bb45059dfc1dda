"""The weights that a training moves: the model's, and those that losses have of their own.

Knows nothing of data sets and of the training loop.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from airvec.errors import ArgumentError
from airvec_trainer.errors import TrainingError, shortened
from airvec_trainer.losses.protocol import named_modules_of

__all__ = ["LOSS_WEIGHTS", "Weights", "load_loss_weights", "parameter_groups", "place", "save_loss_weights"]

LOSS_WEIGHTS = "loss_weights.safetensors"


class Weights(nn.Module):
    """The model under the name `model`, and the modules of losses under the names of their fields.

    Args:
        model: the model that is trained.
        loss: a loss, or losses by the name of their data set.
    """

    def __init__(self, model: nn.Module, loss: Any) -> None:
        super().__init__()
        self.model = model
        for name, module in named_modules_of(loss):
            _placed(self, f"loss_{name}" if name.partition(".")[0] == "model" else name, module)

    def of_losses(self) -> dict[str, nn.Parameter]:
        """What losses own and train; what they share with the model is the model's."""
        return {
            name: weight
            for name, weight in self.named_parameters()
            if not name.startswith("model.") and weight.requires_grad
        }


def place(loss: Any, device: torch.device) -> None:
    """Move all modules of a loss to a device, those that are only asked, too."""
    for _, module in named_modules_of(loss, trained=False):
        module.to(device)


def _placed(root: nn.Module, name: str, module: nn.Module) -> None:
    """Register a module under a name with dots, which torch does not allow in one name."""
    *way, last = name.split(".")
    for step in way:
        inner = dict(root.named_children()).get(step)
        if inner is None:
            inner = nn.Module()
            root.add_module(_free(root, step), inner)
        root = inner
    root.add_module(_free(root, last), module)


def _free(root: nn.Module, name: str) -> str:
    """A name that a module has not yet; data sets may be called as a module's own attributes are."""
    while hasattr(root, name):
        name = f"loss_{name}"
    return name


def parameter_groups(
    weights: Weights, decayed: Collection[str], weight_decay: float, rates: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Groups for an optimiser: with and without decay, and two for each learning rate of its own.

    Args:
        weights: all that is trained.
        decayed: names of those that weight decay is for.
        weight_decay: how much.
        rates: learning rates by a regular expression that finds the names of weights; a later one wins.

    Raises:
        ArgumentError: an expression that finds no weight.
    """
    trained = {name: weight for name, weight in weights.named_parameters() if weight.requires_grad}
    chosen: dict[str, str | None] = dict.fromkeys(trained)
    for pattern in rates:
        found = [name for name in trained if re.search(pattern, name)]
        if not found:
            raise ArgumentError(
                f"learning_rate_mapping: {pattern!r} finds none of the {len(trained)} weights, such as "
                f"{shortened(list(trained), most=3)}. Correct the expression."
            )
        chosen.update(dict.fromkeys(found, pattern))
    groups: list[dict[str, Any]] = []
    for pattern in (None, *rates):
        rate = {} if pattern is None else {"lr": rates[pattern]}
        for decays in (True, False):
            members = [
                weight for name, weight in trained.items() if chosen[name] == pattern and (name in decayed) == decays
            ]
            if members or pattern is None:
                groups.append({"params": members, "weight_decay": weight_decay if decays else 0.0, **rate})
    return groups


def save_loss_weights(weights: Weights, folder: Path) -> None:
    """Write what losses have learned beside a checkpoint's model; nothing where they have no weights."""
    from safetensors.torch import save_file  # only a training that saves needs it

    found = {name: weight.detach().cpu().contiguous().clone() for name, weight in weights.of_losses().items()}
    if found:
        save_file(found, folder / LOSS_WEIGHTS)


def load_loss_weights(weights: Weights, folder: Path) -> None:
    """Take up what losses had learned.

    Raises:
        TrainingError: the checkpoint has none, or others than these losses.
    """
    own = weights.of_losses()
    stored = _stored(folder / LOSS_WEIGHTS)
    if {name: tuple(weight.shape) for name, weight in own.items()} != {
        name: tuple(weight.shape) for name, weight in stored.items()
    }:
        raise TrainingError(
            f"{folder / LOSS_WEIGHTS}: weights of losses {shortened(list(stored))}, expected {shortened(list(own))}. "
            "Resume with the loss that the checkpoint was trained with, or start a new training from its model."
        )
    with torch.no_grad():
        for name, weight in own.items():
            weight.copy_(stored[name])


def _stored(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(path) if path.is_file() else {}
