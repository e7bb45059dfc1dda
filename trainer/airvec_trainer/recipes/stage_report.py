"""What stages gained, as report.json and report.md, and drawn, like their losses.

Knows nothing of training.
"""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import onnxruntime

import airvec
from airvec.search.beir import RetrievalTask
from airvec_trainer.recipes.figure import FIGURE, curves
from airvec_trainer.recipes.log import LOG
from airvec_trainer.recipes.retrieval_evaluators import bm25_ndcg
from airvec_trainer.recipes.stage_records import Measure, StageRecord, write_json, write_text
from airvec_trainer.recipes.staged_planning import STAGES, StagedPlan
from airvec_trainer.recipes.stages_figure import STAGES_FIGURE, draw_losses, draw_stages

__all__ = ["REPORT", "Line", "Repetition", "gains_table", "lines_of", "write_report"]

REPORT = "report"
START, EXPORTED = "before the first stage", "exported, scored by airvec"


@dataclass(frozen=True)
class Repetition:
    """One run through all stages.

    Args:
        seed: of its trainings.
        start: of the model before the first.
        records: of its stages.
        exported: of the folder that the runtime loads; None = none was made.
    """

    seed: int
    start: Measure
    records: list[StageRecord]
    exported: Measure | None

    @property
    def measures(self) -> list[Measure]:
        """In order: the start, the stages, the exported folder."""
        last = [] if self.exported is None else [self.exported]
        return [self.start, *(record.measure for record in self.records), *last]


@dataclass(frozen=True)
class Line:
    """A line of the report: a value a seed for each metric.

    Args:
        name: the stage.
        values: by metric.
        seconds: mean of the seeds; None = not a stage.
    """

    name: str
    values: dict[str, list[float]]
    seconds: float | None


def lines_of(found: Sequence[Repetition]) -> list[Line]:
    """The start, the stages in order, and the exported folder, with the values of all seeds."""
    first = found[0]
    names = [START, *(record.name for record in first.records), *([] if first.exported is None else [EXPORTED])]
    shown = first.start.shown
    lines: list[Line] = []
    for place, name in enumerate(names):
        values = {metric: [one.measures[place].metrics[metric] for one in found] for metric in shown}
        is_stage = 0 < place <= len(first.records)
        seconds = mean(one.records[place - 1].seconds for one in found) if is_stage else None
        lines.append(Line(name, values, seconds))
    return lines


def gains_table(found: Sequence[Repetition]) -> str:
    """Markdown: the first metric, its gain over the line before and over the start; then all metrics."""
    lines = lines_of(found)
    metrics = list(lines[0].values)
    if not metrics:
        return "Nothing was measured."
    first = metrics[0]
    rows = [
        (
            line.name,
            spread(line.values[first]),
            _gain(line, lines[place - 1], first) if place else "",
            _gain(line, lines[0], first) if place else "",
            "" if line.seconds is None else f"{line.seconds:,.0f}",
        )
        for place, line in enumerate(lines)
    ]
    text = _table(("stage", first, "gain over the line before", "over the start", "seconds"), rows)
    if len(metrics) > 1:
        others = [(line.name, *(spread(line.values[metric]) for metric in metrics)) for line in lines]
        text += "\n\n" + _table(("stage", *metrics), others)
    return text


def spread(values: Sequence[float]) -> str:
    """The mean, with the standard deviation of several seeds.

    >>> spread([0.5]), spread([0.5, 0.6, 0.7]), spread([131.26])
    ('0.5000', '0.6000 ± 0.1000', '131.3')
    """
    form = ".4f" if abs(mean(values)) < 10 else ",.1f"
    return f"{mean(values):{form}}" + (f" ± {stdev(values):{form}}" if len(values) > 1 else "")


def write_report(plan: StagedPlan, found: Sequence[Repetition]) -> dict[str, Path]:
    """Write report.json, report.md, stages.png and loss.png; where they lie, by name."""
    folder, lines = plan.output, lines_of(found)
    beside = _beside(plan)
    versions = {
        "airvec": airvec.__version__,
        "onnxruntime": onnxruntime.__version__,
        "python": platform.python_version(),
    }
    write_json(
        folder / f"{REPORT}.json",
        {
            "base": _base(plan),
            "kind": plan.recipe.model.kind,
            "seeds": [one.seed for one in found],
            "beside": beside,
            "lines": [_as_json(line, lines[0]) for line in lines],
            "runs": [asdict(one) for one in found],
            "versions": versions,
        },
    )
    write_text(folder / f"{REPORT}.md", _markdown(plan, found, beside, versions))
    places = {"report": folder / f"{REPORT}.md"}
    if draw_stages([(line.name, line.values) for line in lines], beside, folder / STAGES_FIGURE, _title(plan, found)):
        places["stages"] = folder / STAGES_FIGURE
    steps = [(record.name, record.steps) for record in found[0].records]
    losses = {f"seed {seed}": [_losses(place / STAGES / one.folder / LOG) for one in plan.stages]
              for seed, place in plan.repetitions}  # fmt: skip
    if draw_losses(steps, losses, folder / FIGURE, _title(plan, found)):
        places["losses"] = folder / FIGURE
    return places


def _losses(log: Path) -> tuple[list[int], list[float]]:
    """Steps and losses of one training; none where its log was removed since."""
    if not log.is_file():
        return [], []
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return curves(entries).get("loss", ([], []))


def _markdown(plan: StagedPlan, found: Sequence[Repetition], beside: dict[str, float], versions: dict[str, str]) -> str:
    parts = [f"# {_title(plan, found)}", gains_table(found)]
    if len(found) > 1:
        parts.append(f"Mean and standard deviation of {len(found)} seeds: {', '.join(str(one.seed) for one in found)}.")
    if beside:
        parts.append(_table(("beside", "value"), [(name, f"{value:.4f}") for name, value in beside.items()]))
    if found[0].exported is not None:
        parts.append(
            f"The last line is scored by airvec {versions['airvec']} (ONNX Runtime {versions['onnxruntime']}) from the "
            f"exported folder, without torch; those above by the model in training{_halves(plan)}."
        )
    held_out = [f"{name}: {len(task.queries):,}" for name, task in _held_out(plan).items()]
    if held_out:
        parts.append(f"Queries held out, never trained on: {'; '.join(held_out)}.")
    parts.append(
        "Seconds are of mining, training and measuring, the mean of all seeds."
        if len(found) > 1
        else "Seconds are of mining, training and measuring."
    )
    return "\n\n".join(parts) + "\n"


def _halves(plan: StagedPlan) -> str:
    arguments = plan.stages[0].plan.arguments
    return ", in bfloat16" if arguments.bf16_full_eval else ", in float16" if arguments.fp16_full_eval else ""


def _beside(plan: StagedPlan) -> dict[str, float]:
    """What the recipe wants measured for comparison."""
    found: dict[str, float] = {}
    for section, task in zip(plan.recipe.evaluation, plan.evaluated, strict=True):
        if section.beside and isinstance(task, RetrievalTask):
            found[f"BM25, {section.settings.get('name', section.data)}, NDCG@10"] = bm25_ndcg(task)
    return found


def _held_out(plan: StagedPlan) -> dict[str, Any]:
    return {name: task for stage in plan.stages for name, task in stage.plan.tasks.items()}


def _as_json(line: Line, start: Line) -> dict[str, Any]:
    return {
        "name": line.name,
        "seconds": line.seconds,
        "metrics": {
            name: {
                "mean": mean(values),
                "standard_deviation": stdev(values) if len(values) > 1 else None,
                "gain_over_the_start": mean(values) - mean(start.values[name]),
                "values": values,
            }
            for name, values in line.values.items()
        },
    }


def _gain(line: Line, before: Line, metric: str) -> str:
    """The mean of what each seed gained."""
    gains = [now - then for now, then in zip(line.values[metric], before.values[metric], strict=True)]
    form = "+.4f" if abs(mean(gains)) < 10 else "+,.1f"
    return f"{mean(gains):{form}}" + (f" ± {stdev(gains):.4f}" if len(gains) > 1 else "")


def _title(plan: StagedPlan, found: Sequence[Repetition]) -> str:
    seeds = f", {len(found)} seeds" if len(found) > 1 else ""
    return f"{_base(plan)} in {len(plan.stages)} stage{'s' if len(plan.stages) > 1 else ''}{seeds}"


def _base(plan: StagedPlan) -> str:
    """A report travels: a name on the Hub tells something elsewhere, a path on this machine does not."""
    name = plan.recipe.model.name
    return Path(name).name if Path(name).is_absolute() else name


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = ["| " + " | ".join(titles) + " |", "|---|" + "---:|" * (len(titles) - 1)]
    return "\n".join([*head, *("| " + " | ".join(row) + " |" for row in rows)])
