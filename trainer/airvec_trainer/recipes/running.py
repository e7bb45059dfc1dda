"""A recipe carried out: plan, train, save, export, draw. Read this first.

Knows nothing of command lines.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.recipes.evaluators import make_evaluators
from airvec_trainer.recipes.figure import FIGURE, curves, draw
from airvec_trainer.recipes.log import LOG, MetricsLog
from airvec_trainer.recipes.making import loss_from, make_arguments, trainer_class
from airvec_trainer.recipes.models import make_model
from airvec_trainer.recipes.planning import Plan
from airvec_trainer.recipes.rows import parts_of_data
from airvec_trainer.recipes.sections import Recipe
from airvec_trainer.recipes.stopping import StopOnSignal

__all__ = ["MODEL", "Outcome", "plan", "run"]

MODEL = "model"


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
    """
    kind = recipe.model.kind
    arguments = make_arguments(recipe.arguments, kind, "[arguments]")
    default = None if recipe.loss is None else loss_from(recipe.loss, kind, "[loss]")
    losses = {
        rows.name: default if rows.loss is None else loss_from(rows.loss, kind, f"[[data]] {rows.name}.loss")
        for rows in recipe.data
    }
    train, held_out = {}, {}
    for rows in recipe.data:
        train[rows.name], out = parts_of_data(rows)
        if out is not None:
            held_out[rows.name] = out
    return Plan(recipe, train, held_out, losses, arguments)


def run(found: Plan, *, resume: bool = False, shown: Sequence[Any] = ()) -> Outcome:
    """Train as planned, and export.

    Args:
        found: of `plan`.
        resume: go on from the last checkpoint in the output folder.
        shown: callbacks that show progress.

    Raises:
        ArgumentError: nothing to resume from, or checkpoints of an earlier run and no `resume`.
        AirvecError: training or export failed.
    """
    started, folder = time.monotonic(), Path(found.arguments.output_dir)
    checkpoint = _checkpoint(folder, resume)
    evaluators = make_evaluators(found.recipe.evaluation, found.held_out)
    stopper = StopOnSignal()
    trainer = _trainer(found, evaluators, [stopper, MetricsLog(folder), *shown])
    with stopper.listening():
        trainer.train(resume_from_checkpoint=checkpoint)
    history = trainer.state.log_history
    places = {"log": folder / LOG}
    if draw(history, folder / FIGURE, f"{found.recipe.model.name}, {trainer.state.global_step} steps"):
        places["figure"] = folder / FIGURE
    if stopper.asked:
        places["checkpoint"] = Path(_last(folder) or folder)
    else:
        places |= _finished(found, trainer.model, folder)
    last = {name: values[-1] for name, (_, values) in curves(history).items()}
    return Outcome(stopper.asked, trainer.state.global_step, time.monotonic() - started, last, places)


def _trainer(found: Plan, evaluators: list[Any], callbacks: list[Any]) -> Any:
    """The trainer of the model's kind; one data set is given as it is, several by name."""
    kind = found.recipe.model.kind
    several = len(found.train) > 1
    (only, *_) = found.train
    losses: Any = found.losses if several else found.losses[only]
    if several and all(loss is None for loss in found.losses.values()):
        losses = None
    model = make_model(found.recipe.model, found.recipe.card)
    trainer = trainer_class(kind)(
        model=model,
        args=found.arguments,
        train_dataset=dict(found.train) if several else found.train[only],
        eval_dataset=(dict(found.held_out) if several else found.held_out.get(only)) or None,
        loss=losses,
        evaluator=evaluators[0] if len(evaluators) == 1 else evaluators or None,
        callbacks=callbacks,
    )
    _without_printing(trainer)
    return trainer


def _without_printing(trainer: Any) -> None:
    """With its own bar off, transformers' trainer prints every log to stdout; the table shows them."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)


def _finished(found: Plan, model: Any, folder: Path) -> dict[str, Path]:
    """Save the trained model, and export it."""
    place, temporary = folder / MODEL, folder / f".{MODEL}"
    shutil.rmtree(temporary, ignore_errors=True)
    model.save_pretrained(str(temporary))
    shutil.rmtree(place, ignore_errors=True)
    temporary.rename(place)
    places = {"model": place}
    wanted = found.recipe.export
    if wanted is not None:
        model.export(wanted.out, variants=wanted.variants, weights=wanted.weights, overwrite=wanted.overwrite)
        places["exported"] = Path(wanted.out)
    return places


def _checkpoint(folder: Path, resume: bool) -> str | None:
    """The checkpoint to go on from.

    Raises:
        ArgumentError: there is none, or there is one and nobody asked for it.
    """
    found = _last(folder)
    if resume and found is None:
        raise ArgumentError(f"--resume: no checkpoint in {folder}. Train without --resume.")
    if not resume and found is not None:
        raise ArgumentError(f"{found}: of an earlier run. Go on from it with --resume, or name another output_dir.")
    return found


def _last(folder: Path) -> str | None:
    from transformers.trainer_utils import get_last_checkpoint

    return get_last_checkpoint(str(folder)) if folder.is_dir() else None
