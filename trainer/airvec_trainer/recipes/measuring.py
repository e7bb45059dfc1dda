"""Evaluators run on a model: what they find, and what of it a report shows.

Knows nothing of stages.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import airvec
from airvec.errors import ArgumentError
from airvec_trainer.recipes.making import CLASSES
from airvec_trainer.recipes.remembered import Remembered
from airvec_trainer.recipes.sections import EvaluationSection
from airvec_trainer.recipes.stage_records import Measure

__all__ = ["measured", "runtime_model"]


def measured(
    model: Any, evaluators: Sequence[Any], sections: Sequence[EvaluationSection], folder: Path | None
) -> Measure:
    """Run evaluators.

    Args:
        model: dense, sparse or a reranker, of the trainer or of the runtime.
        evaluators: one for each section.
        sections: of the recipe.
        folder: for the evaluators' CSV files; None = none are written.

    Raises:
        ArgumentError: `report` names a metric that an evaluator does not give.
    """
    started = time.monotonic()
    metrics: dict[str, float] = {}
    shown: list[str] = []
    for number, (evaluator, section) in enumerate(zip(evaluators, sections, strict=True)):
        found = evaluator(model, None if folder is None else str(folder))
        found = found if isinstance(found, dict) else {str(section.settings.get("name", f"evaluation {number}")): found}
        metrics |= {key: float(value) for key, value in found.items()}
        shown += _shown(found, evaluator, section, f"[[evaluation]] {number}.report")
    return Measure(metrics, shown, time.monotonic() - started)


def runtime_model(kind: str, folder: Path) -> Any:
    """The exported folder as airvec opens it, without torch."""
    model = getattr(airvec, CLASSES[kind])(str(folder))
    return model if kind == "rerank" else Remembered(model)


def _shown(found: dict[str, float], evaluator: Any, section: EvaluationSection, place: str) -> list[str]:
    """The metrics of the report; the first is the one whose gain is told."""
    if section.report is None:
        primary = getattr(evaluator, "primary_metric", None)
        return [primary if primary in found else next(iter(found))]
    name = section.settings.get("name")
    names = [f"{name}_{one}" if name else one for one in section.report]
    for one, full in zip(section.report, names, strict=True):
        if full not in found:
            own = [key.removeprefix(f"{name}_") for key in found]
            raise ArgumentError(f"{place}: {one!r}, expected any of {', '.join(own)}. Take one of these.")
    return names
