"""Losses for rows of (query, positive, negative …, scores of a teacher).

Knows nothing of texts.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.columns import require_one_of
from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.rerank.pairs import columns_of, require_scores, scores_of_columns
from airvec_trainer.losses.rerank.points import REDUCTIONS, Activation

__all__ = ["MarginMSELoss"]

NAME = "MarginMSELoss"


@loss
class MarginMSELoss:
    """The positive is to be as far ahead of each negative as a teacher says.

    Data:
        (query, positive, negative 1 … negative n, label): the n margins, positive less negative, or a list of the
        teacher's n + 1 scores; with one negative also a single number.

    Formula:
        mean over rows and negatives of ((s_p - s_n) - (t_p - t_n))²

    Args:
        activation_fn: applied to the scores before they are subtracted.
        reduction: of the margins: "mean" or "sum".

    Example:
        >>> scores = [torch.tensor([3.0]), torch.tensor([1.0])]
        >>> MarginMSELoss()(scores, torch.tensor([[5.0, 0.0]]))  # (2 - 5)²
        tensor(9.)

    Source: Hofstätter et al. 2020, "Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge
    Distillation", https://arxiv.org/abs/2010.02666
    """

    activation_fn: Activation = nn.Identity()
    reduction: Literal["mean", "sum"] = "mean"

    def __post_init__(self) -> None:
        require_one_of(self, "reduction", self.reduction, REDUCTIONS)

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """[positive (batch,), negative (batch,) …], labels (batch, n) or (batch, n + 1) or (batch,) -> scalar.

        Raises:
            ArgumentError: no negatives, no labels, or labels of another shape.
        """
        positive, *negatives = [self.activation_fn(column) for column in require_scores(self, columns, 2)]
        margins = positive[:, None] - torch.stack(negatives, dim=1)  # (batch, n)
        return mse_loss(margins, _margins(margins, labels), reduction=self.reduction)

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of columns of texts, each of which has a pass of its own: a scalar."""
        queries, *others = columns_of(batch, NAME, "3 or more: a query, a positive and negatives", 3)
        return self([scores_of_columns(NAME, batch, queries, other) for other in others], labels)


def _margins(margins: Tensor, labels: Any) -> Tensor:
    """The teacher's margins, (batch, n), float32."""
    rows, negatives = margins.shape
    if labels is None:
        raise ArgumentError(
            f"{NAME}: labels are None, expected {negatives} margins for each of {rows} rows. Give a column `label`."
        )
    rowwise = isinstance(labels, Sequence) and isinstance(labels[0], Tensor)
    found = (torch.stack(list(labels)) if rowwise else torch.as_tensor(labels)).detach().to(margins.device)
    if found.shape == (rows, negatives + 1):
        found = found[:, :1] - found[:, 1:]
    elif found.shape == (rows,):
        found = found[:, None]
    if found.shape != (rows, negatives):
        raise ArgumentError(
            f"{NAME}: labels of shape {tuple(found.shape)} for {rows} rows with {negatives} negatives, expected "
            f"{(rows, negatives)} margins or {(rows, negatives + 1)} scores, the positive's first. Correct them."
        )
    return found.float()
