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
from airvec_trainer.collating import Collator, PairCollator
from airvec_trainer.columns import check_columns
from airvec_trainer.data import by_name, first_rows
from airvec_trainer.errors import TrainingError, shortened, tell
from airvec_trainer.label_columns import label_column
from airvec_trainer.losses.protocol import inside

__all__ = ["check_labels_differ", "rehearse"]

ROWS = 4  # so that losses over the batch have others to compare with
FIRST = 256  # rows of a stream whose labels are compared


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
        if isinstance(collate, Collator | PairCollator):  # what the user's own reads, only it knows
            check_columns(dataset, where, valid=valid, lists=isinstance(collate, PairCollator))
        check_labels_differ(dataset, where, loss[name] if isinstance(loss, Mapping) else loss, valid)
        rows = first_rows(dataset, ROWS)
        with unmoved(model):
            try:
                compute(collate(rows if name is None else [{**row, "dataset_name": name} for row in rows]))
            except TrainingError as error:
                raise TrainingError(f"{where}, {error}") from error
            except Exception as error:  # losses, collators and torch raise what they like
                reason = str(error) if isinstance(error, AirvecError) else f"{type(error).__name__}: {error}"
                raise TrainingError(
                    f"{where}: the loss cannot be computed of its columns {list(rows[0])}, as in "
                    f"{shortened(list(rows[0].values()))}: {reason}"
                ) from error


def check_labels_differ(dataset: Any, where: str, loss: Any, valid: Sequence[str]) -> None:
    """Raise where a loss compares labels and all are alike: its gradient is zero, and nothing would be learned.

    Of a stream the first rows are looked at; others may follow, so that alike ones give a warning.

    Raises:
        TrainingError: all labels have one value.
    """
    comparing = [type(one).__name__ for one in inside(loss) if getattr(one, "needs_two_labels", False)]
    found = _some_labels(dataset, valid) if comparing else []
    if len(found) < 2 or any(value != found[0] for value in found):
        return
    whole = isinstance(dataset, Dataset)
    said = (
        f"{where}: every label is {found[0]!r}{'' if whole else f' in the first {len(found)} rows'}, expected two "
        f"different ones at least: {comparing[0]} compares rows by their labels, and would teach the model nothing. "
        "Bring rows with other labels, or take a loss without labels."
    )
    if whole:
        raise TrainingError(said)
    tell(f"{said} Where others follow, shuffle the stream.")


def _some_labels(dataset: Any, valid: Sequence[str]) -> list[Any]:
    """Labels to compare: two that differ if the data set has them, those of a stream's first rows; none of lists.

    With more than two columns of texts, rows are compared within themselves, too.
    """
    whole = isinstance(dataset, Dataset)
    first = first_rows(dataset, 1)
    label = label_column(list(first[0]), valid) if first else None
    if label is None or isinstance(first[0][label], list) or len(first[0]) > 3:
        return []  # lengths of lists may differ, which the loss tells
    if not whole:
        return [row[label] for row in first_rows(dataset, FIRST)]
    if dataset.format["type"] == "custom" or len(dataset) < 2:
        return []
    return [first[0][label], *dataset.unique(label)]


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
