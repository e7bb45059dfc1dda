"""Training and evaluation data in one form: one data set, or several by name.

Knows nothing of models, losses and of what columns must hold.
"""

from collections.abc import Mapping
from typing import Any

import torch
from datasets import Dataset, DatasetDict, IterableDataset, IterableDatasetDict

from airvec.errors import ArgumentError

__all__ = ["NamedRows", "by_name", "checked_form", "columns_of", "first_rows"]

RESERVED = ("dataset_name", "return_loss")


class NamedRows(torch.utils.data.Dataset[dict[str, Any]]):
    """The rows of one of several data sets, each with `dataset_name`; the data set itself is not touched."""

    def __init__(self, dataset: Dataset, name: str) -> None:
        self.dataset = dataset
        self.name = name
        self.column_names = [*dataset.column_names, "dataset_name"]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {**self.dataset[row], "dataset_name": self.name}


def checked_form(data: Any, role: str) -> Dataset | IterableDataset | DatasetDict | NamedRows | None:
    """The data as one of four forms; a dict becomes a `DatasetDict`.

    Args:
        data: what the trainer was given.
        role: `"train_dataset"` or `"eval_dataset"`, for messages.

    Raises:
        ArgumentError: it is none of the forms, empty, or has a column of a reserved name.
    """
    if data is None or isinstance(data, NamedRows):
        return data
    if isinstance(data, Mapping) and not isinstance(data, IterableDatasetDict):
        data = data if isinstance(data, DatasetDict) else DatasetDict(data)
        streams = [name for name, dataset in data.items() if not isinstance(dataset, Dataset)]
        if streams:
            raise ArgumentError(
                f"{role}: {streams[0]!r} is a {type(data[streams[0]]).__name__}, expected a Dataset each where there "
                "are several: batches are drawn by their sizes. Load it without streaming, or train on it alone."
            )
    if not isinstance(data, Dataset | IterableDataset | DatasetDict):
        raise ArgumentError(
            f"{role}: {type(data).__name__}, expected datasets.Dataset, IterableDataset, DatasetDict or a dict of "
            "Datasets. Make one, such as by Dataset.from_dict({'anchor': […], 'positive': […]})."
        )
    for name, dataset in by_name(data).items():
        _check_one(dataset, f"{role}{'' if name is None else f' {name!r}'}")
    return data


def _check_one(dataset: Dataset | IterableDataset, where: str) -> None:
    if isinstance(dataset, Dataset) and len(dataset) == 0:
        raise ArgumentError(f"{where}: {len(dataset)} rows, expected one at least. Look at how it was made.")
    taken = [name for name in columns_of(dataset) if name in RESERVED]
    if taken:
        raise ArgumentError(
            f"{where}: a column {taken[0]!r}, which is a name of the trainer's own. Rename it with rename_column, or "
            "remove it."
        )


def by_name(data: Any) -> dict[str | None, Any]:
    """The data sets by their names; one alone has the name None."""
    if data is None:
        return {}
    if isinstance(data, NamedRows):
        return {data.name: data.dataset}
    return dict(data) if isinstance(data, Mapping) else {None: data}


def columns_of(dataset: Dataset | IterableDataset) -> list[str]:
    """Names of the columns; a stream without features is asked for its first row."""
    if dataset.column_names is not None:
        return list(dataset.column_names)
    return list(next(iter(dataset), {}))


def first_rows(dataset: Dataset | IterableDataset, count: int) -> list[dict[str, Any]]:
    """The first rows, as the data loader gives them."""
    if isinstance(dataset, Dataset):
        return [dataset[row] for row in range(min(count, len(dataset)))]
    return list(dataset.take(count))
