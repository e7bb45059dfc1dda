"""`@loss`: a frozen dataclass with keyword-only fields that can also be made the old way, with a model in front.

    CoSENTLoss(scale=20.0)
    CoSENTLoss(model, scale=20.0)         # sentence-transformers' way: the model is accepted and not kept
    TripletLoss(model, TripletDistanceMetric.COSINE, 0.5)  # what follows the model fills the fields in order
    GradCache(CoSENTLoss(), 16)           # a loss around another takes that one first

Knows nothing of any one loss.
"""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import wraps
from typing import Any, TypeVar, dataclass_transform

from torch import nn

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import unwrapped

__all__ = ["loss"]

MODEL = ("preprocess", "tokenize", "get_embedding_dimension", "get_sentence_embedding_dimension")

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
        behind = " behind the model"
        if old and not _is_model(old[0]) and names[:1] == ["loss"] and _is_loss(old[0]):
            old, behind = (None, *old), ""  # a loss around another may be given that one alone: GradCache(loss)
        elif old and not _is_model(old[0]):
            raise ArgumentError(
                f"{made.__name__}: {old[0]!r:.80} without a name, expected fields by name, or a model first, as "
                f"sentence-transformers has it. Name it: {', '.join(names) or 'it has no fields'}."
            )
        if len(old) > 1 + len(names):
            raise ArgumentError(
                f"{made.__name__}: {len(old) - 1} values{behind}, expected at most {len(names)}: "
                f"{', '.join(names) or 'it has no fields'}. Leave the others out."
            )
        placed = dict(zip(names, old[1:], strict=False))
        missing = [name for name in _required(made) if name not in placed and name not in given]
        if missing:
            raise ArgumentError(
                f"{made.__name__}: no {missing[0]} is given, expected one. Name it: {made.__name__}({missing[0]}=…)."
            )
        init(self, **placed, **given)

    return made_either_way


def _is_model(value: Any) -> bool:
    """A model that reads texts, perhaps inside of what spreads it over devices; no other module, such as a loss."""
    model = unwrapped(value)
    return isinstance(value, nn.Module) and any(hasattr(model, name) for name in MODEL)


def _is_loss(value: Any) -> bool:
    """What may be inside another loss; that says whether it can be inside this one."""
    return callable(value) or hasattr(value, "on_batch")


def _required(made: Any) -> list[str]:
    """Fields without a default."""
    return [
        entry.name
        for entry in fields(made)
        if entry.init and entry.default is MISSING and entry.default_factory is MISSING
    ]
