"""Losses of two texts with a score: how similar they are said to be.

Knows nothing of models.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from airvec_trainer.losses.columns import half_as_float, label_a_row, require_columns, require_labels, require_positive
from airvec_trainer.losses.declaring import loss
from airvec_trainer.similarity import pairwise_angle_sim, pairwise_cos_sim

__all__ = ["AnglELoss", "CoSENTLoss", "CosineSimilarityLoss"]


@loss
class CosineSimilarityLoss:
    """The cosine of two texts comes near their score.

    Data: two texts / score, a float, usually 0 to 1.

    loss_fct(f(cos(u, v)), score); by default the mean of (cos(u, v) − score)².

    Args:
        loss_fct: compares (rows,) with (rows,).
        cos_score_transformation: f, on the cosines.

    Raises:
        ArgumentError: not two columns, or not one label a row.

    Source: Reimers and Gurevych 2019, "Sentence-BERT", https://arxiv.org/abs/1908.10084 (regression objective)

    Example:
        Cosines 1 and 0, scores 0.5 and 0: (0.25 + 0) / 2.

        >>> u, v = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> float(CosineSimilarityLoss()([u, v], torch.tensor([0.5, 0.0])))
        0.125
    """

    loss_fct: Callable[[Tensor, Tensor], Tensor] = nn.MSELoss()
    cos_score_transformation: Callable[[Tensor], Tensor] = nn.Identity()

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Two columns of (rows, dim), labels (rows,) -> scalar."""
        require_columns(self, columns, 2, 2)
        labels = label_a_row(self, columns, labels)
        return self.loss_fct(self.cos_score_transformation(torch.cosine_similarity(*columns)), labels.float())


@loss
class CoSENTLoss:
    """Pairs of a higher score are more similar than pairs of a lower one.

    Data: two texts / score, a float; only the order of the scores counts.

    log(1 + Σ exp(scale · (s_i − s_j))), over all pairs of rows where score_i < score_j, s the similarities. Rows of
    equal scores are not compared.

    Args:
        scale: factor of the similarities, 1 / temperature.
        similarity_fct: (rows, dim), (rows, dim) -> (rows,).

    Raises:
        ArgumentError: not two columns, not one label a row, or a scale that is not above 0.

    Source: Huang et al. 2024, "CoSENT: Consistent Sentence Embedding via Similarity Ranking",
        https://penghao-bdsc.github.io/papers/CoSENT_TASLP2024.pdf

    Example:
        The pair with score 0 has cosine 1, that with score 1 cosine 0, the wrong way round: log(1 + e).

        >>> u, v = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> round(float(CoSENTLoss(scale=1)([u, v], torch.tensor([0.0, 1.0]))), 4)
        1.3133
    """

    needs_two_labels: ClassVar[bool] = True
    scale: float = 20.0
    similarity_fct: Callable[[Tensor, Tensor], Tensor] = pairwise_cos_sim

    def __post_init__(self) -> None:
        """Refuse a scale that cannot be."""
        require_positive(self, {"scale": self.scale})

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Two columns of (rows, dim), labels (rows,) -> scalar."""
        require_columns(self, columns, 2, 2)
        labels = label_a_row(self, columns, labels)
        return _in_order(half_as_float(self.similarity_fct(*columns)) * self.scale, labels)


@loss
class AnglELoss:
    """CoSENT on the difference of angles in complex space, whose gradient does not fade where cosines come near ±1.

    Data: two texts / score, a float; or anchor, positive, negative, …, whose pairs with the anchor then have the
    scores 1, 0, …; labels, where there are, are the score y of the positive, and 1 − y that of the negatives.

    log(1 + Σ exp(scale · (s_i − s_j))), over all pairs of rows where score_i < score_j, s by `pairwise_angle_sim`.

    Args:
        scale: factor of the similarities, 1 / temperature.

    Raises:
        ArgumentError: fewer than two columns, two without labels, or not one label a row.

    Source: Li and Li 2023, "AnglE-optimized Text Embeddings", https://arxiv.org/abs/2309.12871; as in the authors'
        code, which subtracts the other way round than equation 3.

    Example:
        A positive like its anchor has |cosine + sine| = 1, a negative with cosine 0 and sine −1 has 1, too:
        log(1 + e^(1 − 1)) = log 2.

        >>> anchor, negative = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        >>> round(float(AnglELoss(scale=1)([anchor, anchor, negative])), 4)
        0.6931
    """

    needs_two_labels: ClassVar[bool] = True
    scale: float = 20.0

    def __post_init__(self) -> None:
        """Refuse a scale that cannot be."""
        require_positive(self, {"scale": self.scale})

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Columns of (rows, dim), labels (rows,) -> scalar."""
        require_columns(self, columns, 2)
        anchors, *others = columns
        if len(others) == 1:
            scores = label_a_row(self, columns, require_labels(self, labels))
        else:
            of_positive = anchors.new_ones(len(anchors)) if labels is None else label_a_row(self, columns, labels)
            scores = torch.cat([of_positive, (1 - of_positive).repeat(len(others) - 1)])
        found = pairwise_angle_sim(anchors.repeat(len(others), 1), torch.cat(others))
        return _in_order(found * self.scale, scores)


def _in_order(similarities: Tensor, labels: Tensor) -> Tensor:
    """log(1 + Σ exp(s_i − s_j)) over label_i < label_j: (rows,), (rows,) -> scalar.

    For each row i the sum over j is a running sum from the highest label down to the last above its own.
    """
    highest_first, order = (-labels.float()).sort()  # true and false are labels, too
    similarities = similarities[order]
    sums = torch.logcumsumexp(-similarities, dim=0)
    sums = torch.cat([sums.new_full((1,), -torch.inf), sums])  # of the first 0, 1, … rows
    rows_above = torch.searchsorted(highest_first, highest_first)
    mistakes = similarities + sums[rows_above]
    return torch.logsumexp(torch.cat([mistakes.new_zeros(1), mistakes]), dim=0)  # the zero is the 1 in the logarithm
