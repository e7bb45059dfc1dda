"""What every stage gained → stages.png: a line a metric, from the start to the exported folder; and what was learnt.

loss.png has the loss of all stages one after the other, a line a seed.
Knows nothing of stages: it takes names and numbers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from airvec.array_file import whole_file

__all__ = ["STAGES_FIGURE", "draw_losses", "draw_stages"]

STAGES_FIGURE = "stages.png"
SHOWN = 6  # lines of a panel: more cannot be told apart
Curve = tuple[Sequence[float], Sequence[float]]
LARGE = 1.5  # above it a number is no share, and gets a panel of its own


def draw_stages(
    lines: Sequence[tuple[str, Mapping[str, Sequence[float]]]], beside: Mapping[str, float], file: Path, title: str
) -> bool:
    """Write the figure; False, and no file, where nothing was measured.

    Args:
        lines: the name of a stage, and a value a seed for each metric.
        beside: values for comparison, drawn across.
        file: a .png.
        title: above it.
    """
    metrics = list(lines[0][1]) if lines else []
    if not metrics:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    large = [name for name in metrics if max(max(values[name]) for _, values in lines) > LARGE]
    groups = [group for group in ([name for name in metrics if name not in large], *([one] for one in large)) if group]
    figure = Figure(figsize=(9, 3.4 * len(groups)), layout="constrained")
    FigureCanvasAgg(figure)
    for place, group in enumerate(groups, 1):
        _panel(figure.add_subplot(len(groups), 1, place), lines, group, beside if place == 1 else {})
    figure.suptitle(title, fontsize=10)
    with whole_file(file) as written:
        figure.savefig(written, dpi=100, format="png")
    return True


def draw_losses(
    stages: Sequence[tuple[str, int]], curves: Mapping[str, Sequence[Curve]], file: Path, title: str
) -> bool:
    """Write the figure; False, and no file, where no loss was logged.

    Args:
        stages: name and steps of each.
        curves: by the name of a line, steps and losses of each stage.
        file: a .png.
        title: above it.
    """
    if not any(steps for parts in curves.values() for steps, _ in parts):
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.add_subplot()
    starts = [sum(steps for _, steps in stages[:place]) for place in range(len(stages))]
    for place, (name, parts) in enumerate(curves.items()):
        for start, (steps, losses) in zip(starts, parts, strict=True):
            label = name if start == 0 and len(curves) > 1 else None
            panel.plot([start + step for step in steps], losses, linewidth=1.3, color=f"C{place}", label=label)
    for start, (name, steps) in zip(starts, stages, strict=True):
        panel.axvline(start, linestyle="--", linewidth=0.8, color="grey")
        panel.text(start + steps / 2, 1.01, name, transform=panel.get_xaxis_transform(), ha="center", fontsize=8)
    panel.set(xlabel="step", ylabel="loss")
    panel.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        panel.legend(frameon=False, fontsize=8)
    figure.suptitle(title, fontsize=10)
    with whole_file(file) as written:
        figure.savefig(written, dpi=100, format="png")
    return True


def _panel(panel: Any, lines: Sequence[Any], metrics: Sequence[str], beside: Mapping[str, float]) -> None:
    for name in metrics[:SHOWN]:
        means = [mean(values[name]) for _, values in lines]
        spread = [stdev(values[name]) if len(values[name]) > 1 else 0.0 for _, values in lines]
        panel.errorbar(range(len(lines)), means, yerr=spread, marker="o", markersize=4, capsize=3, label=name)
    for name, value in beside.items():
        panel.axhline(value, linestyle="--", linewidth=1, color="grey", label=name)
    panel.set_xticks(range(len(lines)), [name.replace(", ", "\n") for name, _ in lines], fontsize=8)
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(axis="y", alpha=0.3)
    panel.legend(frameon=False, fontsize=8)
