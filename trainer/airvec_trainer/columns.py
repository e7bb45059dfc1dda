"""What columns must hold before a training starts: texts without gaps, labels that are numbers.

Reads the kinds and gaps that Arrow knows, which costs no pass over the data.
Knows nothing of models and losses.
"""

import warnings
from collections.abc import Sequence
from typing import Any

from datasets import Dataset, IterableDataset

from airvec.errors import AirvecWarning
from airvec_trainer.data import columns_of, first_rows
from airvec_trainer.errors import TrainingError, shortened
from airvec_trainer.label_columns import LABEL_COLUMNS, label_column

__all__ = ["check_columns"]

# Names whose order is known. Losses go by the order of columns, and a name in another place is a sign of a mistake.
ORDERS = (
    ("anchor", "positive", "negative"),
    ("question", "answer"),
    ("query", "response"),
    ("hypothesis", "entailment", "contradiction"),
)


def check_columns(
    dataset: Dataset | IterableDataset, where: str, *, valid: Sequence[str] = LABEL_COLUMNS, lists: bool = False
) -> None:
    """Raise unless every column is texts and the label column numbers.

    Args:
        dataset: one data set.
        where: what messages call it.
        valid: names that the label column may have.
        lists: whether a row of a column may be a list of texts, as rerankers' lists of documents are.

    Raises:
        TrainingError: no column of texts, one that is not texts or has gaps, labels that are no numbers.
    """
    names = columns_of(dataset)
    label = label_column(names, valid)
    texts = [name for name in names if name != label]
    if not texts:
        raise TrainingError(
            f"{where}: columns {names}, expected one with texts at least, the label aside. "
            "Look at how the data set was made."
        )
    row = next(iter(first_rows(dataset, 1)), {})
    for name in texts:
        _check_texts(row.get(name), f"{where}, column {name!r}", lists=lists)
    if label is not None:
        _check_label(row.get(label), f"{where}, column {label!r}")
    if isinstance(dataset, Dataset):
        for name in names:
            _check_gaps(dataset, name, f"{where}, column {name!r}")
    _warn(texts, where)


def _check_texts(value: Any, where: str, *, lists: bool) -> None:
    listed = lists and isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    if value is None or isinstance(value, str) or listed:
        return  # None is told with its row, below
    expected = "a text, or a list of texts" if lists else "a text"
    raise TrainingError(
        f"{where}: {shortened([value])} is {type(value).__name__}, expected {expected}. Map it to texts, remove it "
        f"with remove_columns, or, where it is the label, name it one of {', '.join(LABEL_COLUMNS)}."
    )


def _check_label(value: Any, where: str) -> None:
    first = value
    while isinstance(first, list | tuple) and first:
        first = first[0]
    if value is None or not isinstance(first, str):
        return
    raise TrainingError(
        f"{where}: the label is {shortened([value])}, expected a number or a list of numbers. Turn names of classes "
        "into numbers, such as by dataset.class_encode_column('label')."
    )


def _check_gaps(dataset: Dataset, name: str, where: str) -> None:
    """Arrow counts gaps by itself; only where it has some are the rows read for the first."""
    if dataset.format["type"] == "custom" or not _may_have_gaps(dataset, name):
        return
    for row, value in enumerate(dataset[name]):
        if value is None or (isinstance(value, list) and any(item is None for item in value)):
            raise TrainingError(
                f"{where}: None in row {row}, expected a value in every row. Leave such rows out: "
                f"dataset.filter(lambda row: row[{name!r}] is not None)."
            )


def _may_have_gaps(dataset: Dataset, name: str) -> bool:
    for chunk in dataset.data.column(name).chunks:
        if chunk.null_count or (hasattr(chunk, "values") and chunk.values.null_count):
            return True
    return False


def _warn(texts: Sequence[str], where: str) -> None:
    for order in ORDERS:
        found = [name for name in texts if name in order]
        expected = [name for name in order if name in found]
        if found != expected or (len(found) > 1 and texts[: len(found)] != expected):
            warnings.warn(
                f"{where}: columns {list(texts)}. Losses go by their order, not by their names, and read "
                f"{texts[0]!r} first. To order them: dataset.select_columns({expected}).",
                AirvecWarning,
                stacklevel=4,
            )
            return
    ids = [name for name in texts if name == "id" or name.endswith(("_id", "_ids", "_idx"))]
    if ids:
        warnings.warn(
            f"{where}: column {ids[0]!r} looks like identifiers, and is read as text. Replace them by the texts that "
            "they stand for, or remove the column.",
            AirvecWarning,
            stacklevel=4,
        )
