"""One training of a recipe: planned, carried out, saved, exported, drawn.

Knows nothing of stages and of command lines.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError
from airvec.search.beir import RetrievalTask
from airvec_trainer.checkpoints import last_checkpoint, remove_leftovers
from airvec_trainer.recipes.apart import check_apart
from airvec_trainer.recipes.evaluators import Evaluated, make_evaluators, read_evaluated, rows_by_place, tasks_among
from airvec_trainer.recipes.figure import FIGURE, curves, draw
from airvec_trainer.recipes.finishing import check_export, check_folder, check_unused, finish
from airvec_trainer.recipes.log import LOG, MetricsLog
from airvec_trainer.recipes.made_from import MADE_FROM, check_made_from, training_parts, without, write_made_from
from airvec_trainer.recipes.making import loss_from, make_arguments, trainer_class
from airvec_trainer.recipes.models import check_model, make_model
from airvec_trainer.recipes.planning import Plan, planned_steps, with_defaults
from airvec_trainer.recipes.retrieval import parts_of_task
from airvec_trainer.recipes.rows import parts_of_data
from airvec_trainer.recipes.sections import DataSection, Recipe
from airvec_trainer.recipes.stopping import StopOnSignal
from airvec_trainer.recipes.teaching import check_taught, check_teacher, taught

__all__ = [
    "Outcome", "Parts", "arguments_for", "check_parts", "plan_training", "planned", "read_parts", "run_training",
    "trained",
]  # fmt: skip


LENGTH = ("max_steps", "num_train_epochs")  # of the arguments: what a resumed training may have changed


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


@dataclass(frozen=True)
class Parts:
    """The rows of a recipe's data sets, by name.

    Args:
        train: rows to train on.
        held_out: rows that are evaluated.
        tasks: of data sets of queries and documents, the retrieval task that is evaluated.
        corpora: of those data sets, all their documents.
    """

    train: dict[str, Any]
    held_out: dict[str, Any]
    tasks: dict[str, RetrievalTask]
    corpora: dict[str, list[str]]

    def only(self, names: Sequence[str]) -> "Parts":
        """Those of some data sets, in their order."""
        return Parts(*({name: part[name] for name in names if name in part} for part in vars(self).values()))


def read_parts(sections: Sequence[DataSection]) -> Parts:
    """Read every data set, and take apart what is held out of each; `check_parts` compares them with one another.

    Raises:
        ArgumentError: a file that is not there or is damaged, or nothing is left to train on.
    """
    parts = Parts({}, {}, {}, {})
    for section in sections:
        if section.beir is not None:
            parts.train[section.name], task = parts_of_task(section)
            parts.tasks.update({section.name: task} if task.queries else {})
            parts.corpora[section.name] = list(task.corpus.values())
            continue
        parts.train[section.name], out = parts_of_data(section)
        parts.held_out.update({} if out is None else {section.name: out})
    return parts


def plan_training(recipe: Recipe) -> Plan:
    """Read the data and make the arguments and losses; no model is loaded.

    Raises:
        ArgumentError: anything that does not fit, or a row or query that is both trained on and evaluated.
        MissingPackageError: what the export needs is not installed.
    """
    arguments = arguments_for(recipe, {}, evaluates=_evaluates(recipe))
    check_folder(Path(arguments.output_dir))
    check_export(recipe.export, Path(arguments.output_dir))
    check_model(recipe.model, recipe.card)
    check_teacher(recipe.teacher)
    losses_of(recipe, load=False)
    parts = read_parts(recipe.data)
    check_taught(recipe.teacher, parts.train)
    evaluated = read_evaluated(recipe.evaluation, {**parts.held_out, **parts.tasks})
    evaluators = make_evaluators(recipe.evaluation, evaluated)
    check_parts(parts, evaluated)
    return planned(recipe, parts, evaluators)


def check_parts(parts: Parts, evaluated: Sequence[Evaluated]) -> None:
    """Refuse to train on a row or a query that is held out or evaluated, in whatever data sets it stands.

    Raises:
        ArgumentError: it would be.
    """
    held_out = {f"what [[data]] {name} holds out": rows for name, rows in parts.held_out.items()}
    check_apart(parts.train, [*parts.tasks.values(), *tasks_among(evaluated)], {**held_out, **rows_by_place(evaluated)})


def planned(recipe: Recipe, parts: Parts, evaluators: Sequence[Any]) -> Plan:
    """The plan of rows that were read.

    Raises:
        ArgumentError: a loss or an argument that does not fit.
    """
    losses = losses_of(recipe, load=False)
    arguments = arguments_for(recipe, parts.train, evaluates=_evaluates(recipe))
    return Plan(recipe, parts.train, parts.held_out, losses, arguments, evaluators, parts.tasks)


def arguments_for(recipe: Recipe, rows: Mapping[str, Any], *, evaluates: bool) -> Any:
    """The training arguments, with defaults that depend on how many steps so many rows make.

    Args:
        recipe: says them.
        rows: to train on; none = the steps are not known yet.
        evaluates: whether there is anything to evaluate while training.

    Raises:
        ArgumentError: an unknown key, a wrong type, or values that do not go together.
    """
    arguments = make_arguments(with_defaults(recipe.arguments, evaluates=evaluates), recipe.model.kind, "[arguments]")
    if not rows:
        return arguments
    steps = planned_steps({name: len(part) for name, part in rows.items()}, arguments)
    table = with_defaults(recipe.arguments, evaluates=evaluates, steps=steps)
    return make_arguments(table, recipe.model.kind, "[arguments]")


def _evaluates(recipe: Recipe) -> bool:
    return bool(recipe.evaluation) or any(rows.held_out for rows in recipe.data)


def losses_of(recipe: Recipe, *, load: bool) -> dict[str, Any]:
    """The loss of each data set by its name, None = the kind's default; `load` their guides, too."""
    kind = recipe.model.kind
    default = None if recipe.loss is None else loss_from(recipe.loss, kind, "[loss]", load=load)
    return {
        rows.name: default if rows.loss is None else loss_from(rows.loss, kind, f"[[data]] {rows.name}.loss", load=load)
        for rows in recipe.data
    }


def run_training(found: Plan, *, resume: bool = False, shown: Sequence[Any] = ()) -> Outcome:
    """Train as planned, and export.

    Args:
        found: of `plan_training`.
        resume: go on from the last checkpoint in the output folder.
        shown: callbacks that show progress.

    Raises:
        ArgumentError: nothing to resume from, or what an earlier run left and no `resume`.
        AirvecError: training or export failed.
    """
    started, folder = time.monotonic(), Path(found.arguments.output_dir)
    checkpoint = _checkpoint(folder, resume)
    made_from = _made_from(found)
    if checkpoint is not None and (folder / MADE_FROM).is_file():  # older versions wrote none
        check_made_from(folder / MADE_FROM, made_from)
    write_made_from(folder / MADE_FROM, made_from)
    model = make_model(found.recipe.model, found.recipe.card)
    outcome = trained(found, model, checkpoint, title=found.recipe.model.name, shown=shown)
    if not outcome.stopped:
        outcome.places.update(finish(model, found.recipe.export, folder))
    return replace(outcome, seconds=time.monotonic() - started)


def _made_from(found: Plan) -> dict[str, Any]:
    """What the model depends on; a resumed training may be longer or shorter than it was to be."""
    parts = training_parts(found.recipe, found.train)
    return {**parts, "arguments": without(parts["arguments"], LENGTH)}


def trained(found: Plan, model: Any, checkpoint: str | None, *, title: str, shown: Sequence[Any] = ()) -> Outcome:
    """Train a model, which is changed in place; log and draw.

    Args:
        found: rows, losses and arguments.
        model: of the recipe's kind.
        checkpoint: to go on from; None = begin.
        title: of the figure, before the number of steps.
        shown: callbacks that show progress.
    """
    started, folder = time.monotonic(), Path(found.arguments.output_dir)
    stopper = StopOnSignal()
    teacher = found.recipe.teacher
    found = replace(found, train=taught(teacher, found.train), held_out=taught(teacher, found.held_out))
    trainer = _trainer(found, model, [stopper, MetricsLog(folder), *shown])
    with stopper.listening():
        trainer.train(resume_from_checkpoint=checkpoint)
    history = trainer.state.log_history
    places = {"log": folder / LOG}
    if draw(history, folder / FIGURE, f"{title}, {trainer.state.global_step} steps"):
        places["figure"] = folder / FIGURE
    if stopper.asked:
        places["checkpoint"] = Path(last_checkpoint(folder) or folder)
    last = {name: values[-1] for name, (_, values) in curves(history).items()}
    if "loss" not in last and "train_loss" in history[-1]:  # no step was logged, only the mean at the end
        last["train_loss"] = history[-1]["train_loss"]
    return Outcome(stopper.asked, trainer.state.global_step, time.monotonic() - started, last, places)


def _trainer(found: Plan, model: Any, callbacks: list[Any]) -> Any:
    """The trainer of the model's kind; one data set is given as it is, several by name."""
    kind = found.recipe.model.kind
    several = len(found.train) > 1
    (only, *_) = found.train
    made = losses_of(found.recipe, load=True)
    losses: Any = made if several else made[only]
    if several and all(loss is None for loss in made.values()):
        losses = None
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
