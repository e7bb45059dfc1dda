"""Static models, a table and a mean: airvec's default model by airvec, model2vec, WordLlama and sentence-transformers.

    python benchmarks/static.py             # 3 minutes once the environments are there
    python benchmarks/static.py --quick     # to see that it works; its numbers mean nothing

All read the same folder, but for WordLlama's own model, which lies in its wheel.
Writes benchmarks/results/static.json, static.md and docs/static.png.
Knows nothing of how a library is driven: that is measure/.
"""

import sys

from measure.datasets import LONG, SHORT
from measure.peers import STATIC
from measure.rounds import Suite, Work
from measure.suite import arguments, exit_code, run

SUITE = Suite(STATIC, (Work("short", SHORT, 4000), Work("long", LONG, 4000)), rounds=15, singles=50)
TITLE = "The static model inside airvec"


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    options = arguments(__doc__, SUITE)
    return exit_code(lambda: run("static", TITLE, SUITE, options))


if __name__ == "__main__":
    sys.exit(main())
