"""Batches in which no text stands twice, for losses that take the other rows of a batch as negatives.

The order of rows and the draws are those of sentence-transformers' sampler of the same name.
Knows nothing of models and losses.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from airvec.errors import require
from airvec_trainer.errors import tell
from airvec_trainer.samplers import DefaultBatchSampler

__all__ = ["NoDuplicatesBatchSampler"]

FURTHER_PASSES = 2  # over the data set, for the batches that one pass could not fill
ROWS_AT_ONCE = 1000  # read from the data set for hashing
END = -1

Values = Callable[[int], Collection[Any]]


class NoDuplicatesBatchSampler(DefaultBatchSampler):
    """Batches of rows that share no value, whatever the column.

    A row that clashes waits for a later batch. With `drop_last`, rows with many duplicates may fill fewer batches
    than `len()` promises; then the rows are shuffled again for the rest, at most twice.

    Args:
        dataset: the rows; label columns are not compared.
        batch_size: rows a batch.
        drop_last: leave out batches that are not full.
        valid_label_columns: names that a label column may have.
        generator: of every random draw.
        seed: the generator is seeded with `seed + epoch` at the start of a pass.
        precompute_hashes: hash every value once (8 bytes a value are kept) rather than read the rows again each pass.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        drop_last: bool,
        valid_label_columns: Sequence[str] | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
        *,
        precompute_hashes: bool = False,
    ) -> None:
        super().__init__(dataset, batch_size, drop_last, valid_label_columns, generator, seed)
        labels = set(dataset.column_names) & set(valid_label_columns or ())
        self.dataset = dataset.remove_columns(sorted(labels)) if labels else dataset
        self.precompute_hashes = precompute_hashes
        self._hashes: np.ndarray | None = None
        if precompute_hashes:
            require("xxhash", extra="train", purpose="batch_sampler no_duplicates_hashed")

    def __iter__(self) -> Iterator[list[int]]:
        self._start()
        values = self._values()
        if len(self.dataset) == 0:
            return
        given = 0
        for batch in self._pass(values):
            given += 1
            yield batch
        if 0 < given < len(self):
            _tell_repeats(given, len(self))
        for _ in range(FURTHER_PASSES if given else 0):
            if given >= len(self):
                return
            for batch in self._pass(values):
                given += 1
                yield batch
                if given >= len(self):
                    return
        if given < len(self):
            _tell_too_few(given, len(self), self.batch_size)

    def _values(self) -> Values:
        if not self.precompute_hashes:
            return lambda row: {str(value) for value in self.dataset[row].values()}
        if self._hashes is None:
            self._hashes = _hashed(self.dataset)
        hashes = self._hashes
        return lambda row: hashes[row].tolist()

    def _pass(self, values: Values) -> Iterator[list[int]]:
        """Batches of one shuffle. `after[place]` is the next place still in line; a row taken is unlinked."""
        count = len(self.dataset)
        order = torch.randperm(count, generator=self.generator, dtype=_index_type(count)).tolist()
        after = [*range(1, count), END]
        head = 0
        while head != END:
            seen: set[Any] = set()
            batch: list[int] = []
            place, before = head, END
            while place != END and len(batch) < self.batch_size:
                found = values(order[place])
                if seen.isdisjoint(found):
                    batch.append(order[place])
                    seen.update(found)
                    if before == END:
                        head = after[place]
                    else:
                        after[before] = after[place]
                else:
                    before = place
                place = after[place]
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        """Batches promised: those of a data set without duplicates."""
        rows = len(self.dataset)
        return rows // self.batch_size if self.drop_last else -(-rows // self.batch_size)


def _index_type(count: int) -> torch.dtype:
    return torch.int32 if count <= np.iinfo(np.int32).max else torch.int64


def _hashed(dataset: Any) -> np.ndarray:
    """64-bit hashes of all values, (rows, columns) uint64."""
    import xxhash  # comes with datasets; imported here because nothing else needs it

    names = list(dataset.column_names)
    hashes = np.zeros((len(dataset), len(names)), dtype=np.uint64)
    for first in range(0, len(dataset), ROWS_AT_ONCE):
        rows = dataset[first : first + ROWS_AT_ONCE]
        for number, name in enumerate(names):
            found = [xxhash.xxh64_intdigest(str(value).encode("utf-8", "surrogatepass")) for value in rows[name]]
            hashes[first : first + len(found), number] = found
    return hashes


def _tell_repeats(given: int, promised: int) -> None:
    tell(
        f"batch_sampler no_duplicates: one pass over the rows filled {given} of {promised} batches, because values "
        "occur too often. The others repeat rows of this epoch. Lower the batch size, or remove duplicates."
    )


def _tell_too_few(given: int, promised: int, batch_size: int) -> None:
    tell(
        f"batch_sampler no_duplicates: {given} of {promised} batches of {batch_size} could be filled, because the data "
        "set has too few distinct values. Lower the batch size."
    )
