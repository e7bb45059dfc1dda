"""The same tiny transformer in both libraries, in training, and one step of a loss in each, with the same seed.

    ours, theirs = twins(tiny_checkpoint(folder))
    compare(step(ours, loss, texts), reference_step(theirs, st_loss, texts))

Knows nothing of any one loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentence_transformers as st
import torch
from torch import Tensor, nn

import airvec_trainer
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.protocol import modules_of, parts_of, prepare
from tests.parity.trainer.loss_cases import distance
from tests.tiny import texts

SEED = 11
SMALLEST = 0.01  # gradients below this are compared as they are; above, on their own scale


@dataclass(frozen=True)
class Step:
    """The value of a loss, and the gradients of all weights that have one, by name."""

    value: Tensor
    gradients: dict[str, Tensor]


def columns(width: int, rows: int = 6) -> list[list[str]]:
    """Columns of texts of mixed lengths."""
    found = texts(width * rows)
    return [found[number * rows : (number + 1) * rows] for number in range(width)]


def twins(folder: Path, *, train: bool = True) -> tuple[Any, Any]:
    """Our model and the reference's, in training mode: dropout is on."""
    ours = airvec_trainer.SentenceTransformer(folder, device="cpu")
    theirs = st.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return ours.train(train), theirs.train(train)


def batch_of(model: Any, given: Sequence[Sequence[str]]) -> Batch:
    """Columns of texts as the trainer hands them to a loss."""
    return Batch(model, [model.preprocess(list(column)) for column in given], given)


def step(model: Any, loss: Any, given: Sequence[Sequence[str]], labels: Any = None, *, scale: float = 1.0) -> Step:
    """Value and gradients of our loss; its own weights come after the model's."""
    loss = prepare(loss, model)
    torch.manual_seed(SEED)
    value = sum(parts_of(loss, batch_of(model, given), labels).values())
    (value * scale).backward()
    return Step(value.detach(), gradients([model, *modules_of(loss)]))


def reference_step(
    model: Any, loss: nn.Module, given: Sequence[Sequence[str]], labels: Any = None, *, scale: float = 1.0
) -> Step:
    """Value and gradients of the reference's loss."""
    torch.manual_seed(SEED)
    value = loss([model.preprocess(list(column)) for column in given], labels)
    (value * scale).backward()
    return Step(value.detach(), gradients([model]))


def gradients(modules: Sequence[nn.Module]) -> dict[str, Tensor]:
    """Of the first module by name; of those behind it with a number in front."""
    return {
        (f"{number}:" if number else "") + name: weight.grad
        for number, module in enumerate(modules)
        for name, weight in module.named_parameters()
        if weight.grad is not None
    }


def farthest(ours: Step, reference: Step) -> float:
    """Largest distance of the value and of any gradient that the reference's model has; infinite where one lacks."""
    names = {name for name in ours.gradients if ":" not in name} | set(reference.gradients)
    if names - set(ours.gradients) or names - set(reference.gradients):
        return float("inf")
    found = [distance(ours.gradients[name], reference.gradients[name], SMALLEST) for name in sorted(names)]
    return max(distance(ours.value, reference.value, 1.0), *found)
