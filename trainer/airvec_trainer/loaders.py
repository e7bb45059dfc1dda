"""Data sets → the data loader of a training or an evaluation.

Knows nothing of models and losses.
"""

import inspect
from typing import Any

import torch
from datasets import Dataset, DatasetDict, IterableDataset
from torch.utils.data import ConcatDataset, DataLoader, RandomSampler

from airvec_trainer.arguments import SharedTrainingArguments
from airvec_trainer.data import NamedRows
from airvec_trainer.errors import tell
from airvec_trainer.samplers import (
    BatchSamplers,
    DefaultBatchSampler,
    GroupByLabelBatchSampler,
    MultiDatasetBatchSamplers,
    ProportionalBatchSampler,
    RoundRobinBatchSampler,
)
from airvec_trainer.samplers_distinct import NoDuplicatesBatchSampler

__all__ = ["batch_sampler", "data_loader"]

MIXED = {
    MultiDatasetBatchSamplers.ROUND_ROBIN: RoundRobinBatchSampler,
    MultiDatasetBatchSamplers.PROPORTIONAL: ProportionalBatchSampler,
}


def data_loader(
    data: Dataset | IterableDataset | DatasetDict | NamedRows,
    args: SharedTrainingArguments,
    *,
    batch_size: int,
    collate: Any,
) -> DataLoader[Any]:
    """Batches of one data set or of several; every random draw comes from `args.seed`."""
    generator = torch.Generator()
    generator.manual_seed(args.seed)
    rows: Any = data
    how: dict[str, Any] = {}
    if isinstance(data, IterableDataset):
        _tell_unused_sampler(args)
        how = {"batch_size": batch_size, "drop_last": args.dataloader_drop_last}
    elif isinstance(data, DatasetDict):
        rows = ConcatDataset([NamedRows(dataset, name) for name, dataset in data.items()])
        samplers = [batch_sampler(dataset, args, batch_size, collate, generator) for dataset in data.values()]
        make = args.multi_dataset_batch_sampler
        make = MIXED[make] if isinstance(make, MultiDatasetBatchSamplers) else make
        how = {"batch_sampler": make(rows, batch_samplers=samplers, generator=generator, seed=args.seed)}  # type: ignore[operator]
    else:
        dataset = data.dataset if isinstance(data, NamedRows) else data
        how = {"batch_sampler": batch_sampler(dataset, args, batch_size, collate, generator)}
    return DataLoader(
        rows,
        collate_fn=collate,
        num_workers=args.dataloader_num_workers,
        pin_memory=args.dataloader_pin_memory,
        persistent_workers=args.dataloader_persistent_workers,
        prefetch_factor=args.dataloader_prefetch_factor,
        **how,
    )


def batch_sampler(
    dataset: Dataset, args: SharedTrainingArguments, batch_size: int, collate: Any, generator: torch.Generator
) -> Any:
    """The sampler that the arguments name, or that their class or function makes.

    Raises:
        ArgumentError: the data set does not suit it.
    """
    how: dict[str, Any] = {
        "batch_size": batch_size,
        "drop_last": args.dataloader_drop_last,
        "valid_label_columns": list(getattr(collate, "valid_label_columns", ())),
        "generator": generator,
        "seed": args.seed,
    }
    chosen = args.batch_sampler
    if inspect.isclass(chosen) or not isinstance(chosen, BatchSamplers):
        return chosen(dataset, **how)  # type: ignore[operator]
    if chosen is BatchSamplers.GROUP_BY_LABEL:
        return GroupByLabelBatchSampler(dataset, **how)
    if chosen is BatchSamplers.BATCH_SAMPLER:
        return DefaultBatchSampler(RandomSampler(dataset, generator=generator), **how)
    return NoDuplicatesBatchSampler(dataset, **how, precompute_hashes=chosen is BatchSamplers.NO_DUPLICATES_HASHED)


def _tell_unused_sampler(args: SharedTrainingArguments) -> None:
    if args.batch_sampler is not BatchSamplers.BATCH_SAMPLER:
        tell(
            f"batch_sampler {args.batch_sampler!r} is not used: an IterableDataset gives its rows in its own order. "
            "Shuffle it with its own shuffle(), or load it without streaming."
        )
