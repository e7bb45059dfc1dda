"""Texts a second by threads, which is the default, and by pools of one and of several processes.

    python benchmarks/processes.py FOLDER           # minutes; writes results/processes.json and processes.md
    python benchmarks/processes.py FOLDER --quick   # to see that it works; prints only

All take turns, round after round, on the same texts; starting a pool is timed apart. "Beside Python" is with another
thread of the caller that runs Python all the time, as a busy server's would: the two share the interpreter's lock.
Knows nothing of other libraries: that is speed.py.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure.datasets import LONG, SHORT, MissingDataError, read_texts
from measure.environments import ROOT
from measure.report import machine, machine_line, with_spread
from measure.table import markdown

from airvec import SentenceTransformer
from airvec.threads import available_threads

RESULTS = ROOT / "benchmarks" / "results"


@dataclass(frozen=True)
class Case:
    """One row: a model, texts, and whether Python runs beside the calls."""

    name: str
    model: SentenceTransformer
    texts: Sequence[str]
    beside: bool = False


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="all-MiniLM-L6-v2, exported")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="a few texts and rounds; saves nothing")
    return parser.parse_args()


def cases(folder: Path, quick: bool) -> list[Case]:
    """The rows of the table."""
    short, long = read_texts(SHORT), read_texts(LONG)
    minilm, static = SentenceTransformer(folder), SentenceTransformer()
    few, many = (100, 2000) if quick else (2000, len(short))
    return [
        Case("all-MiniLM-L6-v2, short texts", minilm, short[:few]),
        Case("all-MiniLM-L6-v2, long texts", minilm, long[: few // 8]),
        Case("all-MiniLM-L6-v2, short texts, beside Python", minilm, short[: few // 2], beside=True),
        Case("embedded static model, short texts", static, short[:many]),
        Case("embedded static model, long texts", static, long[: many // 4]),
        Case("embedded static model, short texts, beside Python", static, short[:many], beside=True),
    ]


def measure(case: Case, counts: Sequence[int], rounds: int) -> dict[str, list[float]]:
    """Texts a second in each round, by threads and by pools of so many processes; the pools' starts in seconds."""
    with ExitStack() as stack:
        ways: dict[str, Callable[[], Any]] = {"threads": lambda: case.model.encode(case.texts)}
        start = 0.0
        for count in counts:
            begin = time.perf_counter()
            pool = stack.enter_context(case.model.start_multi_process_pool(["cpu"] * count))
            start = time.perf_counter() - begin
            ways[f"{count} process{'es' * (count > 1)}"] = lambda pool=pool: case.model.encode(case.texts, pool=pool)
        for way in ways.values():
            way()
        found: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(rounds):
            order = list(ways) if number % 2 else list(ways)[::-1]
            for name in order:
                with python_beside() if case.beside else nullcontext():
                    begin = time.perf_counter()
                    ways[name]()
                    found[name].append(len(case.texts) / (time.perf_counter() - begin))
    return found | {"start of the last, s": [start]}


@contextmanager
def python_beside() -> Generator[None]:
    """A thread that runs Python until the block ends."""
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            sum(range(1000))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def run(options: argparse.Namespace) -> None:
    """Measure, print, and save a full run."""
    here, cpus = machine(), available_threads()
    counts = sorted({1, max(2, cpus // 4), max(2, cpus)})
    rounds = 2 if options.quick else options.rounds
    found = {
        case.name: measure(case, counts, rounds) | {"texts": [len(case.texts)]}
        for case in cases(options.folder, options.quick)
    }
    lines = [{"texts/s": name, **_speeds(row)} for name, row in found.items()]
    text = f"{markdown(lines)}\n\n{machine_line(here)}\n"
    print(text)
    if not options.quick:
        (RESULTS / "processes.md").write_text(text, encoding="utf-8")
        saved = json.dumps({"machine": here, "rows": found}, indent=1)
        (RESULTS / "processes.json").write_text(saved + "\n", encoding="utf-8")


def _speeds(row: dict[str, list[float]]) -> dict[str, str]:
    speeds = {name: values for name, values in row.items() if name != "texts"}
    return {name: with_spread(values, 1 if name.endswith(", s") else 0) for name, values in speeds.items()}


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    try:
        run(arguments())
    except MissingDataError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
