"""Batches of one data set and of several: what is in them, and that seeds and epochs decide it."""

from typing import Any

import pytest
import torch
from datasets import Dataset
from torch.utils.data import ConcatDataset, RandomSampler

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer.samplers import (
    DefaultBatchSampler,
    GroupByLabelBatchSampler,
    MultiDatasetDefaultBatchSampler,
    ProportionalBatchSampler,
    RoundRobinBatchSampler,
)
from airvec_trainer.samplers_distinct import NoDuplicatesBatchSampler


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def grouped(labels: list[int], size: int = 4, *, drop_last: bool = False) -> GroupByLabelBatchSampler:
    data = Dataset.from_dict({"text": [str(row) for row in range(len(labels))], "label": labels})
    return GroupByLabelBatchSampler(data, size, drop_last, ["label"], generator(), 3)


def distinct(texts: list[str], size: int, *, drop_last: bool = False, hashed: bool = False) -> NoDuplicatesBatchSampler:
    data = Dataset.from_dict({"anchor": texts, "positive": [f"p{row}" for row in range(len(texts))]})
    return NoDuplicatesBatchSampler(data, size, drop_last, ["label"], generator(), 3, precompute_hashes=hashed)


def test_batches_by_label_have_two_labels_with_two_rows() -> None:
    labels = [row % 5 for row in range(43)]
    sampler = grouped(labels, 6)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert all(len(batch) == 6 for batch in batches[:-1])
    for batch in batches:
        counts = [[labels[row] for row in batch].count(label) for label in {labels[row] for row in batch}]
        assert sum(count >= 2 for count in counts) >= 2
    rows = [row for batch in batches for row in batch]
    assert len(rows) == len(set(rows))


def test_another_epoch_brings_other_batches_and_the_same_epoch_the_same() -> None:
    sampler = grouped([row % 4 for row in range(40)])
    first = list(sampler)
    assert list(sampler) == first
    sampler.set_epoch(1)
    assert list(sampler) != first


@pytest.mark.parametrize(("size", "message"), [(5, "size of 5"), (2, "size of 2")])
def test_batches_by_label_need_an_even_size_of_four(size: int, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        grouped([0, 0, 1, 1], size)


def test_batches_by_label_need_two_labels() -> None:
    with pytest.raises(ArgumentError, match="3 labels, of which 1 have two rows"):
        grouped([0, 0, 0, 1, 2])


def test_batches_by_label_need_labels() -> None:
    data = Dataset.from_dict({"text": ["a", "b"]})
    with pytest.raises(ArgumentError, match="columns text, expected one of label, score"):
        GroupByLabelBatchSampler(data, 4, False, ["label", "score"], generator(), 3)


@pytest.mark.parametrize("hashed", [False, True])
def test_no_text_stands_twice_in_a_batch_and_every_row_is_used_once(hashed: bool) -> None:
    texts = [f"a{row // 3}" for row in range(30)]
    batches = list(distinct(texts, 5, hashed=hashed))
    assert all(len({texts[row] for row in batch}) == len(batch) for batch in batches)
    assert sorted(row for batch in batches for row in batch) == list(range(30))


def test_hashes_give_the_same_batches() -> None:
    texts = [f"a{row // 4}" for row in range(40)]
    assert list(distinct(texts, 6)) == list(distinct(texts, 6, hashed=True))


def test_a_text_may_not_stand_in_another_column_of_the_batch_either() -> None:
    data = Dataset.from_dict({"anchor": ["a", "b", "c", "d"], "positive": ["b", "a", "d", "c"]})
    batches = list(NoDuplicatesBatchSampler(data, 2, False, [], generator(), 0))
    assert all(set(batch) not in ({0, 1}, {2, 3}) for batch in batches)


def test_labels_are_not_compared() -> None:
    data = Dataset.from_dict({"anchor": ["a", "b", "c", "d"], "label": [1, 1, 1, 1]})
    assert [len(batch) for batch in NoDuplicatesBatchSampler(data, 4, False, ["label"], generator(), 0)] == [4]


def test_rows_repeat_where_one_pass_fills_too_few_batches_and_that_is_told() -> None:
    sampler = distinct(["a"] * 8 + [f"b{row}" for row in range(4)], 2, drop_last=True)
    sampler.set_epoch(1)
    with pytest.warns(AirvecWarning, match="filled"):
        batches = list(sampler)
    assert all(len(batch) == 2 for batch in batches)


def test_too_few_values_for_one_batch_are_told() -> None:
    with pytest.warns(AirvecWarning, match="0 of 3 batches of 2"):
        assert list(distinct(["a"] * 6, 2, drop_last=True)) == []


def mixed(kind: type[MultiDatasetDefaultBatchSampler], sizes: tuple[int, ...] = (12, 4)) -> Any:
    shared = generator()
    sets: list[Any] = [list(range(size)) for size in sizes]
    samplers = [DefaultBatchSampler(RandomSampler(rows, generator=shared), 2, False) for rows in sets]
    return kind(ConcatDataset(sets), samplers, shared, 3)


def test_proportional_batches_use_every_row_once_and_never_mix_data_sets() -> None:
    sampler = mixed(ProportionalBatchSampler)
    batches = list(sampler)
    assert len(batches) == len(sampler) == 8
    assert sorted(row for batch in batches for row in batch) == list(range(16))
    assert all(len({row < 12 for row in batch}) == 1 for batch in batches)


def test_round_robin_takes_turns_until_the_shortest_ends() -> None:
    sampler = mixed(RoundRobinBatchSampler)
    batches = list(sampler)
    assert len(batches) == len(sampler) == 4
    assert [batch[0] < 12 for batch in batches] == [True, False, True, False]


def test_every_data_set_needs_a_batch_sampler() -> None:
    with pytest.raises(ArgumentError, match="1 batch samplers for 2 data sets"):
        RoundRobinBatchSampler(ConcatDataset([[1], [2]]), [DefaultBatchSampler([1], 1, False)])
