"""Moves a table of token vectors until the means over texts are near the teacher's vectors.

Two parts of the loss: the cosine distance to the teacher's vector of a text, and the squared difference between the
cosines of texts of a batch and the teacher's cosines of them.
Knows nothing of teachers and of models.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from airvec.errors import ArgumentError
from airvec.progress import progress_bar
from airvec_trainer.errors import TrainingError

__all__ = ["StaticSettings", "TokenRows", "train_table"]

HELD_OUT = 4096  # texts at most, and a tenth at most


@dataclass(frozen=True)
class StaticSettings:
    """How a table is trained; the numbers that are there were chosen for all-MiniLM-L6-v2 on 200,000 texts.

    Args:
        epochs: passes over the texts; 0 = only the start.
        batch_size: texts a step, or a few more.
        neighbours: texts that lie side by side and stay in one batch.
        learning_rate: of Adam at its highest, for vectors of mean length 1; it rises for 50 steps and falls to 0.
        similarity_weight: of the second part of the loss.
        variance_power: axis i of the targets is scaled by (its variance / the largest) ** (variance_power / 2).
        frequency: a in the start's weight a / (a + p), where p is a token's share of the texts.
        longest: tokens of a text that count, as the teacher, too, reads only its beginning.
        seed: of the order of the texts.

    Raises:
        ArgumentError: a number out of its range.
    """

    epochs: int = 3
    batch_size: int = 1024
    neighbours: int = 8
    learning_rate: float = 3e-3
    similarity_weight: float = 10.0
    variance_power: float = -0.5
    frequency: float = 2e-4
    longest: int = 62
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 0), ("neighbours", 1), ("batch_size", 2), ("longest", 1)):
            if getattr(self, name) < least:
                raise ArgumentError(f"{name}: {getattr(self, name)}, expected at least {least}. Raise it.")
        if self.neighbours > self.batch_size:
            raise ArgumentError(
                f"neighbours: {self.neighbours}, expected at most batch_size {self.batch_size}. Lower it."
            )
        for name in ("learning_rate", "frequency"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"{name}: {getattr(self, name)}, expected a number above 0. Raise it.")


@dataclass(frozen=True)
class TokenRows:
    """Texts as rows of a table, one behind the other.

    Args:
        ids: (all tokens,) int64.
        ends: (texts + 1,) int64: where each text begins, and the end.
    """

    ids: Tensor
    ends: Tensor

    @classmethod
    def of(cls, tokenizer: Tokenizer, texts: Sequence[str], spoken: Tensor, longest: int) -> "TokenRows":
        """The tokens of texts without those that say nothing.

        Args:
            tokenizer: neither cuts nor pads.
            texts: to be read.
            spoken: (tokens,) bool: which tokens have a vector.
            longest: tokens read of each.
        """
        encodings = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        known = spoken.tolist()
        rows = [[token for token in encoding.ids[:longest] if known[token]] for encoding in encodings]
        flat = np.fromiter(chain.from_iterable(rows), np.int64)
        ends = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        return cls(torch.from_numpy(flat), torch.from_numpy(ends))

    def __len__(self) -> int:
        return len(self.ends) - 1

    def batch(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Ids of some texts and where each begins among them."""
        lengths = self.ends[places + 1] - self.ends[places]
        starts = lengths.cumsum(0) - lengths
        shift = torch.repeat_interleave(self.ends[places] - starts, lengths)
        return self.ids[torch.arange(len(shift)) + shift], starts

    def inverse_frequency(self, tokens: int, coefficient: float) -> Tensor:
        """(tokens,) float32 a / (a + p): near 1 for rare tokens, near 0 for "the".

        Source: Arora, Liang, Ma 2017, A Simple but Tough-to-Beat Baseline for Sentence Embeddings.
        """
        counts = torch.bincount(self.ids, minlength=tokens).double()
        return (coefficient / (coefficient + counts / counts.sum().clamp_min(1))).float()


def train_table(
    start: Tensor,
    rows: TokenRows,
    unit: Tensor,
    targets: Tensor,
    settings: StaticSettings,
    *,
    show_progress_bar: bool = False,
) -> tuple[Tensor, list[dict[str, float]]]:
    """The table (tokens, dimensions) after training, and the losses of held-out texts at each epoch's end.

    Args:
        start: (tokens, dimensions) the table before; rows of zeros that no text reaches stay.
        rows: the texts.
        unit: (texts, dim) the teacher's unit vectors, whose cosines are learnt.
        targets: (texts, dimensions) unit vectors, which are learnt.
        settings: of the training.
        show_progress_bar: one step a batch.

    Raises:
        TrainingError: the loss is no number.
    """
    held_out = torch.arange(len(rows) - min(HELD_OUT, len(rows) // 10), len(rows))
    blocks = _blocks(len(rows) - len(held_out), settings.neighbours)
    batches = max(1, len(blocks) * settings.neighbours // settings.batch_size)
    # Adam moves every number by about the learning rate: the size of the rows decides how far that is.
    table = nn.Parameter(start / start.norm(dim=1).mean().clamp_min(1e-12))
    optimizer = torch.optim.Adam([table], lr=settings.learning_rate, betas=(0.9, 0.99))
    chance = torch.Generator().manual_seed(settings.seed)
    losses, total, step = [_measure(table, rows, unit, targets, held_out)], settings.epochs * batches, 0
    with progress_bar(show_progress_bar, total, "Static vectors", "batch") as advance:
        for _ in range(settings.epochs):
            order = blocks[torch.randperm(len(blocks), generator=chance)]
            for part in order.tensor_split(batches):
                places = part.flatten()
                optimizer.param_groups[0]["lr"] = settings.learning_rate * _rate(step, total)
                distance, error = _losses(table, rows, unit, targets, places)
                loss = distance + settings.similarity_weight * error
                _check_loss(float(loss.detach()), step)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
                advance(1)
            losses.append(_measure(table, rows, unit, targets, held_out))
    return table.detach(), losses


def _blocks(texts: int, neighbours: int) -> Tensor:
    """(blocks, neighbours) places of texts; the rest that fills no block is left out."""
    count = max(1, texts // neighbours)
    return torch.arange(min(texts, count * neighbours)).view(count, -1)


def _rate(step: int, total: int) -> float:
    """Part of the learning rate: up over 50 steps, down to 0."""
    return min(1.0, (step + 1) / 50) * (1 - step / total)


def _losses(table: Tensor, rows: TokenRows, unit: Tensor, targets: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cosine distance to the targets, and mean squared difference of cosines between different texts."""
    ids, starts = rows.batch(places)
    made = functional.normalize(functional.embedding_bag(ids, table, starts, mode="sum"), dim=1)  # (batch, dimensions)
    distance = 1 - (made * targets[places]).sum(dim=1).mean()
    difference = made @ made.T - unit[places] @ unit[places].T  # (batch, batch)
    apart = ~torch.eye(len(places), dtype=torch.bool)
    return distance, difference[apart].square().mean()


def _measure(table: Tensor, rows: TokenRows, unit: Tensor, targets: Tensor, places: Tensor) -> dict[str, float]:
    parts = places.tensor_split(-(-len(places) // 1024))
    with torch.no_grad():
        found = [[float(loss) for loss in _losses(table, rows, unit, targets, part)] for part in parts]
    distance, error = np.mean(found, axis=0)
    return {"cosine_distance": float(distance), "similarity_error": float(error)}


def _check_loss(loss: float, step: int) -> None:
    if not np.isfinite(loss):
        raise TrainingError(f"step {step}: loss {loss}, expected a finite number. Lower learning_rate.")
