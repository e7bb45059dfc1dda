"""A few rows through the collator and the loss before a training starts, so that what does not fit is told at once.

Nothing is moved by it: no weight, no gradient, no random number.
Knows nothing of the training loop.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn

from airvec.errors import AirvecError
from airvec_trainer.columns import check_columns, label_column
from airvec_trainer.data import by_name, first_rows
from airvec_trainer.errors import TrainingError, shortened

__all__ = ["check_labels_differ", "rehearse"]

ROWS = 4  # so that losses over the batch have others to compare with
# Losses whose gradient is zero where all labels are one.
NEED_TWO_LABELS = {
    "AnglELoss", "BatchAllTripletLoss", "BatchHardSoftMarginTripletLoss", "BatchHardTripletLoss",
    "BatchSemiHardTripletLoss", "CoSENTLoss", "SparseAnglELoss", "SparseCoSENTLoss",
}  # fmt: skip


def rehearse(
    data: Any, role: str, *, model: nn.Module, loss: Any, collate: Any, compute: Callable[[dict[str, Any]], Any]
) -> None:
    """Check the columns of every data set, and compute the loss of its first rows.

    Args:
        data: one data set, or several by name.
        role: `"train_dataset"` or `"eval_dataset"`, for messages.
        model: stays as it is.
        loss: a loss, or losses by the name of their data set.
        collate: the collator.
        compute: the loss of a collated batch.

    Raises:
        TrainingError: rows that cannot be read, or that the loss cannot take; the message names the data set.
    """
    for name, dataset in by_name(data).items():
        where = role if name is None else f"{role} {name!r}"
        valid = getattr(collate, "valid_label_columns", ())
        check_columns(dataset, where, valid=valid, lists=not hasattr(collate, "preprocess"))
        check_labels_differ(dataset, where, loss[name] if isinstance(loss, Mapping) else loss, valid)
        rows = first_rows(dataset, ROWS)
        with unmoved(model):
            try:
                compute(collate(rows if name is None else [{**row, "dataset_name": name} for row in rows]))
            except TrainingError as error:
                raise TrainingError(f"{where}, {error}") from error
            except (AirvecError, ValueError, TypeError, KeyError, IndexError) as error:
                raise TrainingError(
                    f"{where}: the loss cannot be computed of its columns {list(rows[0])}, as in "
                    f"{shortened(list(rows[0].values()))}: {error}"
                ) from error


def check_labels_differ(dataset: Any, where: str, loss: Any, valid: Sequence[str]) -> None:
    """Raise where a loss compares labels and all are alike: its gradient is zero, and nothing would be learned.

    Raises:
        TrainingError: all labels have one value.
    """
    if type(loss).__name__ not in NEED_TWO_LABELS or not isinstance(dataset, Dataset):
        return
    label = label_column(dataset.column_names, valid)
    if label is None or dataset.format["type"] == "custom" or len(dataset) < 2:
        return
    if isinstance(dataset[0][label], list):  # whose lengths may differ, which the loss tells
        return
    found = dataset.unique(label)
    if len(found) < 2:
        raise TrainingError(
            f"{where}: every label is {found[0]!r}, expected two different ones at least: {type(loss).__name__} "
            "compares rows by their labels, and would teach the model nothing. Bring rows with other labels, or take "
            "a loss without labels."
        )


@contextmanager
def unmoved(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; random numbers and modes are afterwards as before."""
    modes = {module: module.training for module in model.modules()}
    states = random.getstate(), np.random.get_state()  # noqa: NPY002  # the state of those who use the old functions
    model.eval()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        for module, training in modes.items():
            module.training = training
