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
import statistics
import sys
from typing import Any

from measure.datasets import read_texts
from measure.limit import Shape, limit_lines, token_counts
from measure.peers import OURS, PEERS
from measure.report import against
from measure.rounds import DENSE_WORKS, Row, Suite, Work
from measure.shares import LimitTurns
from measure.suite import Setup, arguments, exit_code, run
from measure.table import markdown

from airvec.batching import TOKEN_BUDGET

SUITE = Suite(PEERS, DENSE_WORKS)
TITLE = "all-MiniLM-L6-v2"
TOKENS = 256  # the model's own limit
INT8 = "airvec-int8"
# Rows of airvec and others that are worth a line of their own.
PAIRS = ((OURS, "ctranslate2"), (INT8, "ctranslate2-int8"), (INT8, "onnx-int8"), (INT8, "openvino-int8"))


class DenseLimit(LimitTurns):
    """Besides the shares: each product by itself, and what one text takes at least."""

    def __init__(self, suite: Suite, options: argparse.Namespace) -> None:
        def lengths(work: Work) -> list[int]:
            return token_counts(options.checkpoint, read_texts(work.file)[: work.count], TOKENS)

        super().__init__(suite, options.environments, Shape.of(options.checkpoint), lengths, TOKEN_BUDGET)
        self.shapes: list[dict[str, object]] = []

    def after(self, rows: dict[str, Row]) -> str:
        """Add the shares to the rows, and say what the limit is."""
        self.add_shares(rows)
        means = {work.name: statistics.mean(self.lengths(work)) for work in self.works}
        batches = {kind: (round(TOKEN_BUDGET / tokens), round(tokens)) for kind, tokens in means.items()}
        self.shapes = self.limits.shapes(batches)
        tokens = round(means[self.works[0].name])
        one = (
            f"One text of {tokens} tokens reads {self.limits.weights() / 1e6:.0f} MB of weights for few products: "
            f"NumPy takes {self.limits.one_text(tokens):.2f} ms for these products alone."
        )
        self.limits.stop()
        pairs = [against(rows, list(means), ours, other) for ours, other in PAIRS if {ours, other} <= rows.keys()]
        pairs = [line for line in pairs if line]
        shapes = f"GFLOP/s of each product by itself:\n\n{markdown(self.shapes)}"
        return "\n\n".join(part for part in ("\n".join(pairs), limit_lines(self.limits), shapes, one) if part)

    def saved(self) -> dict[str, Any]:
        """For the JSON file."""
        return super().saved() | {"limit_shapes": self.shapes}


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    options = arguments(__doc__, SUITE)

    def setup(suite: Suite) -> Setup:
        turns = DenseLimit(suite, options)
        return Setup(turns.turn, turns.after, turns.saved)

    return exit_code(lambda: run("speed", TITLE, SUITE, options, setup))


if __name__ == "__main__":
    sys.exit(main())
