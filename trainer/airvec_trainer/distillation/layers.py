"""A model with fewer layers, which begins as a part of the model it is to learn from.

The layers are found by what they are, not by the model's name: the list in transformers' model that has as many members
as its config says there are layers.
Knows nothing of teachers and of training.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import nn

from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec_trainer.adapters import has_adapters
from airvec_trainer.distillation.twins import check_in_torch, twin_of
from airvec_trainer.model import Model

__all__ = ["COUNT", "places_of", "with_fewer_layers"]

Kept = TypeVar("Kept", bound=Model)
COUNT = "num_hidden_layers"  # transformers' own name, which configs with another one map to it
NUMBERS = ("layer_idx", "layer_id", "layer_number")  # what layers call their own place


def with_fewer_layers(model: Kept, keep: int | Sequence[int]) -> Kept:
    """A copy of the model with some of its layers, in their order; config, saving and export go with it.

    Args:
        model: of any kind, with a model of transformers in it.
        keep: how many, spread evenly from the first to the last (3 of 6 are 0, 2 and 5; 1 is the first); or which,
            from 0.

    Raises:
        ArgumentError: a model that is not in torch, no such layers, a model without a list of layers (a table, layers
            that share weights), one with adapters, or layers that cannot stand there, as a first one that differs from
            the others.

    Example:
        >>> places_of(3, 6), places_of([4, 1], 6)
        ([0, 2, 5], [1, 4])
    """
    check_in_torch("model", model)
    if has_adapters(model):
        raise ArgumentError(
            f"model: {type(model).__name__} has adapters, expected none. Open the folder that it was exported to, "
            "whose weights have them merged."
        )
    twin = twin_of(model)
    body = twin.transformers_model
    if body is None:
        raise ArgumentError(
            f"model: {type(model[0]).__name__} reads the texts, which has no layers. Give a Transformer."
        )
    count = getattr(body.config, COUNT, 0)
    parent, name = _list_of_layers(body, count)
    places = places_of(keep, count)
    setattr(parent, name, nn.ModuleList(_renumbered(getattr(parent, name)[old], new) for new, old in enumerate(places)))
    _shorten(body.config, places, count)
    _check_whole(body, places)
    return twin


def _list_of_layers(body: nn.Module, count: int) -> tuple[nn.Module, str]:
    """The module that holds the list of layers, and the list's name in it."""
    found = [
        (parent, name)
        for parent in body.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.ModuleList) and len(child) == count > 0 and len({type(one) for one in child}) == 1
    ]
    if len(found) != 1:
        raise ArgumentError(
            f"model: {type(body).__name__} has {len(found)} lists of {count} layers, expected one. Its layers cannot "
            "be told, or share their weights: make a smaller model from its config."
        )
    return found[0]


def places_of(keep: int | Sequence[int], count: int) -> list[int]:
    """Which layers of so many stay.

    Raises:
        ArgumentError: none, too many, twice the same, or one that is not there.
    """
    if isinstance(keep, str | bytes | Mapping) or not isinstance(keep, Iterable):
        number = whole_number("keep", keep)
        if number > count:
            raise ArgumentError(f"keep: {number} layers of {count}, expected {count} at most. Lower it.")
        return [round(place * (count - 1) / max(number - 1, 1)) for place in range(number)]
    listed = list(keep)
    places = sorted(whole_number("keep", place, 0) for place in listed)
    if not places or len(set(places)) != len(places) or places[-1] >= count:
        raise ArgumentError(f"keep: {listed!r}, expected numbers from 0 to {count - 1}, each once. Change them.")
    return places


def _renumbered(layer: nn.Module, place: int) -> nn.Module:
    """Layers that know their place use it for a cache, or to choose their kind of attention when they are made."""
    for part in layer.modules():
        for name in NUMBERS:
            if isinstance(getattr(part, name, None), int):
                setattr(part, name, place)
    return layer


def _shorten(config: Any, places: Sequence[int], count: int) -> None:
    """The config says so; its lists with a value for each layer, such as `layer_types`, are cut alike."""
    for name, value in list(vars(config).items()):
        # By its name, too: DeBERTa's pos_att_type may have as many members as the model has layers.
        if "layer" in name and isinstance(value, list | tuple) and len(value) == count:
            setattr(config, name, [value[place] for place in places])
    setattr(config, COUNT, len(places))


def _check_whole(body: Any, places: Sequence[int]) -> None:
    """Refuse what could not be loaded again: weights that a fresh model of this config has not, or the reverse."""
    with torch.device("meta"):
        fresh = type(body)(copy.deepcopy(body.config))
    there = {name: tuple(value.shape) for name, value in body.state_dict().items()}
    wanted = {name: tuple(value.shape) for name, value in fresh.state_dict().items()}
    other = sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))
    if other:
        raise ArgumentError(
            f"keep: layers {list(places)} of {type(body).__name__}, but {other[0]} is then "
            f"{'missing' if other[0] not in there else 'of a layer that stood elsewhere'}, expected layers that can "
            "stand in these places. Keep layer 0, and take the others at the model's own steps."
        )
