"""Reranking: one query and 100 documents, by airvec's CrossEncoder and by others.

    python benchmarks/rerank.py             # 4 minutes once the environments are there
    python benchmarks/rerank.py --quick     # to see that it works; its numbers mean nothing

The model is all-MiniLM-L6-v2's body with a head of random weights (measure/reranker.py): its cost is a real one's.
Documents: the first 100 of debian_long.txt. Scores are logits, compared with sentence-transformers on torch. The limit
takes a turn in every round: NumPy's products at the model's own shapes (measure/limit.py).
Writes benchmarks/results/rerank.json, rerank.md and docs/rerank.png.
Knows nothing of how a library is driven: that is measure/.
"""

import argparse
import sys

from measure.datasets import LONG, read_texts
from measure.limit import Shape, token_counts
from measure.peers import QUERY, RERANKERS
from measure.rounds import Row, Suite, Work
from measure.shares import LimitTurns
from measure.suite import Setup, arguments, exit_code, run

from airvec.batching import TOKEN_BUDGET

SUITE = Suite(RERANKERS, (Work("pairs", LONG, 100),), rounds=9, singles=5, starts=0, unit="pairs/s")
TITLE = "One query and 100 documents of 83 tokens, six layers of 384"
TOKENS = 512  # the model's own limit


def limit(suite: Suite, options: argparse.Namespace) -> Setup:
    """The limit's turns, and what they count."""

    def lengths(work: Work) -> list[int]:
        return token_counts(options.checkpoint, read_texts(work.file)[: work.count], TOKENS, QUERY)

    shape = Shape.of(options.checkpoint)
    turns = LimitTurns(suite, options.environments, shape, lengths, TOKEN_BUDGET)

    def after(rows: dict[str, Row]) -> str:
        pairs = lengths(suite.works[0])
        least = 1 - shape.skipped(pairs) / shape.flops(pairs)
        return (
            f"{turns.after(rows)} All of a pair's tokens count in every layer. airvec's graph computes "
            f"{100 * least:.0f} % of that: a head reads the first token alone, so the last layer needs no more of the "
            "others than their keys and values."
        )

    return Setup(turns.turn, after, turns.saved)


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    options = arguments(__doc__, SUITE)
    return exit_code(lambda: run("rerank", TITLE, SUITE, options, lambda suite: limit(suite, options)))


if __name__ == "__main__":
    sys.exit(main())
