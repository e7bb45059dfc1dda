"""What a recipe in stages would do: every stage as a training of its own, with rounds taken apart.

Knows nothing of models.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.recipes.evaluators import Evaluated, make_evaluators, read_evaluated
from airvec_trainer.recipes.finishing import MODEL, check_export, check_folder
from airvec_trainer.recipes.mined import check_mining
from airvec_trainer.recipes.models import check_model
from airvec_trainer.recipes.planning import Plan
from airvec_trainer.recipes.sections import MiningSection, Recipe, StageSection
from airvec_trainer.recipes.teaching import check_taught, check_teacher
from airvec_trainer.recipes.training import Parts, arguments_for, check_parts, planned, read_parts

__all__ = ["EXPORTED", "STAGES", "StagePlan", "StagedPlan", "plan_stages", "ready"]

STAGES = "stages"
EXPORTED = "exported.json"  # what the runtime found, the last file of a run
ASKS = ("eval_strategy", "eval_steps", "load_best_model_at_end")  # of the arguments: evaluators while training, too


@dataclass(frozen=True)
class StagePlan:
    """One training of several.

    Args:
        name: of the stage, with the round where there are several.
        folder: its name below `stages/`.
        plan: as of a recipe of this stage alone; `train` has the rows before mining.
        mining: how negatives are mined for them; None = not at all.
        corpora: where they are looked for, by data set; one that is not there searches its own positives.
    """

    name: str
    folder: str
    plan: Plan
    mining: MiningSection | None
    corpora: Mapping[str, list[str]]


@dataclass(frozen=True)
class StagedPlan:
    """What was read and made, without the model.

    Args:
        recipe: as it was read.
        stages: in order, each round by itself.
        evaluators: run before the first stage and after every one, in the recipe's order.
        evaluated: the task or the rows of each of those.
        output: the folder of it all.
    """

    recipe: Recipe
    stages: Sequence[StagePlan]
    evaluators: Sequence[Any]
    evaluated: Sequence[Evaluated]
    output: Path

    @property
    def repetitions(self) -> list[tuple[int, Path]]:
        """Seed and folder of each time that all stages are run."""
        seeds = self.recipe.seeds
        own = int(self.stages[0].plan.arguments.seed)
        return [(seed, self.output / f"seed-{seed}") for seed in seeds] if seeds else [(own, self.output)]

    def __str__(self) -> str:
        """A few lines for people: the model, each stage, what is measured and written."""
        model = self.recipe.model
        lines = [f"model      {model.name} ({model.kind}{', LoRA' if model.lora else ''})"]
        for number, stage in enumerate(self.stages, 1):
            lines.append(f"stage {number}    {stage.name}")
            if stage.mining is not None:
                by = stage.mining.model or ("the model so far" if number > 1 else "the model as it is")
                found = ", ".join(f"{key}={value!r}" for key, value in stage.mining.settings.items())
                lines.append(f"  mines    hard negatives with {by}{f' ({found})' if found else ''}")
            plain = replace(stage.plan, recipe=replace(stage.plan.recipe, evaluation=[]))
            lines += [f"  {line}" for line in str(plain).splitlines()[1:]]
        measured = [f"{one.evaluator} {one.settings.get('name', '')}".strip() for one in self.recipe.evaluation]
        lines += [f"evaluates  {one}, before the first stage and after every stage" for one in measured]
        if self.recipe.seeds:
            lines.append(f"repeats    all of it with the seeds {', '.join(map(str, self.recipe.seeds))}")
        lines.append(f"writes     {self.output}")
        if self.recipe.export is not None:
            lines.append(
                f"exports    {self.recipe.export.out} ({', '.join(self.recipe.export.variants)}), and scores it"
            )
        return "\n".join(lines)


def plan_stages(recipe: Recipe) -> StagedPlan:
    """Read the data of all stages and make their arguments, losses and evaluators; no model is loaded.

    Raises:
        ArgumentError: anything that does not fit, or a row or query that is both trained on and evaluated.
        MissingPackageError: what the export needs is not installed.
    """
    output = Path(recipe.arguments["output_dir"])
    check_folder(output)
    if not any((folder / MODEL).is_dir() for folder in (output, *output.glob("seed-*"))):
        check_export(recipe.export, output)  # a run that has saved its model has checked it, and may have exported
    check_model(recipe.model, recipe.card)
    check_teacher(recipe.teacher)
    stages = recipe.stages or [StageSection(name="training", data=recipe.data)]
    for place, stage in enumerate(stages):
        check_mining(stage.mining, recipe.model.kind, f"[[stages]] {place}.mining")
    parts = read_parts(recipe.data)
    evaluated = read_evaluated(recipe.evaluation, {**parts.held_out, **parts.tasks})
    evaluators = make_evaluators(recipe.evaluation, evaluated)
    _check_names(evaluators)
    # All that anything is measured on, against the rows of all stages: one stage cannot give away another's.
    check_parts(parts, evaluated)
    each = [(stage, number) for stage in stages for number in range(1, stage.rounds + 1)]
    made = [_staged(recipe, stage, number, place, parts, evaluators) for place, (stage, number) in enumerate(each, 1)]
    return StagedPlan(recipe, made, evaluators, evaluated, output)


def ready(stage: StagePlan, rows: Mapping[str, Any], folder: Path, seed: int) -> Plan:
    """The plan of a stage whose rows are known.

    Args:
        stage: of the plan.
        rows: to train on, mined where the stage mines.
        folder: of the stage.
        seed: of the training.
    """
    recipe = replace(
        stage.plan.recipe, arguments={**stage.plan.recipe.arguments, "output_dir": str(folder), "seed": seed}
    )
    evaluates = bool(recipe.evaluation) or bool(stage.plan.held_out)
    return replace(stage.plan, recipe=recipe, train=rows, arguments=arguments_for(recipe, rows, evaluates=evaluates))


def _staged(
    recipe: Recipe, stage: StageSection, number: int, place: int, parts: Parts, evaluators: Sequence[Any]
) -> StagePlan:
    """One round of a stage: a recipe of its own, in a folder of its own."""
    rounds = stage.rounds > 1
    folder = f"{place}-{stage.name}{f'-{number}' if rounds else ''}"
    arguments = {
        **recipe.arguments,
        **stage.arguments,
        "output_dir": str(Path(recipe.arguments["output_dir"]) / STAGES / folder),
    }
    asks = any(key in arguments for key in ASKS) and arguments.get("eval_strategy") != "no"
    own = replace(
        recipe,
        data=stage.data,
        loss=recipe.loss if stage.loss is None else stage.loss,
        arguments=arguments,
        evaluation=recipe.evaluation if asks else [],
        export=None,
        stages=[],
        seeds=[],
    )
    names = [rows.name for rows in stage.data]
    mine = parts.only(names)
    check_taught(recipe.teacher, mine.train, mined=stage.mining is not None)
    plan = planned(own, mine, evaluators if asks else [])
    return StagePlan(
        f"{stage.name}, round {number}" if rounds else stage.name, folder, plan, stage.mining, mine.corpora
    )


def _check_names(evaluators: Sequence[Any]) -> None:
    names = Counter(str(getattr(one, "name", "")) for one in evaluators)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ArgumentError(
            f"[[evaluation]]: the name {twice[0]!r} {names[twice[0]]} times, expected one each: the report would mix "
            "their metrics. Name every one."
        )
