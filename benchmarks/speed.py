"""Speed, start-up time, memory and installed size of airvec and of other libraries, in one run; and the limit.

    python benchmarks/speed.py             # all, 15 minutes once the environments are there
    python benchmarks/speed.py --quick     # to see that it works; its numbers mean nothing

Every library has an environment of its own with pinned packages (environments/*.txt), made on the first run. All run
the same model with their best batch size; all take turns, and so does the limit: NumPy's products at the model's own
shapes (measure/limit.py). Speeds of wrong vectors do not count.
Writes benchmarks/results/speed.json, speed.md and docs/speed.png. The machine should have nothing else to do.
Knows nothing of how a library is driven: that is measure/.
"""

import argparse
import sys
from typing import Any

from measure.datasets import read_texts
from measure.environments import python_of
from measure.limit import BUDGET, Limits, Shape, best, limit_lines, share, token_counts
from measure.peers import OURS, PEERS
from measure.report import against, machine
from measure.rounds import DENSE_WORKS, Row, Suite
from measure.suite import Setup, arguments, exit_code, run

SUITE = Suite(PEERS, DENSE_WORKS)
TITLE = "all-MiniLM-L6-v2"
TOKENS = 256  # the model's own limit
INT8 = "airvec-int8"
# Rows of airvec and others that are worth a line of their own.
PAIRS = ((OURS, "ctranslate2"), (INT8, "ctranslate2-int8"), (INT8, "onnx-int8"), (INT8, "openvino-int8"))


class LimitTurns:
    """The limit's turn in every round, and afterwards each row's share of it."""

    def __init__(self, suite: Suite, options: argparse.Namespace) -> None:
        self.suite, self.checkpoint = suite, options.checkpoint
        python = python_of("airvec", options.environments)
        self.limits = Limits(python, Shape.of(self.checkpoint), machine()["cpus"])
        self.shapes: list[dict[str, object]] = []

    def flops(self, kind: str) -> tuple[float, float]:
        """FLOPs of a text and its tokens, both means of the texts that are timed."""
        work = next(work for work in self.suite.works if work.name == kind)
        lengths = token_counts(self.checkpoint, read_texts(work.file)[: work.count], TOKENS)
        return self.limits.shape.flops(lengths) / len(lengths), sum(lengths) / len(lengths)

    def after(self, rows: dict[str, Row]) -> str:
        """Add the shares to the rows, and say what the limit is."""
        rounds, means = self.limits.rounds, dict[str, float]()
        for work in self.suite.works:
            flops, means[work.name] = self.flops(work.name)
            for row in rows.values():
                if "absent" not in row and not row["other_model"] and not row["int8"]:
                    row[work.name]["share"] = share(row[work.name]["texts_per_second"], flops, rounds[best(rounds)])
        batches = {kind: (round(BUDGET / tokens), round(tokens)) for kind, tokens in means.items()}
        self.shapes = self.limits.shapes(batches)
        tokens = round(means[self.suite.works[0].name])
        one = (
            f"One text of {tokens} tokens reads {self.limits.weights() / 1e6:.0f} MB of weights for few products: "
            f"NumPy takes {self.limits.one_text(tokens):.2f} ms for these products alone."
        )
        self.limits.stop()
        pairs = [against(rows, list(means), ours, other) for ours, other in PAIRS if {ours, other} <= rows.keys()]
        return "\n".join(line for line in pairs if line) + "\n\n" + limit_lines(rounds, self.shapes) + "\n\n" + one

    def saved(self) -> dict[str, Any]:
        """For the JSON file."""
        return {"limit_flops": self.limits.rounds, "limit_shapes": self.shapes}


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    options = arguments(__doc__, SUITE)

    def setup(suite: Suite) -> Setup:
        turns = LimitTurns(suite, options)
        return Setup(turns.limits.turn, turns.after, turns.saved)

    return exit_code(lambda: run("speed", TITLE, SUITE, options, setup))


if __name__ == "__main__":
    sys.exit(main())
