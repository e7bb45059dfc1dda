"""Process start to first vector and to its end, beside the imports that no such program can do without, and others.

    python benchmarks/start.py FOLDER            # a quarter of an hour; writes results/start.json and start.md
    python benchmarks/start.py FOLDER --quick    # to see that it works; prints only

FOLDER is all-MiniLM-L6-v2, exported with the variant int8-x86 beside fp32; it is packed as `airvec package` packs. Each
program runs in a fresh process, and all take turns. Every library has an environment of its own with pinned packages
(environments/*.txt), made on the first run. The machine should have nothing else to do.
Knows nothing of what the programs are: that is measure/starts.py.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from measure.datasets import MissingDataError
from measure.environments import ROOT, RUNTIME, PackagesError, python_of
from measure.models import CHECKPOINT, make_models
from measure.process import WorkerError
from measure.report import machine, machine_line
from measure.starts import programs, table_rows, take_turns
from measure.table import markdown

from airvec.deploy.model import pack_model
from airvec.errors import AirvecError
from airvec.folder import DEFAULT_MODEL

CACHE = ROOT / ".cache" / "benchmarks"
RESULTS = ROOT / "benchmarks" / "results"
SECONDS = ("first", "wall", "cpu")


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="all-MiniLM-L6-v2, exported with --variants int8-x86")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="all-MiniLM-L6-v2 with torch weights")
    parser.add_argument("--environments", type=Path, default=CACHE / "environments", help="folder of environments")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--ours", action="store_true", help="airvec and the bare imports alone; saves nothing")
    parser.add_argument("--quick", action="store_true", help="three rounds; saves nothing")
    return parser.parse_args()


def run(options: argparse.Namespace, work: Path) -> None:
    """Pack, measure, print, and save a full run."""
    packed = {name: pack_model(options.folder, work / name, variant=name).path for name in ("fp32", "int8")}
    if options.ours:
        models = dict.fromkeys(("checkpoint", "onnx", "fastembed-256"), work)
    else:
        models = make_models(options.checkpoint, options.folder, CACHE, options.environments)
    rows = programs(packed, options.folder, DEFAULT_MODEL, models)
    rows = [row for row in rows if row.environment == "airvec" or not options.ours]
    pythons = {row.environment: python_of(row.environment, options.environments) for row in rows}
    here = machine()
    take_turns(rows, pythons, RUNTIME, 3 if options.quick else options.rounds, _say)
    text = f"{markdown(table_rows(rows))}\n\n{machine_line(here)}\n"
    print(f"\n{text}")
    if not (options.quick or options.ours):
        (RESULTS / "start.md").write_text(text, encoding="utf-8")
        saved = {
            "machine": here,
            "rows": [{"label": row.label, **{name: getattr(row, name) for name in SECONDS}} for row in rows],
        }
        (RESULTS / "start.json").write_text(json.dumps(saved, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    try:
        with tempfile.TemporaryDirectory() as work:
            run(arguments(), Path(work))
    except (MissingDataError, PackagesError, WorkerError, AirvecError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _say(what: str) -> None:
    print(f"\r\033[K{what}" if sys.stderr.isatty() else what, end="" if sys.stderr.isatty() else "\n", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
