"""Losses for rows of (query, positive) and (query, positive, negative …).

Knows nothing of tokens.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch, unwrapped
from airvec_trainer.losses.columns import name_of
from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.gradcache import GradCache
from airvec_trainer.losses.rerank.pairs import columns_of, logits_of, one_score, require_scores, scores_of_columns
from airvec_trainer.losses.rerank.points import Activation

__all__ = ["CachedMultipleNegativesRankingLoss", "MultipleNegativesRankingLoss"]

COLUMNS = "2 or more: a query, its positive and perhaps negatives"


@loss
class MultipleNegativesRankingLoss:
    """The positive is to score above other rows' answers, drawn at random, and above the negatives that are given.

    Data:
        (query, positive) or (query, positive, negative 1 … negative n), no label.

    Formula:
        mean over rows of -log softmax(scale·f(s))[positive]

    Args:
        num_negatives: answers of other rows for each query; None is all.
        scale: f(s) is multiplied with it; None or 0 leaves it as it is.
        activation_fn: f, applied to the logits; None is none.

    Example:
        >>> loss = MultipleNegativesRankingLoss(scale=1.0, activation_fn=None)
        >>> loss([torch.zeros(2), torch.zeros(2), torch.zeros(2)])  # three equal scores: log 3
        tensor(1.0986)

    Source: van den Oord et al. 2018, "Representation Learning with Contrastive Predictive Coding",
    https://arxiv.org/abs/1807.03748
    """

    num_negatives: int | None = 4
    scale: float | None = 10.0
    activation_fn: Activation | None = nn.Sigmoid()

    def __post_init__(self) -> None:
        _check_count(self)

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """[positive (batch,), candidate (batch,) …] -> scalar. There are no labels: the first column is right.

        Raises:
            ArgumentError: a column has more than one score a row.
        """
        scores = torch.stack(require_scores(self, columns, 1), dim=1)
        return _first_is_right(scores, self.activation_fn, self.scale)

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of columns of texts, one pass for each column of candidates: a scalar."""
        where = name_of(self)
        queries, *candidates = columns_of(batch, where, COLUMNS, 2)
        # The positives before the draw: dropout takes from the same random numbers, as in sentence-transformers.
        scores = [scores_of_columns(where, batch, queries, candidates[0])]
        drawn = in_batch_negatives(candidates, self.num_negatives)
        scores += [scores_of_columns(where, batch, queries, column) for column in [*drawn, *candidates[1:]]]
        return self(scores)


@loss
class CachedMultipleNegativesRankingLoss:
    """`MultipleNegativesRankingLoss` in the memory of a mini-batch, by the gradient cache; every pair is scored twice.

    Data:
        (query, positive) or (query, positive, negative 1 … negative n), no label.

    Formula:
        mean over rows of -log softmax(scale·f(s))[positive]

    Args:
        num_negatives: answers of other rows for each query; None is all.
        scale: f(s) is multiplied with it; None or 0 leaves it as it is.
        activation_fn: f, applied to the logits; None is none.
        mini_batch_size: pairs in one pass.
        show_progress_bar: one for each walk over the mini-batches.

    Example:
        >>> loss = CachedMultipleNegativesRankingLoss(scale=1.0, activation_fn=None)
        >>> loss([torch.zeros(2), torch.zeros(2), torch.zeros(2)])  # three equal scores: log 3
        tensor(1.0986)

    Source: Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
    https://arxiv.org/abs/2101.06983
    """

    num_negatives: int | None = 4
    scale: float | None = 10.0
    activation_fn: Activation | None = nn.Sigmoid()
    mini_batch_size: int = 32
    show_progress_bar: bool = False

    def __post_init__(self) -> None:
        _check_count(self)
        if self.mini_batch_size < 1:
            raise ArgumentError(
                f"{name_of(self)}: mini_batch_size is {self.mini_batch_size}, expected 1 or more. Correct it."
            )

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """[positive (batch,), candidate (batch,) …] -> scalar, without a cache: there is nothing left to save."""
        scores = torch.stack(require_scores(self, columns, 1), dim=1)
        return _first_is_right(scores, self.activation_fn, self.scale)

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of columns of texts: a scalar, whose backward pass scores the pairs again."""
        queries, *candidates = columns_of(batch, name_of(self), COLUMNS, 2)
        drawn = in_batch_negatives(candidates, self.num_negatives)
        columns = [candidates[0], *drawn, *candidates[1:]]
        reader = _PairReader(batch, [pair for column in columns for pair in zip(queries, column, strict=True)])
        cache = GradCache(
            loss=lambda found, _labels: self(found[0].reshape(len(columns), -1).unbind()),
            mini_batch_size=self.mini_batch_size, show_progress_bar=self.show_progress_bar,
        )  # fmt: skip
        return cache.on_batch(Batch(reader, [reader.numbers()]))


def in_batch_negatives(candidates: Sequence[Sequence[Any]], count: int | None) -> list[list[Any]]:
    """Other rows' candidates for each row: `count` columns of texts, or all where there are no more.

    Args:
        candidates: columns of texts, (rows,) each.
        count: how many for each row, without repetition; None is all.
    """
    rows = len(candidates[0])
    texts = [text for column in candidates for text in column]
    others = ~torch.eye(rows, dtype=torch.bool).repeat(1, len(candidates))  # (rows, texts)
    if count == 0:
        return []
    if count is not None and count < len(texts) - len(candidates):
        places = torch.multinomial(others.float(), count)
    else:
        places = torch.arange(len(texts)).repeat(rows, 1)[others].reshape(rows, -1)
    return [[texts[place] for place in column] for column in places.T.tolist()]


@dataclass(frozen=True)
class _PairReader:
    """A model of numbers of pairs, in which form the gradient cache can cut them into mini-batches."""

    batch: Batch
    pairs: list[tuple[Any, Any]]

    def numbers(self) -> dict[str, Tensor]:
        """The column of all pairs, where the model is: its random numbers are those to remember."""
        return {"input_ids": torch.arange(len(self.pairs), device=unwrapped(self.batch.model).device)}

    def no_sync(self) -> Any:
        """A context in which a model on several devices keeps its gradients to itself."""
        model: Any = self.batch.model
        return model.no_sync() if hasattr(model, "no_sync") else nullcontext()

    def __call__(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """Scores as embeddings of one dimension, (pairs, 1)."""
        logits = logits_of(self.batch, [self.pairs[number] for number in features["input_ids"].tolist()])
        return {"sentence_embedding": one_score("CachedMultipleNegativesRankingLoss", logits)[:, None]}


def _first_is_right(scores: Tensor, activation: Activation | None, scale: float | None) -> Tensor:
    """Cross entropy of (batch, candidates) against column 0."""
    activated = scores if activation is None else activation(scores)
    scaled = activated * scale if scale else activated
    return cross_entropy(scaled, torch.zeros(len(scaled), dtype=torch.long, device=scaled.device))


def _check_count(of: Any) -> None:
    if of.num_negatives is not None and of.num_negatives < 0:
        raise ArgumentError(
            f"{name_of(of)}: num_negatives is {of.num_negatives}, expected 0 or more, or None for all. Correct it."
        )
