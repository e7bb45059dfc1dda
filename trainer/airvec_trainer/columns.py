"""What columns must hold before a training starts: texts without gaps, labels that are finite numbers.

Arrow knows kinds and gaps without a pass over the data; it reads labels that are floats once.
Knows nothing of models and losses.
"""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

import numpy as np
from datasets import Dataset, IterableDataset

from airvec_trainer.data import columns_of, first_rows
from airvec_trainer.errors import TrainingError, shortened, tell
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
    """Arrow finds gaps by itself; only where it has some are the rows read for the first."""
    if dataset.format["type"] == "custom" or not _may_have_gaps(dataset, name):
        return
    for row, value in enumerate(dataset.with_format(None)[name]):
        for gap in _gaps(value):
            kept = f"row[{name!r}] is not None" if gap is None else f"math.isfinite(row[{name!r}])"
            raise TrainingError(
                f"{where}: {gap} in row {row}, expected a value in every row. Leave such rows out: "
                f"dataset.filter(lambda row: {kept})."
            )


def _gaps(value: Any) -> Iterator[float | None]:
    """None, NaN and infinities in a value, or in lists of them."""
    if isinstance(value, list):
        for item in value:
            yield from _gaps(item)
    elif value is None or (isinstance(value, float) and not isfinite(value)):
        yield value


def _may_have_gaps(dataset: Dataset, name: str) -> bool:
    """Whether there are some, be it in rows that are not among the chosen ones."""
    for chunk in dataset.data.column(name).chunks:
        values = chunk
        while str(values.type).startswith(("list", "large_list", "fixed_size_list")):
            if values.null_count:
                return True
            values = values.flatten()
        if values.null_count:
            return True
        if str(values.type) in {"halffloat", "float", "double"} and not np.isfinite(values.to_numpy()).all():
            return True
    return False


def _warn(texts: Sequence[str], where: str) -> None:
    for order in ORDERS:
        found = [name for name in texts if name in order]
        expected = [name for name in order if name in found]
        if found != expected or (len(found) > 1 and texts[: len(found)] != expected):
            tell(
                f"{where}: columns {list(texts)}. Losses go by their order, not by their names, and read "
                f"{texts[0]!r} first. To order them: dataset.select_columns({expected})."
            )
            return
    ids = [name for name in texts if name == "id" or name.endswith(("_id", "_ids", "_idx"))]
    if ids:
        tell(
            f"{where}: column {ids[0]!r} looks like identifiers, and is read as text. Replace them by the texts that "
            "they stand for, or remove the column."
        )
