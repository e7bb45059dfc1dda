"""Peak memory of a process that opens a model and encodes, and the least memory in which it still does.

    python benchmarks/ceilings.py FOLDER            # minutes; needs root; writes results/ceilings.md
    python benchmarks/ceilings.py FOLDER --quick    # peaks on two threads; prints only

FOLDER: all-MiniLM-L6-v2, exported with fp32 and int8-x86. A cell is the peak of a process of its own (VmHWM). Packed:
as `airvec package` writes it, with its weights mapped from a file. The last column is found by bisection: the process
runs in a cgroup of so many MiB, encodes the long texts, and must end well within a minute.
Files that are in the page cache already are not charged to that cgroup, so that column is a lower bound for a machine.
Knows nothing of what a process does: that is measure/ceiling.py.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measure.ceiling import WORKS
from measure.environments import ROOT
from measure.report import machine, machine_line
from measure.sandbox import SandboxError, limits, why_not
from measure.table import markdown

from airvec.deploy.model import pack_model

RESULTS = ROOT / "benchmarks" / "results" / "ceilings.md"
WORKER = ROOT / "benchmarks" / "measure" / "ceiling.py"
TITLES = dict(zip(WORKS, ("one text", "2,000 short", "500 long", "10,000 streamed"), strict=True))
STEP_MIB = 4  # how near the bisection comes
SECONDS = 60


@dataclass(frozen=True)
class Case:
    """A model on so many threads; `folder` "" = the static one inside airvec."""

    label: str
    folder: str
    variant: str
    threads: int

    def command(self, work: str) -> list[str]:
        """What a process of it is started with."""
        return [sys.executable, str(WORKER), self.folder, self.variant, str(self.threads), work]


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="all-MiniLM-L6-v2, exported with fp32 and int8-x86")
    parser.add_argument("--quick", action="store_true", help="saves nothing")
    return parser.parse_args()


def cases(folder: Path, scratch: Path, threads: Sequence[int]) -> list[Case]:
    """Every model, as exported and packed, on every number of threads."""
    models = [("static, inside airvec", "", "auto")]
    for variant in ("int8", "fp32"):
        packed = pack_model(folder, scratch / variant, variant=variant)
        name = packed.variant
        models += [(f"{name}", str(folder), name), (f"{name}, packed", str(packed.path), "auto")]
    return [Case(*model, count) for model in models for count in threads]


def peak(case: Case, work: str) -> float:
    """Peak memory in MB (10^6 bytes).

    Raises:
        CalledProcessError: the process failed.
    """
    done = subprocess.run(case.command(work), capture_output=True, text=True, check=True)
    return float(done.stdout)


def completes(case: Case, mib: int) -> bool:
    """Whether a process that may use so many MiB encodes the long texts."""
    with limits(float(case.threads), mib) as inside:
        command = [*inside, *case.command("long")]
        try:
            return subprocess.run(command, capture_output=True, check=False, timeout=SECONDS).returncode == 0
        except subprocess.TimeoutExpired:  # it reads its own files again and again
            return False


def least(case: Case, low: int, high: int) -> int:
    """The least MiB between two bounds, to `STEP_MIB`, in which a case completes; in `high` it must."""
    while high - low > STEP_MIB:
        middle = (low + high) // 2
        low, high = (low, middle) if completes(case, middle) else (middle, high)
    return high


def row(case: Case, bisect: bool) -> dict[str, object]:
    """A line of the table."""
    peaks = {TITLES[work]: round(peak(case, work)) for work in WORKS}
    found: dict[str, object] = {"MB at the peak": case.label, "threads": case.threads, **peaks}
    return {**found, "completes in MiB": least(case, 16, max(peaks.values()))} if bisect else found


def main() -> int:
    """Measure and print; save a full run."""
    options = arguments()
    problem = None if options.quick else why_not()
    if problem:
        raise SandboxError(f"ceilings.py: {problem}. Run it as root, or with --quick.")
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for case in cases(options.folder, Path(scratch), (2,) if options.quick else (1, 2)):
            rows.append(row(case, bisect=not options.quick))
            print(rows[-1], file=sys.stderr, flush=True)
    text = f"{markdown(rows)}\n\n{machine_line(machine())}\n"
    print(text)
    if not options.quick:
        RESULTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
