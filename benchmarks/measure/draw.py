"""Measurements → a figure for the README.

Knows nothing of how they were taken.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from measure.peers import OURS
from measure.report import WRONG, median

PANELS = (
    ("short", "Short texts, texts a second (more is better)", "{:,.0f}"),
    ("long", "Long texts, texts a second (more is better)", "{:,.0f}"),
    ("single_ms", "One short text, ms (less is better)", "{:.1f}"),
    ("start_s", "Process start to first vector, s (less is better)", "{:.2f}"),
)
OUR_COLOUR, THEIR_COLOUR = "#1668b8", "#b9bec4"


def draw(rows: Mapping[str, Mapping[str, Any]], machine: str, file: Path) -> None:
    """Four panels of bars, one bar a library; wrong vectors are hatched. Rows of another model are left out."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    shown = {key: row for key, row in rows.items() if row["short"]["delta"] is not None}
    figure, axes = plt.subplots(2, 2, figsize=(12, 6.4), layout="constrained")
    for (name, title, form), panel in zip(PANELS, axes.flat, strict=True):
        _panel(panel, shown, name, title, form)
    figure.suptitle("all-MiniLM-L6-v2, fp32 (hatched: the vectors are wrong, so the speed does not count)")
    figure.supxlabel(machine, fontsize=7, color="#666666")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=100)
    plt.close(figure)


def _panel(panel: Any, rows: Mapping[str, Mapping[str, Any]], name: str, title: str, form: str) -> None:
    is_speed = name in ("short", "long")
    values = {key: median(row[name]["texts_per_second"] if is_speed else row[name]) for key, row in rows.items()}
    keys = [key for key, value in values.items() if value is not None][::-1]
    bars = panel.barh(
        [rows[key]["label"] for key in keys],
        [values[key] for key in keys],
        color=[OUR_COLOUR if key == OURS else THEIR_COLOUR for key in keys],
    )
    for key, bar in zip(keys, bars, strict=True):
        if rows[key][name if is_speed else "short"]["delta"] > WRONG:
            bar.set(hatch="////", edgecolor="white")
    panel.bar_label(bars, [form.format(values[key]) for key in keys], padding=3, fontsize=8)
    panel.set_title(title, fontsize=10, loc="left")
    panel.spines[["top", "right", "bottom"]].set_visible(False)
    panel.tick_params(axis="y", length=0, labelsize=8)
    panel.set_xticks([])
    panel.margins(x=0.12)
