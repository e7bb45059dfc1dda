"""What stops a training, and what is only told: messages that say where, what was found and how to go on.

Every message reads "where: what was found, what was expected. What to do."
Knows nothing of models, data sets and losses.
"""

import sys
import warnings
from collections.abc import Sequence
from typing import Any

from airvec.errors import AirvecError, AirvecWarning

__all__ = ["TrainingError", "shortened", "tell"]

BETWEEN = ("airvec_trainer", "transformers", "accelerate", "torch", "contextlib")  # the caller and what found it

LONGEST = 60  # characters of one text in a message


class TrainingError(AirvecError, RuntimeError):
    """Training cannot go on: the loss is no number, a batch cannot be made, a checkpoint cannot be written or read."""


def tell(message: str) -> None:
    """Warn at the line of the user's that began it, however many calls of libraries lie between."""
    level, frame = 2, sys._getframe(1)  # noqa: SLF001  # what traceback and warnings read, too
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in BETWEEN:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, AirvecWarning, stacklevel=level)


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
