"""The same tiny transformer in both libraries, in training, and one step of a loss in each, with the same seed.

    ours, theirs = twins(tiny_checkpoint(folder))
    farthest(step(ours, loss, texts), reference_step(theirs, st_loss, texts))

Knows nothing of any one loss.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentence_transformers as st
import torch
from torch import Tensor, nn

import airvec_trainer
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.protocol import parts_of, prepare
from tests.parity.trainer.loss_cases import distance
from tests.tiny import texts

SEED = 11
SMALLEST = 0.01  # gradients below this are compared as they are; above, on their own scale

Owned = Callable[[Any], Iterable[Tensor]]


@dataclass(frozen=True)
class Step:
    """The value of a loss, and the gradients of the weights that have one, by name; the loss's own by their number."""

    value: Tensor
    gradients: dict[str, Tensor]


def none(_: Any) -> Iterable[Tensor]:
    """A loss without weights."""
    return ()


def columns(width: int, rows: int = 6) -> list[list[str]]:
    """Columns of texts of mixed lengths."""
    found = texts(width * rows)
    return [found[number * rows : (number + 1) * rows] for number in range(width)]


def twins(folder: Path, dtype: torch.dtype = torch.float32) -> tuple[Any, Any]:
    """Our model and the reference's, in training mode: dropout is on."""
    ours = airvec_trainer.SentenceTransformer(folder, device="cpu")
    theirs = st.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return ours.to(dtype).train(), theirs.to(dtype).train()


def batch_of(model: Any, given: Sequence[Sequence[str]]) -> Batch:
    """Columns of texts as the trainer hands them to a loss."""
    return Batch(model, [model.preprocess(list(column)) for column in given], given)


def step(model: Any, loss: Any, given: Sequence[Sequence[str]], labels: Any = None, owned: Owned = none) -> Step:
    """Value and gradients of our loss."""
    loss = prepare(loss, model)
    torch.manual_seed(SEED)
    value = torch.stack(list(parts_of(loss, batch_of(model, given), labels).values())).sum()
    value.backward()
    return Step(value.detach(), _gradients(model, owned(loss)))


def reference_step(
    model: Any, loss: nn.Module, given: Sequence[Sequence[str]], labels: Any = None, owned: Owned = none
) -> Step:
    """Value and gradients of the reference's loss."""
    torch.manual_seed(SEED)
    value = loss([model.preprocess(list(column)) for column in given], labels)
    value = torch.stack(list(value.values())).sum() if isinstance(value, dict) else value
    value.backward()
    return Step(value.detach(), _gradients(model, owned(loss)))


def farthest(ours: Step, reference: Step) -> float:
    """Largest distance of the value and of any gradient; infinite where one of them lacks a gradient."""
    if set(ours.gradients) != set(reference.gradients):
        return float("inf")
    found = [distance(gradient, reference.gradients[name], SMALLEST) for name, gradient in ours.gradients.items()]
    return max(distance(ours.value, reference.value, SMALLEST), *found)


def _gradients(model: nn.Module, owned: Iterable[Tensor]) -> dict[str, Tensor]:
    weights = {**dict(model.named_parameters()), **{str(number): weight for number, weight in enumerate(owned)}}
    return {name: weight.grad for name, weight in weights.items() if weight.grad is not None}
