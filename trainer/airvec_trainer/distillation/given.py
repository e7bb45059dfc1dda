"""What distillation is given, checked before a teacher is asked: texts, pairs of them, teachers, rows, models in torch.

Knows nothing of what is done with them.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from airvec.arguments import described
from airvec.errors import ArgumentError

__all__ = ["check_rows", "check_teacher", "given_pairs", "given_texts"]

ANSWERS = {"encode": "a dense model", "predict": "a reranker"}


def given_texts(name: str, given: Any) -> Sequence[str]:
    """The texts as something with a length that can be read twice: a sequence as it is, else a list.

    Args:
        name: what messages call them.
        given: a list, a column of a data set, an array, or an iterator, which is read to its end.

    Raises:
        ArgumentError: one text in place of several, or something in it that is no text.

    Example:
        >>> given_texts("texts", iter(["a", "b"]))
        ['a', 'b']
    """
    found: Sequence[str] = _several(name, given, "texts")
    for row, text in enumerate(found):
        if not isinstance(text, str):
            raise ArgumentError(f"{name}, row {row}: {described(text)}, expected a text. Leave the row out.")
    return found


def given_pairs(name: str, given: Any) -> Sequence[Sequence[str]]:
    """As `given_texts`, of pairs of texts.

    Raises:
        ArgumentError: a text in place of pairs, or a row that is no pair of texts.
    """
    found: Sequence[Sequence[str]] = _several(name, given, "pairs of texts")
    for row, pair in enumerate(found):
        right = isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(text, str) for text in pair)
        if not right:
            raise ArgumentError(f"{name}, row {row}: {described(pair)}, expected two texts. Give pairs of texts.")
    return found


def check_teacher(teacher: Any, method: str) -> None:
    """Refuse what cannot be asked, such as a model's name.

    Args:
        teacher: to be asked.
        method: `"encode"` or `"predict"`.

    Raises:
        ArgumentError: it has no such method.
    """
    if isinstance(teacher, str | bytes) or not callable(getattr(teacher, method, None)):  # a text has an `encode`
        told = described(teacher) if isinstance(teacher, str | bytes) else type(teacher).__name__
        raise ArgumentError(
            f"teacher: {told}, which has no {method} for texts, expected {ANSWERS[method]}. Open one, such as with "
            "open_teacher."
        )


def check_rows(dataset: Any) -> None:
    """Refuse rows that are no data set.

    Raises:
        ArgumentError: they are something else, or a stream.
    """
    if not isinstance(getattr(dataset, "column_names", None), list) or not hasattr(dataset, "__len__"):
        raise ArgumentError(
            f"dataset: {type(dataset).__name__}, expected a datasets.Dataset. Make one, such as by Dataset.from_dict."
        )


def _several(name: str, given: Any, expected: str) -> Sequence[Any]:
    if isinstance(given, str | bytes | Mapping | Set) or not isinstance(given, Iterable):
        raise ArgumentError(f"{name}: {described(given)}, expected a list of {expected}. Put them into a list.")
    return given if isinstance(given, Sequence) else list(given)
