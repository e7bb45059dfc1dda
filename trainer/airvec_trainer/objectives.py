"""The losses of a training: made for the model, one for all data sets or one for each, and their value on a batch.

Knows nothing of data loaders and of the training loop.
"""

import dataclasses
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.columns import half_as_float
from airvec_trainer.losses.protocol import BatchLoss, parts_of, prepare

__all__ = ["PromptedBatch", "check_names", "loss_parts", "made_for", "of_data_set", "total"]


@dataclass(frozen=True)
class PromptedBatch(Batch):
    """A batch of texts that the loss lets the model read, with what stands before them.

    Args:
        prompt: put before each pair.
        task: which route of a Router they take.
    """

    prompt: str | None = None
    task: str | None = None


def made_for(loss: Any, model: nn.Module) -> Any:
    """The loss, or losses by data set, ready for a model; a function or a class is called with the model first."""
    if isinstance(loss, Mapping):
        return {name: made_for(one, model) for name, one in loss.items()}
    return prepare(loss(model) if _makes_a_loss(loss) else loss, model)


def _makes_a_loss(given: Any) -> bool:
    """A class, or a function of one argument: the model. A function of two takes columns and labels, and is a loss."""
    if inspect.isclass(given):
        return True
    if dataclasses.is_dataclass(given) or isinstance(given, nn.Module | BatchLoss) or not callable(given):
        return False
    parameters = inspect.signature(given).parameters.values()
    positional = [entry for entry in parameters if entry.kind in (entry.POSITIONAL_ONLY, entry.POSITIONAL_OR_KEYWORD)]
    return len(positional) == 1


def check_names(loss: Any, data: Mapping[str, Iterable[str | None]]) -> None:
    """Raise unless every data set has a loss, and every loss a data set.

    Args:
        loss: a loss, or losses by data set.
        data: the names in `train_dataset` and in `eval_dataset`, those that there are.

    Raises:
        ArgumentError: there are several losses and one data set alone, or names that differ.
    """
    if not isinstance(loss, Mapping):
        return
    known: set[str] = set()
    for role, names in data.items():
        found = list(names)
        if None in found:
            raise ArgumentError(
                f"loss: a dict for {', '.join(map(repr, loss))}, and {role} is one data set, expected several by name. "
                f"Give {role} as a dict with these names, or one loss."
            )
        missing = sorted(set(found) - set(loss))  # type: ignore[type-var]
        if missing:
            raise ArgumentError(
                f"loss: none for {missing[0]!r} of {role}, but for {', '.join(map(repr, loss))}, expected one a data "
                "set. Add it, or correct the name."
            )
        known |= set(found)  # type: ignore[arg-type]
    unused = sorted(set(loss) - known)
    if unused and known:
        raise ArgumentError(
            f"loss: one for {unused[0]!r}, expected the names of data sets: {', '.join(map(repr, sorted(known)))}. "
            "Correct the name, or leave it out."
        )


def of_data_set(loss: Any, name: str | None) -> Any:
    """The loss of a data set, where each has its own."""
    return loss[name] if isinstance(loss, Mapping) else loss


def loss_parts(loss: Any, model: nn.Module, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
    """The parts of a loss on a collated batch, by name; their sum is its value.

    Args:
        loss: a loss, or losses by data set.
        model: as the training has it, perhaps wrapped.
        inputs: what a collator gives, on the model's device.
    """
    batch = PromptedBatch(model, inputs["columns"], inputs["texts"], inputs.get("prompt"), inputs.get("task"))
    return parts_of(of_data_set(loss, inputs.get("dataset_name")), batch, inputs.get("label"))


def total(parts: Mapping[str, Tensor]) -> Tensor:
    """The sum of parts: a scalar."""
    values = list(parts.values())
    return values[0] if len(values) == 1 else torch.stack([half_as_float(value) for value in values]).sum()
