"""`[[evaluation]]` → the tasks or rows that it is about, and evaluators of these.

Knows nothing of models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from airvec.errors import ArgumentError
from airvec.search.beir import RetrievalTask
from airvec_trainer.recipes.checking import check_values, parameters
from airvec_trainer.recipes.making import class_of
from airvec_trainer.recipes.retrieval_evaluators import task_evaluator, task_of
from airvec_trainer.recipes.rows import columns_of
from airvec_trainer.recipes.sections import EvaluationSection

__all__ = ["Evaluated", "make_evaluators", "read_evaluated", "rows_by_place", "tasks_among"]

Columns = Mapping[str, list[Any]]
Evaluated = RetrievalTask | Columns


def read_evaluated(sections: Sequence[EvaluationSection], held_out: Mapping[str, Any]) -> list[Evaluated]:
    """What each section is about.

    Args:
        sections: of the recipe.
        held_out: data sets, or tasks of queries and documents, by name, for those that evaluate what is held out.

    Raises:
        ArgumentError: a file, a column or a data set that is not there.
        InputError: a BEIR folder is damaged.
    """
    return [_read(section, held_out, _place(number)) for number, section in enumerate(sections)]


def tasks_among(evaluated: Sequence[Evaluated]) -> list[RetrievalTask]:
    """Those that are tasks."""
    return [one for one in evaluated if isinstance(one, RetrievalTask)]


def rows_by_place(evaluated: Sequence[Evaluated]) -> dict[str, Columns]:
    """Those that are rows, by the place in the recipe that names them."""
    return {_place(number): one for number, one in enumerate(evaluated) if not isinstance(one, RetrievalTask)}


def make_evaluators(sections: Sequence[EvaluationSection], evaluated: Sequence[Evaluated]) -> list[Any]:
    """One evaluator a section.

    Args:
        sections: of the recipe.
        evaluated: as `read_evaluated` gives it.

    Raises:
        ArgumentError: an unknown evaluator or argument.
    """
    both = zip(sections, evaluated, strict=True)
    return [_evaluator(section, one, _place(number)) for number, (section, one) in enumerate(both)]


def _place(number: int) -> str:
    return f"[[evaluation]] {number}"


def _read(section: EvaluationSection, held_out: Mapping[str, Any], place: str) -> Evaluated:
    class_of("airvec_trainer.evaluation", section.evaluator, f"{place}.evaluator")  # before a file is read for it
    task = task_of(section, held_out)
    if task is not None:
        return task
    return columns_of(replace(section, settings={}), _held_out(section, held_out, place))


def _evaluator(section: EvaluationSection, evaluated: Evaluated, place: str) -> Any:
    found = class_of("airvec_trainer.evaluation", section.evaluator, f"{place}.evaluator")
    if isinstance(evaluated, RetrievalTask):
        return task_evaluator(found, section, evaluated, place)
    rows = dict(evaluated)
    if "samples" in parameters(found):
        rows = {"samples": _samples(rows)}
    both = sorted(rows.keys() & section.settings.keys())
    if both:
        raise ArgumentError(f"{place}: {both} both as a column and as a setting. Rename one in columns.")
    given = {**section.settings, **rows}
    check_values(found, given, place)
    return found(**given)


def _samples(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """A table for each row, as evaluators of reranking take them; what a row lacks is left out."""
    rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _held_out(section: EvaluationSection, held_out: Mapping[str, Any], place: str) -> dict[str, list[Any]] | None:
    if section.data is None:
        return None
    if section.data not in held_out:
        raise ArgumentError(
            f"{place}.data: {section.data!r}, expected a [[data]] with held_out, of {sorted(held_out)}. Add held_out."
        )
    rows = held_out[section.data]
    return {name: list(rows[name]) for name in rows.column_names}
