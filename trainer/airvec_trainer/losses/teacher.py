"""Losses of a student that learns a teacher's embeddings or scores, which the data set holds as labels.

Knows nothing of models, but asks one for its width where a projection is wanted.
"""

import math
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, kl_div, mse_loss

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer.losses.batch import whole_width
from airvec_trainer.losses.columns import (
    name_of,
    require_columns,
    require_labels,
    require_one_of,
    require_positive,
    value_a_column,
)  # fmt: skip
from airvec_trainer.losses.declaring import loss
from airvec_trainer.similarity import pairwise_dot_score

__all__ = ["DistillKLDivLoss", "EmbedDistillLoss", "MSELoss", "MarginMSELoss"]


@loss
class EmbedDistillLoss:
    """Each column's embeddings come near the teacher's.

    Data: one text, or several / the teacher's embeddings, (rows, dim) for every column, or (rows, columns, dim).

    Mean over the columns of 1 − cos(u, t) ("cosine"), of |u − t| ("l2"), or of (u − t)² over all elements ("mse").

    Args:
        distance_metric: "cosine", "l2" or "mse".
        projection_dim: width of the teacher, where it differs: a linear layer, trained and not kept with the model,
            maps to it. `prepared(model)` makes it.
        projection: that layer; None until it is made or loaded.

    Raises:
        ArgumentError: an unknown distance, labels of another shape, or a projection that is not made.

    Source: Kim et al. 2023, "EmbedDistill: A Geometric Knowledge Distillation for Information Retrieval",
        https://arxiv.org/abs/2301.12005

    Example:
        A cosine of 1 and one of 0: the mean of 0 and 1.

        >>> student, teacher = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
        >>> float(EmbedDistillLoss()([student], teacher))
        0.5
    """

    distance_metric: str = "cosine"
    projection_dim: int | None = None
    projection: nn.Linear | None = None

    def __post_init__(self) -> None:
        """Refuse a distance that is not known."""
        require_one_of(self, "distance_metric", self.distance_metric, ("mse", "l2", "cosine"))

    @property
    def has_one_width(self) -> bool:
        """Whether it takes embeddings of one length only."""
        return _has_projection(self)

    def prepared(self, model: nn.Module) -> "EmbedDistillLoss":
        """Itself, with the projection from the model's width, where one is asked for."""
        _make_projection(self, model)
        return self

    def save_projection(self, path: str | os.PathLike[str]) -> None:
        """Write the projection's weights (safetensors), for the loss of a later stage."""
        _save_projection(self, Path(path))

    def load_projection(self, path: str | os.PathLike[str]) -> None:
        """Read the projection's weights; makes the layer, where there is none yet."""
        _load_projection(self, Path(path))

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Columns of (rows, dim), labels (rows, dim) or (rows, columns, dim) -> scalar."""
        require_columns(self, columns, 1)
        students = _projected(self, columns)
        distance = _DISTANCES[self.distance_metric]
        teachers = _teachers(self, students, labels)
        return torch.stack([distance(*pair) for pair in zip(students, teachers, strict=True)]).mean()


@loss
class MSELoss:
    """Each column's embeddings come near the teacher's, by their squared differences.

    Data: one text, or several / the teacher's embeddings, (rows, dim) for every column, or (rows, columns, dim). With
    texts in two languages and the teacher's embeddings of the first, a model learns the second language.

    Mean over columns and elements of (u − t)².

    Args:
        projection_dim: width of the teacher, where it differs: a linear layer maps to it. `prepared(model)` makes it.
        projection: that layer; None until it is made or loaded.

    Raises:
        ArgumentError: labels of another shape, or a projection that is not made.

    Source: Reimers and Gurevych 2020, "Making Monolingual Sentence Embeddings Multilingual using Knowledge
        Distillation", https://arxiv.org/abs/2004.09813

    Example:
        Differences 0, 0, 0 and 2: 4 / 4.

        >>> float(MSELoss()([torch.eye(2)], torch.tensor([[1.0, 0.0], [0.0, 3.0]])))
        1.0
    """

    projection_dim: int | None = None
    projection: nn.Linear | None = None

    @property
    def has_one_width(self) -> bool:
        """Whether it takes embeddings of one length only."""
        return _has_projection(self)

    def prepared(self, model: nn.Module) -> "MSELoss":
        """Itself, with the projection from the model's width, where one is asked for."""
        _make_projection(self, model)
        return self

    def save_projection(self, path: str | os.PathLike[str]) -> None:
        """Write the projection's weights (safetensors), for the loss of a later stage."""
        _save_projection(self, Path(path))

    def load_projection(self, path: str | os.PathLike[str]) -> None:
        """Read the projection's weights; makes the layer, where there is none yet."""
        _load_projection(self, Path(path))

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Columns of (rows, dim), labels (rows, dim) or (rows, columns, dim) -> scalar."""
        require_columns(self, columns, 1)
        students = _projected(self, columns)
        teachers = _teachers(self, students, labels)
        return torch.stack([mse_loss(*pair) for pair in zip(students, teachers, strict=True)]).mean()


@loss
class MarginMSELoss:
    """The differences of the student's scores come near those of the teacher's.

    Data: query, positive, negative, … / the teacher's score of the positive less that of each negative (with one
    negative a number), or its scores of the positive and each negative.

    Mean of [ (s(q, p) − s(q, n)) − (t_p − t_n) ]².

    Args:
        similarity_fct: (rows, dim), (rows, dim) -> (rows,).

    Raises:
        ArgumentError: fewer than three columns, or labels of another shape.

    Source: Hofstätter et al. 2020, "Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge
        Distillation", https://arxiv.org/abs/2010.02666

    Example:
        The student's margin is 1 − 0, the teacher's 3: (1 − 3)².

        >>> query, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        >>> float(MarginMSELoss()([query, query, other], torch.tensor([3.0])))
        4.0
    """

    similarity_fct: Callable[[Tensor, Tensor], Tensor] = pairwise_dot_score

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Columns of (rows, dim), labels (rows,), (rows, negatives) or (rows, 1 + negatives) -> scalar."""
        require_columns(self, columns, 3)
        query, *documents = columns
        positive, *negatives = [self.similarity_fct(query, document) for document in documents]
        margins = torch.stack([positive - negative for negative in negatives], dim=1)  # (rows, negatives)
        return mse_loss(margins, _margins(self, labels, margins).to(margins.dtype))


@loss
class DistillKLDivLoss:
    """The student's distribution over candidates comes near the teacher's.

    Data: query, positive, negative, … / the teacher's score of each candidate, (rows, candidates).

    T_s² · mean over rows of KL(softmax(t / T_t) ‖ softmax(s / T_s)), s the student's similarities.

    Args:
        similarity_fct: (rows, dim), (rows, dim) -> (rows,).
        temperature: both temperatures; higher is softer.
        student_temperature: T_s; None is `temperature`.
        teacher_temperature: T_t; None is `temperature`.

    Raises:
        ArgumentError: fewer than three columns, labels of another shape or NaN, a temperature that is not above 0.
            Scores so far apart that shares of the teacher become 0 give a warning.

    Source: Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network",
        https://arxiv.org/abs/1503.02531; for ranking: Lin et al. 2020, https://arxiv.org/abs/2010.11386

    Example:
        The student holds both candidates to be equal, the teacher gives ¾ and ¼ (scores log 3 and 0):
        ¾ log(¾ / ½) + ¼ log(¼ / ½).

        >>> query, scores = torch.tensor([[1.0, 0.0]]), torch.tensor([[3.0, 1.0]]).log()
        >>> round(float(DistillKLDivLoss()([query, query, query], scores)), 4)
        0.1308
    """

    similarity_fct: Callable[[Tensor, Tensor], Tensor] = pairwise_dot_score
    temperature: float = 1.0
    student_temperature: float | None = None
    teacher_temperature: float | None = None

    def __post_init__(self) -> None:
        """Refuse temperatures that cannot be."""
        given = ("temperature", "student_temperature", "teacher_temperature")
        require_positive(self, {name: getattr(self, name) for name in given if getattr(self, name) is not None})

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Columns of (rows, dim), labels (rows, candidates) -> scalar."""
        require_columns(self, columns, 3)
        query, *candidates = columns
        labels = value_a_column(self, labels, len(query), len(candidates))
        softness = self.student_temperature or self.temperature
        scores = torch.stack([self.similarity_fct(query, candidate) for candidate in candidates], dim=1)
        teacher = torch.softmax(labels / (self.teacher_temperature or self.temperature), dim=1)
        _require_distribution(self, teacher, labels)
        student = torch.log_softmax(scores / softness, dim=1)
        return kl_div(student, teacher, reduction="batchmean") * softness**2


def _require_distribution(loss: object, teacher: Tensor, labels: Tensor) -> None:
    """Raise where the teacher's shares are NaN, warn where they vanish. Reads one number, which is NaN where any is."""
    smallest = float(teacher.min())
    if math.isnan(smallest):
        row = labels[teacher.isnan().any(dim=1)][0]
        raise ArgumentError(
            f"{name_of(loss)}: the teacher's scores of a row are {row.tolist()[:8]}, expected numbers. Score such rows "
            "again, or leave them out."
        )
    if smallest == 0 and bool(labels.isfinite().all()):
        spread = float((labels.max(dim=1).values - labels.min(dim=1).values).max())
        warnings.warn(
            f"{name_of(loss)}: the teacher's scores of a row differ by up to {spread:.3g}, so the share of some "
            f"candidates is 0 and they teach nothing, expected less than about 100. Set teacher_temperature to "
            f"{spread / 100:.3g} or more.",
            AirvecWarning,
            stacklevel=3,
        )


def _l2(student: Tensor, teacher: Tensor) -> Tensor:
    return torch.linalg.vector_norm(student - teacher, dim=-1).mean()


def _cosine(student: Tensor, teacher: Tensor) -> Tensor:
    return (1 - cosine_similarity(student, teacher, dim=-1)).mean()


_DISTANCES = {"mse": mse_loss, "l2": _l2, "cosine": _cosine}


def _teachers(loss: Any, students: Sequence[Tensor], labels: Any) -> list[Tensor]:
    """The teacher's embeddings for each column, in the student's type."""
    labels = require_labels(loss, labels)
    (rows, dim), count = students[0].shape, len(students)
    if labels.shape not in {(rows, dim), (rows, count, dim)}:
        raise ArgumentError(
            f"{name_of(loss)}: labels of shape {tuple(labels.shape)}, expected the teacher's embeddings, "
            f"({rows}, {dim}) or ({rows}, {count}, {dim}). Where only the width differs, set projection_dim to it."
        )
    labels = labels.to(students[0].dtype)
    return [labels] * count if labels.ndim == 2 else list(labels.unbind(dim=1))


def _margins(loss: Any, labels: Any, margins: Tensor) -> Tensor:
    """The teacher's margins, (rows, negatives), also from its scores or from a number a row."""
    labels = require_labels(loss, labels)
    rows, count = margins.shape
    if labels.shape == (rows, count + 1):
        return labels[:, :1] - labels[:, 1:]
    labels = labels[:, None] if labels.shape == (rows,) else labels
    if labels.shape != (rows, count):
        raise ArgumentError(
            f"{name_of(loss)}: labels of shape {tuple(labels.shape)}, expected ({rows}, {count}), a margin for each "
            f"negative, or ({rows}, {count + 1}), the positive's score and each negative's. Bring them into that shape."
        )
    return labels


def _has_projection(loss: Any) -> bool:
    return loss.projection_dim is not None or loss.projection is not None


def _make_projection(loss: Any, model: Any) -> None:
    """Make the layer from the model's width to the teacher's, where it is asked for and not yet there.

    The loss keeps it, as sentence-transformers' does, which makes it at once: who gives a loss to a trainer can save
    the loss's projection afterwards, and a loss of two data sets has one.
    """
    width = whole_width(model)
    if loss.projection is None and loss.projection_dim is not None:
        if width is None:
            raise ArgumentError(
                f"{name_of(loss)}: projection_dim={loss.projection_dim}, and no module of the model tells its width, "
                "expected one to project from. Give projection=torch.nn.Linear(width, projection_dim)."
            )
        _keep(loss, nn.Linear(width, loss.projection_dim))
    if loss.projection is None:
        return
    if width not in {None, loss.projection.in_features}:
        raise ArgumentError(
            f"{name_of(loss)}: its projection is from {loss.projection.in_features} dimensions, expected {width}, the "
            "model's. Make another loss for this model."
        )
    loss.projection.to(model.device)


def _keep(loss: Any, layer: nn.Linear) -> None:
    """The two fields that change, as the reference's do, so that code written for it works; nothing else does."""
    object.__setattr__(loss, "projection_dim", layer.out_features)
    object.__setattr__(loss, "projection", layer)


def _projected(loss: Any, columns: Sequence[Tensor]) -> Sequence[Tensor]:
    if loss.projection is not None:
        return [loss.projection(column) for column in columns]
    if loss.projection_dim is not None:
        raise ArgumentError(
            f"{name_of(loss)}: projection_dim={loss.projection_dim}, and the projection is not made yet. A trainer "
            "makes it; alone, use prepare(loss, model) of airvec_trainer.losses.protocol, or load_projection."
        )
    return columns


def _save_projection(loss: Any, path: Path) -> None:
    from safetensors.torch import save_file

    if loss.projection is None:
        raise ArgumentError(
            f"{name_of(loss)}: projection=None, expected one to save. Set projection_dim, and give "
            "this loss to a trainer."
        )
    unfinished = path.with_name(path.name + ".part")
    save_file({name: value.contiguous() for name, value in loss.projection.state_dict().items()}, unfinished)
    unfinished.replace(path)


def _load_projection(loss: Any, path: Path) -> None:
    from safetensors.torch import load_file

    weights = load_file(path)
    width, dim = weights["weight"].shape
    found = loss.projection
    if loss.projection_dim not in {None, width} or (found is not None and found.in_features != dim):
        raise ArgumentError(
            f"{path}: a projection from {dim} to {width} dimensions, expected {getattr(found, 'in_features', dim)} to "
            f"{loss.projection_dim}. Take the file of this student and teacher."
        )
    layer = nn.Linear(dim, width) if found is None else found
    layer.load_state_dict(weights)
    _keep(loss, layer)
