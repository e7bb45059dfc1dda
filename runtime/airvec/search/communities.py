"""Groups of similar rows.

Neighbours are counted first, each pair of rows once. Then the rows are taken by the number of their neighbours, and a
few at a time are searched again for who these are: no more than some neighbours are in memory at once.
Knows nothing of texts.
"""

from collections.abc import Iterator

import numpy as np

from airvec.arrays import Array, Integers, Vectors
from airvec.checks import whole_number
from airvec.search.blocks import QUERIES_AT_ONCE, score_blocks
from airvec.similarity import as_rows, cos_sim

CENTRES_AT_ONCE = 128
MEMBERS_AT_ONCE = 2**19


def community_detection(
    embeddings: Vectors,
    threshold: float = 0.75,
    min_community_size: int = 10,
    batch_size: int = 1024,
    show_progress_bar: bool = False,
) -> list[list[int]]:
    """Groups of rows whose cosine with the group's centre is at least `threshold`.

    Args:
        embeddings: (n, dim); a memory-mapped array is read block by block.
        threshold: smallest cosine with the centre.
        min_community_size: smallest group, the centre included.
        batch_size: rows compared at once, fewer where memory asks for it.
        show_progress_bar: show the progress over the rows (needs tqdm).

    Returns:
        Row numbers of each group, largest group first, the centre first in each; no row is in two groups.

    Raises:
        ArgumentError: a size below 1.
    """
    whole_number("min_community_size", min_community_size)
    whole_number("batch_size", batch_size)
    if len(embeddings) < min_community_size:
        return []
    rows, bound = as_rows(embeddings), np.float32(threshold)
    counts = _neighbours(rows, bound, min(batch_size, QUERIES_AT_ONCE), show_progress_bar)
    order = np.argsort(-counts, kind="stable")
    taken = np.zeros(len(rows), bool)
    groups: list[list[int]] = []
    for centres in _batches(order[counts[order] >= min_community_size], counts, taken):
        for centre, members in zip(centres, _members(rows, centres, bound), strict=True):
            free = members[~taken[members]]
            if taken[centre] or len(free) < min_community_size:
                continue
            group = [int(centre), *free[free != centre].tolist()]
            taken[group] = True
            groups.append(group)
    return sorted(groups, key=len, reverse=True)


def _neighbours(rows: Array, bound: np.float32, size: int, show_progress: bool) -> Integers:
    """How many rows, itself among them, are near each row: int64 (n,)."""
    from airvec.progress import progress_bar

    counts = np.zeros(len(rows), np.int64)
    with progress_bar(show_progress, len(rows), "Finding groups") as advance:
        for start in range(0, len(rows), size):
            block = rows[start : start + size]
            for _, scores in score_blocks(block, block, cos_sim, size):
                counts[start : start + size] += np.count_nonzero(scores >= bound, axis=1)
            rest = start + len(block)
            for first, scores in score_blocks(block, rows[rest:], cos_sim, len(rows)):
                near = scores >= bound  # cosines are symmetric
                counts[start : start + size] += np.count_nonzero(near, axis=1)
                counts[rest + first : rest + first + near.shape[1]] += np.count_nonzero(near, axis=0)
            advance(len(block))
    return counts


def _batches(order: Integers, counts: Integers, taken: Array) -> Iterator[Integers]:
    """The rows of `order` that are not taken when their turn comes, as many as have `MEMBERS_AT_ONCE` neighbours."""
    place = 0
    while place < len(order):
        some = order[place : place + CENTRES_AT_ONCE]
        fits = np.cumsum(counts[some]) <= MEMBERS_AT_ONCE
        some = some[: max(1, int(fits.sum()))]
        place += len(some)
        free = some[~taken[some]]
        if len(free):
            yield free


def _members(rows: Array, centres: Integers, bound: np.float32) -> list[Integers]:
    """The rows near each centre, nearest first, equally near ones in the order of rows."""
    owners, members, scores = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    for start, found in score_blocks(rows[centres], rows, cos_sim, len(rows)):
        near, columns = np.divmod(np.flatnonzero(found >= bound), found.shape[1])
        owners.append(near)
        members.append(columns + start)
        scores.append(found[near, columns])
    near, found, values = np.concatenate(owners), np.concatenate(members), np.concatenate(scores)
    order = np.lexsort((found, -values, near))
    ends = np.searchsorted(near[order], np.arange(1, len(centres)))
    return np.split(found[order], ends)
