"""`[[evaluation]]` → evaluators with their data.

Knows nothing of models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.recipes.checking import check_values, parameters
from airvec_trainer.recipes.making import class_of
from airvec_trainer.recipes.retrieval_evaluators import task_evaluator, task_of
from airvec_trainer.recipes.rows import columns_of
from airvec_trainer.recipes.sections import EvaluationSection

__all__ = ["make_evaluators"]


def make_evaluators(sections: Sequence[EvaluationSection], held_out: Mapping[str, Any]) -> list[Any]:
    """One evaluator a section.

    Args:
        sections: of the recipe.
        held_out: data sets, or tasks of queries and documents, by name, for those that evaluate what is held out.

    Raises:
        ArgumentError: an unknown evaluator, argument, column or data set.
    """
    return [_evaluator(section, held_out, f"[[evaluation]] {number}") for number, section in enumerate(sections)]


def _evaluator(section: EvaluationSection, held_out: Mapping[str, Any], place: str) -> Any:
    found = class_of("airvec_trainer.evaluation", section.evaluator, f"{place}.evaluator")
    task = task_of(section, held_out)
    if task is not None:
        return task_evaluator(found, section, task, place)
    rows = columns_of(replace(section, settings={}), _held_out(section, held_out, place))
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
