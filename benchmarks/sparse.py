"""SparseEncoder against sentence-transformers on torch: documents a second, memory, and the largest difference.

    python benchmarks/sparse.py             # 5 minutes once the environments are there
    python benchmarks/sparse.py --quick     # to see that it works; its numbers mean nothing

The model is SPLADE-shaped and of real size: all-MiniLM-L6-v2's body, its own word embeddings as language-model head
(measure/splade.py). Documents: debian_long.txt. Besides the two ways of `SparseEncoder` there is a plain one on the
same graph, as most programs are written: all logits of a batch, then SPLADE's formula on the whole array. The limit
takes a turn in every round: NumPy's products at the model's own shapes, its head's too (measure/limit.py).
Writes benchmarks/results/sparse.json, sparse.md and docs/sparse.png. Ends with code 1 where a vector of airvec's is off
by more than 1e-4 × max(1, the reference's largest weight).
Knows nothing of which words a trained model would find.
"""

import argparse
import sys

from measure.datasets import LONG, read_texts
from measure.limit import Shape, token_counts
from measure.peers import SPARSE
from measure.rounds import BOUND, Row, Suite, Work
from measure.shares import LimitTurns
from measure.suite import Setup, arguments, exit_code, run

from airvec.batching import TOKEN_BUDGET

SUITE = Suite(SPARSE, (Work("documents", LONG, 100),), rounds=5, singles=0, starts=1, unit="documents/s")
TITLE = "SPLADE, six layers of 384 and 30,522 words"
OUR_BOUND = 1e-4
TOKENS = 256  # the model's own limit


def limit(suite: Suite, options: argparse.Namespace) -> Setup:
    """The limit's turns."""

    def lengths(work: Work) -> list[int]:
        return token_counts(options.checkpoint, read_texts(work.file)[: work.count], TOKENS)

    shape = Shape.of(options.checkpoint, head=True)
    turns = LimitTurns(suite, options.environments, shape, lengths, TOKEN_BUDGET)
    return Setup(turns.turn, turns.after, turns.saved)


def are_off(rows: dict[str, Row]) -> list[str]:
    """The rows of airvec whose vectors are off by more than our own bound."""
    ours = [row for row in rows.values() if row["label"].startswith("airvec") and "absent" not in row]
    return [row["label"] for row in ours if row["documents"]["relative"] > OUR_BOUND]


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    options, off = arguments(__doc__, SUITE), list[str]()
    code = exit_code(
        lambda: off.extend(are_off(run("sparse", TITLE, SUITE, options, lambda suite: limit(suite, options))))
    )
    for label in off:
        print(f"{label}: vectors are off by more than {OUR_BOUND} of the largest weight ({BOUND} is struck out).")
    return code or int(bool(off))


if __name__ == "__main__":
    sys.exit(main())
