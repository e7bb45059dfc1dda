"""Speed, start-up time, memory and installed size of airvec and of other libraries, in one run.

    python benchmarks/speed.py             # all, 8 minutes once the environments are there
    python benchmarks/speed.py --quick     # to see that it works; its numbers mean nothing

Every library has an environment of its own with pinned packages (environments/*.txt), made on the first run. All run
the same fp32 model with their best batch size; all take turns. Speeds of wrong vectors do not count.
Writes benchmarks/results/speed.json, speed.md and docs/speed.png. The machine should have nothing else to do.
Knows nothing of how a library is driven: that is measure/.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from measure.datasets import MissingDataError, check_file
from measure.draw import draw
from measure.environments import ROOT, PackagesError
from measure.models import CHECKPOINT, make_models
from measure.peers import OURS, PEERS, REFERENCE
from measure.process import WorkerError
from measure.report import machine, machine_line, ratio_lines, table
from measure.rounds import FILES, Bench, Size, measure

CACHE = ROOT / ".cache" / "benchmarks"
RESULTS = ROOT / "benchmarks" / "results"
FIGURE = ROOT / "docs" / "speed.png"
QUICK = Size(short=200, long=40, rounds=2, singles=5, starts=2)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="all-MiniLM-L6-v2 with torch weights")
    parser.add_argument("--model", type=Path, help="the same, exported; left out: exported now, with this checkout")
    parser.add_argument("--environments", type=Path, default=CACHE / "environments", help="folder of environments")
    parser.add_argument("--only", nargs="+", choices=[peer.key for peer in PEERS], help="some libraries; saves nothing")
    parser.add_argument("--quick", action="store_true", help="a few texts and rounds; saves nothing")
    parser.add_argument("--no-progress", action="store_true", help="do not say what is being done")
    return parser.parse_args()


def run(options: argparse.Namespace) -> None:
    """Measure, print, and save a full run."""
    for file in FILES.values():
        check_file(file)
    keys = {OURS, REFERENCE, *(options.only or [peer.key for peer in PEERS])}
    models = make_models(options.checkpoint, options.model, CACHE, options.environments)
    size = QUICK if options.quick else Size()
    tick = (lambda _: None) if options.no_progress else _say
    begin, here = time.perf_counter(), machine()
    peers = [peer for peer in PEERS if peer.key in keys]
    rows = measure(Bench(peers, size, models, options.environments, tick))
    here["minutes"] = round((time.perf_counter() - begin) / 60, 1)
    text = f"{table(rows)}\n\n{machine_line(here)}\n\n{ratio_lines(rows)}\n"
    print(f"\n{text}")
    if not options.quick and not options.only:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "speed.md").write_text(text, encoding="utf-8")
        saved = {"machine": here, "size": vars(size), "rows": rows}
        (RESULTS / "speed.json").write_text(json.dumps(saved, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draw(rows, machine_line(here), FIGURE)


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    try:
        run(arguments())
    except (MissingDataError, PackagesError, WorkerError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _say(what: str) -> None:
    print(f"\r\033[K{what}" if sys.stderr.isatty() else what, end="" if sys.stderr.isatty() else "\n", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
