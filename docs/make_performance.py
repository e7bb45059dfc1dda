"""Writes docs/performance.md from the results of the benchmarks: `python docs/make_performance.py`.

`make bench` ends with it, and a test fails while the page is older than its parts. The sections of `KEPT` are no result
of `make bench`: they are kept as the page has them. A section whose benchmark has not been run is left out.
Knows nothing of what the numbers mean.
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parent
PAGE = DOCS / "performance.md"
RESULTS = DOCS.parent / "benchmarks" / "results"
KEPT = ("What bounds the speed", "Memory")
HEAD = """# Performance

Tables and figures are what `make bench` wrote; `python docs/make_performance.py` puts them together, so change the
benchmarks, not this page (the sections on bounds and on memory aside).

```console
$ make bench                        # all, half an hour and more on a machine with nothing else to do
$ make bench BENCH_ARGS=--quick     # to see that it works; its numbers mean nothing
```

How it is measured: every library has an environment of its own with pinned packages
([benchmarks/environments](../benchmarks/environments)), loads the same model once, and is run with the fastest of a
few batch sizes. Then all take turns, round after round, so that a busy moment of the machine meets all of them; the
tables have medians and quartiles. Vectors are compared with sentence-transformers on torch, over all texts that are
timed, and the speed of wrong ones is struck out. Short texts have 12 tokens, long ones 83.
"""


@dataclass(frozen=True)
class Part:
    """A section: what results/NAME.md says, below these words, with docs/NAME.png; `script` made it."""

    title: str
    name: str
    words: str

    def text(self) -> str:
        """The section as Markdown; "" where there are no results."""
        file = RESULTS / f"{self.name}.md"
        if not file.exists():
            return ""
        figure = f"![{self.title}]({self.name}.png)\n\n" if (DOCS / f"{self.name}.png").exists() else ""
        found = file.read_text(encoding="utf-8").strip()
        words = textwrap.fill(self.words, 118, break_long_words=False, break_on_hyphens=False)
        return f"## {self.title}\n\n{words}\n\n{figure}{found}\n"


PARTS = (
    Part(
        "Embeddings", "speed",
        "all-MiniLM-L6-v2, whole calls of `encode` and its like: tokenising, batches, the graph, pooling "
        "([benchmarks/speed.py](../benchmarks/speed.py)). What bounds them is what the machine's matrix products can "
        "do, so these are measured in the same run.",
    ),
    Part("What bounds the speed", "", ""),
    Part(
        "Operators", "operators",
        "ONNX Runtime's own profile of the graphs that `airvec export` makes, one batch on one thread "
        "([benchmarks/operators.py](../benchmarks/operators.py), which `make bench` does not run).",
    ),
    Part(
        "Reranking", "rerank",
        "One query and 100 documents ([benchmarks/rerank.py](../benchmarks/rerank.py)); scores are logits. The model "
        "is all-MiniLM-L6-v2's body with a head of random weights: no order to speak of, the cost of a real one.",
    ),
    Part(
        "Sparse embeddings", "sparse",
        "A SPLADE-shaped model: all-MiniLM-L6-v2's body, its word embeddings as head "
        "([benchmarks/sparse.py](../benchmarks/sparse.py)).",
    ),
    Part(
        "Static models", "static",
        "A table and a mean ([benchmarks/static.py](../benchmarks/static.py)).",
    ),
    Part(
        "Search", "search",
        "Exact search over vectors in memory ([benchmarks/search.py](../benchmarks/search.py)).",
    ),
    Part("Memory", "", ""),
    Part(
        "Peak memory", "peak_memory",
        "20,000 texts in the order that is worst for memory that is kept, beside others "
        "([benchmarks/peak_memory.py](../benchmarks/peak_memory.py), which `make bench` does not run).",
    ),
    Part(
        "How the cost grows", "growth",
        "With the number of texts, their length, threads and layers ([benchmarks/growth.py](../benchmarks/growth.py)). "
        "The exponent is the slope on logarithmic axes: 1 is proportional. Of a text's length the products grow in "
        "proportion and attention with the square; few texts cost what a call costs.",
    ),
    Part(
        "What the planner's pieces bring", "ablation",
        "One piece at a time is taken out ([benchmarks/ablation.py](../benchmarks/ablation.py)); what each pass over a "
        "graph brings is in [benchmarks/results/passes.md](../benchmarks/results/passes.md), each variant of a graph "
        "in [benchmarks/results/variants.md](../benchmarks/results/variants.md), what a batch costs besides its tokens "
        "in [benchmarks/results/batches.md](../benchmarks/results/batches.md), and the start of a process in "
        "[benchmarks/results/start.md](../benchmarks/results/start.md).",
    ),
)  # fmt: skip


def page(before: str) -> str:
    """The whole page as Markdown; `before` is the page as it is, of which `KEPT` is kept."""
    texts = (kept(before, part.title) if part.title in KEPT else part.text() for part in PARTS)
    return "\n".join([HEAD, *(text for text in texts if text)])


def kept(before: str, title: str) -> str:
    r"""A section of a page, its title included; "" if there is none.

    >>> kept("# A\n\n## B\n\nx\n\n## C\n", "B")
    '## B\n\nx\n'
    """
    found = re.search(rf"^## {title}\n.*?(?=^## |\Z)", before, re.MULTILINE | re.DOTALL)
    return f"{found.group().strip()}\n" if found else ""


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""), encoding="utf-8")
