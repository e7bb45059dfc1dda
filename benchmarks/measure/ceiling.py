"""One process of ceilings.py: opens a model, encodes, prints its peak memory in MB (10^6 bytes).

    python benchmarks/measure/ceiling.py FOLDER VARIANT THREADS WORK

FOLDER "" = the static model inside airvec. WORK: one text, 2,000 short, 500 long, or 10,000 short by `encode_stream`.
Knows nothing of memory limits, and imports nothing but airvec, whose memory it is.
"""

import random
import sys
from collections.abc import Callable
from pathlib import Path

from airvec import SentenceTransformer

STATUS = Path("/proc/self/status")
BENCH = Path(__file__).resolve().parents[3] / "shared" / "bench"
WORDS = ("parcel", "river", "of", "the", "seventeen", "antidisestablishmentarianism", "Zürich", "42", "!", "x")
WORKS = ("one", "short", "long", "stream")


def texts(kind: str, count: int) -> list[str]:
    """So many texts: those of the benchmarks where they lie beside the checkout, else made of words."""
    file = BENCH / f"debian_{kind}.txt"
    if file.is_file():
        lines = file.read_text(encoding="utf-8").splitlines()
        return [lines[number % len(lines)] for number in range(count)]
    rng, (least, most) = random.Random(7), {"short": (4, 12), "long": (40, 80)}[kind]
    return [" ".join(rng.choices(WORDS, k=rng.randint(least, most))) for _ in range(count)]


def peak_mb() -> float:
    """The most that this process has held in memory, files that are mapped included."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def main(folder: str, variant: str, threads: str, work: str) -> None:
    """Do the work and print."""
    model = SentenceTransformer(folder or None, variant=variant, threads=int(threads))
    model.encode("one text")
    works: dict[str, Callable[[], object]] = {
        "one": lambda: None,
        "short": lambda: model.encode(texts("short", 2000)),
        "long": lambda: model.encode(texts("long", 500)),
        "stream": lambda: sum(len(rows) for rows in model.encode_stream(iter(texts("short", 10_000)))),
    }
    works[work]()
    print(f"{peak_mb():.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
