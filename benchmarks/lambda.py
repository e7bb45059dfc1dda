"""Cold starts and latency of packaged layers on Lambda's shares of a CPU, run by AWS's own runtime client.

    python benchmarks/lambda.py FOLDER --system ROOT    # minutes; needs root; writes results/lambda.md
    python benchmarks/lambda.py FOLDER --quick          # to see that it works; prints only

FOLDER: all-MiniLM-L6-v2, exported with fp32 and int8. ROOT: a Linux with nothing but Python, such as
`debootstrap --variant=minbase --include=python3.13 trixie ROOT` makes; default: this machine's own, whose packages
`-S` hides. Each function is alone in a mount namespace: its layer at /opt, everything read-only but /tmp, no /sys; and
in cgroups: so much memory, and so much CPU by quota in a period of 20 ms.
A start is from the process's start until it asks for its first event. All take turns, start by start; each start then
answers its part of the requests, one after the other. With an empty page cache: so many starts again, the kernel's
caches dropped before each.
Not modelled: on-demand functions get more CPU than their share while they start, for 10 s at most (the rows of 1 CPU
are nearer to that); unpacking and mounting the code; the network.
Knows nothing of what is in a layer: that is measure/layers.py.
"""

import argparse
import signal
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from measure.datasets import LONG, SHORT, MissingDataError, read_texts
from measure.environments import ROOT
from measure.function import Function, MissingPythonError, Place, fetch_client, find_python, function
from measure.layers import Contender, compiled, contenders
from measure.report import machine, machine_line
from measure.runtime_api import FunctionEndedError, Told
from measure.sandbox import SandboxError, limits, room
from measure.sandbox import check as check_sandbox
from measure.table import markdown

RESULTS = ROOT / "benchmarks" / "results"
SHARES = ((0.29, 512), (0.58, 1024), (1.0, 1769))
LAMBDA_USER = 993  # not root; on this machine's own system the interpreter may lie where only root may read
CACHES = Path("/proc/sys/vm/drop_caches")
Times = dict[str, list[float]]


class WrongAnswerError(RuntimeError):
    """A function answered something else than vectors."""


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="all-MiniLM-L6-v2, exported with fp32 and int8")
    parser.add_argument("--system", type=Path, default=Path("/"), help="root of a Linux with a bare Python")
    parser.add_argument("--python", default="3.13", help="its version")
    parser.add_argument("--fastembed", type=Path, help="its model's folder, such as speed.py makes: one row more")
    parser.add_argument("--starts", type=int, default=7)
    parser.add_argument("--requests", type=int, default=210, help="of each kind, over all starts")
    parser.add_argument("--empty-cache", type=int, default=3, help="starts with an empty page cache")
    parser.add_argument("--quick", action="store_true", help="few of each; saves nothing")
    options = parser.parse_args()
    if options.quick:
        options.starts, options.requests, options.empty_cache = 2, 10, 1
    return options


def events() -> dict[str, dict[str, list[str]]]:
    """The two kinds of requests."""
    return {"one": {"texts": [read_texts(SHORT)[0]]}, "eight": {"texts": read_texts(LONG)[:8]}}


def check(told: Told, contender: Contender, texts: int) -> None:
    """An answer is vectors, as many as texts.

    Raises:
        WrongAnswerError: it is something else.
    """
    try:
        shape = [len(vector) for vector in contender.vectors(told.json())]
    except (KeyError, TypeError, ValueError):
        shape = None
    if shape != [contender.dim] * (texts if contender.dim else 0):
        raise WrongAnswerError(
            f"{contender.label}: {told.kind} {told.body[:300]!r}, expected {texts} vectors of {contender.dim} values."
        )


def start_once(contender: Contender, place: Place, memory_mb: int, requests: int, found: Times) -> None:
    """One start and its part of the requests; every time goes into `found`, seconds."""
    given = events()
    with function(place, memory_mb=memory_mb, handler=contender.handler) as running:
        found["init"].append(running.ready())
        found["init cpu"].append(running.cpu_s())
        told = running.invoke(given["one"])
        check(told, contender, 1)
        found["first"].append(told.at - running.started)
        for name, event in given.items():
            found[name] += _answers(running, contender, event, requests)
        found["peak_mb"].append(running.peak_mb())


def _answers(running: Function, contender: Contender, event: dict[str, list[str]], requests: int) -> list[float]:
    if requests:
        check(running.invoke(event), contender, len(event["texts"]))  # the first of its kind is not counted
    return [running.invoke(event).seconds for _ in range(requests)]


def measure(rows: Sequence[tuple[Contender, Place]], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every contender at every share, in turns."""
    found: dict[tuple[str, float], Times] = defaultdict(lambda: defaultdict(list))
    for cpus, memory_mb in SHARES:
        for number in range(options.starts + options.empty_cache):
            empty = number >= options.starts
            requests = 0 if empty else -(-options.requests // options.starts)
            for contender, place in rows if number % 2 else rows[::-1]:
                times: Times = defaultdict(list)
                if empty:
                    drop_caches()
                with limits(cpus, memory_mb) as words:
                    start_once(contender, place.inside(words), memory_mb, requests, times)
                for name, values in times.items():
                    found[contender.label, cpus]["empty " * empty + name] += values
            print(f"{cpus} CPU: start {number + 1} of {options.starts + options.empty_cache}", file=sys.stderr)
    order = [(contender.label, cpus, memory_mb) for cpus, memory_mb in SHARES for contender, _ in rows]
    return [
        {"function": label, "cpus": cpus, "memory_mb": memory_mb, **found[label, cpus]}
        for label, cpus, memory_mb in order
    ]


def drop_caches() -> None:
    """Empty the page cache of the machine."""
    subprocess.run(["sync"], check=True)
    CACHES.write_text("3\n", encoding="ascii")


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Medians, with the lowest and highest of the starts."""
    return markdown([_line(row) for row in rows])


def _line(row: dict[str, Any]) -> dict[str, object]:
    return {
        "function": row["function"],
        "CPU": row["cpus"],
        "memory, MB": row["memory_mb"],
        "init, s": _spread(row["init"]),
        "its CPU time, s": _spread(row["init cpu"]),
        "first answer, s": _spread(row["first"]),
        "… page cache empty, s": _spread(row.get("empty first", [])),
        "one short text p50, ms": _percentile(row["one"], 50),
        "p99, ms": _percentile(row["one"], 99),
        "8 long texts p50, ms": _percentile(row["eight"], 50),
        "their p99, ms": _percentile(row["eight"], 99),
        "peak resident MB": f"{max(row['peak_mb']):.0f}",
    }


def _spread(seconds: Sequence[float]) -> str:
    if not seconds:
        return "–"
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f})"


def _percentile(seconds: Sequence[float], part: int) -> str:
    """The smallest time that `part` % of the requests do not exceed."""
    return f"{sorted(seconds)[-(-len(seconds) * part // 100) - 1] * 1000:.1f}"


def run(options: argparse.Namespace) -> None:
    """Make the layers, measure, print, and save a full run."""
    check_sandbox()
    ours = find_python(options.python)
    bare = options.system != Path("/")
    python = f"/usr/bin/python{options.python}" if bare else ours
    hide = () if bare else ("-S", "-s")
    here = machine()
    with tempfile.TemporaryDirectory(prefix="airvec-lambda-") as scratch, ExitStack() as stack:
        out = Path(scratch)
        client = fetch_client(out / "client", options.python)
        rows: list[tuple[Contender, Place]] = []
        for contender in contenders(options.folder, out / "layers", options.python, options.fastembed):
            for folder in (client, contender.task, contender.layer):
                compiled(folder, ours)
            folders = (options.system, contender.layer, contender.task, client)
            before = stack.enter_context(room(*folders, user=LAMBDA_USER if bare else 0))
            place = Place(python, "/opt", "/var/task", "/var/runtime", options.python, options=hide, before=before)
            rows.append((contender, place))
        found = measure(rows, options)
    text = f"{table(found)}\n\n{about(options, bare)} {machine_line(here)}\n"
    print(text)
    if not options.quick:
        (RESULTS / "lambda.md").write_text(text, encoding="utf-8")


def about(options: argparse.Namespace, bare: bool) -> str:
    """What the table is of."""
    return (
        f"Medians of {options.starts} starts (lowest–highest; page cache empty: {options.empty_cache}) and of "
        f"{options.requests} requests one after another, in {'a bare Linux' if bare else 'this system'}, read-only, "
        "/sys hidden. Requests are timed on the Runtime API's side. Not modelled: the CPU that on-demand functions get "
        "while they start, beyond their share."
    )


def end(number: int, _: object) -> None:
    """End as Ctrl-C does, so that cgroups and processes are cleared away."""
    sys.exit(128 + number)


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    signal.signal(signal.SIGTERM, end)
    try:
        run(arguments())
    except (MissingDataError, MissingPythonError, SandboxError, FunctionEndedError, WrongAnswerError) as error:
        print(error, file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(map(str, error.cmd))[:300]}: ended with code {error.returncode}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
