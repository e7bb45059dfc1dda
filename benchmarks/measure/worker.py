"""One library in a process of its own: reads requests as JSON lines on stdin, answers each with a JSON line.

Started by path inside a peer's environment, so it needs the standard library and that peer, nothing of this project.
A request is {"do": NAME, ...} with the arguments of the function NAME below; the answer is what the function gives,
or {"error": TEXT}. What a library prints goes to stderr. A library is FILE.NAME, such as dense.airvec: NAME in the
dictionary LIBRARIES of libraries/FILE.py, which is read when it is loaded, and not imported, so that no file there can
stand before what a library imports.
Knows nothing of peers' names, rounds and tables.
"""

import itertools
import json
import os
import runpy
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

Encode = Callable[[list[str], int | None], Any]
Open = Callable[[str | None, dict[str, Any]], Encode]


def find_library(name: str) -> Open:
    """What opens a model in the library FILE.NAME."""
    file, _, name = name.partition(".")
    return runpy.run_path(str(Path(__file__).parent / "libraries" / f"{file}.py"))["LIBRARIES"][name]


class Worker:
    """The requests that a process answers."""

    def __init__(self, find: Callable[[str], Open]) -> None:
        self.find = find
        self.encode_texts: Encode | None = None

    def load(self, library: str, model: str | None, settings: dict[str, Any]) -> dict[str, Any]:
        """Open the model."""
        self.encode_texts = self.find(library)(model, settings)
        return {}

    def encode(self, file: str, first: int, batch_size: int | None, save: str | None = None) -> dict[str, Any]:
        """Embed the first lines of a file at once: seconds by clock and of CPU; vectors into the .npy file `save`."""
        texts = read_lines(file, 0, first)
        start, start_cpu = time.perf_counter(), time.process_time()
        vectors = self.encode_texts(texts, batch_size)
        seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        if save is not None:
            import numpy as np

            vectors = vectors.to_dense() if hasattr(vectors, "to_dense") else vectors  # sparse ones, ours and torch's
            np.save(save, np.asarray(vectors, np.float32).reshape(len(texts), -1))
        return {"seconds": seconds, "cpu_seconds": cpu, "texts": len(texts)}

    def single(self, file: str, skip: int, first: int) -> dict[str, Any]:
        """Embed lines of a file one call each: seconds of every call."""
        seconds = []
        for text in read_lines(file, skip, first):
            start = time.perf_counter()
            self.encode_texts([text], None)
            seconds.append(time.perf_counter() - start)
        return {"seconds": seconds}

    def installed(self, packages: list[str]) -> dict[str, Any]:
        """What pip has written for these packages, in MB of 10^6 bytes, and those that are of another version."""
        from importlib.metadata import PackageNotFoundError, distribution

        total, wrong = 0, []
        for pinned in packages:
            name, _, version = pinned.partition("==")
            try:
                found = distribution(name)
            except PackageNotFoundError:
                wrong.append(f"{pinned}: not installed")
                continue
            if found.version.partition("+")[0] != version:
                wrong.append(f"{pinned}: {found.version}")
            files = [file.locate() for file in found.files or []]
            total += sum(os.path.getsize(file) for file in files if os.path.isfile(file))  # noqa: PTH113, PTH202
        return {"mb": total / 1e6, "wrong": wrong}

    def make(self, recipe: str, source: str, out: str, **settings: Any) -> dict[str, Any]:
        """Write a model in this library's own way: a function of libraries/making.py."""
        runpy.run_path(str(Path(__file__).parent / "libraries" / "making.py"))["RECIPES"][recipe](
            source, out, **settings
        )
        return {}

    def memory(self) -> dict[str, Any]:
        """The most memory that this process has held, in MB of 10^6 bytes."""
        return {"peak_mb": peak_bytes() / 1e6}


def read_lines(file: str, skip: int, first: int) -> list[str]:
    """`first` lines of a file after `skip` others, without line ends."""
    with open(file, encoding="utf-8") as lines:  # noqa: PTH123 - pathlib would cost start-up time that is measured
        return [line.rstrip("\n") for line in itertools.islice(lines, skip, skip + first)]


def peak_bytes() -> int:
    """Linux's VmHWM: getrusage would give a child what its parent held when it started it."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - as above
            found = next(line for line in status if line.startswith("VmHWM:"))
        return int(found.split()[1]) * 1024
    except (OSError, StopIteration):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def serve(requests: Iterable[str], answers: TextIO, find: Callable[[str], Open]) -> None:
    """Answer one line with one line until there are no more."""
    worker = Worker(find)
    for line in requests:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:  # noqa: BLE001 - whatever a library raises is the answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def main() -> None:
    """Serve stdin and stdout; file descriptor 1 becomes stderr for everyone else, C++ included."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers, find_library)


if __name__ == "__main__":
    main()
