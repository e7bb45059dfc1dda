"""Losses of two texts with a class: alike or not, or one of several.

Knows nothing of models.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import InitVar
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, pairwise_distance, relu

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer.losses.columns import class_a_row, label_a_row, name_of, require_columns, require_labels
from airvec_trainer.losses.declaring import loss

__all__ = ["ContrastiveLoss", "OnlineContrastiveLoss", "SiameseDistanceMetric", "SoftmaxLoss"]


class SiameseDistanceMetric:
    """Distances of partners, each (rows, dim), (rows, dim) -> (rows,)."""

    @staticmethod
    def EUCLIDEAN(x: Tensor, y: Tensor) -> Tensor:  # noqa: N802 (the reference's name)
        """Length of the difference; torch adds 1e-6 to each element of it."""
        return pairwise_distance(x, y, p=2)

    @staticmethod
    def MANHATTAN(x: Tensor, y: Tensor) -> Tensor:  # noqa: N802
        """Sum of the absolute differences; torch adds 1e-6 to each difference."""
        return pairwise_distance(x, y, p=1)

    @staticmethod
    def COSINE_DISTANCE(x: Tensor, y: Tensor) -> Tensor:  # noqa: N802
        """1 − cosine."""
        return 1 - cosine_similarity(x, y)


@loss
class ContrastiveLoss:
    """Texts that belong together come near one another, others stay at least a margin apart.

    Data: two texts / 1 where they belong together, else 0.

    mean of ½ [ y · d² + (1 − y) · relu(margin − d)² ], d the distance.

    Args:
        distance_metric: (rows, dim), (rows, dim) -> (rows,).
        margin: distance beyond which a negative pair costs nothing.
        size_average: the mean; False is the sum.

    Raises:
        ArgumentError: not two columns, or not one label a row. Labels other than 0 and 1 weigh the two terms, with a
            warning.

    Source: Hadsell, Chopra and LeCun 2006, "Dimensionality Reduction by Learning an Invariant Mapping",
        http://yann.lecun.com/exdb/publis/pdf/hadsell-chopra-lecun-06.pdf

    Example:
        A positive pair at cosine distance 1 costs ½, a negative one at distance 0 costs ½ · 0.5²: their mean.

        >>> u, v = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> float(ContrastiveLoss()([u, v], torch.tensor([1, 0])))
        0.3125
    """

    distance_metric: Callable[[Tensor, Tensor], Tensor] = SiameseDistanceMetric.COSINE_DISTANCE
    margin: float = 0.5
    size_average: bool = True

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Two columns of (rows, dim), labels (rows,) -> scalar."""
        require_columns(self, columns, 2, 2)
        labels = label_a_row(self, columns, labels).float()
        _warn_unless_binary(self, labels, "they weigh the terms of positives and negatives")
        distances = self.distance_metric(*columns)
        apart = relu(self.margin - distances)
        losses = 0.5 * (labels * distances.pow(2) + (1 - labels) * apart.pow(2))
        return losses.mean() if self.size_average else losses.sum()


@loss
class OnlineContrastiveLoss:
    """The contrastive loss of the hard pairs alone.

    Data: two texts / 1 where they belong together, else 0.

    Σ d² over positive pairs farther apart than the nearest negative pair, plus Σ relu(margin − d)² over negative pairs
    nearer than the farthest positive pair. Where a batch has no pair of the other kind, the mean of its own decides.

    Args:
        distance_metric: (rows, dim), (rows, dim) -> (rows,).
        margin: distance beyond which a negative pair costs nothing.

    Raises:
        ArgumentError: not two columns, or not one label a row. Rows with labels other than 0 and 1 are left out, with a
            warning.

    Source: Hadsell, Chopra and LeCun 2006, http://yann.lecun.com/exdb/publis/pdf/hadsell-chopra-lecun-06.pdf; with the
        selection of sentence-transformers, https://sbert.net/docs/package_reference/sentence_transformer/losses.html

    Example:
        The positive pair is at distance 1, the negative at 0, so both are hard: 1² + 0.5².

        >>> u, v = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> float(OnlineContrastiveLoss()([u, v], torch.tensor([1, 0])))
        1.25
    """

    distance_metric: Callable[[Tensor, Tensor], Tensor] = SiameseDistanceMetric.COSINE_DISTANCE
    margin: float = 0.5

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Two columns of (rows, dim), labels (rows,) -> scalar."""
        require_columns(self, columns, 2, 2)
        labels = label_a_row(self, columns, labels)
        _warn_unless_binary(self, labels, "those rows are left out")
        distances = self.distance_metric(*columns)
        positives, negatives = distances[labels == 1], distances[labels == 0]
        nearest = negatives.min() if len(negatives) else positives.mean()
        farthest = positives.max() if len(positives) else negatives.mean()
        apart = relu(self.margin - negatives[negatives < farthest])
        return positives[positives > nearest].pow(2).sum() + apart.pow(2).sum()


@loss
class SoftmaxLoss:
    """A linear classifier of two texts' embeddings tells their class; it is trained, too, and not kept.

    Data: two texts / class, a whole number from 0; or one probability a class.

    Cross entropy of W · [u; v; |u − v|; u · v] + b, of these the parts that are asked for.

    Args:
        embedding_dimension: of the model.
        num_labels: number of classes.
        concatenation_sent_rep: u and v are parts.
        concatenation_sent_difference: |u − v| is a part.
        concatenation_sent_multiplication: u · v, element by element, is a part.
        loss_fct: compares (rows, num_labels) with the labels.
        classifier: the weights; None makes them as `torch.nn.Linear` does, with torch's seed.
        sentence_embedding_dimension: the old name of embedding_dimension.

    Raises:
        ArgumentError: no parts, no dimension, not two columns, classes that are out of range or fractions.

    Source: Reimers and Gurevych 2019, "Sentence-BERT", https://arxiv.org/abs/1908.10084 (classification objective)

    Example:
        A classifier of zeros holds four classes to be equally likely: log 4.

        >>> zeros = SoftmaxLoss(embedding_dimension=2, num_labels=4)
        >>> for weight in zeros.classifier.parameters():
        ...     _ = torch.nn.init.zeros_(weight)
        >>> round(zeros([torch.eye(2), torch.eye(2)], torch.tensor([0, 3])).item(), 4)
        1.3863
    """

    embedding_dimension: int | None = None
    num_labels: int
    concatenation_sent_rep: bool = True
    concatenation_sent_difference: bool = True
    concatenation_sent_multiplication: bool = False
    loss_fct: Callable[[Tensor, Tensor], Tensor] = nn.CrossEntropyLoss()
    classifier: nn.Linear | None = None
    sentence_embedding_dimension: InitVar[int | None] = None

    def __post_init__(self, sentence_embedding_dimension: int | None) -> None:
        """Make the classifier."""
        dimension = self.embedding_dimension or sentence_embedding_dimension
        parts = 2 * self.concatenation_sent_rep + self.concatenation_sent_difference
        parts += self.concatenation_sent_multiplication
        if not dimension or not parts or self.num_labels < 1:
            raise ArgumentError(
                f"{name_of(self)}: embedding_dimension={dimension}, num_labels={self.num_labels} and {parts} parts to "
                "classify, expected one or more of each. Give model.get_embedding_dimension() and a concatenation_…."
            )
        object.__setattr__(self, "embedding_dimension", dimension)
        if self.classifier is None:
            object.__setattr__(self, "classifier", nn.Linear(parts * dimension, self.num_labels))

    def prepared(self, model: nn.Module) -> "SoftmaxLoss":
        """The same, its weights on the model's device."""
        self._classifier.to(next(iter(model.parameters()), self._classifier.weight).device)
        return self

    @property
    def _classifier(self) -> nn.Linear:
        assert self.classifier is not None  # __post_init__ made it
        return self.classifier

    def logits(self, columns: Sequence[Tensor]) -> Tensor:
        """What the classifier gives: two columns of (rows, dim) -> (rows, num_labels)."""
        require_columns(self, columns, 2, 2)
        u, v = columns
        if u.shape[1] != self.embedding_dimension:
            raise ArgumentError(
                f"{name_of(self)}: embeddings of {u.shape[1]} dimensions, expected {self.embedding_dimension}, which "
                f"the loss was made with. Give embedding_dimension={u.shape[1]}; a truncate_dim of the model shortens "
                "what it encodes, and not what it is trained with."
            )
        parts = [u, v] if self.concatenation_sent_rep else []
        parts += [(u - v).abs()] if self.concatenation_sent_difference else []
        parts += [u * v] if self.concatenation_sent_multiplication else []
        return self._classifier(torch.cat(parts, dim=1).to(self._classifier.weight.dtype))

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Two columns of (rows, dim), labels (rows,) or (rows, num_labels) -> scalar."""
        logits, labels = self.logits(columns), require_labels(self, labels)
        if self.num_labels == 1 or labels.shape != logits.shape:
            classes = self.num_labels if isinstance(self.loss_fct, nn.CrossEntropyLoss) else None
            read = class_a_row if classes else label_a_row
            labels = read(self, columns, labels, count=classes) if classes else read(self, columns, labels)
        return self.loss_fct(logits, labels)


def _warn_unless_binary(loss: object, labels: Tensor, effect: str) -> None:
    """Reads the labels: on an accelerator that waits for it, once a step."""
    other = (labels != 0) & (labels != 1)
    if bool(other.any()):
        warnings.warn(
            f"{name_of(loss)}: labels that are neither 0 nor 1, such as {labels[other][0].item()}: {effect}.",
            AirvecWarning,
            stacklevel=3,
        )
