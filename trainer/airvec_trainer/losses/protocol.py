"""The two forms that a loss may have, and how a trainer runs either.

Most are functions of embeddings: `loss([anchor, positive], labels)`. What needs more (a guide, a second encoder, a
decoder, the layers' outputs) is a `BatchLoss`, and gets the batch with the model. Either may have weights of its own,
as fields that are `nn.Module`, and parts, whose sum it is. What else a loss may say of itself:

    bound(batch)       it is a function of embeddings once it has looked at the batch: others can wrap it
    slices(…, size)    its value a few rows at a time, for the gradient cache, where all rows meet all
    needs_two_labels   its gradient is zero where all labels are alike
    has_one_width      it takes embeddings of one length only

Knows nothing of trainers and of any one loss.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.columns import half_as_float

__all__ = [
    "UNTRAINED", "BatchLoss", "Loss", "can_be_wrapped", "compute", "inside", "modules_of", "named_modules_of",
    "on_arrays", "parts_of", "parts_of_arrays", "prepare", "slices_of_arrays", "total",
]  # fmt: skip

# Metadata of a field that holds a model which is only asked, such as a guide: `guide: Any = field(metadata=UNTRAINED)`.
UNTRAINED = {"trained": False}


class Loss(Protocol):
    """A function of embeddings: columns of (rows, dim), labels (rows,) or (rows, n) or None -> scalar."""

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """The loss of one batch."""
        ...


@runtime_checkable
class BatchLoss(Protocol):
    """A function of a whole batch, for what embeddings alone do not tell."""

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of one batch: a scalar."""
        ...


@runtime_checkable
class _Prepared(Protocol):
    def prepared(self, model: nn.Module) -> Any: ...


@runtime_checkable
class _InParts(Protocol):
    def parts(self, columns: Sequence[Tensor], labels: Any = None) -> Mapping[str, Tensor]: ...


@runtime_checkable
class _BatchInParts(Protocol):
    def batch_parts(self, batch: Batch, labels: Any = None) -> Mapping[str, Tensor]: ...


@runtime_checkable
class _InSlices(Protocol):
    def slices(self, columns: Sequence[Tensor], labels: Any = None, *, size: int) -> Iterator[Tensor]: ...


@runtime_checkable
class _Bound(Protocol):
    def bound(self, batch: Batch) -> Loss: ...


def compute(loss: Any, batch: Batch, labels: Any = None) -> Tensor:
    """The value of a loss of either form on a batch: a scalar."""
    return total(parts_of(loss, batch, labels))


def parts_of(loss: Any, batch: Batch, labels: Any = None) -> dict[str, Tensor]:
    """The parts of a loss by name, whose sum is its value; a loss of one part gives {"loss": value}."""
    if isinstance(loss, _BatchInParts):
        return dict(loss.batch_parts(batch, labels))
    if isinstance(loss, BatchLoss):
        return _as_parts(loss, loss.on_batch(batch, labels))
    return parts_of_arrays(loss, batch.embeddings(), labels)


def _as_parts(loss: Any, value: Any) -> dict[str, Tensor]:
    """What a loss of the user's own gives: a scalar, or parts by name.

    Raises:
        ArgumentError: it is neither.
    """
    parts = dict(value) if isinstance(value, Mapping) and value else {"loss": value}
    for name, part in parts.items():
        if not isinstance(part, Tensor) or part.dim() or not part.is_floating_point():
            found = f"{type(part).__name__}: {part!r:.60}"
            if isinstance(part, Tensor):
                found = f"a tensor of shape {tuple(part.shape)}" if part.dim() else f"a tensor of {part.dtype}"
            raise ArgumentError(
                f"{getattr(loss, '__name__', type(loss).__name__)}: gives {'' if name == 'loss' else f'{name}: '}"
                f"{found}, expected a tensor of one float, or a dict of them, whose sum is the loss. Take the mean "
                "over the rows: value.mean()."
            )
    return parts


def total(parts: Mapping[str, Tensor]) -> Tensor:
    """The sum of parts, which may be of several precisions: a scalar."""
    values = list(parts.values())
    return values[0] if len(values) == 1 else torch.stack([half_as_float(value) for value in values]).sum()


def can_be_wrapped(loss: Any) -> bool:
    """Whether a loss is a function of embeddings, or becomes one when it is bound to a batch."""
    return isinstance(loss, _Bound) or (callable(loss) and not isinstance(loss, BatchLoss))


def on_arrays(loss: Any, batch: Batch) -> Loss:
    """A loss as a function of embeddings, which has taken what else it needs from the batch already.

    Raises:
        ArgumentError: it needs the model itself for its value.
    """
    if isinstance(loss, _Bound):
        return loss.bound(batch)
    if not can_be_wrapped(loss):
        raise ArgumentError(
            f"{type(loss).__name__}: inside another loss, expected a loss of embeddings alone there. "
            "Train with it alone, or give each a data set of its own."
        )
    return loss


def parts_of_arrays(loss: Any, columns: Sequence[Tensor], labels: Any = None) -> dict[str, Tensor]:
    """`parts_of` for a function of embeddings: by name, whose sum is its value."""
    if isinstance(loss, _InParts):
        return dict(loss.parts(columns, labels))
    return _as_parts(loss, loss(columns, labels))


def slices_of_arrays(
    loss: Any, columns: Sequence[Tensor], labels: Any = None, *, size: int
) -> Iterator[dict[str, Tensor]]:
    """The parts of a function of embeddings, of `size` rows at a time where it can be had so; their sum is its value.

    A loss that compares all rows with all says so with `slices`: its rows by all others are then never there at once.
    """
    if isinstance(loss, _InSlices):
        yield from ({"loss": value} for value in loss.slices(columns, labels, size=size))
    else:
        yield parts_of_arrays(loss, columns, labels)


def prepare(loss: Any, model: nn.Module) -> Any:
    """The loss with what it takes from the model once, before training: a copy, a decoder, the width of embeddings.

    A loss that needs nothing is given back as it is; one inside another is prepared, too.
    """
    if not _has_fields(loss):
        return loss
    inner = {
        entry.name: prepare(getattr(loss, entry.name), model)
        for entry in dataclasses.fields(loss)
        if dataclasses.is_dataclass(getattr(loss, entry.name))
    }
    changed = {name: value for name, value in inner.items() if value is not getattr(loss, name)}
    found = dataclasses.replace(loss, **changed) if changed else loss
    return found.prepared(model) if isinstance(found, _Prepared) else found


def inside(loss: Any) -> Iterator[Any]:
    """A loss, or the losses of several data sets, and all that are inside of them as fields; the outer ones first."""
    if isinstance(loss, Mapping):
        for one in loss.values():
            yield from inside(one)
        return
    yield loss
    for value in _fields(loss).values():
        if _has_fields(value):
            yield from inside(value)


def modules_of(loss: Any) -> Iterator[nn.Module]:
    """The modules with weights that a loss and those inside it own, and that are trained with the model."""
    for _, module in named_modules_of(loss):
        yield module


def named_modules_of(loss: Any, *, trained: bool = True) -> Iterator[tuple[str, nn.Module]]:
    """Modules of a loss by the way to them: the names of data sets and fields, with dots between.

    Args:
        loss: a loss, or losses by data set.
        trained: leave out those that are only asked, such as a guide.
    """
    if isinstance(loss, nn.Module):
        yield "loss", loss
        return
    if isinstance(loss, Mapping):
        for name, one in loss.items():
            yield from ((f"{name}.{inner}", module) for inner, module in named_modules_of(one, trained=trained))
        return
    for name, value in _fields(loss, trained=trained).items():
        if isinstance(value, nn.Module):
            yield name, value
        elif _has_fields(value):
            yield from ((f"{name}.{inner}", module) for inner, module in named_modules_of(value, trained=trained))


def _fields(loss: Any, *, trained: bool = False) -> dict[str, Any]:
    """Fields of a dataclass, with `trained` those that are; none of anything else."""
    if not _has_fields(loss):
        return {}
    return {
        entry.name: getattr(loss, entry.name)
        for entry in dataclasses.fields(loss)
        if not trained or entry.metadata.get("trained", True)
    }


def _has_fields(value: Any) -> bool:
    """Whether it is one of a dataclass, which may have none."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)
