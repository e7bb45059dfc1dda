"""Search in an inverted index of a million synthetic sparse vectors: time and memory to build it, and time a query.

    python benchmarks/sparse_search.py                      # minutes, 4 GB; writes results/sparse_search.md
    python benchmarks/sparse_search.py --documents 20000    # prints only

Term ids are drawn with frequencies 1 / (rank + 10) among 30,522, documents and queries alike: no query is made of rare
terms only, as real ones often are. Results are compared with sums over all documents before any time is printed.
Knows nothing of texts and models.
"""

import argparse
import time
import tracemalloc
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
from measure.environments import ROOT
from measure.report import machine, machine_line
from measure.table import markdown

from airvec import SparseVectors
from airvec.search import InvertedIndex

RESULTS = ROOT / "benchmarks" / "results" / "sparse_search.md"
DOCUMENTS, DIM, TERMS, QUERY_TERMS = 1_000_000, 30_522, 150, 30
QUERIES, CHECKED, TOP_K = 300, 3, 10
BLOCK = 20_000  # documents that are drawn at once

T = TypeVar("T")


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help=f"saves nothing if it is not {DOCUMENTS}")
    return parser.parse_args()


def frequencies() -> np.ndarray:
    """The share of each term among all draws, (DIM,)."""
    weights = 1 / (np.arange(DIM) + 10.0)
    return weights / weights.sum()


def draws_for(terms: int) -> int:
    """How often to draw for so many different terms, on average."""
    absent = np.log1p(-frequencies())
    return next(draws for draws in range(terms, 100 * terms) if (1 - np.exp(draws * absent)).sum() >= terms)


def draw(count: int, terms: int, rng: np.random.Generator) -> SparseVectors:
    """Rows with about so many terms each, and weights from 0.01 to 3."""
    shares, draws, parts = np.cumsum(frequencies()), draws_for(terms), []
    for first in range(0, count, BLOCK):
        rows = min(BLOCK, count - first)
        ids = np.minimum(np.searchsorted(shares, rng.random((rows, draws), np.float32)), DIM - 1)
        places = np.unique(ids + np.arange(rows)[:, None] * DIM)  # each term once a row
        starts = np.searchsorted(places, np.arange(rows + 1) * DIM)
        weights = rng.uniform(0.01, 3, len(places)).astype(np.float32)
        parts.append(SparseVectors((places % DIM).astype(np.int32), weights, starts, DIM))
    return SparseVectors.concatenate(parts)


def built(vectors: SparseVectors) -> tuple[InvertedIndex, float, float]:
    """The index, the seconds that it took, and the most MB (10^6 bytes) that it took beside the vectors."""
    start = time.perf_counter()
    InvertedIndex.build(vectors)
    seconds = time.perf_counter() - start
    tracemalloc.start()
    index = InvertedIndex.build(vectors)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return index, seconds, peak / 1e6


def query_times(index: InvertedIndex, queries: SparseVectors) -> list[float]:
    """Milliseconds of each query by itself, in the second round over all."""
    index.search(queries, TOP_K)
    return [timed(lambda row=row: index.search(queries[row], TOP_K))[1] * 1e3 for row in range(len(queries))]


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What it gives, and its seconds."""
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def check(index: InvertedIndex, vectors: SparseVectors, queries: SparseVectors) -> None:
    """Compare results with the sums over all documents.

    Raises:
        SystemExit: they differ.
    """
    found = index.search(queries, TOP_K)
    for place, query in enumerate(queries):
        weights = query.to_dense().astype(np.float64)
        parts = [vectors[first : first + BLOCK] for first in range(0, len(vectors), BLOCK)]
        sums = [
            np.bincount(np.repeat(np.arange(len(part)), part.counts), part.values * weights[part.indices], len(part))
            for part in parts
        ]
        expected = np.sort(np.concatenate(sums))[::-1][:TOP_K]
        if not np.allclose(found.scores[place], expected, rtol=1e-5):
            raise SystemExit(f"query {place}: found {found.scores[place]}, expected {expected}")


def measured(documents: int) -> str:
    """The table of one run."""
    rng = np.random.default_rng(7)
    vectors, queries = draw(documents, TERMS, rng), draw(QUERIES, QUERY_TERMS, rng)
    index, seconds, peak = built(vectors)
    check(index, vectors, queries[:CHECKED])
    shape = {"documents": f"{documents:,}", "terms a document": len(vectors.indices) / documents}
    cost = {"build, s": seconds, "peak beside the input, MB": peak, "index, MB": index.nbytes / 1e6}
    rows = [{"index": "in memory", **shape, **cost, **quantiles(query_times(index, queries))}]
    with TemporaryDirectory() as folder:
        index.save(folder)
        del index, vectors
        mapped, opened = timed(lambda: InvertedIndex.load(folder))
        times = quantiles(query_times(mapped, queries))
        rows.append(
            {"index": f"memory-mapped, opened in {opened * 1e3:.0f} ms", **shape, **dict.fromkeys(cost), **times}
        )
        del mapped
    return markdown(rows)


def quantiles(times: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {"query median, ms": float(np.median(times)), "query p95, ms": float(np.quantile(times, 0.95))}


def main() -> None:
    """Measure and print; keep the table of a whole run."""
    documents = arguments().documents
    about = machine()
    text = f"{measured(documents)}\n\n{QUERIES} queries of {QUERY_TERMS} terms, one at a time. {machine_line(about)}\n"
    print(text)
    if documents == DOCUMENTS:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
