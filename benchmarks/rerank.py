"""Reranking: one query and 100 documents, by airvec's CrossEncoder and by others.

    python benchmarks/rerank.py             # 4 minutes once the environments are there
    python benchmarks/rerank.py --quick     # to see that it works; its numbers mean nothing

The model is all-MiniLM-L6-v2's body with a head of random weights (measure/reranker.py): its cost is a real one's.
Documents: the first 100 of debian_long.txt. Scores are logits, compared with sentence-transformers on torch.
Writes benchmarks/results/rerank.json, rerank.md and docs/rerank.png.
Knows nothing of how a library is driven: that is measure/.
"""

import sys

from measure.datasets import LONG
from measure.peers import RERANKERS
from measure.rounds import Suite, Work
from measure.suite import arguments, exit_code, run

SUITE = Suite(RERANKERS, (Work("pairs", LONG, 100),), rounds=9, singles=5, starts=0, unit="pairs/s")
TITLE = "One query and 100 documents of 83 tokens, six layers of 384"


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    options = arguments(__doc__, SUITE)
    return exit_code(lambda: run("rerank", TITLE, SUITE, options))


if __name__ == "__main__":
    sys.exit(main())
