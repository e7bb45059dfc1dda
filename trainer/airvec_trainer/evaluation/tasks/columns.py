"""The columns of a task's file: found by their usual names, or named on the command line, and checked row by row.

Knows nothing of tasks and models.
"""

from collections.abc import Callable
from math import isfinite
from typing import Any

from airvec.errors import ArgumentError, InputError
from airvec_trainer.evaluation.tasks.spec import TaskSpec
from airvec_trainer.table_files import TableFile, read_table

__all__ = ["USUAL_NAMES", "TaskColumns", "read_columns"]

# What a column may be called where the command line does not say, best first.
USUAL_NAMES = {
    "sentence1": ("sentence1", "text1", "sentence_1", "anchor", "premise", "question1", "source"),
    "sentence2": ("sentence2", "text2", "sentence_2", "positive", "hypothesis", "question2", "target"),
    "score": ("score", "similarity", "similarity_score", "label"),
    "text": ("text", "sentence", "sentences", "query", "question"),
    "label": ("label", "labels", "label_text", "intent", "category", "is_duplicate"),
    "query": ("query", "question"),
    "positive": ("positive", "positives"),
    "negative": ("negative", "negatives"),
    "document": ("document", "passage", "answer", "text"),
}


class TaskColumns:
    """A file, and which of its columns a task reads.

    Args:
        spec: may name the columns.
        table: the file.
        numbered: whether the columns are named by numbers, as those of a file without a header.
    """

    def __init__(self, spec: TaskSpec, table: TableFile, numbered: bool = False) -> None:
        self.spec, self.table, self.numbered = spec, table, numbered

    def has(self, role: str) -> bool:
        """Whether the file has a column for a role."""
        return self._found(role) is not None

    def texts(self, role: str) -> list[str]:
        """A column of texts.

        Raises:
            ArgumentError: no such column.
            InputError: a row without a text; the message names its line.
        """
        return [self._checked(role, row, value, _text, "a text") for row, value in enumerate(self._column(role))]

    def labels(self, role: str) -> list[str]:
        """A column of labels, as texts: whole numbers may be labels, too."""
        return [self._checked(role, row, value, _label, "a label") for row, value in enumerate(self._column(role))]

    def numbers(self, role: str, expected: str = "a number") -> list[float]:
        """A column of finite numbers."""
        return [self._checked(role, row, value, _number, expected) for row, value in enumerate(self._column(role))]

    def judgements(self, role: str, expected: str) -> list[float]:
        """A column of finite numbers, where true and false, as texts in any letters, are 1 and 0."""
        return [self._checked(role, row, value, _judgement, expected) for row, value in enumerate(self._column(role))]

    def several(self, role: str) -> list[list[str]]:
        """A column of lists of texts; one text is a list of one."""
        expected = "a text or a list of texts"
        return [self._checked(role, row, value, _several, expected) for row, value in enumerate(self._column(role))]

    def wrong(self, row: int, role: str, expected: str) -> InputError:
        """The error of a row, to be raised by who found it."""
        value = self._column(role)[row]
        return InputError(
            f"{self.table.path}: line {self.table.lines[row]}: {self._found(role)} is {value!r:.60}, expected "
            f"{expected}. {self._advice(row)}"
        )

    def _advice(self, row: int) -> str:
        if self.numbered and row == 0:
            return "If this line is the file's header, name the columns by what stands there, not by numbers."
        return "Correct the line."

    def _checked(self, role: str, row: int, value: Any, read: Callable[[Any], Any], expected: str) -> Any:
        found = read(value)
        if found is None:
            raise self.wrong(row, role, expected)
        return found

    def _found(self, role: str) -> str | None:
        """The name of a role's column, else of the only one that differs in capitals; None where there is none."""
        named = self.spec.options.get(role)
        names = (named,) if named else USUAL_NAMES[role]
        there = list(self.table.columns)
        exact = next((name for name in names if name in there), None)
        alike = ([column for column in there if column.casefold() == name.casefold()] for name in names)
        return exact or next((found[0] for found in alike if len(found) == 1), None)

    def _column(self, role: str) -> list[Any]:
        name = self._found(role)
        if name is None:
            wanted = self.spec.options.get(role) or ", ".join(USUAL_NAMES[role])
            if self.numbered:
                given = f"{role}={wanted}" if role in self.spec.options else f"no number of {role}"
                raise ArgumentError(
                    f"{self.table.path}: {given}, but columns are named by numbers, and there are "
                    f"{len(self.table.columns)}; expected {role}=1 to {role}={len(self.table.columns)}. Correct it."
                )
            there = ", ".join(repr(column)[:30] for column in self.table.columns) or "none"
            raise ArgumentError(
                f"{self.table.path}: no column {role}, which may be called {wanted}; there are {there}. Name it with "
                f"--task '{self.spec.kind}:FILE?{role}=NAME', by its number from 1 if the file has no header."
            )
        return self.table.columns[name]


def read_columns(spec: TaskSpec, roles: tuple[str, ...], place: Any = None) -> TaskColumns:
    """Read a task's file; it has no header if one of the roles is named by a number.

    Args:
        spec: the task.
        roles: that may be named on the command line.
        place: another file than the task's own.

    Raises:
        ArgumentError: as `read_table`; or the file has no rows.
    """
    numbered = any(spec.options.get(role, "").isdecimal() for role in roles)
    table = read_table(place or spec.place, header=not numbered)
    if not table.lines:
        raise ArgumentError(f"{table.path}: {len(table.lines)} rows, expected some. Give a file that has them.")
    return TaskColumns(spec, table, numbered)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _label(value: Any) -> str | None:
    if isinstance(value, bool | float) or value is None or isinstance(value, list | dict):
        return None
    return str(value) or None


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if isfinite(found) else None


def _judgement(value: Any) -> float | None:
    word = str(value).strip().casefold() if isinstance(value, bool | str) else ""
    return {"true": 1.0, "false": 0.0}.get(word, _number(value))


def _several(value: Any) -> list[str] | None:
    texts = [value] if isinstance(value, str) else value
    return texts if isinstance(texts, list) and all(isinstance(text, str) for text in texts) else None
