"""Exact search, 100 queries in 100,000 vectors of 384 dimensions: airvec beside faiss and usearch.

    python benchmarks/search.py             # 2 minutes once the environments are there
    python benchmarks/search.py --quick     # to see that it works; its numbers mean nothing

Every library has an environment of its own with pinned packages (environments/*.txt), and every way to search a
process of its own; all take turns. Vectors are random unit vectors, their int8 codes, or their bits. What is found is
compared with the whole table of scores first. faiss is run with its default, which uses BLAS for 334 queries and more
at this width, and by BLAS in the best of three block sizes. OpenBLAS is told in all processes what this CPU can do: the
one in faiss's wheel and the one in NumPy's both take CPUs newer than themselves for older ones, if not the same.
Writes benchmarks/results/search.json and search.md.
Knows nothing of how a library is driven: that is measure/search_worker.py.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from measure import search_worker
from measure.environments import RUNTIME, python_of
from measure.process import Process
from measure.report import machine, machine_line, with_spread
from measure.rounds import REST
from measure.search_worker import SEED, vectors
from measure.suite import CACHE, exit_code, quiet, save, say
from measure.table import markdown

SCRIPT = Path(search_worker.__file__)
FULL = {"queries": 100, "corpus": 100_000, "dim": 384, "top_k": 10}
QUICK = {"queries": 20, "corpus": 5000, "dim": 64, "top_k": 5}
ROUNDS = 25
LIMIT, OURS, BEST = "the matrix product alone", "airvec, semantic_search", "faiss, IndexFlatIP by BLAS"


@dataclass(frozen=True)
class Way:
    """A row of the table: what searches what, with those of the worker's `ways` that turns out the fastest."""

    label: str
    kind: str
    environment: str
    ways: Sequence[str]


@dataclass
class Found:
    """What was measured of a way: the worker's way, whether all results are right, MB of the first search, seconds."""

    way: str
    right: bool | None
    peak_mb: float | None
    seconds: list[float] = field(default_factory=list[float])


WAYS = (
    Way(LIMIT, "float32, dot", "airvec", ["sgemm"]),
    Way(OURS, "float32, dot", "airvec", ["airvec dot"]),
    Way("airvec, DenseIndex", "float32, dot", "airvec", ["airvec index"]),
    Way("faiss, IndexFlatIP", "float32, dot", "faiss", ["faiss flat"]),
    Way(BEST, "float32, dot", "faiss", ["faiss blas 1024", "faiss blas 16384", "faiss blas 65536"]),
    Way("usearch, exact", "float32, dot", "usearch", ["usearch ip"]),
    Way(OURS, "float32, cosine", "airvec", ["airvec cosine"]),
    Way("usearch, exact", "float32, cosine", "usearch", ["usearch cosine"]),
    Way(OURS, "int8, dot", "airvec", ["airvec dot"]),
    Way("usearch, exact", "int8, dot", "usearch", ["usearch ip"]),
    Way(OURS, "binary, Hamming", "airvec", ["airvec hamming"]),
    Way("usearch, exact", "binary, Hamming", "usearch", ["usearch hamming"]),
    Way("faiss, IndexBinaryFlat", "binary, Hamming", "faiss", ["faiss binary"]),
)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, default=CACHE / "environments", help="folder of environments")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of each (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="few vectors and rounds; saves nothing")
    parser.add_argument("--no-progress", action="store_true", help="do not say what is being done")
    return parser.parse_args()


def table_of_scores(kind: str, sizes: Mapping[str, int]) -> np.ndarray:
    """Every query's score with every vector, higher is better, (queries, corpus)."""
    name = kind.partition(",")[0]
    queries = vectors(sizes["queries"], sizes["dim"], name, SEED)
    corpus = vectors(sizes["corpus"], sizes["dim"], name, SEED + 1)
    if name == "binary":
        queries, corpus = (np.unpackbits(codes, axis=1) * np.float32(2) - 1 for codes in (queries, corpus))
    return queries.astype(np.float32) @ corpus.astype(np.float32).T


def is_right(rows: Sequence[Sequence[int]], scores: np.ndarray, top_k: int) -> bool:
    """Whether these rows have the highest scores; which of equally good ones is left open."""
    best = -np.sort(-np.partition(scores, -top_k, axis=1)[:, -top_k:], axis=1)
    found = np.asarray(rows)
    if found.shape != best.shape or any(len(set(row)) < top_k for row in found.tolist()):
        return False
    return bool(np.allclose(np.take_along_axis(scores, found, axis=1), best, rtol=0, atol=2e-6 * np.abs(best).max()))


def core_type(instructions: Sequence[str]) -> dict[str, str]:
    """What tells an OpenBLAS that does not know this CPU what it can do."""
    names = {"avx512f": "SkylakeX", "avx2": "Haswell"}
    return next(({"OPENBLAS_CORETYPE": name} for flag, name in names.items() if flag in instructions), {})


def opened(way: Way, sizes: Mapping[str, int], environments: Path, variables: Mapping[str, str]) -> list[Process]:
    """A process for each of the ways that a row is the best of, ready to search."""
    processes = []
    path = str(RUNTIME) if way.environment == "airvec" else ""
    for name in way.ways:
        python = python_of(way.environment, environments)
        process = Process(python, path, way.label, SCRIPT, variables)
        process.ask("load", {"way": name, "kind": way.kind.partition(",")[0], **sizes})
        processes.append(process)
    return processes


def measure(options: argparse.Namespace, sizes: Mapping[str, int], variables: Mapping[str, str]) -> list[Found]:
    """All ways in turns, once each has shown what it finds and each row has its fastest."""
    tick = quiet if options.no_progress else say
    rounds = 2 if options.quick else options.rounds
    scores = {kind: table_of_scores(kind, sizes) for kind in dict.fromkeys(way.kind for way in WAYS)}
    found: list[Found] = []
    with ExitStack() as stack:
        running: list[Process] = []
        for way in WAYS:
            tick(f"load {way.label}, {way.kind}")
            processes = [stack.enter_context(one) for one in opened(way, sizes, options.environments, variables)]
            firsts = [process.ask("first") for process in processes]
            times = [min(timed(process) for _ in range(3 if len(processes) > 1 else 0) or [0]) for process in processes]
            best = int(np.argmin(times))
            rows, peak = firsts[best]["rows"], firsts[best]["peak_mb"]
            right = None if rows is None else is_right(rows, scores[way.kind], sizes["top_k"])
            running.append(processes[best])
            found.append(Found(way.ways[best], right, peak))
        for number in range(rounds):
            tick(f"round {number + 1}")
            for process, one in zip(running, found, strict=True):
                one.seconds.append(timed(process))
    return found


def timed(process: Process) -> float:
    """Seconds of a search, after a moment in which idle threads stop spinning."""
    time.sleep(REST)
    return process.ask("timed")["seconds"]


def report(found: Sequence[Found]) -> str:
    """The table, and how ours compare with the best of the others, round by round."""
    limit = found[0].seconds
    rows = [
        {
            "search": way.label,
            "vectors": way.kind,
            "ms": with_spread([1000 * value for value in one.seconds], 1),
            "× the product": ratio(one.seconds, limit),
            "peak MB": None if one.peak_mb is None else f"{one.peak_mb:,.0f}",
            "results": {True: "right", False: "wrong", None: None}[one.right],
            "by": one.way,
        }
        for way, one in zip(WAYS, found, strict=True)
    ]
    return f"{markdown(rows)}\n\n{comparisons(found)}"


def comparisons(found: Sequence[Found]) -> str:
    """A line for each kind: the time of airvec in times of the fastest of the others with right results."""
    lines = []
    for kind in dict.fromkeys(way.kind for way in WAYS):
        pairs = [(way, one) for way, one in zip(WAYS, found, strict=True) if way.kind == kind and one.right]
        ours = next((one for way, one in pairs if way.label == OURS), None)
        others = [pair for pair in pairs if pair[0].environment != "airvec"]
        if ours is not None and others:
            way, best = min(others, key=lambda pair: statistics.median(pair[1].seconds))
            lines.append(f"- {kind}: airvec takes {ratio(ours.seconds, best.seconds):.2f} × the time of {way.label}")
    return "\n".join(lines)


def ratio(times: Sequence[float], others: Sequence[float]) -> float:
    """The median of the ratios within each round.

    >>> ratio([2.0, 3.0, 8.0], [1.0, 2.0, 2.0])
    2.0
    """
    return statistics.median(one / other for one, other in zip(times, others, strict=True))


def run(options: argparse.Namespace) -> None:
    """Measure, print, and save a full run."""
    here, sizes = machine(), QUICK if options.quick else FULL
    variables = core_type(here["instructions"])
    found = measure(options, sizes, variables)
    words = (
        f"{sizes['queries']} queries, {sizes['corpus']:,} vectors of {sizes['dim']} dimensions, the {sizes['top_k']} "
        f"best. Medians (quartiles) of {len(found[0].seconds)} rounds in which all take turns; ratios are those within "
        "a round. Peak: what the first search takes beside vectors and index, in MB of 10^6 bytes. OpenBLAS was told "
        f"in all processes: {variables or 'nothing'}."
    )
    text = f"{report(found)}\n\n{words}\n\n{machine_line(here)}"
    print(f"\n{text}")
    if not options.quick:
        rows: list[dict[str, Any]] = [
            {"label": way.label, "kind": way.kind, **vars(one)} for way, one in zip(WAYS, found, strict=True)
        ]
        save("search", text, {"machine": here, "size": sizes, "rows": rows})


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    options = arguments()
    return exit_code(lambda: run(options))


if __name__ == "__main__":
    sys.exit(main())
