"""Losses for rows of (anchor, positive[, negative…]) in which a guide, another model, says what is no negative.

Knows nothing of how the guide embeds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.columns import half_as_float, require_columns, require_one_of, require_positive
from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.gathering import gathered
from airvec_trainer.losses.protocol import UNTRAINED, Loss

__all__ = ["GISTEmbedLoss"]

SHORTEST = 1e-8  # an embedding counts as so long at least, as in torch's cosine
GUIDE_VALUES = 2**24  # of the products of one slice of the guide's similarities: 64 MB


@loss
class GISTEmbedLoss:
    """The positive is nearer to the anchor than all that the guide does not take for a positive, too.

    Data: (anchor, positive[, negative…]).
    Formula: −mean_i log( exp(s(a_i, p_i)/t) / Σ_c exp(s(c)/t) ), over the candidates' cosines s(c): anchor–positives,
    anchor–anchors, positive–positives, anchor–negatives. One is left out where the guide's cosine is above
    g(a_i, p_i) − margin ("absolute") or g(a_i, p_i) − |g(a_i, p_i)|·margin ("relative"); a_i's own p_i stays.
    Source: Solatorio 2024, "GISTEmbed: Guided In-sample Selection of Training Negatives for Text Embedding
    Fine-tuning", https://arxiv.org/abs/2402.16829

    The guide reads the batch's texts as the data set has them, under its own length limit and default prompt.
    (sentence-transformers gives it the student's tokens, prompts included; with equal tokenizers and limits and
    without prompts, the numbers are the same.)

    Args:
        guide: anything with `encode(texts)` -> (n, dim): a SentenceTransformer of this package, of `airvec`, or yours.
        temperature: what cosines are divided by.
        margin_strategy: `"absolute"` or `"relative"`.
        margin: how far below the positive's the guide's cosine of a negative must lie.
        contrast_anchors: whether other anchors are negatives.
        contrast_positives: whether other positives are negatives of a positive.
        gather_across_devices: whether positives and negatives of all devices are candidates.

    Raises:
        ArgumentError: a guide without `encode`, a strategy that is none, a temperature of zero or less.

    Example:
        >>> import torch
        >>> class Guide:
        ...     encode = staticmethod(lambda texts: torch.eye(2))
        >>> columns = [{"sentence_embedding": torch.eye(2)}] * 2
        >>> batch = Batch(lambda column: column, columns, texts=[["a", "b"], ["c", "d"]])
        >>> gist = GISTEmbedLoss(guide=Guide(), temperature=1.0, contrast_anchors=False, contrast_positives=False)
        >>> round(gist.on_batch(batch).item(), 4)  # −log(e¹ / (e¹ + e⁰))
        0.3133
    """

    guide: Any = field(metadata=UNTRAINED)
    temperature: float = 0.01
    margin_strategy: str = "absolute"
    margin: float = 0.0
    contrast_anchors: bool = True
    contrast_positives: bool = True
    gather_across_devices: bool = False

    def __post_init__(self) -> None:
        """Refuse what could only fail in the first step."""
        if not callable(getattr(self.guide, "encode", None)):
            raise ArgumentError(
                f"GISTEmbedLoss: guide is {type(self.guide).__name__}, expected a model with encode(texts). "
                "Load it: SentenceTransformer(name)."
            )
        require_one_of(self, "margin_strategy", self.margin_strategy, ("absolute", "relative"))
        require_positive(self, {"temperature": self.temperature})

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch with its texts."""
        return self.bound(batch)(batch.embeddings(), labels)

    def bound(self, batch: Batch) -> Loss:
        """The loss of embeddings, with the guide's embeddings of the batch's texts.

        Raises:
            ArgumentError: the batch has no texts.
        """
        if not batch.texts:
            raise ArgumentError(
                f"GISTEmbedLoss: a batch of {len(batch.columns)} columns without texts, expected them for the guide. "
                "Give Batch its texts; the collator of airvec_trainer does."
            )
        return _Guided(self, [_guide_embeddings(self.guide, texts) for texts in batch.texts[: len(batch.columns)]])

    def guided(self, columns: Sequence[Tensor], guide_columns: Sequence[Tensor]) -> Tensor:
        """The loss of the student's embeddings, (rows, dim) each, and the guide's, (rows, other dim)."""
        require_columns(self, columns, least=2)
        [value] = self.guided_slices(columns, guide_columns, size=max(1, len(columns[0])))
        return value

    def guided_slices(
        self, columns: Sequence[Tensor], guide_columns: Sequence[Tensor], *, size: int
    ) -> Iterator[Tensor]:
        """What `size` anchors at a time add to the loss."""
        require_columns(self, columns, least=2)
        anchor, *candidates = columns
        seen, *seen_candidates = [column.to(anchor.device) for column in guide_columns]
        first = 0
        if self.gather_across_devices:
            first = gathered(candidates[0])[1]
            candidates = [gathered(column)[0] for column in candidates]
            seen_candidates = [gathered(column)[0] for column in seen_candidates]
        for own in torch.arange(len(anchor), device=anchor.device).split(size):
            targets = own + first
            guide_pairs = self._compared(seen, seen_candidates, own, targets)
            out = self._left_out([_cosines(*pair) for pair in guide_pairs], targets)
            pairs = zip(self._compared(anchor, candidates, own, targets), out, strict=True)
            scores = [(_unit(left) @ _unit(right).T).masked_fill(some, -torch.inf) for (left, right), some in pairs]
            found = cross_entropy(torch.cat(scores, dim=1) / self.temperature, targets)
            yield found * (len(own) / len(anchor)) if len(own) < len(anchor) else found

    def _left_out(self, seen: Sequence[Tensor], targets: Tensor) -> list[Tensor]:
        """Which candidates the guide takes for positives, (rows, candidates) each; the positive itself stays."""
        rows = torch.arange(len(targets), device=targets.device)
        # From the matrix itself: a negative with the positive's text then ties with it, to the last bit.
        limit = self._limit(seen[0][rows, targets])[:, None]
        out = [found > limit for found in seen]
        out[0][rows, targets] = False
        return out

    def _limit(self, positive: Tensor) -> Tensor:
        """The guide's cosine above which a candidate is left out, (rows,)."""
        by = positive.abs() * self.margin if self.margin_strategy == "relative" else self.margin
        return positive - by

    def _compared(
        self, anchor: Tensor, candidates: Sequence[Tensor], own: Tensor, targets: Tensor
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """What is compared with what, the anchors with the positives first; `own` are the rows of this slice."""
        positive, *negatives = candidates
        yield anchor[own], positive
        if self.contrast_anchors:
            yield anchor[own], anchor
        if self.contrast_positives:
            yield positive[targets], positive
        for negative in negatives:
            yield anchor[own], negative


@dataclass(frozen=True)
class _Guided:
    """A GISTEmbedLoss that has asked its guide."""

    gist: GISTEmbedLoss
    seen: Sequence[Tensor]

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        return self.gist.guided(columns, self.seen)

    def slices(self, columns: Sequence[Tensor], labels: Any = None, *, size: int) -> Iterator[Tensor]:
        """The loss of `size` anchors at a time."""
        return self.gist.guided_slices(columns, self.seen, size=size)


def _guide_embeddings(guide: Any, texts: Sequence[Any]) -> Tensor:
    """(rows, dim), without a graph. A guide that trains, too, goes on training."""
    training = isinstance(guide, nn.Module) and guide.training
    with torch.no_grad():
        found = torch.as_tensor(guide.encode(list(texts)))
    if training:
        guide.train()
    return found


def _unit(column: Tensor) -> Tensor:
    return normalize(half_as_float(column), dim=-1, eps=SHORTEST)


def _cosines(a: Tensor, b: Tensor) -> Tensor:
    """(n, dim), (m, dim) -> (n, m), each by itself: a matrix product may give equal texts unequal cosines."""
    rows = max(1, GUIDE_VALUES // max(1, b.numel()))
    return torch.cat([torch.cosine_similarity(part[:, None], b[None], dim=-1) for part in a.split(rows)])
