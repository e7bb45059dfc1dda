"""The gradient cache: any loss of embeddings over a batch of any size, in the memory of a mini-batch.

Embeddings are made twice: without a graph for the loss and its gradient at them, then with a graph, a mini-batch at a
time, to carry that gradient into the model. Gradient accumulation is no substitute: it adds no negatives.
Knows nothing of what the wrapped loss computes.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, is_dataclass, replace
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from airvec.errors import ArgumentError
from airvec.progress import progress_bar
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.columns import half_as_float, name_of
from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.protocol import (
    can_be_wrapped,
    inside,
    modules_of,
    on_arrays,
    slices_of_arrays,
    total,
)  # fmt: skip
from airvec_trainer.losses.replaying import first_time, same_again

__all__ = ["Cached", "GradCache", "require_inner", "without_cache"]


class Cached(ABC):
    """A loss that runs through the gradient cache: `GradCache`, and the names that stand for one."""

    @abstractmethod
    def cache(self) -> "GradCache":
        """The gradient cache, around the loss."""

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The value, whose backward pass embeds the batch again."""
        return total(self.batch_parts(batch, labels))

    def batch_parts(self, batch: Batch, labels: Any = None) -> dict[str, Tensor]:
        """The parts of the wrapped loss; the gradient of all hangs on the first, so take it of their sum."""
        return self.cache().run(batch, labels)


@loss
class GradCache(Cached):
    """The value and the gradient of a loss, with the memory of a mini-batch in place of the batch.

    Data: as the wrapped loss.
    Formula: as the wrapped loss; its gradient is Σ over mini-batches of ∂loss/∂embeddings · ∂embeddings/∂weights.
    Source: Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
    https://arxiv.org/abs/2101.06983

    Args:
        loss: a loss of embeddings, or one that is when it has looked at the batch, as `GISTEmbedLoss`.
        mini_batch_size: rows in one pass of the model.
        mini_batch_num_tokens: tokens in one pass, padding aside, in place of `mini_batch_size`.
        show_progress_bar: one for each walk over the mini-batches.

    Raises:
        ArgumentError: the loss cannot be wrapped, or a mini-batch holds nothing.

    Example:
        >>> import torch
        >>> from airvec_trainer.losses.batch import Batch
        >>> model = lambda column: {"sentence_embedding": column["input_ids"] * weight}
        >>> weight = torch.tensor(3.0, requires_grad=True)
        >>> cached = GradCache(loss=lambda columns, labels: columns[0].sum(), mini_batch_size=1)
        >>> value = cached.on_batch(Batch(model, [{"input_ids": torch.tensor([[1.0], [4.0]])}]))
        >>> value.backward()
        >>> value.item(), weight.grad.item()  # 1·3 + 4·3, and 1 + 4
        (15.0, 5.0)
    """

    loss: Any
    mini_batch_size: int = 32
    mini_batch_num_tokens: int | None = None
    show_progress_bar: bool = False

    def __post_init__(self) -> None:
        """Refuse what could only fail in the first step."""
        require_inner(self, self.loss)
        for name in ("mini_batch_size", "mini_batch_num_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ArgumentError(f"GradCache: {name}={value!r}, expected 1 or more. Leave it out for the default.")

    def cache(self) -> "GradCache":
        """Itself."""
        return self

    def run(self, batch: Batch, labels: Any = None) -> dict[str, Tensor]:
        """The parts of the loss on a batch; the first carries the gradient of their sum.

        Raises:
            ArgumentError: the loss leaves a column unused, which would be embedded twice for nothing.
        """
        function = on_arrays(self.loss, batch)
        passes = [self._embedded(batch.column(number), pieces) for number, pieces in enumerate(self._pieces(batch))]
        columns = [torch.cat([piece.embeddings for piece in pieces]) for pieces in passes]
        weights = [weight for owned in modules_of(self.loss) for weight in owned.parameters() if weight.requires_grad]
        sought = [*(column.requires_grad_(torch.is_grad_enabled()) for column in columns), *weights]
        parts: dict[str, Tensor] = {}
        found: list[Tensor | None] = [None] * len(sought)
        for some in slices_of_arrays(function, columns, labels, size=self.mini_batch_size):
            if torch.is_grad_enabled():
                found = _added(found, torch.autograd.grad(total(some), sought, allow_unused=True))
            parts = {name: parts.get(name, 0) + value.detach() for name, value in some.items()}
        if not torch.is_grad_enabled():
            return parts
        replay = _Replay(passes, self._used(found[: len(columns)]), self._bar)
        first = next(iter(parts.values())).requires_grad_()
        first.register_hook(lambda scale: _backward(scale, replay, weights, found[len(columns) :]))
        return parts

    def _pieces(self, batch: Batch) -> list[list[tuple[int, int]]]:
        """(first, last) row of each mini-batch, a list a column."""
        if self.mini_batch_num_tokens is not None:
            return [_ranges(counts, self.mini_batch_num_tokens) for counts in batch.token_counts()]
        count, size = len(batch), self.mini_batch_size
        found = [(first, min(first + size, count)) for first in range(0, count, size)]
        return [found] * len(batch.columns)

    def _embedded(self, column: Batch, pieces: Sequence[tuple[int, int]]) -> "list[_Piece]":
        """One column's mini-batches, embedded, with what it takes to embed them the same way again."""
        found: list[_Piece] = []
        with self._bar(len(pieces)) as advance:
            for first, last in pieces:
                rows = column.rows(first, last)
                again = same_again(value for value in rows.columns[0].values() if isinstance(value, Tensor))
                with first_time():
                    found.append(_Piece(rows, rows.outputs()[0]["sentence_embedding"].detach(), again))
                advance(1)
        return found

    def _bar(self, count: int) -> Any:
        return progress_bar(self.show_progress_bar, count, "Embed mini-batches", unit="mini-batch")

    def _used(self, gradients: Sequence[Tensor | None]) -> list[Tensor]:
        unused = [str(number) for number, gradient in enumerate(gradients) if gradient is None]
        if unused:
            raise ArgumentError(
                f"GradCache: {type(self.loss).__name__} does not use column {', '.join(unused)} of {len(gradients)}, "
                "expected all used: each is embedded twice. Remove it from the data set (remove_columns)."
            )
        return [gradient for gradient in gradients if gradient is not None]


def require_inner(outer: object, loss: Any, *, cached: bool = False) -> None:
    """Raise unless a loss can be inside another: a function of embeddings, or one when it is bound to a batch.

    Args:
        outer: the loss around it; messages name its class.
        loss: the inner one.
        cached: whether a gradient cache may be in it, which the outer one takes out with `without_cache`.

    Raises:
        ArgumentError: it cannot.
    """
    caches = [one for one in inside(loss) if isinstance(one, Cached)]
    if caches and not cached:
        raise ArgumentError(
            f"{name_of(outer)}: loss is {_said(loss)}, which has a gradient cache ({name_of(caches[0])}), expected one "
            "without. Take the loss that is cached."
        )
    if isinstance(loss, type) or not (isinstance(loss, Cached) or can_be_wrapped(loss)):
        raise ArgumentError(
            f"{name_of(outer)}: loss is {_said(loss)}, expected a loss of embeddings, such as "
            "MultipleNegativesRankingLoss(). Train with it alone, or give each a data set of its own."
        )


def without_cache(loss: Any) -> tuple[GradCache | None, Any]:
    """The gradient cache that is in a loss, and the loss without: what is to run inside of the cache."""
    if isinstance(loss, Cached):
        cache = loss.cache()
        return cache, cache.loss
    if not is_dataclass(loss) or not hasattr(loss, "loss"):
        return None, loss
    cache, bare = without_cache(loss.loss)
    return (None, loss) if cache is None else (cache, replace(loss, loss=bare))  # type: ignore[type-var]


def _said(loss: Any) -> str:
    return f"the class {loss.__name__}" if isinstance(loss, type) else type(loss).__name__


@dataclass(frozen=True)
class _Piece:
    """Rows of one column, their embeddings without a graph, and a context in which the model would give them again."""

    rows: Batch
    embeddings: Tensor
    again: Callable[[], Any]


@dataclass(frozen=True)
class _Replay:
    """The second pass: each column's mini-batches, in the first pass's order, and the gradient at its embeddings."""

    columns: Sequence[Sequence[_Piece]]
    gradients: Sequence[Tensor]
    bar: Callable[[int], Any]

    def run(self, scale: Tensor) -> None:
        """Embed with a graph, and carry `scale` times the gradient into the weights."""
        pieces = [piece for column in self.columns for piece in column]
        wanted: list[Tensor] = []
        for column, gradient in zip(self.columns, self.gradients, strict=True):
            wanted += gradient.split([len(piece.embeddings) for piece in column])
        with torch.enable_grad(), self.bar(len(pieces)) as advance:
            for number, (piece, gradient) in enumerate(zip(pieces, wanted, strict=True), 1):
                with _synchronised(piece.rows.model, now=number == len(pieces)):
                    with piece.again():
                        embeddings = piece.rows.outputs()[0]["sentence_embedding"]
                    if embeddings.requires_grad:  # not so where a column's part of the model is frozen
                        embeddings.backward((half_as_float(gradient) * scale).to(embeddings.dtype))
                advance(1)


def _added(before: Sequence[Tensor | None], found: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Gradients of two slices; None where neither has one."""
    pairs = zip(before, found, strict=True)
    return [one if other is None else other if one is None else one + other for one, other in pairs]


def _backward(scale: Tensor, replay: _Replay, weights: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> None:
    """What the backward pass of the loss's value does; `scale` is what a gradient scaler or accumulation makes of 1."""
    replay.run(scale)
    for weight, gradient in zip(weights, gradients, strict=True):
        if gradient is not None:
            weight.backward((half_as_float(gradient) * scale).to(weight.dtype))


def _ranges(counts: Sequence[int], limit: int) -> list[tuple[int, int]]:
    """(first, last) of runs of rows with `limit` tokens at most, or of one row that has more."""
    sums, found = [0, *accumulate(counts)], list[tuple[int, int]]()
    first = 0
    while first < len(counts):
        last = max(bisect_right(sums, sums[first] + limit) - 1, first + 1)
        found.append((first, last))
        first = last
    return found


def _synchronised(model: Any, *, now: bool) -> Any:
    """Of a model on several devices, gradients are averaged once, with the last mini-batch."""
    return nullcontext() if now or not hasattr(model, "no_sync") else model.no_sync()
