"""Losses of any column, whatever the rows mean, to be added to another loss.

Knows nothing of models and texts.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from airvec.errors import ArgumentError
from airvec_trainer.losses.columns import require_columns, require_one_of
from airvec_trainer.losses.declaring import loss
from airvec_trainer.similarity import cos_sim

__all__ = ["GlobalOrthogonalRegularizationLoss"]


@loss
class GlobalOrthogonalRegularizationLoss:
    """Rows of a column are spread as random directions are: similar to none, on average.

    Data: any columns, each by itself.
    Formula: mean_weight · (mean_{i≠j} s_ij)² + second_moment_weight · max(0, mean_{i≠j} s_ij² − 1/dim), the mean or sum
    of both over the columns.
    Source: Zhang et al. 2017, "Learning Spread-out Local Feature Descriptors", https://arxiv.org/abs/1708.06320

    Args:
        similarity_fct: of all pairs, a function of `airvec_trainer.similarity`.
        mean_weight: of the first term; None or 0 leaves it out.
        second_moment_weight: of the second; None or 0 leaves it out.
        aggregation: over the columns: `"mean"` or `"sum"`.

    Raises:
        ArgumentError: both terms are left out, or an aggregation that is none.

    Example:
        >>> import torch
        >>> spread = GlobalOrthogonalRegularizationLoss()
        >>> parts = spread.parts([torch.tensor([[1.0, 0.0], [1.0, 0.0]])])  # one pair, of cosine 1, in 2 dimensions
        >>> {name: part.item() for name, part in parts.items()}
        {'gor_mean': 1.0, 'gor_second_moment': 0.5}
    """

    similarity_fct: Callable[[Tensor, Tensor], Tensor] = cos_sim
    mean_weight: float | None = 1.0
    second_moment_weight: float | None = 1.0
    aggregation: str = "mean"

    def __post_init__(self) -> None:
        """Refuse a loss of nothing."""
        if not self.mean_weight and not self.second_moment_weight:
            raise ArgumentError(
                f"GlobalOrthogonalRegularizationLoss: mean_weight={self.mean_weight!r} and "
                f"second_moment_weight={self.second_moment_weight!r}, expected one above 0. Raise one."
            )
        require_one_of(self, "aggregation", self.aggregation, ("mean", "sum"))

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """The sum of its parts."""
        return torch.stack(list(self.parts(columns, labels).values())).sum()

    def parts(self, columns: Sequence[Tensor], labels: Any = None) -> dict[str, Tensor]:  # a loss's form
        """`gor_mean` and `gor_second_moment`, those that are not left out: scalars, weighted."""
        require_columns(self, columns, least=1)
        together = torch.sum if self.aggregation == "sum" else torch.mean
        means, moments = zip(*(self._terms(column) for column in columns), strict=True)
        parts: dict[str, Tensor] = {}
        if self.mean_weight:
            parts["gor_mean"] = self.mean_weight * together(torch.stack(means))
        if self.second_moment_weight:
            parts["gor_second_moment"] = self.second_moment_weight * together(torch.stack(moments))
        return parts

    def _terms(self, column: Tensor) -> tuple[Tensor, Tensor]:
        """(mean of the similarities, squared; their second moment above that of random directions), scalars."""
        rows, dim = column.shape
        others = ~torch.eye(rows, dtype=torch.bool, device=column.device)
        similar = self.similarity_fct(column, column).where(others, 0.0)
        pairs = max(rows * (rows - 1), 1)
        return (similar.sum() / pairs) ** 2, torch.relu((similar**2).sum() / pairs - 1 / dim)
