"""Which rows make a batch, and in which order batches come: the samplers of one data set and of several.

Every draw is made with the generators, seeds and order of calls of sentence-transformers, so that the same seed gives
the same batches.
Knows nothing of models, losses and of what is in a row, but for its label and whether two values are alike.
"""

from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import torch
from torch.utils.data import BatchSampler, ConcatDataset, SubsetRandomSampler
from transformers.utils.generic import ExplicitEnum

from airvec.errors import ArgumentError

__all__ = [
    "BatchSamplers",
    "DefaultBatchSampler",
    "GroupByLabelBatchSampler",
    "MultiDatasetBatchSamplers",
    "MultiDatasetDefaultBatchSampler",
    "ProportionalBatchSampler",
    "RoundRobinBatchSampler",
]


class BatchSamplers(ExplicitEnum):
    """Names of the ways to make batches from one data set.

    `batch_sampler` shuffles; `no_duplicates` keeps a text from standing twice in one batch, where it would be its own
    negative; `no_duplicates_hashed` does the same by hashes made beforehand; `group_by_label` brings at least two
    labels with two rows each into every batch, which triplets mined inside a batch need.
    """

    BATCH_SAMPLER = "batch_sampler"
    NO_DUPLICATES = "no_duplicates"
    NO_DUPLICATES_HASHED = "no_duplicates_hashed"
    GROUP_BY_LABEL = "group_by_label"


class MultiDatasetBatchSamplers(ExplicitEnum):
    """Names of the ways to mix the batches of several data sets.

    `proportional` uses every batch of each, in random order; `round_robin` one of each in turn until the shortest ends.
    """

    ROUND_ROBIN = "round_robin"
    PROPORTIONAL = "proportional"


class _Epochs:
    """What the training loop tells a sampler: which epoch begins. The epoch is part of the seed."""

    epoch = 0
    generator: torch.Generator | None
    seed: int

    def set_epoch(self, epoch: int) -> None:
        """The next pass is this epoch's."""
        self.epoch = epoch

    def _start(self) -> None:
        if self.generator is not None and self.seed is not None:
            self.generator.manual_seed(self.seed + self.epoch)


class DefaultBatchSampler(_Epochs, BatchSampler):
    """Batches of what a sampler gives; the parent of samplers of one's own.

    Args:
        dataset: a `RandomSampler`, or what a class deriving from this one reads: the data set itself.
        batch_size: rows a batch.
        drop_last: leave out the last batch where it is not full.
        valid_label_columns: names that a label column may have; the first that is found counts.
        generator: of every random draw.
        seed: the generator is seeded with `seed + epoch` at the start of a pass.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        drop_last: bool,
        valid_label_columns: Sequence[str] | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(dataset, batch_size=batch_size, drop_last=drop_last)
        self.valid_label_columns = valid_label_columns
        self.generator = generator
        self.seed = seed


class GroupByLabelBatchSampler(DefaultBatchSampler):
    """Batches in which at least two labels have at least two rows each.

    The labels take turns, two rows a turn, in an order that is drawn anew each round; a label with a row left over
    leaves it out, and the pass ends when fewer than two labels are left.

    Raises:
        ArgumentError: an odd batch size or one below 4; no label column; fewer than two labels with two rows.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        drop_last: bool,
        valid_label_columns: Sequence[str] | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(dataset, batch_size, drop_last, valid_label_columns, generator, seed)
        self.dataset = dataset
        if batch_size < 4 or batch_size % 2:
            raise ArgumentError(
                f"batch_sampler group_by_label: a batch size of {batch_size}, expected an even number of at least 4. "
                "Change per_device_train_batch_size or per_device_eval_batch_size."
            )
        groups: dict[Any, list[int]] = defaultdict(list)
        for row, label in enumerate(_labels(dataset, valid_label_columns or ())):
            groups[label].append(row)
        self.groups = {label: rows for label, rows in groups.items() if len(rows) > 1}
        if len(self.groups) < 2:
            raise ArgumentError(
                f"batch_sampler group_by_label: {len(groups)} labels, of which {len(self.groups)} have two rows or "
                "more, expected at least 2 such labels. Bring more rows a label, or take another sampler and loss."
            )
        pairs = sorted((len(rows) // 2 for rows in self.groups.values()), reverse=True)
        self._rows = 2 * sum(min(count, pairs[1]) for count in pairs)  # the pass ends with the second largest label

    def __iter__(self) -> Iterator[list[int]]:
        self._start()
        batch: list[int] = []
        for pair in self._pairs(self._queues(), batch):
            batch.extend(pair)
            if len(batch) >= self.batch_size:
                yield batch[: self.batch_size]
                del batch[: self.batch_size]
        if not self.drop_last and len(batch) >= 4:  # four rows are two labels at least
            yield batch

    def _queues(self) -> dict[Any, deque[int]]:
        queues: dict[Any, deque[int]] = {}
        for label, rows in self.groups.items():
            order = torch.randperm(len(rows), generator=self.generator)[: len(rows) // 2 * 2]
            queues[label] = deque(rows[place] for place in order)
        return queues

    def _pairs(self, queues: dict[Any, deque[int]], batch: list[int]) -> Iterator[tuple[int, int]]:
        """Two rows of one label after the other; `batch` is what the caller has begun to fill."""
        left, last = list(queues), None
        while len(left) > 1:
            left = [left[place] for place in torch.randperm(len(left), generator=self.generator)]
            if batch and left[0] == last:  # no label twice in a row inside a batch
                left[0], left[1] = left[1], left[0]
            for label in left:
                yield queues[label].popleft(), queues[label].popleft()
            last = left[-1]
            left = [label for label in left if queues[label]]

    def __len__(self) -> int:
        full, rest = divmod(self._rows, self.batch_size)
        return full + (1 if not self.drop_last and rest >= 4 else 0)


def _labels(dataset: Any, names: Sequence[str]) -> Sequence[Any]:
    for name in names:
        if name in dataset.column_names:
            return dataset[name]
    raise ArgumentError(
        f"batch_sampler group_by_label: the data set has the columns {', '.join(dataset.column_names)}, expected one "
        f"of {', '.join(names)}. Rename the column with the labels, or take another sampler."
    )


class MultiDatasetDefaultBatchSampler(_Epochs, BatchSampler, ABC):
    """Mixes the batches of several data sets; the parent of samplers of one's own.

    Args:
        dataset: the data sets behind one another.
        batch_samplers: one a data set; their rows count from 0 in each.
        generator: of every random draw, shared with the batch samplers.
        seed: the generator is seeded with `seed + epoch` at the start of a pass.
    """

    def __init__(
        self,
        dataset: ConcatDataset[Any],
        batch_samplers: Sequence[Any],
        generator: torch.Generator | None = None,
        seed: int = 0,
    ) -> None:
        if len(dataset.datasets) != len(batch_samplers):
            raise ArgumentError(
                f"{type(self).__name__}: {len(batch_samplers)} batch samplers for {len(dataset.datasets)} data sets, "
                "expected one each. Give one a data set."
            )
        first = batch_samplers[0]
        super().__init__(dataset, batch_size=first.batch_size, drop_last=first.drop_last)  # type: ignore[arg-type]
        self.dataset = dataset
        self.batch_samplers = list(batch_samplers)
        self.generator = generator
        self.seed = seed

    def set_epoch(self, epoch: int) -> None:
        """The next pass is this epoch's, for the samplers inside, too."""
        super().set_epoch(epoch)
        for sampler in self.batch_samplers:
            if hasattr(sampler, "set_epoch"):
                sampler.set_epoch(epoch)

    def _firsts(self) -> list[int]:
        """The number of each data set's first row among the rows of all."""
        return [0, *accumulate(len(dataset) for dataset in self.dataset.datasets)]  # type: ignore[arg-type]

    @abstractmethod
    def __iter__(self) -> Iterator[list[int]]: ...

    @abstractmethod
    def __len__(self) -> int: ...


class RoundRobinBatchSampler(MultiDatasetDefaultBatchSampler):
    """One batch of each data set in turn, until one has no more."""

    def __iter__(self) -> Iterator[list[int]]:
        self._start()
        for batches in zip(*self.batch_samplers, strict=False):
            for first, batch in zip(self._firsts(), batches, strict=False):
                yield [first + row for row in batch]

    def __len__(self) -> int:
        return min(len(sampler) for sampler in self.batch_samplers) * len(self.batch_samplers)


class ProportionalBatchSampler(MultiDatasetDefaultBatchSampler):
    """Every batch of every data set, in random order: the larger a data set, the more often its turn."""

    def __iter__(self) -> Iterator[list[int]]:
        self._start()
        firsts = self._firsts()
        turns = [number for number, sampler in enumerate(self.batch_samplers) for _ in range(len(sampler))]
        batches = [iter(sampler) for sampler in self.batch_samplers]
        for number in SubsetRandomSampler(turns, generator=self.generator):
            batch = next(batches[number], None)  # a sampler's length may be an estimate, with fewer batches behind it
            if batch is not None:
                yield [firsts[number] + row for row in batch]

    def __len__(self) -> int:
        return sum(len(sampler) for sampler in self.batch_samplers)
