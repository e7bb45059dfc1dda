"""What an evaluator is given, checked when it is made: texts, pairs of them, scores and labels, as many of each.

A mistake is told before the training, not at its first evaluation.
Knows nothing of models and metrics.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airvec.errors import ArgumentError

__all__ = ["binary", "classes", "numbers", "pairs", "same_lengths", "some", "texts", "varied"]


def texts(where: str, name: str, given: Iterable[Any]) -> list[str]:
    """A column of texts as a list; `name` is what messages call it.

    Raises:
        ArgumentError: one text in place of several, or something in it that is no text.
    """
    if isinstance(given, str):
        raise ArgumentError(f"{where}: {name} {given!r:.60}, expected several texts. Put it into a list.")
    found = list(given)
    for row, text in enumerate(found):
        if not isinstance(text, str):
            raise ArgumentError(f"{where}: {name}, row {row}: {text!r:.60}, expected a text. Leave the row out.")
    return found


def pairs(where: str, given: Iterable[Any]) -> list[list[str]]:
    """Pairs of texts as lists of two.

    Raises:
        ArgumentError: a text in place of pairs, or a row that is no pair of texts.
    """
    found: list[list[str]] = []
    for row, pair in enumerate(given):
        if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise ArgumentError(f"{where}: row {row}: {pair!r:.60}, expected two texts. Give pairs of texts.")
        found.append(list(pair))
    return found


def numbers(where: str, name: str, given: Iterable[Any]) -> list[float]:
    """A column of numbers as a list.

    Raises:
        ArgumentError: a value that is no finite number.
    """
    found = list(given)
    for row, value in enumerate(found):
        if not _is_number(value):
            raise ArgumentError(f"{where}: {name}, row {row}: {value!r:.60}, expected a finite number. Correct it.")
    return [float(value) for value in found]


def classes(where: str, name: str, given: Iterable[Any]) -> list[int]:
    """A column of classes as whole numbers from 0.

    Raises:
        ArgumentError: a value that is none.
    """
    listed = list(given)
    found = numbers(where, name, listed)
    for row, value in enumerate(found):
        if value < 0 or value != int(value):
            raise ArgumentError(f"{where}: {name}, row {row}: {listed[row]!r}, expected 0, 1, 2 …. Correct it.")
    return [int(value) for value in found]


def binary(where: str, name: str, given: Iterable[Any]) -> list[int]:
    """A column of labels that are 0 or 1.

    Raises:
        ArgumentError: another value.
    """
    listed = list(given)
    found = numbers(where, name, listed)
    for row, value in enumerate(found):
        if value not in {0, 1}:
            raise ArgumentError(f"{where}: {name}, row {row}: {listed[row]!r}, expected 0 or 1. Correct it.")
    return [int(value) for value in found]


def some(where: str, name: str, given: list[Any]) -> list[Any]:
    """The same list.

    Raises:
        ArgumentError: it is empty.
    """
    if not given:
        raise ArgumentError(f"{where}: {len(given)} {name}, expected one at least. Give rows.")
    return given


def varied(where: str, name: str, given: list[float]) -> list[float]:
    """The same numbers.

    Raises:
        ArgumentError: all are alike, so that nothing correlates with them.
    """
    if len(given) > 1 and len(set(given)) == 1:
        raise ArgumentError(
            f"{where}: all {len(given)} {name} are {given[0]}, expected different ones to correlate with. Add rows."
        )
    return given


def different(where: str, name: str, labels: Iterable[Any]) -> list[Any]:
    """The different labels of a column, in their order.

    >>> different("here", "labels", ["b", "a", "b"])
    ['a', 'b']

    Raises:
        ArgumentError: labels that cannot be put in an order, such as texts among numbers.
    """
    listed = list(labels)
    try:
        return sorted(set(listed))
    except TypeError:
        kinds = ", ".join(sorted({type(label).__name__ for label in listed}))
        raise ArgumentError(
            f"{where}: {name} of kinds {kinds}, expected one kind that can be ordered: all texts, or all numbers. "
            "Give str(label) of each."
        ) from None


def same_lengths(where: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Check that columns have one length.

    Raises:
        ArgumentError: they differ.
    """
    if len({len(column) for column in columns.values()}) > 1:
        found = ", ".join(f"{len(column)} {name}" for name, column in columns.items())
        raise ArgumentError(f"{where}: {found}, expected as many of each. Give one of each a row.")


def _is_number(value: Any) -> bool:
    if isinstance(value, str):  # float() would read it
        return False
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False
