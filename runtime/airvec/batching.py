"""Token ids of many texts, and the batches they are run in.

Texts are sorted by token count and cut where rows x longest row would pass a budget of tokens, or sooner where one
batch more costs less than padding: so padding stays at a few percent, and memory does not depend on how long the texts
are or in which order they come.
Measured on all-MiniLM-L6-v2, 2 cores: 512 tokens a batch is the fastest of 256 to 4096 on short and on long texts;
4096 is a third slower, because the intermediate arrays leave the cache.
Knows nothing of tokenizers and graphs.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from airvec.arrays import Integers, TokenIds
from airvec.checks import whole_number

TOKEN_BUDGET = 512
# What a batch costs ONNX Runtime on a CPU besides its tokens, in tokens: weights are read, and some hundred operators
# called, once for all. Measured on all-MiniLM-L6-v2 and on six layers of 768 (benchmarks/batches.py): 13 to 17 side by
# side on one thread each, 19 to 33 on two threads.
BATCH_COST = 20
# Texts tokenised, sorted and run together: for a graph enough for dense batches, few enough for flat memory; for a
# table, where nothing is padded, so few that the next ones can be tokenised while these are summed.
WINDOW_TEXTS, TABLE_WINDOW = 4096, 2048


class Tokens:
    """Token ids of n texts, one after another, without padding.

    `ids` and `type_ids` are int32 (total,); text i has the entries `offsets[i]` to `offsets[i + 1]`, int64 (n + 1,).
    """

    __slots__ = ("ids", "offsets", "type_ids")

    def __init__(self, ids: TokenIds, type_ids: TokenIds, offsets: Integers) -> None:
        self.ids, self.type_ids, self.offsets = ids, type_ids, offsets

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Integers:
        """The number of tokens of each text, int64 (n,)."""
        return self.offsets[1:] - self.offsets[:-1]

    def take(self, rows: Integers) -> "Tokens":
        """The texts `rows` (k,), in that order."""
        lengths = self.lengths[rows]
        offsets = _offsets(lengths)
        shift = np.repeat(self.offsets[rows] - offsets[:-1], lengths)  # (total of rows,)
        source: Integers = np.arange(offsets[-1], dtype=np.int64) + shift
        return Tokens(self.ids[source], self.type_ids[source], offsets)

    def where(self, keep: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> "Tokens":
        """Only the tokens with `keep` True, bool (total,); texts may become empty."""
        running = np.concatenate([[0], np.cumsum(keep)])
        return Tokens(self.ids[keep], self.type_ids[keep], running[self.offsets])

    def positions(self) -> Integers:
        """Each token's place in its own text, from 0: int64 (total,)."""
        return np.arange(len(self.ids)) - np.repeat(self.offsets[:-1], self.lengths)


class Batch(NamedTuple):
    """Padded token ids: int64 (batch, tokens) each; `attention_mask` is 1 on real tokens and 0 on padding."""

    input_ids: Integers
    attention_mask: Integers
    token_type_ids: Integers


def join(parts: Iterable[Tokens]) -> Tokens:
    """The texts of all parts, in order; no parts give no texts."""
    found = list(parts)
    if len(found) == 1:
        return found[0]
    lengths = np.concatenate([np.zeros(0, np.int64), *(part.lengths for part in found)])
    empty = np.zeros(0, np.int32)
    ids = np.concatenate([empty, *(part.ids for part in found)])
    return Tokens(ids, np.concatenate([empty, *(part.type_ids for part in found)]), _offsets(lengths))


def plan(
    lengths: Integers, budget: int = TOKEN_BUDGET, max_rows: int | None = None, batch_cost: int | None = BATCH_COST
) -> list[Integers]:
    """Cut texts into batches of similar length.

    A batch ends early where the texts after it are so much shorter that padding them would take longer than a batch
    more does.

    Args:
        lengths: (n,) tokens of each text.
        budget: tokens a batch may hold, padding included; a longer text is a batch of its own.
        max_rows: texts a batch may hold; None = as many as the budget allows.
        batch_cost: what a batch costs besides its tokens, in tokens; None = batches are to be as large as they can be.

    Returns:
        For each batch the indices of its texts, longest first; together each of the n indices once. Texts of
        equal length keep their order.

    Raises:
        ArgumentError: `max_rows` is below 1.
    """
    check_batch_size(max_rows)
    if len(lengths) == 1:
        return [np.zeros(1, np.int64)]
    order = np.argsort(-lengths, kind="stable")
    sorted_lengths = np.maximum(lengths[order], 1)
    real = np.concatenate([np.zeros(1, np.int64), np.cumsum(sorted_lengths)])  # tokens in front of each text
    batches: list[Integers] = []
    start = 0
    while start < len(order):
        longest = int(sorted_lengths[start])
        rows = min(max(1, budget // longest), max_rows or len(order), len(order) - start)
        if batch_cost is not None and sorted_lengths[start + rows - 1] < longest:
            cost = batch_cost + longest * np.arange(1, rows + 1)
            rows = 1 + int(np.argmin(cost / (real[start + 1 : start + rows + 1] - real[start])))
        batches.append(order[start : start + rows])
        start += rows
    return batches


def check_batch_size(batch_size: int | None) -> None:
    """Refuse a batch size that is not a whole number above 0 (None = chosen by airvec).

    Raises:
        ArgumentError: it is something else.
    """
    if batch_size is not None:
        whole_number("batch_size", batch_size)


def pad(tokens: Tokens, pad_id: int, side: str) -> Batch:
    """Fill up to the longest text of a batch, on the `side` "right" or "left".

    A batch without any token becomes one column of padding, since graphs do not take zero columns.
    """
    lengths = tokens.lengths
    width = max(1, int(lengths.max(initial=0)))
    columns = np.arange(width)
    first = (width - lengths)[:, None] if side == "left" else np.zeros((len(tokens), 1), np.int64)
    mask = (columns >= first) & (columns < first + lengths[:, None])  # (batch, tokens)
    input_ids = np.full(mask.shape, pad_id, np.int64)
    type_ids = np.zeros(mask.shape, np.int64)
    input_ids[mask], type_ids[mask] = tokens.ids, tokens.type_ids
    return Batch(input_ids, mask.astype(np.int64), type_ids)


def _offsets(lengths: Integers) -> Integers:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
