"""What stops a training: the error that says where, what was found and how to go on.

Every message reads "where: what was found, what was expected. What to do."
Knows nothing of models, data sets and losses.
"""

from collections.abc import Sequence
from typing import Any

from airvec.errors import AirvecError

__all__ = ["TrainingError", "shortened"]

LONGEST = 60  # characters of one text in a message


class TrainingError(AirvecError, RuntimeError):
    """Training cannot go on: the loss is no number, a batch cannot be made, a checkpoint cannot be written or read."""


def shortened(values: Sequence[Any], *, most: int = 4) -> str:
    """A few values for a message, each cut to 60 characters.

    >>> shortened(["one", "two", "three"], most=2)
    "'one', 'two' and 1 more"
    """
    shown = ", ".join(_cut(repr(value)) for value in values[:most])
    left = len(values) - most
    return f"{shown} and {left} more" if left > 0 else shown


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
