"""A recipe carried out: one training, or several in stages. Read this first.

Knows nothing of command lines.
"""

from collections.abc import Sequence
from typing import Any

from airvec_trainer.recipes.planning import Plan
from airvec_trainer.recipes.sections import Recipe
from airvec_trainer.recipes.training import Outcome, plan_training, run_training

__all__ = ["Outcome", "plan", "run"]


def plan(recipe: Recipe) -> Plan:
    """Read the data and make the arguments and losses; no model is loaded.

    Raises:
        ArgumentError: anything that does not fit.
        MissingPackageError: what the export needs is not installed.
    """
    return plan_training(recipe)


def run(found: Plan, *, resume: bool = False, shown: Sequence[Any] = ()) -> Outcome:
    """Train as planned, and export.

    Args:
        found: of `plan`.
        resume: go on from the last checkpoint in the output folder.
        shown: callbacks that show progress.

    Raises:
        ArgumentError: nothing to resume from, or what an earlier run left and no `resume`.
        AirvecError: training or export failed.
    """
    return run_training(found, resume=resume, shown=shown)
