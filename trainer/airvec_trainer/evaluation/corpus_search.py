"""The best documents of a corpus for each query, while the corpus comes chunk by chunk.

Memory holds the queries, one chunk, the scores of some queries with it, and what is best so far. Sparse embeddings stay
sparse.
Knows nothing of models, texts and metrics.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from airvec import similarity
from airvec.arrays import Floats, Integers
from airvec.errors import ArgumentError
from airvec.search.exact import nearest_rows, prepared, top_k_rows
from airvec_trainer.evaluation.embedding import Embeddings

__all__ = ["Best", "Score", "as_float32", "best_rows", "numpy_scores"]

Score: TypeAlias = Callable[[Any, Any], Any]

SCORES_AT_ONCE = 2**24  # 64 MiB of float32; choosing the best of them takes about five times that
TORCH_TWINS = "airvec_trainer.similarity"  # the same four for tensors, which would make sparse rows dense


@dataclass(frozen=True)
class Best:
    """The best rows of a corpus for n queries, best first; among equal scores the lower row comes first.

    Attributes:
        scores: float32 (n, k).
        rows: int64 (n, k).
    """

    scores: Floats
    rows: Integers


def best_rows(
    queries: Embeddings, chunks: Iterable[Embeddings], functions: Mapping[str, Score], top_k: int
) -> dict[str, Best]:
    """The `top_k` best rows of all chunks by each score function; all rows where there are fewer.

    Args:
        queries: (n, dim).
        chunks: (m, dim) each, in the order of the corpus; each is taken once, and none is kept.
        functions: by name: (a, dim), (b, dim) -> (a, b), larger is better.
        top_k: rows a query.

    Raises:
        ArgumentError: a function gives another shape, or a score that is nan, which has no place in an order.
    """
    nothing = Best(np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64))
    best = dict.fromkeys(functions, nothing)
    start = 0
    for chunk in chunks:
        for name, function in functions.items():
            found = _of_chunk(queries, chunk, function, top_k)
            best[name] = _better(best[name], Best(found.scores, found.rows + start), top_k)
        start += len(chunk)
    return best


def numpy_scores(function: Score) -> Score:
    """A score function for arrays and `SparseVectors`: the trainer's for tensors give way to NumPy's of that name."""
    if getattr(function, "__module__", "") == TORCH_TWINS:
        return getattr(similarity, function.__name__)
    return function


def as_float32(scores: Any) -> Floats:
    """What a score function gives, an array or a tensor, as a float32 array."""
    return np.asarray(scores.detach().cpu() if hasattr(scores, "detach") else scores, dtype=np.float32)


def _of_chunk(queries: Embeddings, chunk: Embeddings, function: Score, top_k: int) -> Best:
    """As many queries at once as `SCORES_AT_ONCE` allows."""
    score, prepare = prepared(numpy_scores(function))
    block, rows = max(1, SCORES_AT_ONCE // max(1, len(chunk))), prepare(chunk)

    def checked(some: Any, others: Any) -> Floats:
        found, shape = as_float32(score(some, others)), (len(some), len(others))
        if found.shape != shape:
            raise ArgumentError(
                f"score function: gives shape {list(found.shape)}, expected {list(shape)}. Give one that compares "
                "every row of its first argument with every row of its second."
            )
        wrong = int(np.isnan(found).sum())
        if wrong:
            raise ArgumentError(
                f"score function: {wrong} of {found.size} scores are nan, expected numbers. Look for a division by 0."
            )
        return found

    parts = [
        nearest_rows(prepare(queries[start : start + block]), rows, top_k, max(1, len(chunk)), checked, _as_it_is)
        for start in range(0, len(queries), block)
    ]
    return Best(np.concatenate([scores for scores, _ in parts]), np.concatenate([found for _, found in parts]))


def _as_it_is(rows: Any) -> Any:
    return rows


def _better(one: Best, other: Best, top_k: int) -> Best:
    """The best of both; all rows of `other` lie behind those of `one`, so that the order of the columns breaks ties."""
    scores, rows = np.hstack([one.scores, other.scores]), np.hstack([one.rows, other.rows])
    kept = top_k_rows(scores, top_k)
    return Best(np.take_along_axis(scores, kept, axis=1), np.take_along_axis(rows, kept, axis=1))
