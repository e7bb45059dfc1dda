"""What the scripts of one suite have in common: the command line, models, a run, and its table, JSON and figure.

Knows nothing of which libraries are compared.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure.datasets import MissingDataError, check_file
from measure.draw import draw
from measure.environments import ROOT, PackagesError
from measure.models import CHECKPOINT, make_models
from measure.peers import OURS
from measure.process import WorkerError
from measure.report import machine, machine_line, notes, ratio_lines, table
from measure.rounds import Bench, Row, Suite, measure

CACHE = ROOT / ".cache" / "benchmarks"
RESULTS = ROOT / "benchmarks" / "results"
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Setup:
    """What a suite may add to a run: a turn in every round, and words under the table (with the rows, after it)."""

    turn: Callable[[], None] | None = None
    after: Callable[[dict[str, Row]], str] = lambda _: ""
    saved: Callable[[], dict[str, Any]] = dict


def arguments(doc: str | None, suite: Suite) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="all-MiniLM-L6-v2 with torch weights")
    parser.add_argument("--model", type=Path, help="the same, exported; left out: exported now, with this checkout")
    parser.add_argument("--environments", type=Path, default=CACHE / "environments", help="folder of environments")
    keys = [peer.key for peer in suite.peers]
    parser.add_argument("--only", nargs="+", choices=keys, help="some libraries; saves nothing")
    parser.add_argument("--quick", action="store_true", help="a few texts and rounds; saves nothing")
    parser.add_argument("--no-progress", action="store_true", help="do not say what is being done")
    return parser.parse_args()


def models_of(suite: Suite, options: argparse.Namespace, tick: Callable[[str], None]) -> dict[str, Path]:
    """A folder for each model that the suite's libraries read; those that cannot be made are left out.

    Raises:
        WorkerError: it is the model of ours or the reference.
    """
    models: dict[str, Path] = {}
    for peer in suite.peers:
        if peer.model is None or peer.model in models:
            continue
        tick(f"make {peer.model}")
        try:
            models |= make_models(options.checkpoint, options.model, CACHE, options.environments, [peer.model])
        except WorkerError as error:
            if peer.key in (OURS, suite.reference):
                raise
            print(error, file=sys.stderr)
    return models


def run(
    name: str, title: str, suite: Suite, options: argparse.Namespace, setup: Callable[[Suite], Setup] | None = None
) -> dict[str, Row]:
    """Measure, print, and save a full run as results/NAME.json, results/NAME.md and docs/NAME.png."""
    here = machine()
    suite = suite.only(options.only) if options.only else suite
    suite = suite.quick() if options.quick else suite
    for work in suite.works:
        check_file(work.file)
    tick = quiet if options.no_progress else say
    models = models_of(suite, options, tick)
    extra = setup(suite) if setup else Setup()
    begin = time.perf_counter()
    rows = measure(Bench(suite, models, options.environments, tick, extra.turn))
    works = [work.name for work in suite.works]
    after = extra.after(rows)
    here["minutes"] = round((time.perf_counter() - begin) / 60, 1)
    parts = [table(rows, works, suite.unit), notes(rows), counted(suite), machine_line(here), ratio_lines(rows, works)]
    text = "\n\n".join(part for part in [*parts, after] if part)
    print(f"\n{text}\n\n{here['minutes']} minutes.")
    if not (options.quick or options.only):
        sizes = {work.name: work.count for work in suite.works} | {"rounds": suite.rounds, "singles": suite.singles}
        save(name, text, {"machine": here, "size": sizes, "rows": rows, **extra.saved()})
        draw(rows, works, title, machine_line(here), DOCS / f"{name}.png")
    return rows


def counted(suite: Suite) -> str:
    """How much was measured, in a sentence."""
    calls = ", ".join(f"{work.count:,} {work.name}" for work in suite.works)
    single = f", {suite.singles} calls with one text" if suite.singles else ""
    return (
        f"Medians (quartiles) of {suite.rounds} rounds in which all take turns: a call with {calls}{single}. Batch: "
        "the fastest of those tried, for each kind of texts."
    )


def save(name: str, text: str, found: dict[str, Any]) -> None:
    """Write results/NAME.md and results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    saved = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    (RESULTS / f"{name}.json").write_text(saved, encoding="utf-8")


def exit_code(work: Callable[[], object]) -> int:
    """Run; what a reader can mend is said in one message."""
    try:
        work()
    except (MissingDataError, PackagesError, WorkerError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def say(what: str) -> None:
    """Tell what is being done, on one line of a terminal."""
    print(f"\r\033[K{what}" if sys.stderr.isatty() else what, end="" if sys.stderr.isatty() else "\n", file=sys.stderr)


def quiet(_: str) -> None:
    """Tell nothing."""
