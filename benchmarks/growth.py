"""How the cost grows: with the number of texts, their length, the threads and the model's depth.

    python benchmarks/growth.py             # 7 minutes
    python benchmarks/growth.py --quick     # to see that it works; prints only

Each model is a process of its own (measure/worker.py), and points of a curve take turns. The exponent of a curve is the
slope of a least-squares line through the logarithms of its points: 1 = proportional.
Texts by number: debian_short.txt again and again. Texts by length: so many words of one token each.
Writes benchmarks/results/growth.json, growth.md and docs/growth.png.
Knows nothing of other libraries: that is speed.py.
"""

import argparse
import itertools
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measure.datasets import LONG, SHORT, read_texts
from measure.draw import curves, figure
from measure.environments import RUNTIME, python_of
from measure.models import CHECKPOINT, DEPTHS, make_models
from measure.process import Process
from measure.report import machine, machine_line, quartiles
from measure.suite import CACHE, DOCS, exit_code, quiet, save, say
from measure.table import markdown

LENGTHS = (8, 16, 32, 64, 128, 256, 512)
TOKENS = 16_384  # of all texts of one length together
STATIC_COUNTS = (10, 100, 1000, 10_000, 100_000, 1_000_000)
GRAPH_COUNTS = (10, 100, 1000, 5000, 20_000)
LARGE = {1_000_000, 20_000}  # measured in the first two rounds only
FROM = 1000  # texts from which on the exponent is fitted again: fewer cost what a call costs
ALL_LAYERS = 6
WORDS = ("river", "house", "green", "water", "seven", "light", "paper", "stone", "music", "north", "table", "horse")
TITLES = {
    "texts": ("Seconds for so many short texts", ("texts in a call", "seconds")),
    "length": ("Milliseconds a text, by its length", ("tokens in a text", "ms a text")),
    "depth": ("Milliseconds a text, by the layers of the model", ("layers", "ms a text")),
}


@dataclass(frozen=True)
class Point:
    """One point of a curve: `x` of `curve` in a panel; the first `count` lines of a file, by the process `process`."""

    panel: str
    curve: str
    x: int
    process: str
    file: Path
    count: int
    rounds: int

    def value(self, seconds: float) -> float:
        """What is drawn: seconds of the call, or milliseconds a text."""
        return seconds if self.panel == "texts" else 1000 * seconds / self.count


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="all-MiniLM-L6-v2 with torch weights")
    parser.add_argument("--model", type=Path, help="the same, exported; left out: exported now, with this checkout")
    parser.add_argument("--environments", type=Path, default=CACHE / "environments", help="folder of environments")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each point (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="small numbers, one round; saves nothing")
    parser.add_argument("--no-progress", action="store_true", help="do not say what is being done")
    return parser.parse_args()


def points(folder: Path, rounds: int, scale: int = 1) -> Iterator[Point]:
    """All points; `scale` divides the numbers of texts. The files are written into `folder`."""
    short = folder / "short.txt"
    for name, process, counts in (("static", "static", STATIC_COUNTS), ("MiniLM", "threads-2", GRAPH_COUNTS)):
        for count in (count // scale for count in counts if count >= 10 * scale):
            times = min(2, rounds) if count * scale in LARGE else rounds
            yield Point("texts", name, count, process, short, count, times)
    for threads, length in itertools.product((2, 1), LENGTHS):
        name = f"{threads} thread{'s' if threads > 1 else ''}"
        count = max(4, TOKENS // length // scale)
        yield Point("length", name, length, f"threads-{threads}", folder / f"{length}.txt", count, rounds)
    for layers in (*DEPTHS, ALL_LAYERS):
        for name, file, count in (("short texts", short, 1200), ("long texts", LONG, 160)):
            process = "threads-2" if layers == ALL_LAYERS else f"depth-{layers}"
            yield Point("depth", name, layers, process, file, count // scale, rounds)


def write_texts(folder: Path, most: int) -> None:
    """The files that the points read: short texts again and again, and texts of so many tokens each."""
    lines = read_texts(SHORT)
    short = itertools.islice(itertools.cycle(lines), most)
    (folder / "short.txt").write_text("\n".join(short) + "\n", encoding="utf-8")
    rng = random.Random(7)
    for length in LENGTHS:
        texts = [" ".join(rng.choices(WORDS, k=length - 2)) for _ in range(TOKENS // length)]  # 2 are special
        (folder / f"{length}.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")


def open_processes(models: Mapping[str, Path], environments: Path, stack: ExitStack) -> dict[str, Process]:
    """A process for each of the points' processes, its model loaded and warm."""
    wanted: dict[str, tuple[Path | None, dict[str, Any]]] = {"static": (None, {})}
    wanted |= {f"threads-{count}": (models["airvec"], {"threads": count, "max_seq_length": 512}) for count in (2, 1)}
    wanted |= {f"depth-{layers}": (models[f"depth-{layers}"], {"threads": 2}) for layers in DEPTHS}
    found: dict[str, Process] = {}
    for name, (model, settings) in wanted.items():
        process = stack.enter_context(Process(python_of("airvec", environments), str(RUNTIME), name))
        path = None if model is None else str(model.resolve())
        process.ask("load", {"library": "dense.airvec", "model": path, "settings": settings})
        process.ask("encode", {"file": str(SHORT), "first": 700, "batch_size": None})
        found[name] = process
    return found


def measure(
    found: Sequence[Point], processes: Mapping[str, Process], tick: Callable[[str], None]
) -> dict[Point, list[float]]:
    """Values of every point, a round after the other."""
    values: dict[Point, list[float]] = {point: [] for point in found}
    for number in range(max(point.rounds for point in found)):
        for point in found if number % 2 == 0 else found[::-1]:
            if number < point.rounds:
                tick(f"round {number + 1} {point.panel} {point.curve} {point.x:,}")
                request = {"file": str(point.file), "first": point.count, "batch_size": None}
                answer = processes[point.process].ask("encode", request)
                values[point].append(point.value(answer["seconds"]))
    return values


def exponent(line: Sequence[tuple[float, float]]) -> float:
    """Slope of the least-squares line through the logarithms of some points.

    >>> round(exponent([(1, 3), (10, 300), (100, 30000)]), 6)
    2.0
    """
    x, y = np.log(np.array(line, float).T)
    return float(np.polyfit(x, y, 1)[0])


def lines(values: Mapping[Point, Sequence[float]]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Panel → curve → points of medians, in order."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for point, seen in values.items():
        line = found.setdefault(point.panel, {}).setdefault(point.curve, [])
        line.append((point.x, statistics.median(seen)))
    return found


def report(values: Mapping[Point, Sequence[float]]) -> str:
    """A table a panel, and the exponents."""
    parts: list[str] = []
    for panel, drawn in lines(values).items():
        title, (x, y) = TITLES[panel]
        rows = [
            {x: f"{place:,.0f}"} | {name: _cell(values, panel, name, place) for name in drawn}
            for place in sorted({place for line in drawn.values() for place, _ in line})
        ]
        fits = "; ".join(f"{name} {fitted(panel, line)}" for name, line in drawn.items())
        parts.append(f"**{title}** ({y}; medians, quartiles in brackets)\n\n{markdown(rows)}\n\nExponent: {fits}.")
    both = lines(values)["length"]
    gains = [slow / fast for (_, fast), (_, slow) in zip(both["2 threads"], both["1 thread"], strict=True)]
    parts.append(f"Two threads against one, over all lengths: {min(gains):.2f} to {max(gains):.2f} ×.")
    return "\n\n".join(parts)


def fitted(panel: str, line: Sequence[tuple[float, float]]) -> str:
    """The exponent of a curve, and for numbers of texts that of its upper part."""
    upper = [point for point in line if point[0] >= FROM]
    whole = f"{exponent(line):.2f}"
    if panel != "texts" or len(upper) < 2:
        return whole
    return f"{whole}, {exponent(upper):.2f} from {FROM:,} on"


def _cell(values: Mapping[Point, Sequence[float]], panel: str, curve: str, x: float) -> str:
    seen = [found for point, found in values.items() if (point.panel, point.curve, point.x) == (panel, curve, x)]
    if not seen:
        return "–"
    low, high = quartiles(seen[0])
    return f"{_shown(statistics.median(seen[0]))} ({_shown(low)}–{_shown(high)})"


def _shown(value: float) -> str:
    """Three digits that count, and all of those before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def draw(values: Mapping[Point, Sequence[float]], machine_words: str, file: Path) -> None:
    """A panel of curves each."""
    drawn = lines(values)
    with figure(file, 1, len(drawn), 4.0) as (whole, axes):
        for panel, (name, found) in zip(axes, drawn.items(), strict=True):
            title, words = TITLES[name]
            curves(panel, found, title, words, logarithmic=name != "depth")
        whole.supxlabel(machine_words, fontsize=7, color="#666666")


def run(options: argparse.Namespace) -> None:
    """Measure, print, and save a full run."""
    here, tick = machine(), quiet if options.no_progress else say
    names = ["airvec", *(f"depth-{layers}" for layers in DEPTHS)]
    models = make_models(options.checkpoint, options.model, CACHE, options.environments, names)
    scale, rounds = (20, 1) if options.quick else (1, options.rounds)
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        write_texts(Path(scratch), max(STATIC_COUNTS) // scale)
        processes = open_processes(models, options.environments, stack)
        values = measure(list(points(Path(scratch), rounds, scale)), processes, tick)
    text = f"{report(values)}\n\n{machine_line(here)} {rounds} turns of each point, two of the largest."
    print(f"\n{text}")
    if not options.quick:
        saved = [{"panel": one.panel, "curve": one.curve, "x": one.x, "values": seen} for one, seen in values.items()]
        save("growth", text, {"machine": here, "points": saved})
        draw(values, machine_line(here), DOCS / "growth.png")


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    options = arguments()
    return exit_code(lambda: run(options))


if __name__ == "__main__":
    sys.exit(main())
