"""What forked workers share of a model that was opened before the fork, as by `gunicorn --preload`.

    python benchmarks/forked_memory.py FOLDER     # a minute; writes results/forked_memory.md

FOLDER: all-MiniLM-L6-v2, exported with fp32 and int8. Four children encode texts, one after the other, and stay. PSS
counts a page that n processes hold for one n-th in each, so the sum over all of them is what the machine holds.
Knows nothing of how weights come to be shared.
"""

import argparse
import os
import sys
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from measure.environments import ROOT
from measure.report import machine, machine_line
from measure.table import markdown

RESULTS = ROOT / "benchmarks" / "results" / "forked_memory.md"
CHILDREN = 4
TEXTS = [" ".join(["the", "seventeen", "ships", "of", "the", "line"][: number % 6 + 1] * 5) for number in range(100)]


def held(pid: int) -> dict[str, float]:
    """PSS, what is shared and what is not, of a process: MB (10^6 bytes)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    found = {name: int(value.split()[0]) * 1024 / 1e6 for name, value in (line.split(":") for line in lines)}
    return {
        "pss": found["Pss"],
        "own": found["Private_Clean"] + found["Private_Dirty"],
        "shared": found["Shared_Clean"] + found["Shared_Dirty"],
    }


def child(answers: Connection, asked: Connection, folder: Path, variant: str, model: Any) -> None:
    """Encode, say so, and stay until asked to go."""
    from airvec import SentenceTransformer

    opened = SentenceTransformer(folder, variant=variant) if model is None else model
    opened.encode(TEXTS)
    answers.send(os.getpid())
    asked.recv()
    os._exit(0)


def measured(folder: Path, variant: str, threads: int, preload: bool) -> dict[str, object]:
    """A line of the table: the parent forks, the children encode."""
    from airvec import SentenceTransformer

    os.environ["AIRVEC_THREADS"] = str(threads)
    model = SentenceTransformer(folder, variant=variant) if preload else None
    if model is not None:
        model.encode(TEXTS)
    pids: list[int] = []
    pipes = []
    for _ in range(CHILDREN):
        ours, theirs = Pipe()
        asked, asking = Pipe(duplex=False)
        if os.fork() == 0:
            child(theirs, asked, folder, variant, model)
        pids.append(ours.recv())
        pipes.append(asking)
    found = [held(pid) for pid in pids]
    total = sum(one["pss"] for one in found) + held(os.getpid())["pss"]
    for asking in pipes:
        asking.send(None)
    for pid in pids:
        os.waitpid(pid, 0)
    mean = {name: round(sum(one[name] for one in found) / CHILDREN) for name in found[0]}
    how = "before the fork" if preload else "in each child"
    return {"MB": f"{variant}, opened {how}", "threads": threads, "PSS a child": mean["pss"], "its own": mean["own"],
            "shared": mean["shared"], f"all {CHILDREN + 1} processes": round(total)}  # fmt: skip


def in_child(folder: Path, variant: str, threads: int, preload: bool) -> dict[str, object]:
    """`measured`, in a process of its own: nothing of one line is left in the next."""
    ours, theirs = Pipe()
    pid = os.fork()
    if pid == 0:
        theirs.send(measured(folder, variant, threads, preload))
        os._exit(0)
    found = ours.recv()
    os.waitpid(pid, 0)
    return found


def main() -> int:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="all-MiniLM-L6-v2, exported with fp32 and int8")
    folder, here = parser.parse_args().folder, machine()
    rows = [
        in_child(folder, variant, threads, preload)
        for variant in ("fp32", "int8")
        for threads, preload in ((1, True), (2, True), (1, False))
    ]
    text = f"{markdown(rows)}\n\n{machine_line(here)}\n"
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
