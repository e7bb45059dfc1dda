"""Checks of plain values, the same wherever a caller passes one.

Knows nothing of what the values are for.
"""

from operator import index
from typing import Any

from airvec.errors import ArgumentError


def whole_number(name: str, value: Any, smallest: int = 1) -> int:
    """The value as an int, if it is a whole number (Python's or NumPy's) of at least `smallest`.

    Raises:
        ArgumentError: it is something else; True and False are.
    """
    try:
        number = smallest - 1 if isinstance(value, bool) else index(value)
    except TypeError:
        number = smallest - 1
    if number < smallest:
        raise ArgumentError(f"{name}: {value!r}, expected a whole number of at least {smallest}. Correct it.")
    return number
