"""Losses for rows of (query, document, score) and (text, text, class).

Each takes `[logits]`, what a CrossEncoder gives before its activation.
Knows nothing of texts.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.columns import name_of, require_columns, require_one_of
from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.rerank.pairs import columns_of, logits_of, require_scores

__all__ = ["BinaryCrossEntropyLoss", "CrossEntropyLoss", "MSELoss"]

Activation = Callable[[Tensor], Tensor]
REDUCTIONS = ("mean", "sum")
TWO = "2, the two texts of a pair"


@loss
class BinaryCrossEntropyLoss:
    """Each pair is a yes or a no, or somewhere between: the loss of most rerankers.

    Data:
        (text, text, label): a label from 0 to 1.

    Formula:
        mean over pairs of -[w·y·log σ(s) + (1 - y)·log(1 - σ(s))]

    Args:
        activation_fn: applied to the logits before the loss, which has a sigmoid of its own.
        pos_weight: w, a number or (1,): how much positive pairs count; a good value is the number of negatives for
            each positive.
        weight: how much each row of a batch counts, (batch,).
        reduction: of the rows: "mean" or "sum".

    Example:
        >>> BinaryCrossEntropyLoss()([torch.tensor([0.0, 0.0])], torch.tensor([1.0, 0.0]))  # log 2
        tensor(0.6931)

    Source: Nogueira and Cho 2019, "Passage Re-ranking with BERT", https://arxiv.org/abs/1901.04085
    """

    activation_fn: Activation = nn.Identity()
    pos_weight: Tensor | float | None = None
    weight: Tensor | None = None
    reduction: Literal["mean", "sum"] = "mean"

    def __post_init__(self) -> None:
        require_one_of(self, "reduction", self.reduction, REDUCTIONS)

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """[logits (batch,)], labels (batch,) -> scalar.

        Raises:
            ArgumentError: no labels, or not one a pair.
        """
        logits = self.activation_fn(require_scores(self, columns, 1, 1)[0])
        weight, pos_weight = (
            None if value is None else torch.as_tensor(value, device=logits.device)
            for value in (self.weight, self.pos_weight)
        )
        return functional.binary_cross_entropy_with_logits(
            logits, _numbers(self, logits, labels), weight=weight, pos_weight=pos_weight, reduction=self.reduction
        )

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of two columns of texts: a scalar."""
        return self(_score(self, batch), labels)


@loss
class MSELoss:
    """The score is to be a number that a teacher gave: distillation.

    Data:
        (text, text, score): any number.

    Formula:
        mean over pairs of (s - y)²

    Args:
        activation_fn: applied to the logits.
        reduction: of the rows: "mean" or "sum".

    Example:
        >>> MSELoss()([torch.tensor([1.0, 2.0])], torch.tensor([1.0, 5.0]))  # (0 + 9) / 2
        tensor(4.5000)

    Source: Hofstätter et al. 2020, "Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge
    Distillation", https://arxiv.org/abs/2010.02666
    """

    activation_fn: Activation = nn.Identity()
    reduction: Literal["mean", "sum"] = "mean"

    def __post_init__(self) -> None:
        require_one_of(self, "reduction", self.reduction, REDUCTIONS)

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """[logits (batch,)], labels (batch,) -> scalar.

        Raises:
            ArgumentError: no labels, or not one a pair.
        """
        logits = self.activation_fn(require_scores(self, columns, 1, 1)[0])
        return functional.mse_loss(logits, _numbers(self, logits, labels), reduction=self.reduction)

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of two columns of texts: a scalar."""
        return self(_score(self, batch), labels)


@loss
class CrossEntropyLoss:
    """Each pair belongs to one of some classes, as in natural language inference.

    Data:
        (text, text, class): a whole number from 0; or the probabilities of all classes.

    Formula:
        mean over pairs of -log softmax(s)[y]

    Args:
        activation_fn: applied to the logits before the loss, which has a softmax of its own.
        weight: how much each class counts, (classes,).
        ignore_index: a class whose rows do not count.
        reduction: of the rows: "mean" or "sum".
        label_smoothing: share of the label that is spread over all classes, 0 to 1.

    Example:
        >>> CrossEntropyLoss()([torch.zeros(2, 4)], torch.tensor([0, 3]))  # log 4
        tensor(1.3863)

    Source: Devlin et al. 2019, "BERT", https://arxiv.org/abs/1810.04805
    """

    activation_fn: Activation = nn.Identity()
    weight: Tensor | None = None
    ignore_index: int = -100
    reduction: Literal["mean", "sum"] = "mean"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        require_one_of(self, "reduction", self.reduction, REDUCTIONS)
        if not 0 <= self.label_smoothing <= 1:
            raise ArgumentError(
                f"CrossEntropyLoss: label_smoothing is {self.label_smoothing!r}, expected 0 to 1. Correct it."
            )

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """[logits (batch, classes)], labels (batch,) of int or (batch, classes) of float -> scalar.

        Raises:
            ArgumentError: no labels, a class that the model does not have, or a model with a single output.
        """
        require_columns(self, columns, 1, 1)
        (logits,) = columns
        if logits.shape[1] < 2:
            raise ArgumentError(
                f"CrossEntropyLoss: logits of shape {tuple(logits.shape)}, expected (batch, classes) with 2 classes or "
                f"more. Make the model with num_labels, or take BinaryCrossEntropyLoss."
            )
        classes = self._classes(logits, labels)
        return functional.cross_entropy(
            self.activation_fn(logits), classes, None if self.weight is None else self.weight.to(logits),
            ignore_index=self.ignore_index, reduction=self.reduction, label_smoothing=self.label_smoothing,
        )  # fmt: skip

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of two columns of texts: a scalar."""
        return self(_score(self, batch), labels)

    def _classes(self, logits: Tensor, labels: Any) -> Tensor:
        found = _needed(self, labels, logits)
        rows, classes = logits.shape
        if found.is_floating_point():
            if found.shape != logits.shape:
                raise ArgumentError(
                    f"CrossEntropyLoss: labels of {found.dtype} and shape {tuple(found.shape)}, expected whole numbers "
                    f"of shape {(rows,)}, or probabilities of shape {(rows, classes)}. Convert them."
                )
            return found
        if found.numel() != rows:
            raise ArgumentError(
                f"CrossEntropyLoss: {found.numel()} labels for {rows} pairs, expected one each. Give it."
            )
        found = found.reshape(-1).long()
        outside = found[((found < 0) | (found >= classes)) & (found != self.ignore_index)]
        if len(outside):
            raise ArgumentError(
                f"CrossEntropyLoss: label {int(outside[0])}, expected 0 to {classes - 1}, as the model has {classes} "
                f"classes. Make it with more num_labels, or correct the labels."
            )
        return found


def _score(of: Any, batch: Batch) -> list[Tensor]:
    first, second = columns_of(batch, name_of(of), TWO, 2, 2)
    return [logits_of(batch, list(zip(first, second, strict=True)))]


def _needed(of: Any, labels: Any, logits: Tensor) -> Tensor:
    if labels is None:
        raise ArgumentError(
            f"{name_of(of)}: labels are None, expected one for each of {len(logits)} pairs. "
            f"Name the column `label` or `score`."
        )
    return torch.as_tensor(labels).to(logits.device)


def _numbers(of: Any, logits: Tensor, labels: Any) -> Tensor:
    """Labels as float32, (batch,), without gradient."""
    found = _needed(of, labels, logits)
    if found.numel() != len(logits):
        raise ArgumentError(
            f"{name_of(of)}: {found.numel()} labels of shape {tuple(found.shape)} for {len(logits)} pairs, "
            f"expected one each. Give a column of single numbers."
        )
    return found.detach().reshape(-1).float()
