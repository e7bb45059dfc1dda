"""Losses of an anchor with one positive and one negative.

Knows nothing of models.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
from torch.nn.functional import relu

from airvec_trainer.losses.columns import require_columns
from airvec_trainer.losses.declaring import loss
from airvec_trainer.similarity import pairwise_cos_sim, pairwise_euclidean_sim, pairwise_manhattan_sim

__all__ = ["TripletDistanceMetric", "TripletLoss"]


class TripletDistanceMetric:
    """Distances of partners, each (rows, dim), (rows, dim) -> (rows,)."""

    @staticmethod
    def COSINE(x: Tensor, y: Tensor) -> Tensor:  # noqa: N802 (the reference's name)
        """1 − cosine."""
        return 1 - pairwise_cos_sim(x, y)

    @staticmethod
    def EUCLIDEAN(x: Tensor, y: Tensor) -> Tensor:  # noqa: N802
        """Length of the difference."""
        return -pairwise_euclidean_sim(x, y)

    @staticmethod
    def MANHATTAN(x: Tensor, y: Tensor) -> Tensor:  # noqa: N802
        """Sum of the absolute differences."""
        return -pairwise_manhattan_sim(x, y)


@loss
class TripletLoss:
    """The negative is farther from the anchor than the positive, by a margin.

    Data: anchor, positive, negative; no labels.

    mean of relu(d(a, p) − d(a, n) + triplet_margin), d the distance.

    Args:
        distance_metric: (rows, dim), (rows, dim) -> (rows,).
        triplet_margin: in the unit of the distance; 5 suits Euclidean distances of vectors that are not normalised,
            cosine distances lie between 0 and 2.

    Raises:
        ArgumentError: not three columns.

    Source: Schroff, Kalenichenko and Philbin 2015, "FaceNet", https://arxiv.org/abs/1503.03832

    Example:
        The positive is 5 away (3, 4), the negative 2: 5 − 2 + 5.

        >>> from torch import tensor
        >>> float(TripletLoss()([tensor([[0.0, 0.0]]), tensor([[3.0, 4.0]]), tensor([[2.0, 0.0]])]))
        8.0
    """

    distance_metric: Callable[[Tensor, Tensor], Tensor] = TripletDistanceMetric.EUCLIDEAN
    triplet_margin: float = 5

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Three columns of (rows, dim) -> scalar; labels are not read."""
        require_columns(self, columns, 3, 3)
        anchor, positive, negative = columns
        farther = self.distance_metric(anchor, positive) - self.distance_metric(anchor, negative)
        return relu(farther + self.triplet_margin).mean()
