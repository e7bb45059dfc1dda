"""What was logged while training → loss.png: the losses above, the metrics of evaluators below.

Knows nothing of trainers: it takes the list of logs.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airvec.array_file import whole_file

__all__ = ["FIGURE", "curves", "draw"]

FIGURE = "loss.png"
SHOWN = 6  # curves of metrics: more cannot be told apart
NO_METRICS = ("_runtime", "_per_second")
Curve = tuple[list[int], list[float]]


def curves(history: Sequence[dict[str, Any]]) -> dict[str, Curve]:
    """Steps and values of each loss and each metric of an evaluator, in the order in which they come first.

    >>> curves([{"loss": 2.0, "step": 1}, {"eval_sts_spearman": 0.5, "eval_runtime": 9.0, "step": 1}])
    {'loss': ([1], [2.0]), 'eval_sts_spearman': ([1], [0.5])}
    """
    found: dict[str, Curve] = {}
    for entry in history:
        for name, value in entry.items():
            is_metric = name.startswith("eval_") and not name.endswith(NO_METRICS)
            if (is_loss(name) or is_metric) and isinstance(value, int | float):
                steps, values = found.setdefault(name, ([], []))
                steps.append(entry["step"])
                values.append(float(value))
    return found


def is_loss(name: str) -> bool:
    """Whether a logged value is the loss of a step or of held-out rows; with several data sets each has its own."""
    return name == "loss" or (name.startswith("eval_") and name.endswith("_loss"))


def draw(history: Sequence[dict[str, Any]], file: Path, title: str) -> bool:
    """Write the figure; False, and no file, where nothing was logged."""
    found = curves(history)
    if not found:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    losses = {name: curve for name, curve in found.items() if is_loss(name)}
    metrics = {name.removeprefix("eval_"): curve for name, curve in found.items() if not is_loss(name)}
    panels = [(name, group) for name, group in (("loss", losses), ("metric", metrics)) if group]
    figure = Figure(figsize=(9, 3.2 * len(panels)), layout="constrained")
    FigureCanvasAgg(figure)
    for place, (label, group) in enumerate(panels, 1):
        _panel(figure.add_subplot(len(panels), 1, place), group, label)
    figure.suptitle(title, fontsize=10)
    with whole_file(file) as written:
        figure.savefig(written, dpi=100, format="png")
    return True


def _panel(panel: Any, group: dict[str, Curve], label: str) -> None:
    for name, (steps, values) in list(group.items())[:SHOWN]:
        panel.plot(steps, values, linewidth=1.3, marker="o" if len(steps) < 30 else None, markersize=3, label=name)
    panel.set(xlabel="step", ylabel=label)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False, fontsize=8)
