"""The losses of a training: made for the model, one for all data sets or one for each, and their value on a batch.

Knows nothing of data loaders and of the training loop.
"""

import dataclasses
import functools
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.protocol import BatchLoss, parts_of, prepare

__all__ = ["check_names", "loss_parts", "made_for", "of_data_set"]


def made_for(loss: Any, model: nn.Module) -> Any:
    """The loss, or losses by data set, ready for a model; a function or a class is called with the model first."""
    if isinstance(loss, Mapping):
        return {name: made_for(one, model) for name, one in loss.items()}
    made = loss(model) if _makes_a_loss(loss) else loss
    _check_form(made)
    return prepare(made, model)


def _makes_a_loss(given: Any) -> bool:
    """A class, or a function of one argument: the model. A function of two takes columns and labels, and is a loss."""
    if inspect.isclass(given) or (isinstance(given, functools.partial) and inspect.isclass(given.func)):
        return True
    if dataclasses.is_dataclass(given) or isinstance(given, nn.Module | BatchLoss) or not callable(given):
        return False
    parameters = _parameters(given).values()
    positional = [entry for entry in parameters if entry.kind in (entry.POSITIONAL_ONLY, entry.POSITIONAL_OR_KEYWORD)]
    return len(positional) == 1


def _parameters(function: Any) -> Mapping[str, inspect.Parameter]:
    """What a function takes; nothing of one that is built in and does not say."""
    try:
        return inspect.signature(function).parameters
    except ValueError:
        return {}


def _check_form(loss: Any) -> None:
    """Raise for what is no loss, and for one that tokenises features and runs the model itself."""
    if isinstance(loss, type) or not (callable(loss) or isinstance(loss, BatchLoss)):
        raise ArgumentError(
            f"loss: {loss!r:.80} is no loss, expected one of airvec_trainer.losses, or a function of columns and "
            "labels. Where a function makes the loss, have it return the loss."
        )
    if isinstance(loss, BatchLoss):
        return
    read = loss.forward if isinstance(loss, nn.Module) else loss
    first = next(iter(_parameters(read)), "")
    if first in {"sentence_features", "features"}:
        raise ArgumentError(
            f"loss: {type(loss).__name__} reads {first}, as losses of sentence-transformers do, expected columns of "
            "embeddings: losses take embeddings, and the trainer runs the model. Write __call__(columns, labels), or "
            "on_batch(batch, labels) where the loss needs the model."
        )


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
    """The loss of a data set, where each has its own.

    Raises:
        ArgumentError: there are several, and none for this name.
    """
    if not isinstance(loss, Mapping):
        return loss
    if name not in loss:
        known, given = ", ".join(map(repr, loss)), "one data set without a name" if name is None else repr(name)
        raise ArgumentError(
            f"loss: one for each of {known}, and rows of {given}, "
            f"expected one of these names. Give a dict: trainer.evaluate({{{next(iter(loss))!r}: dataset}})."
        )
    return loss[name]


def loss_parts(loss: Any, model: nn.Module, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
    """The parts of a loss on a collated batch, by name; their sum is its value.

    Args:
        loss: a loss, or losses by data set.
        model: as the training has it, perhaps wrapped.
        inputs: what a collator gives, on the model's device.
    """
    batch = Batch(model, inputs["columns"], inputs["texts"], inputs.get("prompt"), inputs.get("task"))
    return parts_of(of_data_set(loss, inputs.get("dataset_name")), batch, inputs.get("label"))
