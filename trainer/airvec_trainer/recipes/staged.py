"""Stages carried out: mine, train, measure and save, one after the other, for every seed.

Knows nothing of how a stage trains.
"""

import shutil
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from transformers import set_seed

from airvec.errors import ArgumentError
from airvec_trainer.checkpoints import last_checkpoint, remove_leftovers
from airvec_trainer.recipes.apart import check_apart
from airvec_trainer.recipes.evaluators import tasks_among
from airvec_trainer.recipes.finishing import MODEL, check_unused, finish
from airvec_trainer.recipes.made_from import MADE_FROM, check_made_from, write_made_from
from airvec_trainer.recipes.measuring import measured, runtime_model
from airvec_trainer.recipes.mined import mined_rows
from airvec_trainer.recipes.models import make_model
from airvec_trainer.recipes.remembered import Remembered
from airvec_trainer.recipes.stage_origins import evaluation_parts, parts_of_stages
from airvec_trainer.recipes.stage_records import RECORD, Measure, StageRecord, read_measure, read_record, write_json
from airvec_trainer.recipes.stage_report import Repetition, write_report
from airvec_trainer.recipes.staged_card import with_stages
from airvec_trainer.recipes.staged_planning import EXPORTED, STAGES, StagedPlan, StagePlan, ready
from airvec_trainer.recipes.training import Outcome, trained

__all__ = ["run_stages"]

START = "start.json"
MEASURED = "measured_from.json"  # what start.json and every stage's measure depend on


@dataclass
class Running:
    """One run through all stages.

    Args:
        plan: of the stages.
        seed: of every training.
        folder: of this run.
        model: that is trained.
        remembered: the same, for what only encodes.
        records: of the stages that are finished.
    """

    plan: StagedPlan
    seed: int
    folder: Path
    model: Any
    remembered: Any
    records: list[StageRecord]

    def measure(self) -> Measure:
        """What the evaluators find now."""
        with self.precision():
            return measured(self.remembered, self.plan.evaluators, self.plan.recipe.evaluation, self.folder)

    def precision(self) -> AbstractContextManager[Any]:
        """Of what the model computes when it is not trained: 16 bits where the arguments want it, else 32."""
        arguments = self.plan.stages[0].plan.arguments
        if not (arguments.bf16_full_eval or arguments.fp16_full_eval):
            return nullcontext()
        import torch

        return torch.autocast(arguments.device.type, torch.bfloat16 if arguments.bf16_full_eval else torch.float16)


def run_stages(found: StagedPlan, *, resume: bool = False, shown: Sequence[Any] = ()) -> Outcome:
    """All stages for every seed; then the report.

    Args:
        found: of `plan_stages`.
        resume: go on where a run was stopped: finished stages are not repeated.
        shown: callbacks that show progress.

    Raises:
        ArgumentError: nothing to resume from, or what an earlier run left and no `resume`.
        AirvecError: training or export failed.
    """
    started, repetitions = time.monotonic(), found.repetitions
    _check_folders(found, resume)
    for seed, folder in repetitions:  # before the first begins
        _check_same(found, seed, folder)
    done: list[Repetition] = []
    for number, (seed, folder) in enumerate(repetitions):
        result = _run_once(found, seed, folder, first=number == 0, shown=shown)
        if isinstance(result, Outcome):
            return replace(result, seconds=time.monotonic() - started)
        done.append(result)
    places = write_report(found, done)
    if found.recipe.export is not None:
        places["exported"] = Path(found.recipe.export.out)
    last = done[0].measures[-1]
    steps = sum(record.steps for one in done for record in one.records)
    metrics = {name: last.metrics[name] for name in last.shown}
    places["model"] = repetitions[0][1] / MODEL
    return Outcome(False, steps, time.monotonic() - started, metrics, places)


def _run_once(found: StagedPlan, seed: int, folder: Path, *, first: bool, shown: Sequence[Any]) -> Repetition | Outcome:
    """All stages with one seed; the outcome of a stage that a signal ended."""
    running = _opened(found, seed, folder)
    start = read_measure(folder / START)
    parts = parts_of_stages(found, seed)
    if start is None:
        write_made_from(folder / MEASURED, evaluation_parts(found))
        start = running.measure()
        write_json(folder / START, start)
    for stage, made_from in list(zip(found.stages, parts, strict=True))[len(running.records) :]:
        (folder / EXPORTED).unlink(missing_ok=True)  # of a recipe that had fewer stages
        write_made_from(folder / STAGES / stage.folder / MADE_FROM, made_from)
        outcome = _run_stage(running, stage, shown)
        if outcome is not None:
            return outcome
    exported = read_measure(folder / EXPORTED)
    if exported is None or not (folder / MODEL).is_dir():
        exported = _finished(running, start, first=first)
    return Repetition(seed, start, running.records, exported)


def _opened(found: StagedPlan, seed: int, folder: Path) -> Running:
    """The model as the last finished stage left it; a fresh head is the same for the same seed."""
    set_seed(seed)
    model = make_model(found.recipe.model, found.recipe.card)
    records: list[StageRecord] = []
    for stage in found.stages:
        record = read_record(folder / STAGES / stage.folder)
        if record is None:
            break
        records.append(record)
    if records:
        model.load_weights(folder / STAGES / found.stages[len(records) - 1].folder / MODEL)
    remembered = model if found.recipe.model.kind == "rerank" else Remembered(model)
    return Running(found, seed, folder, model, remembered, records)


def _run_stage(running: Running, stage: StagePlan, shown: Sequence[Any]) -> Outcome | None:
    """Mine, train, measure, save; the outcome where a signal ended it, else None."""
    folder = running.folder / STAGES / stage.folder
    started = time.monotonic()
    rows, told = stage.plan.train, {}
    if stage.mining is not None:
        with running.precision():
            rows, told = mined_rows(stage.mining, rows, stage.corpora, running.remembered, folder, running.seed)
        check_apart(rows, tasks_among(running.plan.evaluated))
    mining = time.monotonic() - started
    remove_leftovers(str(folder))  # a checkpoint may get its name back
    checkpoint = last_checkpoint(folder)
    plan = ready(stage, rows, folder, running.seed)
    outcome = trained(
        plan, running.model, None if checkpoint is None else str(checkpoint), title=stage.name, shown=shown
    )
    if outcome.stopped:
        return outcome
    if isinstance(running.remembered, Remembered):
        running.remembered.forget()
    measure = running.measure()
    running.model.save_pretrained(str(folder / MODEL))
    sizes = {name: len(part) for name, part in rows.items()}
    loss = outcome.metrics.get("loss", outcome.metrics.get("train_loss"))
    record = StageRecord(stage.name, sizes, outcome.steps, loss, mining, outcome.seconds, measure, told)
    write_json(folder / RECORD, record)
    _remove_checkpoints(folder)
    running.records.append(record)
    return None


def _finished(running: Running, start: Measure, *, first: bool) -> Measure | None:
    """Save and export the model of the last stage, and score what the runtime loads; None without an export."""
    found, folder = running.plan, running.folder
    wanted = found.recipe.export
    if wanted is not None and not first:  # the other seeds' stay beside their stages
        wanted = replace(wanted, out=str(folder / "exported"), overwrite=True)
    if wanted is not None and (folder / MODEL).is_dir():  # killed while it exported: what lies there is its own
        wanted = replace(wanted, overwrite=True)
    last = folder / STAGES / found.stages[-1].folder / MODEL
    so_far = Repetition(running.seed, start, running.records, None)
    running.model.model_card_data = with_stages(running.model, last, so_far)
    shutil.rmtree(folder / MODEL, ignore_errors=True)
    places = finish(running.model, wanted, folder)
    if "exported" not in places:
        return None
    scored = runtime_model(found.recipe.model.kind, places["exported"])
    measure = measured(scored, found.evaluators, found.recipe.evaluation, None)
    write_json(folder / EXPORTED, measure)
    return measure


def _check_folders(found: StagedPlan, resume: bool) -> None:
    """Nothing of an earlier run is written over, and nothing is resumed that never began.

    Raises:
        ArgumentError: it would be.
    """
    begun = [folder for _, folder in found.repetitions if (folder / START).is_file() or (folder / STAGES).is_dir()]
    if resume and not begun:
        raise ArgumentError(f"--resume: no stage has begun in {found.output}. Train without --resume.")
    if begun and not resume:
        raise ArgumentError(f"{begun[0]}: of an earlier run. Go on from it with --resume, or name another output_dir.")
    if not resume:
        check_unused(found.output)


def _check_same(found: StagedPlan, seed: int, folder: Path) -> None:
    """Nothing that another recipe left is gone on with: neither measures, stages, mined rows nor checkpoints.

    Raises:
        ArgumentError: it would be; the message says what differs.
    """
    if (folder / START).is_file():
        check_made_from(folder / MEASURED, evaluation_parts(found))
    for stage, parts in zip(found.stages, parts_of_stages(found, seed), strict=True):
        place = folder / STAGES / stage.folder
        if place.is_dir() and any(place.iterdir()):
            check_made_from(place / MADE_FROM, parts)


def _remove_checkpoints(folder: Path) -> None:
    """A finished stage's model is saved; its checkpoints, with the optimiser's state, are four times as large."""
    while (checkpoint := last_checkpoint(folder)) is not None:
        shutil.rmtree(checkpoint)
