"""One way to search in a process of its own: reads requests as JSON lines on stdin, answers each with a JSON line.

Started by path inside a peer's environment, so it needs NumPy and that peer, nothing of this project but airvec.
Knows nothing of rounds and tables.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Search = Callable[[Any, Any, int], Callable[[], Any]]  # queries, corpus, top_k -> a search that gives rows (n, k)
SEED = 0
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def vectors(count: int, dim: int, kind: str, seed: int) -> np.ndarray:
    """Unit vectors (count, dim) of random directions, float32; for kind "int8" their codes, for "binary" their bits."""
    found = np.random.default_rng(seed).standard_normal((count, dim), np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    if kind == "int8":
        return np.clip(np.rint(found * (127 * dim**0.5 / 4)), -127, 127).astype(np.int8)
    return np.packbits(found > 0, axis=1) if kind == "binary" else found


def sgemm(queries: Any, corpus: Any, _: int) -> Callable[[], Any]:
    """No search: the matrix product alone, into memory that is there."""
    out = np.empty((len(queries), len(corpus)), np.float32)

    def run() -> None:
        np.matmul(queries, corpus.T, out=out)

    return run


def airvec(function: str) -> Search:
    """semantic_search with a score function."""

    def prepare(queries: Any, corpus: Any, top_k: int) -> Callable[[], Any]:
        from airvec.search import hamming_sim, semantic_search
        from airvec.similarity import cos_sim, dot_score

        score = {"cosine": cos_sim, "dot": dot_score, "hamming": hamming_sim}[function]
        return lambda: [
            [hit["corpus_id"] for hit in hits]
            for hits in semantic_search(queries, corpus, top_k=top_k, score_function=score)
        ]

    return prepare


def airvec_index(queries: Any, corpus: Any, top_k: int) -> Callable[[], Any]:
    """A DenseIndex of float32, which keeps the vectors."""
    from airvec.search import DenseIndex

    index = DenseIndex.build(corpus)
    return lambda: index.search(queries, top_k).rows


def faiss_flat(rows: int | None) -> Search:
    """IndexFlatIP; with `rows`, by BLAS in blocks of so many rows whatever the number of queries."""

    def prepare(queries: Any, corpus: Any, top_k: int) -> Callable[[], Any]:
        import faiss

        if rows is not None:
            faiss.cvar.distance_compute_blas_threshold = 1
            faiss.cvar.distance_compute_blas_database_bs = rows
        index = faiss.IndexFlatIP(corpus.shape[1])
        index.add(corpus)
        return lambda: index.search(queries, top_k)[1]

    return prepare


def faiss_binary(queries: Any, corpus: Any, top_k: int) -> Callable[[], Any]:
    """IndexBinaryFlat."""
    import faiss

    index = faiss.IndexBinaryFlat(8 * corpus.shape[1])
    index.add(corpus)
    return lambda: index.search(queries, top_k)[1]


def usearch(metric: str) -> Search:
    """Exact search in arrays."""

    def prepare(queries: Any, corpus: Any, top_k: int) -> Callable[[], Any]:
        from usearch.index import MetricKind, search

        kind = getattr(MetricKind, metric)
        return lambda: search(corpus, queries, top_k, kind, exact=True).keys

    return prepare


WAYS: dict[str, Search] = {
    "sgemm": sgemm,
    "airvec dot": airvec("dot"),
    "airvec cosine": airvec("cosine"),
    "airvec hamming": airvec("hamming"),
    "airvec index": airvec_index,
    "faiss flat": faiss_flat(None),
    **{f"faiss blas {rows}": faiss_flat(rows) for rows in (1024, 16384, 65536)},
    "faiss binary": faiss_binary,
    "usearch ip": usearch("IP"),
    "usearch cosine": usearch("Cos"),
    "usearch hamming": usearch("Hamming"),
}


class Worker:
    """The requests that a process answers."""

    def __init__(self) -> None:
        self.search: Callable[[], Any] = lambda: None

    def load(self, way: str, kind: str, queries: int, corpus: int, dim: int, top_k: int) -> dict[str, Any]:
        """Make the vectors, and what the way makes of them before it can search."""
        found = vectors(queries, dim, kind, SEED), vectors(corpus, dim, kind, SEED + 1)
        self.search = WAYS[way](*found, top_k)
        return {}

    def first(self) -> dict[str, Any]:
        """The first search: rows (n, k), and the MB (10^6 bytes) that it took; None where Linux does not say."""
        before = held("VmRSS") if forget_peak() else None
        rows = self.search()
        taken = None if before is None else (held("VmHWM") - before) / 1e6
        return {"rows": None if rows is None else np.asarray(rows).astype(int).tolist(), "peak_mb": taken}

    def timed(self) -> dict[str, float]:
        """Seconds of one search."""
        start = time.perf_counter()
        self.search()
        return {"seconds": time.perf_counter() - start}


def held(name: str) -> int:
    """Bytes of this process that Linux counts under a name."""
    line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def forget_peak() -> bool:
    """Let Linux count the peak from here; whether it does."""
    try:
        CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def main() -> None:
    """Serve stdin and stdout; file descriptor 1 becomes stderr for everyone else."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:  # noqa: BLE001 - whatever a library raises is the answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
