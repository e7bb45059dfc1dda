"""A recipe carried out: one training, or several in stages. Read this first.

Knows nothing of command lines.
"""

from collections.abc import Sequence
from typing import Any

from airvec_trainer.recipes.planning import Plan
from airvec_trainer.recipes.sections import Recipe
from airvec_trainer.recipes.staged import run_stages
from airvec_trainer.recipes.staged_planning import StagedPlan, plan_stages
from airvec_trainer.recipes.training import Outcome, plan_training, run_training

__all__ = ["Outcome", "plan", "run"]


def plan(recipe: Recipe) -> Plan | StagedPlan:
    """Read the data and make the arguments and losses; no model is loaded.

    Raises:
        ArgumentError: anything that does not fit.
        MissingPackageError: what the export needs is not installed.
    """
    return plan_stages(recipe) if recipe.stages or recipe.seeds else plan_training(recipe)


def run(found: Plan | StagedPlan, *, resume: bool = False, shown: Sequence[Any] = ()) -> Outcome:
    """Train as planned, and export.

    Args:
        found: of `plan`.
        resume: go on from the last checkpoint in the output folder, and after its finished stages.
        shown: callbacks that show progress.

    Raises:
        ArgumentError: nothing to resume from, or what an earlier run left and no `resume`.
        AirvecError: training or export failed.
    """
    if isinstance(found, StagedPlan):
        return run_stages(found, resume=resume, shown=shown)
    return run_training(found, resume=resume, shown=shown)
