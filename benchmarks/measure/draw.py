"""Measurements → figures.

Knows nothing of how they were taken.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from measure.report import median

OUR_COLOUR, THEIR_COLOUR = "#1668b8", "#b9bec4"
OTHERS = ("#c2571a", "#3a8f5c", "#7b4fa3", "#5b6770")
Row = Mapping[str, Any]


def draw(rows: Mapping[str, Row], works: Sequence[str], title: str, machine: str, file: Path) -> None:
    """A panel of bars for each kind of texts, for one text and for the start; wrong vectors are hatched.

    Rows of another model are left out, and panels that nobody was measured for.
    """
    shown = {key: row for key, row in rows.items() if "absent" not in row and not row["other_model"]}
    panels = [(kind, f"{kind.capitalize()}, how many a second (more is better)") for kind in works]
    if any(row["single_ms"] for row in shown.values()):
        panels.append(("single_ms", "One text, ms (less is better)"))
    if any(row["start_s"] for row in shown.values()):
        panels.append(("start_s", "Process start to first vector, s (less is better)"))
    columns = min(2, len(panels))
    height = 0.9 + 0.24 * len(shown)
    with figure(file, -(-len(panels) // columns), columns, height) as (whole, axes):
        for (name, words), panel in zip(panels, axes, strict=False):
            _bars(panel, shown, name, words, name if name in works else works[0])
        for panel in axes[len(panels) :]:
            panel.set_visible(False)
        wrong = any(_is_wrong(row, kind) for row in shown.values() for kind in works)
        whole.suptitle(title + " (hatched: the vectors are wrong, so the speed does not count)" * wrong, fontsize=11)
        whole.supxlabel(machine, fontsize=7, color="#666666")


class figure:  # noqa: N801 - a context manager, used as a function
    """Opens a figure of so many panels, and writes it at the end of the block: `(figure, list of panels)`."""

    def __init__(self, file: Path, rows: int, columns: int, height: float) -> None:
        self.file, self.shape, self.height = file, (rows, columns), height

    def __enter__(self) -> tuple[Any, list[Any]]:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot as plt

        rows, columns = self.shape
        size = (6.2 * columns if columns > 1 else 8.4, self.height * rows + 0.5)
        self.whole, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
        return self.whole, list(axes.flat)

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        from matplotlib import pyplot as plt

        if kind is None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.whole.savefig(self.file, dpi=100)
        plt.close(self.whole)


def curves(
    panel: Any,
    lines: Mapping[str, Sequence[tuple[float, float]]],
    title: str,
    axes: tuple[str, str],
    *,
    logarithmic: bool = True,
) -> None:
    """Lines of points, on two logarithmic axes or on two that begin at zero."""
    for colour, (name, points) in zip((OUR_COLOUR, *OTHERS), lines.items(), strict=False):
        panel.plot(*zip(*points, strict=True), marker="o", markersize=3.5, linewidth=1.4, color=colour, label=name)
    panel.set(xlabel=axes[0], ylabel=axes[1])
    if logarithmic:
        panel.set(xscale="log", yscale="log")
    else:
        panel.set(xlim=(0, None), ylim=(0, None))
    panel.set_title(title, fontsize=10, loc="left")
    panel.legend(fontsize=8, frameon=False)
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(visible=True, which="major", color="#e4e6e8", linewidth=0.6)


def _is_wrong(row: Row, kind: str) -> bool:
    return not row["int8"] and not row[kind]["right"]


def _bars(panel: Any, rows: Mapping[str, Row], name: str, title: str, kind: str) -> None:
    """`kind`: the texts whose vectors must be right."""
    is_time = name in ("single_ms", "start_s")
    values = {key: median(row[name] if is_time else row[name]["texts_per_second"]) for key, row in rows.items()}
    keys = [key for key, value in values.items() if value is not None][::-1]
    bars = panel.barh(
        [rows[key]["label"] for key in keys],
        [values[key] for key in keys],
        color=[OUR_COLOUR if rows[key]["ours"] else THEIR_COLOUR for key in keys],
    )
    for key, bar in zip(keys, bars, strict=True):
        if _is_wrong(rows[key], kind):
            bar.set(hatch="////", edgecolor="white")
    form = "{:.2f}" if is_time else "{:,.0f}"
    panel.bar_label(bars, [form.format(values[key]) for key in keys], padding=3, fontsize=8)
    panel.set_title(title, fontsize=10, loc="left")
    panel.spines[["top", "right", "bottom"]].set_visible(False)
    panel.tick_params(axis="y", length=0, labelsize=8)
    panel.set_xticks([])
    panel.margins(x=0.14)
