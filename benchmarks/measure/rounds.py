"""Measures all libraries in turns: A B C, A B C, …, so that a busy moment of the machine meets all of them.

All stay loaded; one computes at a time. Knows nothing of tables and figures.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measure.datasets import LONG, SHORT
from measure.environments import RUNTIME, installed_mb, python_of
from measure.peers import REFERENCE, Peer
from measure.process import Process

FILES = {"short": SHORT, "long": LONG}
WHOLE_FILE = 4000
FIRST_SINGLE = 2000  # the single texts are others than those encoded together
REST = 0.1  # seconds between two libraries' turns, in which idle threads stop spinning

Row = dict[str, Any]
Tick = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How much is measured: texts a round, rounds, single texts a round, fresh processes."""

    short: int = 1200
    long: int = 160
    rounds: int = 7
    singles: int = 15
    starts: int = 5

    def texts(self, kind: str, peer: Peer) -> int:
        """Texts of "short" or "long" that a library encodes in one call."""
        return WHOLE_FILE if peer.whole else {"short": self.short, "long": self.long}[kind]


@dataclass(frozen=True)
class Bench:
    """What all measurements need: the libraries, how much, where models and environments are."""

    peers: Sequence[Peer]
    size: Size
    models: dict[str, Path]
    environments: Path
    tick: Tick

    def process(self, peer: Peer) -> Process:
        """A fresh process with the library's model opened."""
        path = str(RUNTIME) if peer.library == "airvec" else ""
        process = Process(python_of(peer.environment, self.environments), path, peer.label)
        model = None if peer.model is None else str(self.models[peer.model].resolve())
        process.ask("load", {"library": peer.library, "model": model, "settings": peer.settings})
        return process

    def encode(self, process: Process, peer: Peer, kind: str, batch_size: int | None, save: str | None = None) -> float:
        """Texts a second of one call."""
        count = self.size.texts(kind, peer)
        request = {"file": str(FILES[kind]), "first": count, "batch_size": batch_size, "save": save}
        answer = process.ask("encode", request)
        time.sleep(REST)
        return answer["texts"] / answer["seconds"]


def measure(bench: Bench) -> dict[str, Row]:
    """Everything of every library, by its key."""
    rows: dict[str, Row] = {peer.key: {"label": peer.label, "start_s": [], "single_ms": []} for peer in bench.peers}
    for peer in bench.peers:
        rows[peer.key]["installed_mb"] = installed_mb(peer.environment, bench.environments)
    processes: dict[str, Process] = {}
    try:
        for peer in bench.peers:
            bench.tick(f"load {peer.key}")
            processes[peer.key] = bench.process(peer)
        _compare(bench, processes, rows)
        _tune(bench, processes, rows)
        _speed(bench, processes, rows)
    finally:
        for process in processes.values():
            process.stop()
    _start(bench, rows)
    return rows


def _compare(bench: Bench, processes: dict[str, Process], rows: dict[str, Row]) -> None:
    """Largest difference to the reference's vectors, on all texts that are timed; also the warm-up."""
    with tempfile.TemporaryDirectory() as scratch:
        for kind in FILES:
            for peer in bench.peers:
                bench.tick(f"compare {kind} {peer.key}")
                save = None if peer.other_model else f"{scratch}/{peer.key}-{kind}.npy"
                bench.encode(processes[peer.key], peer, kind, peer.batch_sizes[0], save)
            expected = np.load(f"{scratch}/{REFERENCE}-{kind}.npy")
            for peer in bench.peers:
                found = None if peer.other_model else np.load(f"{scratch}/{peer.key}-{kind}.npy")
                rows[peer.key][kind] = {"delta": None if found is None else float(np.abs(found - expected).max())}


def _tune(bench: Bench, processes: dict[str, Process], rows: dict[str, Row]) -> None:
    """Each library's fastest batch size."""
    for kind in FILES:
        for peer in bench.peers:
            bench.tick(f"tune {kind} {peer.key}")
            sizes = peer.batch_sizes
            speeds = [bench.encode(processes[peer.key], peer, kind, size) if len(sizes) > 1 else 0 for size in sizes]
            rows[peer.key][kind] |= {"batch_size": sizes[int(np.argmax(speeds))], "texts_per_second": []}


def _speed(bench: Bench, processes: dict[str, Process], rows: dict[str, Row]) -> None:
    for number in range(bench.size.rounds):
        for kind in FILES:
            for peer in bench.peers:
                bench.tick(f"round {number + 1} {kind} {peer.key}")
                found = rows[peer.key][kind]
                speed = bench.encode(processes[peer.key], peer, kind, found["batch_size"])
                found["texts_per_second"].append(speed)
        for peer in bench.peers:
            skip = FIRST_SINGLE + number * bench.size.singles
            request = {"file": str(SHORT), "skip": skip, "first": bench.size.singles}
            seconds = processes[peer.key].ask("single", request)["seconds"]
            rows[peer.key]["single_ms"].append(statistics.median(seconds) * 1000)
            time.sleep(REST)


def _start(bench: Bench, rows: dict[str, Row]) -> None:
    """Process start to first vector; the last process of each library goes on, and its memory is read."""
    for number in range(bench.size.starts):
        for peer in (peer for peer in bench.peers if peer.start):
            bench.tick(f"start {number + 1} {peer.key}")
            begin = time.perf_counter()
            with bench.process(peer) as process:
                process.ask("encode", {"file": str(SHORT), "first": 1, "batch_size": None})
                rows[peer.key]["start_s"].append(time.perf_counter() - begin)
                if number == bench.size.starts - 1:
                    bench.encode(process, peer, "long", rows[peer.key]["long"]["batch_size"])
                    rows[peer.key]["peak_mb"] = process.ask("memory")["peak_mb"]
