"""The losses of two libraries, step by step, and below them how far apart they are.

Knows nothing of how they were taken.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

CLOSE = 1e-4
TINY = 1e-9  # what a difference of nothing is drawn at, on a logarithmic axis


def draw(losses: Mapping[str, Mapping[str, Sequence[float]]], names: tuple[str, str], about: str, file: Path) -> None:
    """One column of panels for each recipe: both curves over one another, and the difference.

    Args:
        losses: of every step, by recipe and library.
        names: of the two libraries, the reference last.
        about: what it was measured on, in small print.
        file: .png.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(losses), 5), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(losses), sharex=True, squeeze=False, height_ratios=(2, 1))
    ours, reference = names
    for column, (recipe, found) in enumerate(losses.items()):
        steps = range(1, len(found[ours]) + 1)
        above, below = panels[0][column], panels[1][column]
        above.plot(steps, found[reference], color="#b9bec4", linewidth=4, label=reference)
        above.plot(steps, found[ours], color="#1668b8", linewidth=1, label=ours)
        apart = [max(abs(a - b), TINY) for a, b in zip(found[ours], found[reference], strict=True)]
        below.semilogy(steps, apart, color="#333333", linewidth=0.8)
        below.axhline(CLOSE, color="#c0392b", linewidth=0.8, linestyle="--")
        above.set_title(recipe, fontsize=10, loc="left")
        above.set_ylabel("loss")
        above.legend(frameon=False, fontsize=8)
        below.set(xlabel="step", ylabel="|difference|")
        for panel in (above, below):
            panel.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(about, fontsize=6, color="#666666")
    figure.savefig(file, dpi=100)
