"""Losses of single texts with a class: triplets and contrasts are made inside the batch.

They need batches with at least two texts of a class and two classes (batch sampler `group_by_label`). In a batch of
one class the loss is what the formula without negatives gives, as in sentence-transformers: it says nothing.
Knows nothing of models.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from airvec_trainer.losses.columns import class_a_row, half_as_float, require_columns, require_positive
from airvec_trainer.losses.declaring import loss
from airvec_trainer.similarity import cos_sim

__all__ = [
    "BatchAllTripletLoss", "BatchHardSoftMarginTripletLoss", "BatchHardTripletLoss",
    "BatchHardTripletLossDistanceFunction", "BatchSemiHardTripletLoss", "SupConLoss",
]  # fmt: skip


class BatchHardTripletLossDistanceFunction:
    """Distances of all pairs, each (rows, dim) -> (rows, rows)."""

    @staticmethod
    def cosine_distance(embeddings: Tensor) -> Tensor:
        """1 − cosine."""
        return 1 - cos_sim(embeddings, embeddings)

    @staticmethod
    def euclidean_distance(embeddings: Tensor, squared: bool = False) -> Tensor:
        """Length of the differences, or its square; float16 and bfloat16 in float32, also under autocast.

        By |a|² − 2ab + |b|², where rounding below 0 counts as 0; a distance of 0 has the gradient 0.
        """
        with torch.autocast(device_type=embeddings.device.type, enabled=False):
            rows = half_as_float(embeddings)
            products = rows @ rows.T
        squares = products.diagonal()
        found = squares[None, :] - 2.0 * products + squares[:, None]  # this order of the sum is the reference's
        found = found.masked_fill(found < 0, 0.0)
        if squared:
            return found
        is_zero = found == 0
        return found.masked_fill(is_zero, 1.0).sqrt().masked_fill(is_zero, 0.0)

    # An old name, which old code spells so.
    eucledian_distance = euclidean_distance


Distance = Callable[[Tensor], Tensor]
_EUCLIDEAN: Distance = BatchHardTripletLossDistanceFunction.euclidean_distance


@loss
class BatchAllTripletLoss:
    """Every triplet of the batch keeps its margin; the mean is over those that do not.

    Data: one text / class, a whole number.

    Σ relu(d(a, p) − d(a, n) + margin) / (number of triplets above 0), over all a, p of one class and n of another.

    Args:
        distance_metric: (rows, dim) -> (rows, rows).
        margin: in the unit of the distance.

    Raises:
        ArgumentError: not one column, or not a whole number a row.

    Source: Hermans, Beyer and Leibe 2017, "In Defense of the Triplet Loss for Person Re-Identification",
        https://arxiv.org/abs/1703.07737

    Example:
        Two texts of class 0 at 0 and 1, one of class 1 at 3: 1 − 3 + 5 and 1 − 2 + 5, their mean.

        >>> float(BatchAllTripletLoss()([torch.tensor([[0.0], [1.0], [3.0]])], torch.tensor([0, 0, 1])))
        3.5
    """

    needs_two_labels: ClassVar[bool] = True
    distance_metric: Distance = _EUCLIDEAN
    margin: float = 5

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """One column of (rows, dim), labels (rows,) -> scalar."""
        distances, same, partners = _pairs(self, columns, labels)
        anchors, positives = partners.nonzero(as_tuple=True)  # rows × (of a class − 1) of them, not rows³
        missed = distances[anchors, positives][:, None] - distances[anchors] + self.margin
        missed = half_as_float(missed).masked_fill(same[anchors] | (missed < 0), 0.0)
        return missed.sum() / (missed > 0).sum().clamp(min=1)


@loss
class BatchHardTripletLoss:
    """Each text's farthest partner of its class is nearer than its nearest text of another, by a margin.

    Data: one text / class, a whole number.

    mean of relu(max_p d(a, p) − min_n d(a, n) + margin), over all texts a of the batch.

    Args:
        distance_metric: (rows, dim) -> (rows, rows).
        margin: in the unit of the distance.

    Raises:
        ArgumentError: not one column, or not a whole number a row.

    Source: Hermans, Beyer and Leibe 2017, https://arxiv.org/abs/1703.07737

    Example:
        Texts of class 0 at 0 and 1, of class 1 at 3 and 5: 1 − 3, 1 − 2, 2 − 2 and 2 − 4, each + 5; their mean.

        >>> texts = torch.tensor([[0.0], [1.0], [3.0], [5.0]])
        >>> float(BatchHardTripletLoss()([texts], torch.tensor([0, 0, 1, 1])))
        3.75
    """

    needs_two_labels: ClassVar[bool] = True
    distance_metric: Distance = _EUCLIDEAN
    margin: float = 5

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """One column of (rows, dim), labels (rows,) -> scalar."""
        missed = _hardest(*_pairs(self, columns, labels)) + self.margin
        return missed.masked_fill(missed < 0, 0.0).mean()


@loss
class BatchHardSoftMarginTripletLoss:
    """Each text's farthest partner of its class is nearer than its nearest text of another; no margin to choose.

    Data: one text / class, a whole number.

    mean of log(1 + exp(max_p d(a, p) − min_n d(a, n))), over all texts a of the batch.

    Args:
        distance_metric: (rows, dim) -> (rows, rows).

    Raises:
        ArgumentError: not one column, or not a whole number a row.

    Source: Hermans, Beyer and Leibe 2017, https://arxiv.org/abs/1703.07737

    Example:
        On a line at 0 and 1 (class 0), and at −1 and 2 (class 1): 1 − 1 for the first two, 3 − 1 for the others:
        (2 log 2 + 2 log(1 + e²)) / 4.

        >>> texts = torch.tensor([[0.0], [1.0], [-1.0], [2.0]])
        >>> round(float(BatchHardSoftMarginTripletLoss()([texts], torch.tensor([0, 0, 1, 1]))), 4)
        1.41
    """

    needs_two_labels: ClassVar[bool] = True
    distance_metric: Distance = _EUCLIDEAN

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """One column of (rows, dim), labels (rows,) -> scalar."""
        return softplus(_hardest(*_pairs(self, columns, labels))).mean()


@loss
class BatchSemiHardTripletLoss:
    """For each pair of a class, the nearest text of another class beyond the positive keeps a margin.

    Data: one text / class, a whole number.

    mean of relu(d(a, p) − d(a, n) + margin) over all a, p of one class; n is the nearest text of another class that is
    farther from a than p, and where there is none the farthest one.

    Args:
        distance_metric: (rows, dim) -> (rows, rows).
        margin: in the unit of the distance.

    Raises:
        ArgumentError: not one column, or not a whole number a row.

    Source: Schroff, Kalenichenko and Philbin 2015, "FaceNet", https://arxiv.org/abs/1503.03832

    Example:
        Texts of class 0 at 0 and 1, of class 1 at 3: 1 − 3 + 5 and 1 − 2 + 5, their mean.

        >>> float(BatchSemiHardTripletLoss()([torch.tensor([[0.0], [1.0], [3.0]])], torch.tensor([0, 0, 1])))
        3.5
    """

    needs_two_labels: ClassVar[bool] = True
    distance_metric: Distance = _EUCLIDEAN
    margin: float = 5

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """One column of (rows, dim), labels (rows,) -> scalar."""
        distances, same, partners = _pairs(self, columns, labels)
        missed = half_as_float(distances - _semi_hard(distances, same) + self.margin).masked_fill(~partners, 0.0)
        at_least_zero = torch.maximum(missed, torch.zeros_like(missed))  # at 0 the reference takes half the gradient
        return at_least_zero.sum() / partners.sum().clamp(min=1)


@loss
class SupConLoss:
    """Each text is nearer to all others of its class than to the rest of the batch, as softmax counts it.

    Data: one text / class, a whole number.

    −temperature / base_temperature · mean over texts a of mean over the others p of a's class of
    log(exp(cos(a, p) / temperature) / Σ exp(cos(a, b) / temperature)), over all b but a itself. Texts that are alone in
    their class count nothing. SetFit's `SupConLoss` with one view of each text; there such a text makes the loss NaN.

    Args:
        temperature: above 0; lower looks more at the nearest texts of other classes.
        base_temperature: above 0; scales the loss alone.

    Raises:
        ArgumentError: not one column, or not a whole number a row; a temperature that is not above 0.

    Source: Khosla et al. 2020, "Supervised Contrastive Learning", https://arxiv.org/abs/2004.11362

    Example:
        Two texts of class 0 in one direction, one of class 1 at a right angle: −log(e / (e + 1)) for the first two.

        >>> texts = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
        >>> round(float(SupConLoss(temperature=1, base_temperature=1)([texts], torch.tensor([0, 0, 1]))), 4)
        0.3133
    """

    needs_two_labels: ClassVar[bool] = True
    temperature: float = 0.07
    base_temperature: float = 0.07

    def __post_init__(self) -> None:
        require_positive(self, {"temperature": self.temperature, "base_temperature": self.base_temperature})

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """One column of (rows, dim), labels (rows,) -> scalar."""
        require_columns(self, columns, 1, 1)
        _, partners = _partners(class_a_row(self, columns, labels))
        cosines = half_as_float(cos_sim(columns[0], columns[0]))
        itself = torch.eye(len(cosines), dtype=torch.bool, device=cosines.device)
        shares = (cosines / self.temperature).masked_fill(itself, -torch.inf).log_softmax(dim=1)
        count = partners.sum(dim=1)
        each = shares.masked_fill(~partners, 0.0).sum(dim=1) / count.clamp(min=1)
        return -self.temperature / self.base_temperature * each.sum() / (count > 0).sum().clamp(min=1)


def _partners(classes: Tensor) -> tuple[Tensor, Tensor]:
    """Whether two rows are of one class, and whether they are two rows of one class: (rows, rows) each."""
    same = classes[:, None] == classes[None, :]
    return same, same & ~torch.eye(len(classes), dtype=torch.bool, device=classes.device)


def _pairs(loss: Any, columns: Sequence[Tensor], labels: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Distances, whether two rows are of one class, and whether they are two rows of one class: (rows, rows) each."""
    require_columns(loss, columns, 1, 1)
    return loss.distance_metric(columns[0]), *_partners(class_a_row(loss, columns, labels))


def _hardest(distances: Tensor, same: Tensor, partners: Tensor) -> Tensor:
    """Distance to the farthest partner less that to the nearest text of another class: (rows,).

    Rows of the own class are put beyond all others rather than left out, so that there is a nearest text where a batch
    has one class only. `max` and `min` give the gradient to the first of equal distances, as the reference's do.
    """
    distances = half_as_float(distances)  # autocast gives cosines in bfloat16
    farthest = distances.masked_fill(~partners, 0.0).max(dim=1).values
    beyond = distances.max(dim=1, keepdim=True).values
    return farthest - (distances + beyond * same).min(dim=1).values


def _semi_hard(distances: Tensor, same: Tensor) -> Tensor:
    """For each pair (a, p) the distance of a to its semi-hard negative: (rows, rows)."""
    negatives = distances.masked_fill(same, torch.inf).sort(dim=1, stable=True).values
    place = torch.searchsorted(negatives.detach().contiguous(), distances.detach().contiguous(), right=True)
    beyond = negatives.gather(1, place.clamp(max=len(distances) - 1))
    # The farthest text of another class, sought above the nearest text: where there is none, that one stands in.
    nearest = distances.min(dim=1, keepdim=True).values
    farthest = nearest + ((distances - nearest) * ~same).max(dim=1, keepdim=True).values
    return torch.where(beyond.isfinite(), beyond, farthest)
