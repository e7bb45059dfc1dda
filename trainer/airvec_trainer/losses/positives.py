"""Losses of anchors with their positives, where the rest of the batch is the negatives.

    MultipleNegativesRankingLoss(scale=20)([anchors, positives])

Knows nothing of models; a loss that needs a guide is in positives_guided.py, the gradient cache in gradcache.py.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import relu

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.columns import name_of, require_columns, require_one_of, require_positive
from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.gathering import gathered
from airvec_trainer.losses.gradcache import GradCache
from airvec_trainer.similarity import cos_sim

__all__ = ["MegaBatchMarginLoss", "MultipleNegativesRankingLoss", "MultipleNegativesSymmetricRankingLoss"]

_DIRECTIONS = ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc")
_HARDNESS = (None, "in_batch_negatives", "hard_negatives", "all_negatives")


@loss
class MultipleNegativesRankingLoss:
    """Each anchor finds its own positive among all positives and negatives of the batch; also known as InfoNCE.

    Data: anchor, positive, or anchor, positive, negative, …; no labels. Needs batches of more than one row, without
    doubles (batch sampler `no_duplicates`).

    With s = scale · similarity, the loss is mean_i [ log Σ_d exp s(a_i, d) − s(a_i, p_i) ], d over all documents: the
    positives and negatives of every row. Plain gradient accumulation adds no negatives; the gradient cache does.

    Args:
        scale: factor of the similarities, 1 / temperature.
        similarity_fct: (n, dim), (m, dim) -> (n, m).
        gather_across_devices: documents and anchors of the other processes are negatives, too.
        directions: what is summed over: the documents, and where named the other anchors for an anchor
            ("query_to_query"), the anchors for a positive ("doc_to_query"), the documents of other rows for a positive
            ("doc_to_doc"). "query_to_doc" must be among them.
        partition_mode: "joint" takes one logarithm of the sum over all directions, "per_direction" the mean of one
            logarithm a direction, for those that hold the positive.
        hardness_mode: which documents' s(a, d) grow by hardness_strength · similarity, a constant without gradient:
            "in_batch_negatives" those of other rows, "hard_negatives" the row's own negatives, "all_negatives" both.
        hardness_strength: above 0, where a mode is set.

    Raises:
        ArgumentError: a setting that cannot be; fewer than two columns.

    Source: Henderson et al. 2017, "Efficient Natural Language Response Suggestion for Smart Reply",
        https://arxiv.org/abs/1705.00652; InfoNCE: van den Oord et al. 2018, https://arxiv.org/abs/1807.03748; all
        directions at once: Li et al. 2023 (GTE), https://arxiv.org/abs/2308.03281; hardness: Lan et al. 2025 (LLaVE),
        https://arxiv.org/abs/2503.04812, and Schechter Vera et al. 2025 (EmbeddingGemma),
        https://arxiv.org/abs/2509.20354

    Example:
        Anchors and positives are the two axes, so an anchor's similarities are 1 and 0, and the loss log(1 + 1/e):

        >>> axes = torch.eye(2)
        >>> round(float(MultipleNegativesRankingLoss(scale=1)([axes, axes])), 4)
        0.3133
    """

    scale: float = 20.0
    similarity_fct: Callable[[Tensor, Tensor], Tensor] = cos_sim
    gather_across_devices: bool = False
    directions: tuple[str, ...] = ("query_to_doc",)
    partition_mode: str = "joint"
    hardness_mode: str | None = None
    hardness_strength: float = 0.0

    def __post_init__(self) -> None:
        """Refuse settings that cannot be."""
        require_positive(self, {"scale": self.scale})
        require_one_of(self, "partition_mode", self.partition_mode, ("joint", "per_direction"))
        require_one_of(self, "hardness_mode", self.hardness_mode, _HARDNESS)
        _require_directions(self, self.directions, self.partition_mode)
        if not self.hardness_strength >= 0:
            raise ArgumentError(
                f"{name_of(self)}: hardness_strength={self.hardness_strength!r}, expected 0 or more. Leave it out."
            )
        if self.hardness_mode is not None and self.hardness_strength == 0:
            warnings.warn(
                f"{name_of(self)}: hardness_mode={self.hardness_mode!r} with hardness_strength=0 changes nothing, "
                "expected a strength above 0. Papers take 5 to 9.",
                AirvecWarning,
                stacklevel=4,
            )

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Columns of (rows, dim) -> scalar; labels are not read."""
        require_columns(self, columns, 2)
        [value] = self.slices(columns, labels, size=max(1, len(columns[0])))
        return value

    def slices(self, columns: Sequence[Tensor], labels: Any = None, *, size: int) -> Iterator[Tensor]:
        """What `size` rows at a time add to the loss, for the gradient cache."""
        require_columns(self, columns, 2)
        rows = len(columns[0])
        anchors, *documents = (gathered(column)[0] for column in columns) if self.gather_across_devices else columns
        first = gathered(columns[0])[1] if self.gather_across_devices else 0
        for own in torch.arange(first, first + rows, device=anchors.device).split(size):
            scores = self._scores(anchors, documents, own)
            positives = scores[0].gather(1, own[:, None])[:, 0]  # (rows,)
            together = [torch.cat(scores, dim=1)] if self.partition_mode == "joint" else scores
            totals = torch.stack([torch.logsumexp(some, dim=1) for some in together]).mean(dim=0)
            yield (totals - positives).mean() * (len(own) / rows)

    def _scores(self, anchors: Tensor, documents: list[Tensor], own: Tensor) -> list[Tensor]:
        """Scaled similarities of this process's rows a direction, the documents' first: (rows, candidates) each."""
        everything, positives = torch.cat(documents), documents[0][own]
        is_own = own[:, None] == torch.arange(len(anchors), device=own.device)  # (rows, all rows)
        found = self.similarity_fct(anchors[own], everything)
        scores = [found * self.scale + self._hardness(found.detach(), is_own, len(documents))]
        if "query_to_query" in self.directions:
            others = self.similarity_fct(anchors[own], anchors).masked_fill(is_own, -torch.inf)
            scores.append(others * self.scale)
        if "doc_to_query" in self.directions:
            scores.append(self.similarity_fct(anchors, positives).T * self.scale)
        if "doc_to_doc" in self.directions:
            of_own_row = is_own.repeat(1, len(documents))
            others = self.similarity_fct(everything, positives).T.masked_fill(of_own_row, -torch.inf)
            scores.append(others * self.scale)
        return scores

    def _hardness(self, found: Tensor, is_own: Tensor, documents: int) -> Tensor | float:
        """What is added to the scaled similarities of the negatives that are to weigh more."""
        if self.hardness_mode is None or self.hardness_strength == 0:
            return 0.0
        is_positive = torch.cat([is_own, torch.zeros_like(is_own).repeat(1, documents - 1)], dim=1)
        of_own_row = is_own.repeat(1, documents)
        weighed = {
            "in_batch_negatives": ~of_own_row,
            "hard_negatives": of_own_row & ~is_positive,
            "all_negatives": ~is_positive,
        }[self.hardness_mode]
        return torch.where(weighed, found * self.hardness_strength, 0.0)


def _require_directions(loss: object, directions: tuple[str, ...], partition_mode: str) -> None:
    for direction in directions:
        require_one_of(loss, "a direction", direction, _DIRECTIONS)
    if "query_to_doc" not in directions:
        raise ArgumentError(
            f"{name_of(loss)}: directions={directions!r}, expected 'query_to_doc' among them: it holds the positives. "
            "Add it."
        )
    without_positive = {"query_to_query", "doc_to_doc"}.intersection(directions)
    if partition_mode == "per_direction" and without_positive:
        raise ArgumentError(
            f"{name_of(loss)}: partition_mode='per_direction' with {sorted(without_positive)}, which hold no positive, "
            "so the loss would have no lower bound. Take partition_mode='joint'."
        )


@loss
class MultipleNegativesSymmetricRankingLoss:
    """Each anchor finds its positive among all documents, and each positive its anchor among all anchors.

    Data: anchor, positive, or anchor, positive, negative, …; no labels.

    The mean of two cross entropies: of a_i over the documents, and of p_i over the anchors. It is
    `MultipleNegativesRankingLoss(directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction")`.

    Args:
        scale: factor of the similarities, 1 / temperature.
        similarity_fct: (n, dim), (m, dim) -> (n, m).
        gather_across_devices: rows of the other processes are negatives, too.

    Raises:
        ArgumentError: a scale that is not above 0; fewer than two columns.

    Source: Günther et al. 2023, "Jina Embeddings", https://arxiv.org/abs/2307.11224 (the two-way InfoNCE loss)

    Example:
        Both anchors equal the first positive. Forward, similarities are 1 and 0 for both: log(1 + 1/e) and log(1 + e).
        Backward both anchors are equally near: log 2 twice. The mean of 0.8133 and 0.6931:

        >>> axes, first = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
        >>> round(float(MultipleNegativesSymmetricRankingLoss(scale=1)([first, axes])), 4)
        0.7532
    """

    scale: float = 20.0
    similarity_fct: Callable[[Tensor, Tensor], Tensor] = cos_sim
    gather_across_devices: bool = False

    def __post_init__(self) -> None:
        """Refuse a scale that cannot be."""
        require_positive(self, {"scale": self.scale})

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Columns of (rows, dim) -> scalar; labels are not read."""
        require_columns(self, columns, 2)
        return self._both_ways()(columns)

    def slices(self, columns: Sequence[Tensor], labels: Any = None, *, size: int) -> Iterator[Tensor]:
        """What `size` rows at a time add to the loss, for the gradient cache."""
        return self._both_ways().slices(columns, labels, size=size)

    def _both_ways(self) -> MultipleNegativesRankingLoss:
        return MultipleNegativesRankingLoss(
            scale=self.scale,
            similarity_fct=self.similarity_fct,
            gather_across_devices=self.gather_across_devices,
            directions=("query_to_doc", "doc_to_query"),
            partition_mode="per_direction",
        )


@loss
class MegaBatchMarginLoss:
    """Each anchor is near its positive, and not too near the most similar positive of another row.

    Data: anchor, positive; no labels. Needs large batches (500 rows and more): the hardest negative is sought in them.

    mean_i [ relu(positive_margin − cos(a_i, p_i)) + relu(max_{j≠i} cos(a_i, p_j) − negative_margin) ]

    Args:
        positive_margin: cosine that a positive should reach.
        negative_margin: cosine that a negative should stay below.
        use_mini_batched_version: train with the gradient cache, `mini_batch_size` rows of activations at a time: the
            same value and gradient in less memory, at twice the forward passes. It changes nothing on arrays.
        mini_batch_size: rows at a time.
        mini_batch_num_tokens: tokens at a time, instead of rows.
        show_progress_bar: of the mini-batches.

    Raises:
        ArgumentError: not two columns.

    Source: Wieting and Gimpel 2018, "ParaNMT-50M", https://aclanthology.org/P18-1042

    Example:
        Anchors and positives are the two axes: positives reach 1, negatives stay at 0, and a margin of −0.5 is missed
        by 0.5:

        >>> axes = torch.eye(2)
        >>> float(MegaBatchMarginLoss(negative_margin=-0.5)([axes, axes]))
        0.5
    """

    positive_margin: float = 0.8
    negative_margin: float = 0.3
    use_mini_batched_version: bool = True
    mini_batch_size: int = 50
    mini_batch_num_tokens: int | None = None
    show_progress_bar: bool = False

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The value on a batch; with the mini-batched version its backward pass embeds the batch again."""
        if not self.use_mini_batched_version:
            return self(batch.embeddings(), labels)
        size, tokens, shown = self.mini_batch_size, self.mini_batch_num_tokens, self.show_progress_bar
        cache = GradCache(loss=self, mini_batch_size=size, mini_batch_num_tokens=tokens, show_progress_bar=shown)
        return cache.on_batch(batch, labels)

    def bound(self, batch: Batch) -> "MegaBatchMarginLoss":
        """Itself, as the function of embeddings that it is inside another loss."""
        return self

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Two columns of (rows, dim) -> scalar; labels are not read."""
        require_columns(self, columns, 2, 2)
        scores = cos_sim(*columns)  # (rows, rows)
        is_own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
        hardest = scores.masked_fill(is_own, -torch.inf).max(dim=1).values
        missed = relu(self.positive_margin - scores.diagonal()) + relu(hardest - self.negative_margin)
        return missed.sum() / len(scores)
