"""What every stage of a plan is made from, and what its measures are of, as `made_from.py` compares it.

Knows nothing of how a stage is carried out.
"""

from dataclasses import replace
from typing import Any

from airvec.search.beir import RetrievalTask
from airvec_trainer.recipes.evaluators import Evaluated
from airvec_trainer.recipes.made_from import Parts, digest, mining_parts, plain_json, training_parts
from airvec_trainer.recipes.staged_planning import StagedPlan

__all__ = ["evaluation_parts", "parts_of_stages"]


def parts_of_stages(found: StagedPlan, seed: int) -> list[Parts]:
    """For each stage what its model depends on, all before it included."""
    parts: list[Parts] = []
    for stage in found.stages:
        recipe = replace(stage.plan.recipe, arguments={**stage.plan.recipe.arguments, "seed": seed})
        mining = {} if stage.mining is None else mining_parts(stage.mining, stage.corpora)
        parts.append(training_parts(recipe, stage.plan.train, mining, parts[-1] if parts else None))
    return parts


def evaluation_parts(found: StagedPlan) -> Parts:
    """What measures depend on, besides the model, by the evaluator's place."""
    keys = ("evaluator", "settings", "retriever", "candidates", "report")
    halves = {name: True for name in ("bf16_full_eval", "fp16_full_eval") if found.recipe.arguments.get(name)}
    return halves | {
        f"[[evaluation]] {number}": plain_json(
            {**{key: getattr(section, key) for key in keys}, "rows": digest(_content(one))}
        )
        for number, (section, one) in enumerate(zip(found.recipe.evaluation, found.evaluated, strict=True))
    }


def _content(evaluated: Evaluated) -> Any:
    if isinstance(evaluated, RetrievalTask):
        return [evaluated.corpus, evaluated.queries, evaluated.relevant]
    return list(evaluated.items())
