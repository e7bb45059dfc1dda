"""What every loss asks of its input before it computes: columns that fit together, labels that fit the columns.

    require_columns(self, columns, least=2)
    labels = label_a_row(self, columns, labels)

Shapes and kinds only, which cost no pass over the data; what reads values says so.
Knows nothing of what a loss computes.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from airvec.errors import ArgumentError
from airvec_trainer.label_columns import LABEL_COLUMNS

__all__ = [
    "class_a_row", "half_as_float", "label_a_row", "name_of", "require_columns", "require_labels", "require_one_of",
    "require_positive", "value_a_column",
]  # fmt: skip

_LABELS = f"{', '.join(LABEL_COLUMNS[:-1])} or {LABEL_COLUMNS[-1]}"


def name_of(loss: object) -> str:
    """What messages call a loss: its class's name."""
    return type(loss).__name__


def require_columns(
    loss: object, columns: Sequence[Tensor], least: int, most: int | None = None, *, dims: int = 2
) -> None:
    """Raise unless there are `least` to `most` columns, all (rows, dim) of numbers with a gradient, and alike.

    Args:
        loss: whose columns they are; messages name its class.
        columns: what the loss was given.
        least: columns that it needs.
        most: columns that it can take; None is any number.
        dims: dimensions of a column: 2 for embeddings, 1 for scores.

    Raises:
        ArgumentError: too few or too many, no tensors of floats, or shapes that differ.
    """
    if isinstance(columns, Tensor) or not all(isinstance(column, Tensor) for column in columns):
        kinds = type(columns).__name__ if isinstance(columns, Tensor) else [type(column).__name__ for column in columns]
        raise ArgumentError(f"{name_of(loss)}: columns are {kinds}, expected a list of tensors. Make it [first, …].")
    if len(columns) < least or (most is not None and len(columns) > most):
        expected = str(least) if most == least else f"{least} or more" if most is None else f"{least} to {most}"
        raise ArgumentError(
            f"{name_of(loss)}: {len(columns)} columns, expected {expected}, the label aside. "
            f"Keep those that its docstring names under Data (select_columns), and call labels {_LABELS}."
        )
    shapes = [tuple(column.shape) for column in columns]
    if len(set(shapes)) > 1 or len(shapes[0]) != dims:
        wanted = "(rows, dim)" if dims == 2 else "(rows,)"
        raise ArgumentError(
            f"{name_of(loss)}: columns of shapes {shapes}, expected all {wanted} alike. "
            "Every row needs one text in each column, and one model reads them all."
        )
    for column in columns:
        if not column.is_floating_point():
            raise ArgumentError(f"{name_of(loss)}: a column of {column.dtype}, expected floats. Use .float().")


def require_labels(loss: object, labels: Any) -> Tensor:
    """The labels, which must be a tensor of numbers.

    Raises:
        ArgumentError: there are none, or they are no tensor.
    """
    if labels is None:
        raise ArgumentError(f"{name_of(loss)}: labels=None, expected labels. Name their column {_LABELS}.")
    if not isinstance(labels, Tensor):
        raise ArgumentError(
            f"{name_of(loss)}: labels are {type(labels).__name__}: {str(labels)[:60]}, expected a tensor of numbers. "
            "Map names of classes to whole numbers, and keep one kind of label in the column."
        )
    return labels.detach()


def label_a_row(loss: object, columns: Sequence[Tensor], labels: Any) -> Tensor:
    """Labels as (rows,), one number for each row of the columns.

    Raises:
        ArgumentError: there are none, or not one a row.
    """
    labels, rows = require_labels(loss, labels), len(columns[0])
    if labels.numel() != rows:
        raise ArgumentError(
            f"{name_of(loss)}: labels of shape {tuple(labels.shape)} for {rows} rows, expected one a row, ({rows},). "
            "Look at the label column of the data set."
        )
    return labels.reshape(-1)


def class_a_row(loss: object, columns: Sequence[Tensor], labels: Any, *, count: int | None = None) -> Tensor:
    """Labels as (rows,) whole numbers; with `count` they are read and must be 0 to count − 1.

    Raises:
        ArgumentError: there are none, not one a row, fractions, or out of range.
    """
    labels = label_a_row(loss, columns, labels)
    if labels.is_floating_point():
        raise ArgumentError(
            f"{name_of(loss)}: labels of {labels.dtype}, as {labels[:3].tolist()}, expected classes as whole numbers. "
            "Cast the column: dataset.cast_column('label', Value('int64'))."
        )
    if count is not None and bool(((labels < 0) | (labels >= count)).any()):
        raise ArgumentError(
            f"{name_of(loss)}: classes from {int(labels.min())} to {int(labels.max())}, expected 0 to {count - 1}. "
            "Give the number of classes as num_labels, or leave out rows without a class (SNLI marks them -1)."
        )
    return labels


def value_a_column(loss: object, labels: Any, rows: int, count: int) -> Tensor:
    """Labels that must be (rows, count), such as a teacher's scores of each candidate.

    Raises:
        ArgumentError: there are none, or of another shape.
    """
    labels = require_labels(loss, labels)
    if labels.shape != (rows, count):
        raise ArgumentError(
            f"{name_of(loss)}: labels of shape {tuple(labels.shape)}, expected ({rows}, {count}). "
            f"Give {count} numbers a row, one for each column behind the first."
        )
    return labels


def require_one_of(loss: object, name: str, value: object, allowed: Sequence[object]) -> None:
    """Raise unless a setting has one of the values it may have.

    Raises:
        ArgumentError: it has another.
    """
    if value not in allowed:
        choices = ", ".join(repr(choice) for choice in allowed)
        raise ArgumentError(f"{name_of(loss)}: {name}={value!r}, expected one of {choices}. Take one of those.")


def require_positive(loss: object, settings: dict[str, Any]) -> None:
    """Raise unless each setting is a finite number above zero.

    Raises:
        ArgumentError: one is not.
    """
    for name, value in settings.items():
        if not _is_positive(value):
            raise ArgumentError(
                f"{name_of(loss)}: {name}={value!r}, expected a number above 0. Leave it out, or raise it."
            )


def _is_positive(value: Any) -> bool:
    try:
        return bool(0 < value < float("inf"))
    except TypeError:  # None, a text
        return False


def half_as_float(scores: Tensor) -> Tensor:
    """float16 and bfloat16 as float32, in which exponentials and sums are right; others as they are."""
    return scores.float() if scores.dtype in (torch.float16, torch.bfloat16) else scores
