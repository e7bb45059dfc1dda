"""What every stage of a plan is made from, and what its measures are of, as `made_from.py` compares it.

Knows nothing of how a stage is carried out.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from airvec.search.beir import RetrievalTask
from airvec_trainer.recipes.evaluators import Evaluated
from airvec_trainer.recipes.made_from import NO_PART, Parts, digest, digest_of_rows, mining_parts, plain_json, without
from airvec_trainer.recipes.sections import ModelSection, Recipe
from airvec_trainer.recipes.staged_planning import StagedPlan

__all__ = ["evaluation_parts", "parts_of_stages"]

# Of the arguments: what may be changed, as the model that comes out is the same.
FREE = ("output_dir", "logging_steps", "save_steps", "save_total_limit", "dataloader_num_workers", "report_to")
BLOCK = 1 << 20  # bytes


def parts_of_stages(found: StagedPlan, seed: int) -> list[Parts]:
    """For each stage what its model depends on, all before it included."""
    parts: list[Parts] = []
    for stage in found.stages:
        recipe = replace(stage.plan.recipe, arguments={**stage.plan.recipe.arguments, "seed": seed})
        mining = {} if stage.mining is None else mining_parts(stage.mining, stage.corpora)
        parts.append(_stage_parts(recipe, stage.plan.train, mining, parts[-1] if parts else None))
    return parts


def _stage_parts(recipe: Recipe, rows: Mapping[str, Any], mining: Mapping[str, Any], before: Parts | None) -> Parts:
    """Of one stage: `rows` are those before mining; `before` is None for the first stage."""
    losses = {one.name: one.loss for one in recipe.data if one.loss is not None}
    teacher = None if recipe.teacher is None else without(asdict(recipe.teacher), NO_PART)
    return plain_json(
        {
            "data": {name: digest_of_rows(part) for name, part in rows.items()},
            "mining": mining,
            "loss": recipe.loss,
            "losses": losses,
            "arguments": without(recipe.arguments, FREE),
            "teacher": teacher,
            "model": _model_parts(recipe.model) if before is None else {"before": digest(before)},
        }
    )


def evaluation_parts(found: StagedPlan) -> Parts:
    """What measures depend on, besides the model, by the evaluator's place."""
    keys = ("evaluator", "settings", "retriever", "candidates", "report")
    return {
        f"[[evaluation]] {number}": plain_json(
            {**{key: getattr(section, key) for key in keys}, "rows": digest(_content(one))}
        )
        for number, (section, one) in enumerate(zip(found.recipe.evaluation, found.evaluated, strict=True))
    }


def _content(evaluated: Evaluated) -> Any:
    if isinstance(evaluated, RetrievalTask):
        return [evaluated.corpus, evaluated.queries, evaluated.relevant]
    return list(evaluated.items())


def _model_parts(section: ModelSection) -> Parts:
    """A folder counts by what its files hold, wherever it lies."""
    folder = Path(section.name)
    if not folder.is_dir():
        return asdict(section)
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".md":
            found.update(f"\n{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    found.update(block)
    return {**without(asdict(section), NO_PART), "files": found.hexdigest()}
