"""`airvec package folder --platform linux-arm64` on an emulated arm64 machine: what imports, and the same vectors?

    python benchmarks/arm64.py FOLDER                 # FOLDER: a model exported with fp32 and int8-arm64; minutes
    python benchmarks/arm64.py FOLDER --cpus cortex-a72 --newer-qemu    # prints only

Makes an arm64 Debian with Python 3.13 in .cache/ (needs apt-get and dpkg-deb, not root), packs three folders, and runs
each in `qemu-aarch64-static` (Debian: qemu-user-static) on the CPUs named. `--newer-qemu` fetches Debian 13's QEMU as
well. Vectors of 20 texts are compared with this machine's. No times: an emulator's say nothing of a board.
Knows nothing of how folders are packed.
"""

import argparse
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measure.debian_root import unpacked
from measure.environments import ROOT
from measure.report import machine, machine_line
from measure.table import markdown

from airvec import SentenceTransformer
from airvec.deploy.contents import Contents
from airvec.deploy.folder import package_folder
from airvec.deploy.target import Target

RESULTS = ROOT / "benchmarks" / "results" / "arm64.md"
CACHE = ROOT / ".cache" / "benchmarks" / "arm64"
WORKER = ROOT / "benchmarks" / "measure" / "arm64_worker.py"
TARGET = Target("3.13", "arm64", "linux")
CPUS = ("cortex-a72", "neoverse-n1")
GRAPHS = {"static": "", "fp32": "fp32", "int8-arm64": "int8-arm64"}
SECONDS = 900
NOTES = """\
"imports" are those that worked, with nothing in between: the folder's own packages on Debian 13's Python 3.13.

QEMU 7.2 shows programs the /proc/cpuinfo of the host, which is x86 here. ONNX Runtime reads it while it is imported,
and ends with a fault at address 0. With a board's file in its place, or QEMU 10.0's own, it starts; the static model
needs neither."""
# What Linux shows on a Raspberry Pi 4. QEMU 7.2 shows the host's own file, here an x86 one; 10.0 one of the CPU.
BOARD = (
    "processor\t: {number}\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\n"
    "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\n"
)
TEXTS = (
    "A man is playing the guitar.", "Someone plays a musical instrument.", "A woman is cooking dinner.",
    "The device is water resistant for half an hour at a depth of one metre.", "how do I get my money back?",
    "Your money is returned to the card you paid with, within five days of the goods reaching us.", "x", "",
    "naïve café — 12 €", "短い文章です。", "We send items back to you at our cost if the repair takes two weeks.",
    "Die Fähre legt um sechs Uhr ab.", "1, 2, 3 … 1000", "SELECT name FROM ferries WHERE departs < 6;",
    "Parcels arrive in two days. " * 3, "The shop is open on Saturday. " * 6, "We have vegan dishes. " * 10,
    "a b c d e f g h i j k l m n o p q r s t u v w x y z", "🙂🙃 emoji", "The last of twenty texts.",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One run: QEMU, its CPU, which graph, and whether /proc/cpuinfo is a board's rather than QEMU's own."""

    qemu: str
    cpu: str
    graph: str
    board: bool
    without_sys: bool = False


@dataclass(frozen=True)
class Seen:
    """How a run ended: the steps that were done, the vectors if it came so far, and else what it ended with."""

    steps: tuple[str, ...]
    vectors: np.ndarray | None
    end: str


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a model folder with the graphs fp32 and int8-arm64")
    parser.add_argument("--qemu", default=shutil.which("qemu-aarch64-static"), help="the emulator (default: on PATH)")
    parser.add_argument("--cpus", default=",".join(CPUS), help="as QEMU names them; saves nothing if not the default")
    parser.add_argument("--newer-qemu", action="store_true", help="fetch Debian 13's QEMU (71 MB) and run it, too")
    parser.add_argument("--work", type=Path, default=CACHE, help="folder of what is fetched and packed")
    return parser.parse_args()


def cases(old: str, newer: str | None, cpus: Sequence[str]) -> Iterator[Case]:
    """What to run."""
    for cpu in cpus:
        yield Case(old, cpu, "static", board=False)
        yield Case(old, cpu, "fp32", board=False)
        yield from (Case(old, cpu, graph, board=True) for graph in GRAPHS if graph != "static")
    yield Case(old, cpus[0], "fp32", board=True, without_sys=True)
    if newer:
        yield from (Case(newer, cpu, "fp32", board=False) for cpu in cpus)


def run(case: Case, root: Path, folder: Path) -> Seen:
    """Run the worker in the emulator."""
    shown = root / "proc" / "cpuinfo"  # QEMU looks below the root of -L first
    shown.parent.mkdir(exist_ok=True)
    shown.unlink(missing_ok=True)
    if case.board:
        shown.write_text("".join(BOARD.format(number=number) for number in range(4)))
    command = [case.qemu, "-L", str(root), "-cpu", case.cpu, str(root / "usr" / "bin" / "python3.13"), "-I", "-B"]
    command += [str(WORKER), str(folder)]
    if case.without_sys:
        hide = 'mount -t tmpfs tmpfs /sys/devices/system/cpu && exec "$@"'
        command = ["unshare", "--map-root-user", "--mount", "sh", "-c", hide, "sh", *command]
    done = subprocess.run(
        command, input=json.dumps(TEXTS), capture_output=True, text=True, check=False, timeout=SECONDS
    )
    return seen(done.stdout, done.stderr, done.returncode)


def seen(out: str, err: str, code: int) -> Seen:
    """What a worker's lines say."""
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    steps = tuple(line["step"] for line in lines)
    vectors = next((np.array(line["found"], np.float32) for line in lines if line["step"] == "encode"), None)
    if code == 0 and vectors is not None:
        return Seen(steps, vectors, "ran")
    last = err.strip().splitlines()[-1] if err.strip() else "nothing was said"
    return Seen(steps, None, f"exit code {code}: {last}")


def row(case: Case, qemu: str, found: Seen, expected: dict[str, np.ndarray]) -> dict[str, object]:
    """A line of the table: distances from this machine's fp32 vectors (the static model's: from itself)."""
    reference = expected["static" if case.graph == "static" else "fp32"]
    vectors = found.vectors
    return {
        "QEMU": qemu,
        "CPU": case.cpu,
        "/proc/cpuinfo": "a board's" if case.board else "QEMU's",
        "/sys/devices/system/cpu": "hidden" if case.without_sys else "the host's",
        "graph": case.graph,
        "imports": ", ".join(step for step in found.steps if step != "encode"),
        "largest Δ from fp32 on x86-64": None if vectors is None else float(abs(vectors - reference).max()),
        "largest Δ from the same graph there": None
        if vectors is None
        else float(abs(vectors - expected[case.graph]).max()),
        "smallest cosine": None if vectors is None else f"{cosines(vectors, reference).min():.6f}",
        "result": found.end,
    }


def cosines(vectors: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of each row with its like; a text without a known word has a vector of zeros, and no cosine."""
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(others, axis=1)
    return (vectors * others).sum(1)[lengths > 0] / lengths[lengths > 0]


def version_of(qemu: str) -> str:
    """The emulator's version, such as `7.2.22`."""
    return subprocess.run([qemu, "--version"], capture_output=True, text=True, check=True).stdout.split()[2]


def main() -> None:
    """Fetch, pack, run, print; keep the table of a whole run.

    Raises:
        SystemExit: there is no emulator.
    """
    options = arguments()
    if options.qemu is None:
        raise SystemExit("qemu-aarch64-static: not on PATH. Install Debian's qemu-user-static, or name one by --qemu.")
    about, work, cpus = machine(), options.work, options.cpus.split(",")
    root = unpacked(("python3.13", "libstdc++6", "libgcc-s1", "zlib1g"), "arm64", work / "debian")
    newer = None
    if options.newer_qemu:
        newer = str(unpacked(("qemu-user",), "amd64", work / "qemu") / "usr" / "bin" / "qemu-aarch64")
    folders: dict[str, Path] = {}
    expected: dict[str, np.ndarray] = {}
    for graph, variant in GRAPHS.items():
        model = str(options.model) if variant else None
        contents = Contents(model, variant or "auto")
        folders[graph] = package_folder(work / graph, TARGET, contents, with_wheelhouse=False).path
        expected[graph] = SentenceTransformer(model, variant=variant or "auto").encode(list(TEXTS))
    rows: list[dict[str, object]] = []
    for case in cases(options.qemu, newer, cpus):
        rows.append(row(case, version_of(case.qemu), run(case, root, folders[case.graph]), expected))
        print(markdown(rows[-1:]).splitlines()[-1], flush=True)
    text = f"{markdown(rows)}\n\n{NOTES}\n\n{len(TEXTS)} texts. {machine_line(about)}\n"
    print(text)
    if tuple(cpus) == CPUS and newer:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
