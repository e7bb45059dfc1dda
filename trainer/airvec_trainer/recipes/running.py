"""A recipe carried out: plan, train, save, export, draw. Read this first.

Knows nothing of command lines.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.checkpoints import last_checkpoint, remove_leftovers
from airvec_trainer.recipes.evaluators import make_evaluators
from airvec_trainer.recipes.figure import FIGURE, curves, draw
from airvec_trainer.recipes.finishing import check_export, check_folder, check_unused, finish
from airvec_trainer.recipes.log import LOG, MetricsLog
from airvec_trainer.recipes.making import loss_from, make_arguments, trainer_class
from airvec_trainer.recipes.models import check_model, make_model
from airvec_trainer.recipes.planning import Plan, planned_steps, with_defaults
from airvec_trainer.recipes.rows import parts_of_data
from airvec_trainer.recipes.sections import Recipe
from airvec_trainer.recipes.stopping import StopOnSignal

__all__ = ["Outcome", "plan", "run"]


@dataclass(frozen=True)
class Outcome:
    """What a training left.

    Args:
        stopped: a signal ended it; the last checkpoint can be resumed from, and nothing was exported.
        steps: of the optimiser, in all.
        seconds: of this run.
        metrics: the last value of each loss and metric.
        places: what lies where.
    """

    stopped: bool
    steps: int
    seconds: float
    metrics: dict[str, float]
    places: dict[str, Path]

    def __str__(self) -> str:
        """A few lines for people."""
        head = f"{'stopped after' if self.stopped else 'trained'} {self.steps:,} steps in {self.seconds:,.0f} s"
        found = [f"  {name:<40} {value:.4f}" for name, value in self.metrics.items()]
        return "\n".join([head, *found, *(f"  {name:<12} {place}" for name, place in self.places.items())])


def plan(recipe: Recipe) -> Plan:
    """Read the data and make the arguments and losses; no model is loaded.

    Raises:
        ArgumentError: anything that does not fit.
        MissingPackageError: what the export needs is not installed.
    """
    evaluates = bool(recipe.evaluation) or any(rows.held_out for rows in recipe.data)
    table = with_defaults(recipe.arguments, evaluates=evaluates)
    arguments = make_arguments(table, recipe.model.kind, "[arguments]")
    check_folder(Path(arguments.output_dir))
    check_export(recipe.export, Path(arguments.output_dir))
    check_model(recipe.model, recipe.card)
    losses = _losses(recipe, load=False)
    train, held_out = {}, {}
    for rows in recipe.data:
        train[rows.name], out = parts_of_data(rows)
        if out is not None:
            held_out[rows.name] = out
    evaluators = make_evaluators(recipe.evaluation, held_out)
    steps = planned_steps({name: len(rows) for name, rows in train.items()}, arguments)
    table = with_defaults(recipe.arguments, evaluates=evaluates, steps=steps)
    arguments = make_arguments(table, recipe.model.kind, "[arguments]")
    return Plan(recipe, train, held_out, losses, arguments, evaluators)


def _losses(recipe: Recipe, *, load: bool) -> dict[str, Any]:
    """The loss of each data set by its name, None = the kind's default; `load` their guides, too."""
    kind = recipe.model.kind
    default = None if recipe.loss is None else loss_from(recipe.loss, kind, "[loss]", load=load)
    return {
        rows.name: default if rows.loss is None else loss_from(rows.loss, kind, f"[[data]] {rows.name}.loss", load=load)
        for rows in recipe.data
    }


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
    started, folder = time.monotonic(), Path(found.arguments.output_dir)
    checkpoint = _checkpoint(folder, resume)
    stopper = StopOnSignal()
    trainer = _trainer(found, [stopper, MetricsLog(folder), *shown])
    with stopper.listening():
        trainer.train(resume_from_checkpoint=checkpoint)
    history = trainer.state.log_history
    places = {"log": folder / LOG}
    if draw(history, folder / FIGURE, f"{found.recipe.model.name}, {trainer.state.global_step} steps"):
        places["figure"] = folder / FIGURE
    if stopper.asked:
        places["checkpoint"] = Path(last_checkpoint(folder) or folder)
    else:
        places |= finish(trainer.model, found.recipe.export, folder)
    last = {name: values[-1] for name, (_, values) in curves(history).items()}
    if "loss" not in last and "train_loss" in history[-1]:  # no step was logged, only the mean at the end
        last["train_loss"] = history[-1]["train_loss"]
    return Outcome(stopper.asked, trainer.state.global_step, time.monotonic() - started, last, places)


def _trainer(found: Plan, callbacks: list[Any]) -> Any:
    """The trainer of the model's kind; one data set is given as it is, several by name."""
    kind = found.recipe.model.kind
    several = len(found.train) > 1
    (only, *_) = found.train
    made = _losses(found.recipe, load=True)
    losses: Any = made if several else made[only]
    if several and all(loss is None for loss in made.values()):
        losses = None
    model = make_model(found.recipe.model, found.recipe.card)
    trainer = trainer_class(kind)(
        model=model,
        args=found.arguments,
        train_dataset=dict(found.train) if several else found.train[only],
        eval_dataset=(dict(found.held_out) if several else found.held_out.get(only)) or None,
        loss=losses,
        evaluator=found.evaluators[0] if len(found.evaluators) == 1 else list(found.evaluators) or None,
        callbacks=callbacks,
    )
    _without_printing(trainer)
    return trainer


def _without_printing(trainer: Any) -> None:
    """With its own bar off, transformers' trainer prints every log to stdout; the table shows them."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)


def _checkpoint(folder: Path, resume: bool) -> str | None:
    """The checkpoint to go on from.

    Raises:
        ArgumentError: there is none, or there is one, or a model, and nobody asked for it.
    """
    if not resume:
        check_unused(folder)
        return None
    remove_leftovers(str(folder))  # a checkpoint may get its name back
    found = last_checkpoint(folder)
    if found is None:
        raise ArgumentError(f"--resume: no checkpoint in {folder}. Train without --resume.")
    return str(found)
