"""Measurements → rows of the table, ratios, and what machine it was.

Knows nothing of how they were taken.
"""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from measure.peers import OURS
from measure.table import markdown

WRONG = 1e-3
Row = Mapping[str, Any]


def median(values: Sequence[float]) -> float | None:
    """The median; None of nothing."""
    return statistics.median(values) if values else None


def is_right(row: Row, kind: str) -> bool:
    """Whether the vectors of "short" or "long" texts are those of the reference, so that the speed counts."""
    delta = row[kind]["delta"]
    return delta is not None and delta <= WRONG


def with_spread(values: Sequence[float], digits: int) -> str:
    """`median (lowest–highest)`; – for nothing."""
    if not values:
        return "–"
    shown = [f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values))]
    return f"{shown[0]} ({shown[1]}–{shown[2]})"


def table(rows: Mapping[str, Row]) -> str:
    """The whole table; a speed whose vectors are wrong is struck out."""
    return markdown([_line(row) for row in rows.values()])


def ratios(rows: Mapping[str, Row]) -> dict[str, tuple[float, str]]:
    """How many times better airvec is than the best library with right vectors, and which that is."""
    ours, others = rows[OURS], [row for key, row in rows.items() if key != OURS]
    found: dict[str, tuple[float, str]] = {}
    for kind in ("short", "long"):
        speeds = {row["label"]: median(row[kind]["texts_per_second"]) for row in others if is_right(row, kind)}
        best = max(speeds, key=lambda label: speeds[label])
        found[f"{kind} texts a second"] = (median(ours[kind]["texts_per_second"]) / speeds[best], best)
    for name, title in (("single_ms", "one short text"), ("start_s", "start to first vector")):
        times = {row["label"]: median(row[name]) for row in others if row[name] and is_right(row, "short")}
        best = min(times, key=lambda label: times[label])
        found[title] = (times[best] / median(ours[name]), best)
    return found


def ratio_lines(rows: Mapping[str, Row]) -> str:
    """One line a ratio."""
    lines = (f"- {title}: {ratio:.2f} × {best}" for title, (ratio, best) in ratios(rows).items())
    return "airvec against the best library with right vectors:\n\n" + "\n".join(lines)


def machine() -> dict[str, Any]:
    """CPU, its instruction sets that matter here, CPUs we may use, load, Python."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = facts.get("flags", "").split()
    return {
        "cpu": facts.get("model name", platform.processor()),
        "instructions": [name for name in ("avx2", "avx512f", "avx512_vnni", "amx_bf16") if name in flags],
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


def _line(row: Row) -> dict[str, object]:
    return {
        "library": row["label"],
        "short, texts/s": _speed(row, "short"),
        "long, texts/s": _speed(row, "long"),
        "one text, ms": with_spread(row["single_ms"], 1),
        "start, s": with_spread(row["start_s"], 2),
        "peak MB": _whole(row.get("peak_mb")),
        "installed MB": _whole(row["installed_mb"]),
        "max |Δ| short": row["short"]["delta"],
        "max |Δ| long": row["long"]["delta"],
        "batch": "/".join(str(row[kind]["batch_size"] or "auto") for kind in ("short", "long")),
    }


def _speed(row: Row, kind: str) -> str:
    shown = with_spread(row[kind]["texts_per_second"], 0)
    wrong = row[kind]["delta"] is not None and not is_right(row, kind)
    return f"~~{shown}~~ wrong" if wrong else shown


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
