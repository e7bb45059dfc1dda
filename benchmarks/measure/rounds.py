"""Measures all libraries in turns: A B C, C B A, …, so that a busy moment of the machine meets all of them.

All stay loaded; one computes at a time. A library that cannot be loaded is left out, and its row says why.
Knows nothing of tables and figures.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from measure.datasets import LONG, SHORT
from measure.environments import RUNTIME, installed_mb, python_of
from measure.peers import OURS, REFERENCE, Peer
from measure.process import Process, WorkerError

WHOLE_FILE = 4000
FIRST_SINGLE = 2000  # the single texts are others than those encoded together
REST = 0.1  # seconds between two libraries' turns, in which idle threads stop spinning
BOUND = 1e-3  # of the largest |difference|, relative to the reference's largest value or 1: beyond it vectors are wrong

Row = dict[str, Any]
Tick = Callable[[str], None]


@dataclass(frozen=True)
class Work:
    """A kind of texts: the first `count` lines of a file, in one call."""

    name: str
    file: Path
    count: int


@dataclass(frozen=True)
class Suite:
    """What is measured of whom: calls with these texts, `singles` calls with one text, `starts` fresh processes.

    Single texts are lines of the first of the works' files. `unit`: what a second's worth is counted in. `reference`:
    the key of the library whose vectors are right.
    """

    peers: Sequence[Peer]
    works: Sequence[Work]
    rounds: int = 7
    singles: int = 15
    starts: int = 5
    unit: str = "texts/s"
    reference: str = REFERENCE

    def only(self, keys: Iterable[str]) -> "Suite":
        """With some libraries; ours and the reference stay."""
        kept = {OURS, self.reference, *keys}
        return replace(self, peers=tuple(peer for peer in self.peers if peer.key in kept))

    def quick(self) -> "Suite":
        """A few texts and rounds, to see that it works."""
        works = tuple(replace(work, count=max(20, work.count // 5)) for work in self.works)
        starts = min(self.starts, 1)
        return replace(self, works=works, rounds=2, singles=min(self.singles, 3), starts=starts)


DENSE_WORKS = (Work("short", SHORT, 1200), Work("long", LONG, 160))


@dataclass(frozen=True)
class Bench:
    """What all measurements need: the suite, where models and environments are, and what else takes a turn a round."""

    suite: Suite
    models: dict[str, Path]
    environments: Path
    tick: Tick
    turn: Callable[[], None] | None = None

    def process(self, peer: Peer) -> Process:
        """A fresh process with the library's model opened.

        Raises:
            WorkerError: there is no such model, or the library cannot open it.
        """
        if peer.model is not None and peer.model not in self.models:
            raise WorkerError(f"{peer.label}: its model {peer.model!r} could not be made; see above.")
        model = None if peer.model is None else str(self.models[peer.model].resolve())
        path = str(RUNTIME) if peer.environment == "airvec" else ""
        process = Process(python_of(peer.environment, self.environments), path, peer.label)
        try:
            process.ask("load", {"library": peer.library, "model": model, "settings": peer.settings})
        except WorkerError:
            process.stop()
            raise
        return process

    def encode(
        self, process: Process, peer: Peer, work: Work, batch_size: int | None, save: str | None = None
    ) -> float:
        """Texts a second of one call."""
        count = WHOLE_FILE if peer.whole else work.count // peer.part
        request = {"file": str(work.file), "first": count, "batch_size": batch_size, "save": save}
        answer = process.ask("encode", request)
        time.sleep(REST)
        return answer["texts"] / answer["seconds"]


def measure(bench: Bench) -> dict[str, Row]:
    """Everything of every library, by its key; a row with "absent" says why there is nothing else in it."""
    rows: dict[str, Row] = {peer.key: _empty(peer) for peer in bench.suite.peers}
    processes: dict[str, Process] = {}
    try:
        for peer in bench.suite.peers:
            bench.tick(f"load {peer.key}")
            _load(bench, peer, processes, rows[peer.key])
        loaded = replace(
            bench, suite=replace(bench.suite, peers=[peer for peer in bench.suite.peers if peer.key in processes])
        )
        _compare(loaded, processes, rows)
        _tune(loaded, processes, rows)
        _speed(loaded, processes, rows)
    finally:
        for process in processes.values():
            process.stop()
    _start(loaded, rows)
    return rows


def _empty(peer: Peer) -> Row:
    kept = ("label", "int8", "driven", "other_model", "note")
    facts = {name: getattr(peer, name) for name in kept} | {"ours": peer.environment == "airvec"}
    return facts | {"start_s": [], "single_ms": []}


def _load(bench: Bench, peer: Peer, processes: dict[str, Process], row: Row) -> None:
    """Open a library's model; that ours or the reference cannot be opened is an error."""
    try:
        row["installed_mb"] = installed_mb(peer.environment, bench.environments)
        processes[peer.key] = bench.process(peer)
    except WorkerError as error:
        if peer.key in (OURS, bench.suite.reference):
            raise
        row["absent"] = str(error).splitlines()[0]


def _compare(bench: Bench, processes: dict[str, Process], rows: dict[str, Row]) -> None:
    """Distance from the reference's vectors, on all texts that are timed; also the warm-up."""
    suite = bench.suite
    with tempfile.TemporaryDirectory() as scratch:
        for work in suite.works:
            for peer in suite.peers:
                bench.tick(f"compare {work.name} {peer.key}")
                save = None if peer.other_model else f"{scratch}/{peer.key}-{work.name}.npy"
                bench.encode(processes[peer.key], peer, work, peer.batch_sizes[0], save)
            expected = np.load(f"{scratch}/{suite.reference}-{work.name}.npy")
            for peer in suite.peers:
                found = None if peer.other_model else np.load(f"{scratch}/{peer.key}-{work.name}.npy")
                rows[peer.key][work.name] = distance(found, expected)


def distance(found: Any, expected: Any) -> Row:
    """Largest |difference| of the first rows, whether that is right, and the rows' cosines: mean and least."""
    if found is None:
        return {"delta": None, "right": False}
    expected = expected[: len(found)]
    delta = float(np.abs(found - expected).max())
    relative = delta / max(1.0, float(np.abs(expected).max()))
    row: Row = {"delta": delta, "relative": relative, "right": relative <= BOUND}
    if expected.shape[1] > 1:
        norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
        cosines = (found * expected).sum(axis=1) / np.maximum(norms, 1e-12)
        row |= {"cosine_mean": float(cosines.mean()), "cosine_min": float(cosines.min())}
    return row


def _tune(bench: Bench, processes: dict[str, Process], rows: dict[str, Row]) -> None:
    """Each library's fastest batch size."""
    for work in bench.suite.works:
        for peer in bench.suite.peers:
            bench.tick(f"tune {work.name} {peer.key}")
            sizes = peer.batch_sizes
            speeds = [bench.encode(processes[peer.key], peer, work, size) if len(sizes) > 1 else 0 for size in sizes]
            rows[peer.key][work.name] |= {"batch_size": sizes[int(np.argmax(speeds))], "texts_per_second": []}


def _speed(bench: Bench, processes: dict[str, Process], rows: dict[str, Row]) -> None:
    suite = bench.suite
    for number in range(suite.rounds):
        order = list(suite.peers) if number % 2 == 0 else list(suite.peers)[::-1]
        for work in suite.works:
            for peer in order:
                bench.tick(f"round {number + 1} {work.name} {peer.key}")
                found = rows[peer.key][work.name]
                speed = bench.encode(processes[peer.key], peer, work, found["batch_size"])
                found["texts_per_second"].append(speed)
        for peer in order if suite.singles else []:
            skip = FIRST_SINGLE + number * suite.singles
            request = {"file": str(suite.works[0].file), "skip": skip, "first": suite.singles}
            seconds = processes[peer.key].ask("single", request)["seconds"]
            rows[peer.key]["single_ms"].append(statistics.median(seconds) * 1000)
            time.sleep(REST)
        if bench.turn:
            bench.tick(f"round {number + 1} limit")
            bench.turn()


def _start(bench: Bench, rows: dict[str, Row]) -> None:
    """Process start to first vector; the last process of each library goes on, and its memory is read."""
    suite = bench.suite
    for number in range(suite.starts):
        for peer in (peer for peer in suite.peers if peer.start):
            bench.tick(f"start {number + 1} {peer.key}")
            begin = time.perf_counter()
            with bench.process(peer) as process:
                process.ask("encode", {"file": str(suite.works[0].file), "first": 1, "batch_size": None})
                rows[peer.key]["start_s"].append(time.perf_counter() - begin)
                if number == suite.starts - 1:
                    work = suite.works[-1]
                    bench.encode(process, peer, work, rows[peer.key][work.name]["batch_size"])
                    rows[peer.key]["peak_mb"] = process.ask("memory")["peak_mb"]
