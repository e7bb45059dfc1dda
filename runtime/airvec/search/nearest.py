"""The highest scores of each query, from blocks of scores that are seen once.

The first blocks are ranked. From then on a score must be above the query's k-th best so far, which few are: a block
costs one comparison, and what passed is gathered until there is as much of it as there are results.
Knows nothing of vectors and of how scores are made.
"""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np

from airvec.arrays import Array, Floats, Integers

MANY = 8  # a block of which more than one score in so many is above its bound is ranked as a whole
CROWD = 512  # with more candidates than this, and than 4 k, a query's are ranked before they meet those of the others

Candidates: TypeAlias = "tuple[Integers, Integers, Floats]"  # query, row of the corpus, score; (m,) each, by rows


def nearest(blocks: Iterable[tuple[int, Floats]], count: int, top_k: int) -> tuple[Floats, Integers]:
    """Scores and rows of the best of all blocks for each of `count` queries, best first, (n, min(k, rows)) both.

    Among equal scores the lower row comes first; a score that is NaN counts as -inf.

    Args:
        blocks: first row, and scores (n, rows), of each in the order of the rows; they may lie in the same memory.
        count: n, for when there are no blocks.
        top_k: results a query.
    """
    scores, rows = np.zeros((count, 0), np.float32), np.zeros((count, 0), np.int64)
    pool: list[Candidates] = []
    for start, found in blocks:
        above = _above(found, scores) if scores.shape[1] == top_k else None
        if above is None:
            scores, rows = _with_candidates(scores, rows, pool)
            best = top_k_rows(found, top_k)
            more = np.take_along_axis(found, best, axis=1)
            scores, rows = _best(np.hstack([scores, more]), np.hstack([rows, best + start]), top_k)
            pool = []
            continue
        owners, columns = np.divmod(above, found.shape[1])
        pool.append((owners, columns + start, found[owners, columns]))
        if sum(len(one[0]) for one in pool) > scores.size:
            (scores, rows), pool = _with_candidates(scores, rows, pool), []
    return _with_candidates(scores, rows, pool)


def top_k_rows(scores: Floats, top_k: int) -> Integers:
    """Columns of the `top_k` highest scores of each row, best first, ties by column: (n, m) -> (n, min(k, m))."""
    count = scores.shape[1]
    if scores.size and np.isnan(scores.max()):
        scores = np.where(np.isnan(scores), -np.inf, scores)  # a NaN is nobody's nearest neighbour
    if top_k >= count:
        return np.argsort(-scores, axis=1, kind="stable")
    # A row's k-th highest score: everything above it is in, and of those equal to it the lowest columns.
    bound = np.partition(scores, count - top_k, axis=1)[:, count - top_k, None]
    chosen = scores >= bound
    crowded = np.flatnonzero(np.count_nonzero(chosen, axis=1) > top_k)
    chosen[crowded] = _first_of_equal(scores[crowded], bound[crowded], top_k)
    columns = np.flatnonzero(chosen).reshape(len(scores), top_k) % count
    order = np.argsort(-np.take_along_axis(scores, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def _first_of_equal(scores: Floats, bound: Floats, top_k: int) -> Array:
    """bool (n, m), `top_k` True a row: the scores above a bound (n, 1), and the first of those equal to it."""
    above, equal = scores > bound, scores == bound
    missing = top_k - np.count_nonzero(above, axis=1, keepdims=True)
    return above | (equal & (np.cumsum(equal, axis=1, dtype=np.int32) <= missing))


def _above(found: Floats, scores: Floats) -> Integers | None:
    """Places in `found` (n, m), counted through all of it, above the last of `scores` (n, k); None if they are many."""
    bounds = scores[:, -1:]
    passed = found > np.where(np.isnan(bounds), -np.inf, bounds)
    # Four times as fast as two-dimensional `nonzero` is this one.
    return None if np.count_nonzero(passed) > found.size // MANY else np.flatnonzero(passed)


def _with_candidates(scores: Floats, rows: Integers, pool: Sequence[Candidates]) -> tuple[Floats, Integers]:
    """The best of scores and rows (n, k), and of candidates for their places, whose rows lie behind."""
    if not pool:
        return scores, rows
    owners, places, values = (np.concatenate(parts) for parts in zip(*pool, strict=True))
    order = np.argsort(owners, kind="stable")
    order = order[_uncrowded(owners[order], values[order], scores)]
    owners = owners[order]
    counts = np.bincount(owners, minlength=len(scores))
    columns = scores.shape[1] + np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    fill = ((0, 0), (0, int(counts.max(initial=0))))
    wide, wide_rows = np.pad(scores, fill, constant_values=-np.inf), np.pad(rows, fill)
    wide[owners, columns], wide_rows[owners, columns] = values[order], places[order]
    return _best(wide, wide_rows, scores.shape[1])


def _uncrowded(owners: Integers, values: Floats, scores: Floats) -> Array:
    """bool (m,): candidates, sorted by query, that may be among the best; of a crowd only its own k best."""
    kept, top_k = np.ones(len(owners), bool), scores.shape[1]
    counts = np.bincount(owners, minlength=len(scores))
    begins = np.cumsum(counts) - counts
    for owner in np.flatnonzero(counts > max(CROWD, 4 * top_k)):
        crowd = slice(begins[owner], begins[owner] + counts[owner])
        kept[crowd] = False
        kept[begins[owner] + top_k_rows(values[None, crowd], top_k)[0]] = True
    return kept


def _best(scores: Floats, rows: Integers, top_k: int) -> tuple[Floats, Integers]:
    keep = top_k_rows(scores, top_k)
    return np.take_along_axis(scores, keep, axis=1), np.take_along_axis(rows, keep, axis=1)
