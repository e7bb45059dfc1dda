"""Memory of one process over 10,000 calls of `encode`, each one text of 1 to 256 tokens.

    python benchmarks/memory.py FOLDER                  # minutes; writes results/memory.json and docs/memory.png
    python benchmarks/memory.py FOLDER --calls 2000     # prints only

The first tenth of the calls fills ONNX Runtime's and malloc's own stores; growth is counted from there.
Knows nothing of other libraries: that is speed.py.
"""

import argparse
import json
import random
import sys
from pathlib import Path
from typing import Any

from measure.environments import ROOT
from measure.report import machine

from airvec import SentenceTransformer

RESULTS = ROOT / "benchmarks" / "results" / "memory.json"
FIGURE = ROOT / "docs" / "memory.png"
CALLS = 10_000
STATUS = Path("/proc/self/status")
WORDS = ("parcel", "river", "of", "the", "seventeen", "antidisestablishmentarianism", "Zürich", "42", "!", "x")


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="all-MiniLM-L6-v2, exported")
    parser.add_argument("--calls", type=int, default=CALLS, help=f"saves nothing if it is not {CALLS}")
    return parser.parse_args()


def measure(folder: Path, calls: int) -> list[float]:
    """Resident memory in MB (10^6 bytes) after each call."""
    model, rng = SentenceTransformer(folder), random.Random(7)
    seen: list[float] = []
    for _ in range(calls):
        model.encode(" ".join(rng.choices(WORDS, k=rng.randint(1, 256))))
        seen.append(resident_mb())
    return seen


def resident_mb() -> float:
    """What this process holds in memory now."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def summary(seen: list[float]) -> dict[str, Any]:
    """First, last and peak, MB; growth in bytes a call after the first tenth of the calls, by least squares."""
    rest = seen[len(seen) // 10 :]
    middle = (len(rest) - 1) / 2
    spread = sum((place - middle) ** 2 for place in range(len(rest)))
    slope = sum((place - middle) * value for place, value in enumerate(rest)) / spread
    numbers = {"first_mb": seen[0], "warm_mb": rest[0], "last_mb": seen[-1], "peak_mb": max(seen)}
    return {"calls": len(seen), **{name: round(value, 2) for name, value in numbers.items()}} | {
        "bytes_a_call": round(slope * 1e6, 1)
    }


def draw(seen: list[float], title: str, file: Path) -> None:
    """Memory after each call, from zero."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panel = plt.subplots(figsize=(9, 3.2), layout="constrained")
    panel.plot(range(1, len(seen) + 1), seen, color="#1668b8", linewidth=1.2)
    panel.set(ylim=(0, max(seen) * 1.25), xlim=(0, len(seen)), xlabel="calls of encode", ylabel="resident memory, MB")
    panel.set_title(title, fontsize=10, loc="left")
    panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=100)
    plt.close(figure)


def main() -> int:
    """Measure and print; save a full run."""
    options = arguments()
    seen = measure(options.folder, options.calls)
    found = summary(seen)
    print(json.dumps(found))
    if options.calls == CALLS:
        saved = {"machine": machine(), **found, "mb_every_100_calls": [round(value, 2) for value in seen[::100]]}
        RESULTS.write_text(json.dumps(saved) + "\n", encoding="utf-8")
        draw(seen, "all-MiniLM-L6-v2: one process, one text of 1 to 256 tokens a call", FIGURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
