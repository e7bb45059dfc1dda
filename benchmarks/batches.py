"""What a batch costs besides its tokens, and whether two side by side beat one on all threads.

    python benchmarks/batches.py             # 4 minutes; writes results/batches.md
    python benchmarks/batches.py --quick     # to see that it works; prints only

The planner's numbers come from here: `BATCH_COST` (batching.py), and `LARGE` and `WIDE` (backends/onnx.py), the graphs
that a call runs one batch after the other. Graphs are run as airvec runs them, with ids of random words and no padding;
the ways take turns. The cost of a batch is where the line through the times of batches of one length begins, over the
line's slope: in tokens.
Knows nothing of texts and pooling.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from measure.models import CHECKPOINT, WIDTH, make_models
from measure.report import machine, machine_line, with_spread
from measure.suite import CACHE, RESULTS, exit_code, quiet, say
from measure.table import markdown

from airvec.backends import Backend, BackendOptions, open_backend
from airvec.backends import onnx as backend
from airvec.batching import TOKEN_BUDGET, Tokens
from airvec.folder import read_folder

MODELS = {"airvec": "all-MiniLM-L6-v2", "wide": f"six layers of {WIDTH}, random weights"}
LENGTHS = (12, 83)
SIZES = (96, 192, 384, 504, 1024)  # tokens in a batch, about
BESIDE, ALL = "side by side, a thread each", "one after the other, on all threads"


@dataclass
class Point:
    """Batches of so many texts of one length; `seconds` of a batch, by the way in which they ran."""

    model: str
    texts: int
    length: int
    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    @property
    def tokens(self) -> int:
        """Of a batch."""
        return self.texts * self.length

    def batch(self) -> Tokens:
        """Ids of words, as the tokenizer gives them."""
        ids = np.random.default_rng(0).integers(2000, 20_000, self.tokens).astype(np.int32)
        return Tokens(ids, np.zeros_like(ids), np.arange(0, self.tokens + 1, self.length))


def points(sizes: Sequence[int]) -> Iterator[Point]:
    """All that is measured."""
    for model in MODELS:
        for length in LENGTHS:
            for size in sizes:
                yield Point(model, max(1, round(size / length)), length)


def open_graphs(folders: Mapping[str, Path], threads: int) -> dict[str, Backend]:
    """The graphs, each free to run its batches side by side."""
    backend.LARGE = backend.TOKEN_BUDGET = 1 << 60  # what they are chosen by
    found: dict[str, Backend] = {}
    for name in MODELS:
        folder = read_folder(folders[name])
        found[name] = open_backend(folder, folder.modules[0], BackendOptions(threads=threads), 0, dict)
    return found


def measure(
    found: Sequence[Point], graphs: Mapping[str, Backend], threads: int, rounds: int, tick: Callable[[str], None]
) -> None:
    """Seconds of a batch, both ways, a round after the other; the first round does not count."""
    with ThreadPoolExecutor(threads) as pool:
        for number in range(rounds + 1):
            for point in found if number % 2 == 0 else found[::-1]:
                tick(f"round {number} {point.model} {point.texts} × {point.length}")
                graph, batch = graphs[point.model], point.batch()
                count = threads * max(1, TOKEN_BUDGET * 4 // point.tokens)
                ways = {
                    BESIDE: lambda graph=graph, batch=batch, count=count: list(
                        pool.map(lambda _: graph.run(batch, True), range(count))
                    ),
                    ALL: lambda graph=graph, batch=batch, count=count: [graph.run(batch, False) for _ in range(count)],
                }
                for way, work in ways.items() if number % 2 else reversed(ways.items()):
                    graph.run(batch, way == BESIDE)  # its weights are in the caches then
                    start = time.perf_counter()
                    work()
                    if number:
                        point.seconds.setdefault(way, []).append((time.perf_counter() - start) / count)


def batch_cost(found: Sequence[Point], way: str) -> float:
    """What a batch costs besides its tokens, in tokens: intercept over slope of the line through the medians."""
    tokens = [point.tokens for point in found]
    slope, start = np.polyfit(tokens, [statistics.median(point.seconds[way]) for point in found], 1)
    return float(start / slope)


def rows(found: Sequence[Point]) -> list[dict[str, object]]:
    """A row a point: microseconds a token, and how much longer the second way takes."""

    def micros(point: Point, way: str) -> str:
        return with_spread([1e6 * seconds / point.tokens for seconds in point.seconds[way]], 1)

    return [
        {
            "model": MODELS[point.model],
            "batch": f"{point.texts} × {point.length}",
            f"{BESIDE}, µs a token": micros(point, BESIDE),
            f"{ALL}, µs a token": micros(point, ALL),
            "times as long": statistics.median(
                one / other for one, other in zip(point.seconds[ALL], point.seconds[BESIDE], strict=True)
            ),
        }
        for point in found
    ]


def costs(found: Sequence[Point]) -> str:
    """The cost of a batch, by model, length and way."""
    lines: list[str] = []
    for model, label in MODELS.items():
        for length in LENGTHS:
            within = [
                point
                for point in found
                if (point.model, point.length) == (model, length) and point.tokens <= TOKEN_BUDGET
            ]
            cost = ", ".join(f"{batch_cost(within, way):.0f} {way}" for way in (BESIDE, ALL))
            lines.append(f"- {label}, texts of {length} tokens: {cost}")
    return "Besides its tokens a batch costs as much as so many of them:\n\n" + "\n".join(lines)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="all-MiniLM-L6-v2 with torch weights")
    parser.add_argument("--environments", type=Path, default=CACHE / "environments", help="folder of environments")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="two sizes, one round; saves nothing")
    parser.add_argument("--no-progress", action="store_true", help="do not say what is being done")
    return parser.parse_args()


def run(options: argparse.Namespace) -> None:
    """Measure, print, and save a full run."""
    here, tick = machine(), quiet if options.no_progress else say
    rounds, sizes = (1, SIZES[:2]) if options.quick else (options.rounds, SIZES)
    folders = make_models(options.checkpoint, None, CACHE, options.environments, MODELS)
    found = list(points(sizes))
    measure(found, open_graphs(folders, here["cpus"]), here["cpus"], rounds, tick)
    text = (
        f"{markdown(rows(found))}\n\n{costs(found)}\n\nMedians (quartiles) of {rounds} rounds. {machine_line(here)}\n"
    )
    print(f"\n{text}")
    if not options.quick:
        (RESULTS / "batches.md").write_text(text, encoding="utf-8")


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    options = arguments()
    return exit_code(lambda: run(options))


if __name__ == "__main__":
    sys.exit(main())
