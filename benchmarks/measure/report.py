"""Measurements → rows of the table, ratios, and what machine it was.

Knows nothing of how they were taken.
"""

import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from measure import cpu
from measure.peers import OURS
from measure.table import markdown

Row = Mapping[str, Any]


def median(values: Sequence[float]) -> float | None:
    """The median; None of nothing."""
    return statistics.median(values) if values else None


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """First and third quartile, of one value that value twice.

    >>> quartiles([1.0, 2.0, 3.0, 4.0, 5.0])
    (2.0, 4.0)
    """
    if len(values) == 1:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def with_spread(values: Sequence[float], digits: int) -> str:
    """`median (first quartile–third)`; – for nothing."""
    if not values:
        return "–"
    shown = [f"{value:,.{digits}f}" for value in (statistics.median(values), *quartiles(values))]
    return f"{shown[0]} ({shown[1]}–{shown[2]})"


def table(rows: Mapping[str, Row], works: Sequence[str], unit: str = "texts/s") -> str:
    """The whole table; a speed whose vectors are wrong is struck out. Rows that are absent are in `notes`."""
    measured = [row for row in rows.values() if "absent" not in row]
    int8 = any(row["int8"] for row in measured)
    shown = [_line(row, works, unit, int8) for row in measured]
    empty = {title for title in shown[0] if all(row[title] == "–" for row in shown)}
    return markdown([{title: value for title, value in row.items() if title not in empty} for row in shown])


def notes(rows: Mapping[str, Row]) -> str:
    """How the libraries are run where their labels leave it open, and which could not be, and why."""
    lines = [f"- {row['label']}: {row['note']}" for row in rows.values() if row.get("note") and "absent" not in row]
    lines += [f"- not measured: {row['absent']}" for row in rows.values() if "absent" in row]
    return "\n".join(lines)


def ratios(rows: Mapping[str, Row], works: Sequence[str], ours: str = OURS) -> dict[str, tuple[float, str]]:
    """How many times better airvec is than the best library with right vectors, and which that is.

    Libraries are those of the same kind, int8 or not, that bring their own batches.
    """
    own = rows[ours]
    others = [row for row in rows.values() if _compares(row, own)]
    found: dict[str, tuple[float, str]] = {}
    for kind in works:
        best = _best(others, kind, lambda row, kind=kind: statistics.median(row[kind]["texts_per_second"]))
        if best:
            found[f"{_words(kind)} a second"] = (statistics.median(own[kind]["texts_per_second"]) / best[0], best[1])
    for name, title in (("single_ms", "one text"), ("start_s", "start to first vector")):
        best = _best(others, works[0], lambda row, name=name: -statistics.median(row[name]) if row[name] else None)
        if best and own[name]:
            found[title] = (-best[0] / statistics.median(own[name]), best[1])
    return found


def against(rows: Mapping[str, Row], works: Sequence[str], ours: str, other: str) -> str:
    """One line: airvec against one other row, times as many texts a second, and of one text."""
    own, row = rows[ours], rows.get(other, {"absent": ""})
    if "absent" in own or "absent" in row:
        return ""
    speeds = "texts_per_second"
    parts = [f"{_words(kind)} {_quotient(own[kind][speeds], row[kind][speeds])} ×" for kind in works]
    if own["single_ms"] and row["single_ms"]:
        parts.append(f"one text in {_quotient(own['single_ms'], row['single_ms'])} × its time")
    return f"- {own['label']} against {row['label']}: {', '.join(parts)}"


def ratio_lines(rows: Mapping[str, Row], works: Sequence[str]) -> str:
    """One line a ratio."""
    lines = (f"- {title}: {ratio:.2f} × {best}" for title, (ratio, best) in ratios(rows, works).items())
    return "airvec against the best library with right vectors:\n\n" + "\n".join(lines)


def machine() -> dict[str, Any]:
    """CPU, its instruction sets that matter here, CPUs we may use, load, Python."""
    return {
        "cpu": cpu.name(),
        "instructions": cpu.instructions(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def machine_line(found: Mapping[str, Any]) -> str:
    """The machine in one line."""
    return (
        f"{found['cpus']} CPUs, {found['cpu']} ({', '.join(found['instructions'])}), {found['system']}, "
        f"Python {found['python']}; load {found['load']} before the first measurement."
    )


def _best(rows: Sequence[Row], kind: str, worth: Callable[[Row], float | None]) -> tuple[float, str] | None:
    found = [(value, row["label"]) for row in rows if row[kind]["right"] and (value := worth(row)) is not None]
    return max(found) if found else None


def _quotient(one: Sequence[float], other: Sequence[float]) -> str:
    return f"{statistics.median(one) / statistics.median(other):.2f}"


def _words(kind: str) -> str:
    """Short and long ones are texts; pairs and documents say so themselves."""
    return f"{kind} texts" if kind in ("short", "long") else kind


def _compares(row: Row, own: Row) -> bool:
    return "absent" not in row and not row["ours"] and not row["driven"] and row["int8"] == own["int8"]


def _line(row: Row, works: Sequence[str], unit: str, int8: bool) -> dict[str, object]:
    kinds = {"": works[0]} if len(works) == 1 else {f"{kind}, ": kind for kind in works}
    return {
        "library": row["label"],
        **{f"{title}{unit}": _speed(row, kind) for title, kind in kinds.items()},
        **{f"{title}% of the limit": _percent(row[kind].get("share")) for title, kind in kinds.items()},
        "one text, ms": with_spread(row["single_ms"], 2),
        "start, s": with_spread(row["start_s"], 2),
        "peak MB": _whole(row.get("peak_mb")),
        "installed MB": _whole(row["installed_mb"]),
        f"largest Δ{'; int8: cosine, mean / least' * int8}": _distance(row, works),
        "batch": "/".join(str(row[kind]["batch_size"] or "auto") for kind in works),
    }


def _distance(row: Row, works: Sequence[str]) -> str:
    """The worst of all kinds of texts."""
    if any(row[kind]["delta"] is None for kind in works):
        return "–"
    if not row["int8"] or "cosine_min" not in row[works[0]]:
        return f"{max(row[kind]['delta'] for kind in works):.1e}"
    mean, least = (min(row[kind][name] for kind in works) for name in ("cosine_mean", "cosine_min"))
    return f"{mean:.4f} / {least:.4f}"


def _speed(row: Row, kind: str) -> str:
    values = row[kind]["texts_per_second"]
    shown = with_spread(values, 0 if not values or min(values) >= 100 else 1)
    wrong = row[kind]["delta"] is not None and not row[kind]["right"] and not row["int8"]
    return f"~~{shown}~~ wrong" if wrong else shown


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f}"


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
