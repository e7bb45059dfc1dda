"""`@loss`: a frozen dataclass with keyword-only fields that can also be made the old way, with a model in front.

    CoSENTLoss(scale=20.0)
    CoSENTLoss(model, scale=20.0)         # sentence-transformers' way: the model is accepted and not kept
    TripletLoss(model, TripletDistanceMetric.COSINE, 0.5)  # what follows the model fills the fields in order

Knows nothing of any one loss.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, TypeVar, dataclass_transform

from torch import nn

from airvec.errors import ArgumentError

__all__ = ["loss"]

Class = TypeVar("Class")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def loss(declared: type[Class]) -> type[Class]:
    """Make a class of annotated fields a loss."""
    made: Any = dataclass(frozen=True, kw_only=True)(declared)
    made.__init__ = _without_model(made.__init__, made)
    return made


def _without_model(init: Callable[..., None], made: Any) -> Callable[..., None]:
    @wraps(init)
    def made_either_way(self: Any, *old: Any, **given: Any) -> None:
        names = [entry.name for entry in fields(made) if entry.init]
        if "model" in given and "model" not in names:
            old = (given.pop("model"), *old)
        if old and not isinstance(old[0], nn.Module):
            raise ArgumentError(
                f"{made.__name__}: {old[0]!r} without a name, expected fields by name, or a model first, as "
                f"sentence-transformers has it. Name it: {', '.join(names) or 'it has no fields'}."
            )
        if len(old) > 1 + len(names):
            raise ArgumentError(
                f"{made.__name__}: {len(old) - 1} values behind the model, expected at most {len(names)}: "
                f"{', '.join(names) or 'it has no fields'}. Leave the others out."
            )
        init(self, **dict(zip(names, old[1:], strict=False)), **given)

    return made_either_way
