"""How a card writes a loss: its name, its fields, and the losses inside it.

Knows nothing of what a loss computes.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

__all__ = ["all_losses", "full_name", "loss_fields"]


def all_losses(loss: Any) -> list[Any]:
    """A loss, or the losses of several data sets, with the losses inside each; one of a class."""
    waiting = list(loss.values()) if isinstance(loss, Mapping) else [loss]
    found: list[Any] = []
    while waiting:
        one = waiting.pop(0)
        if one is None or type(one) in map(type, found):
            continue
        found.append(one)
        waiting += [value for value in _fields(one).values() if _is_loss(value)]
    return found


def full_name(value: Any) -> str:
    """The class of a value, with its module."""
    return f"{type(value).__module__}.{type(value).__qualname__}"


def loss_fields(loss: Any) -> dict[str, Any]:
    """The fields of a loss as values that JSON has; modules and losses are named, not shown."""
    return {name: _plain(value) for name, value in _fields(loss).items()}


def _fields(loss: Any) -> dict[str, Any]:
    """Fields of a dataclass that its maker gives; what `prepared` adds is no setting."""
    if not dataclasses.is_dataclass(loss):
        return {}
    return {entry.name: getattr(loss, entry.name) for entry in dataclasses.fields(loss) if entry.init}


def _is_loss(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type) and type(value).__name__.endswith("Loss")


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return _named(value)


def _named(value: Any) -> str:
    """What is no plain value, by its name: no path of this machine, no weights."""
    if isinstance(value, Path):
        return value.name
    if isinstance(value, nn.Module):
        return _module(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        inside = ", ".join(f"{name}={inner!r}" for name, inner in loss_fields(value).items())
        return f"{type(value).__name__}({inside})"
    return getattr(value, "__name__", type(value).__name__)


def _module(module: nn.Module) -> str:
    """A model by the name that it came with; another module by its class."""
    card = getattr(module, "model_card_data", None)
    name = getattr(card, "base_model", None) or getattr(card, "base_folder", None)
    if name:
        return f"{type(module).__name__}({name!r})"
    return type(module).__name__ if list(module.children()) else repr(module)
