"""Precision and recall of pairs at every threshold, drawn, with the thresholds of the best F1 and the best accuracy.

Knows nothing of models and of where the scores come from.
"""

from pathlib import Path

import numpy.typing as npt

from airvec.array_file import whole_file
from airvec_trainer.evaluation.classification_metrics import accuracy_threshold, average_precision, best_f1, outcomes

__all__ = ["draw_pairs"]

WIDTH, HEIGHT = 8.0, 3.6  # inches
BLUE, ORANGE, GREY = "#1f77b4", "#ff7f0e", "#888888"


def draw_pairs(file: Path, scores: npt.ArrayLike, labels: npt.ArrayLike, title: str) -> None:
    """Write a picture: the curve of precision over recall, and both over the threshold.

    Args:
        file: ends in .png, .svg or .pdf.
        scores: (n,), larger is more alike.
        labels: (n,), 0 or 1.
        title: of the picture.

    Raises:
        ArgumentError: not one label for each score, or none.
    """
    # Its object interface: no window system, and nothing global.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found = outcomes(scores, labels)
    best, (accuracy, at) = best_f1(found), accuracy_threshold(scores, labels)
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    FigureCanvasAgg(figure)
    curve, thresholds = figure.subplots(1, 2)
    figure.suptitle(title)
    curve.step(found.recall, found.precision, where="post", color=BLUE)
    curve.plot([best.recall], [best.precision], "o", color=ORANGE, label=f"best F1 {best.f1:.3f}")
    curve.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    curve.set_title(f"average precision {average_precision(found):.3f}", fontsize="medium")
    thresholds.plot(found.values, found.precision, color=BLUE, label="precision")
    thresholds.plot(found.values, found.recall, color=GREY, label="recall")
    thresholds.axvline(best.threshold, color=ORANGE, label=f"best F1: {best.threshold:.3f}")
    thresholds.axvline(at, color=ORANGE, linestyle=":", label=f"best accuracy {accuracy:.3f}: {at:.3f}")
    thresholds.set(xlabel="threshold", ylim=(0, 1.02))
    for axes in (curve, thresholds):
        axes.legend(fontsize="small", loc="lower left")
        axes.grid(alpha=0.3)
    with whole_file(file) as written:
        figure.savefig(written, dpi=150, format=file.suffix[1:] or "png")
