"""Peak memory over 20,000 texts of 1 to 512 tokens, airvec's and others'.

    python benchmarks/peak_memory.py FOLDER             # an hour; writes results/peak_memory.md
    python benchmarks/peak_memory.py FOLDER --texts 2000 --only fp32 int8     # prints only

FOLDER: all-MiniLM-L6-v2, exported with fp32 and int8. Texts are runs of tokens of the Debian descriptions; as many of 1
to 2 tokens as of 2 to 4, 4 to 8 … 256 to 512. The order is the worst for memory that is kept: in each thousand the
shortest come first, so that each batch needs more than all before it, twenty times over. Peers get a thousand texts a
call, as airvec's `encode_stream` does; "in one call" holds all texts besides, and without `out=` all results. A row is
a process of its own.
Knows nothing of what a process does: that is measure/peak.py.
"""

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measure.environments import ROOT, python_of
from measure.peak import MARKS, PART
from measure.report import machine, machine_line
from measure.table import markdown

CACHE = ROOT / ".cache" / "benchmarks"
RESULTS = ROOT / "benchmarks" / "results" / "peak_memory.md"
WORKER = ROOT / "benchmarks" / "measure" / "peak.py"
BENCH = ROOT.parent / "shared" / "bench"
LIMIT, SPECIAL = 512, 2
FASTEMBED = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True)
class Case:
    """A row: what a process is started with; `model` "" = the static one inside airvec."""

    key: str
    label: str
    library: str
    model: str
    settings: dict[str, Any] = field(default_factory=dict)
    how: str = "parts"


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="all-MiniLM-L6-v2, exported with fp32 and int8")
    parser.add_argument("--checkpoint", type=Path, default=ROOT / ".cache" / "checkpoints" / "all-MiniLM-L6-v2")
    parser.add_argument("--fastembed", type=Path, default=CACHE / "models" / "fastembed-256", help="made by speed.py")
    parser.add_argument("--environments", type=Path, default=CACHE / "environments", help="folder of environments")
    parser.add_argument("--texts", type=int, default=MARKS[-1], help=f"saves nothing if they are not {MARKS[-1]}")
    parser.add_argument("--peer-texts", type=int, help="texts for the others, which take longer; None = as many")
    parser.add_argument("--only", nargs="+", help="some rows, by key; saves nothing")
    return parser.parse_args()


def cases(options: argparse.Namespace) -> list[Case]:
    """All rows."""
    folder, long = str(options.folder), {"max_seq_length": LIMIT}
    fp32, int8 = long | {"variant": "fp32"}, long | {"variant": "int8"}
    return [
        Case("fp32", "airvec, fp32", "airvec", folder, fp32),
        Case("fp32-out", "airvec, fp32, in one call with out=", "airvec", folder, fp32, "file"),
        Case("int8", "airvec, int8", "airvec", folder, int8),
        Case("int8-out", "airvec, int8, in one call with out=", "airvec", folder, int8, "file"),
        Case("int8-whole", "airvec, int8, in one call", "airvec", folder, int8, "whole"),
        Case("static", "airvec, static default", "airvec", ""),
        Case(
            "torch", "sentence-transformers 6.2, torch", "sentence_transformers", str(options.checkpoint), dict(long)
        ),
        Case(
            "fastembed", "fastembed 0.9.1, cut at 256 tokens, batches of 16", "fastembed", str(options.fastembed),
            {"model_name": FASTEMBED, "batch_size": 16},
        ),
    ]  # fmt: skip


def mixed_texts(lines: Sequence[str], count: int, tokenizer: Any) -> list[str]:
    """Texts of 1 to 512 tokens, special ones included, in the order that the module's docstring says."""
    text = " ".join(lines)
    ends = [end for encoding in [tokenizer.encode(text, add_special_tokens=False)] for _, end in encoding.offsets]
    rng, first, made = random.Random(7), 0, list[tuple[int, str]]()
    for _ in range(count):
        size = round(math.exp(rng.uniform(0, math.log(LIMIT - SPECIAL))))
        if first + size >= len(ends):
            first = rng.randrange(LIMIT)
        start = ends[first - 1] if first else 0
        made.append((size, text[start : ends[first + size - 1]].strip()))
        first += size
    parts = (made[start : start + PART] for start in range(0, count, PART))
    return [piece for part in parts for _, piece in sorted(part, key=lambda pair: pair[0])]


def measured(case: Case, python: Path, texts: Path) -> dict[str, float]:
    """What a process of a case says.

    Raises:
        CalledProcessError: it failed; its own message is on stderr.
    """
    path = {"PYTHONPATH": str(ROOT / "runtime")} if case.library == "airvec" else {}
    done = subprocess.run(
        [str(python), "-P", str(WORKER), case.library, case.model, json.dumps(case.settings), str(texts), case.how],
        stdout=subprocess.PIPE, text=True, check=True, env={"HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin"} | path,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def row(case: Case, found: dict[str, float]) -> dict[str, object]:
    """A line of the table; – where a process has not come so far, or says nothing on the way."""
    after = {f"after {mark:,}": found.get(str(mark)) for mark in MARKS}
    shown = {title: value and round(value) for title, value in after.items()}
    return {"MB in memory": case.label, **shown, "peak": round(found["peak"])}


def write(texts: Sequence[str], file: Path) -> Path:
    """The texts as JSON, a line each."""
    file.write_text("".join(f"{json.dumps(text)}\n" for text in texts), encoding="utf-8")
    return file


def main() -> int:
    """Measure and print; save a full run."""
    options, here, rows = arguments(), machine(), list[dict[str, object]]()
    from airvec import SentenceTransformer

    lines = [line for kind in ("short", "long") for line in (BENCH / f"debian_{kind}.txt").read_text().splitlines()]
    texts = mixed_texts(lines, options.texts, SentenceTransformer(options.folder).tokenizer)
    with tempfile.TemporaryDirectory() as scratch:
        whole = write(texts, Path(scratch) / "texts")
        part = write(texts[: options.peer_texts], Path(scratch) / "part")
        for case in cases(options):
            if options.only and case.key not in options.only:
                continue
            python = python_of(case.library.replace("_", "-"), options.environments)
            rows.append(row(case, measured(case, python, whole if case.library == "airvec" else part)))
            print(rows[-1], file=sys.stderr, flush=True)
    fewer = f", the others {options.peer_texts:,}" if options.peer_texts else ""
    found = f"{markdown(rows)}\n\n{options.texts:,} texts of 1 to {LIMIT} tokens{fewer}. {machine_line(here)}\n"
    print(found)
    if options.texts == MARKS[-1] and not options.only:
        RESULTS.write_text(found, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
