"""Data sets of labelled texts: which columns are read, and a few rows of each label.

Knows nothing of models and losses.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict

from airvec.arguments import check_texts
from airvec.errors import ArgumentError

TEXT, LABEL = "text", "label"


def labelled_texts(data: Any, mapping: Mapping[str, str] | None, role: str) -> tuple[list[str], list[Any]]:
    """The texts of a data set and their labels.

    Args:
        data: a `Dataset`.
        mapping: `{its column: "text" or "label"}`; None = they are called so.
        role: `"train_dataset"` or `"eval_dataset"`, for messages.

    Raises:
        ArgumentError: not a data set, without rows or one of the columns, or a row without a label.
        InputError: something among the texts that is not a text.
    """
    if isinstance(data, DatasetDict):
        raise ArgumentError(f"{role}: a DatasetDict of {', '.join(data)}, expected a Dataset. Choose one of them.")
    if not isinstance(data, Dataset):
        raise ArgumentError(f"{role}: {type(data).__name__}, expected a datasets.Dataset. Use Dataset.from_dict.")
    for old in mapping or {}:
        if old not in data.column_names:
            raise ArgumentError(
                f"column_mapping: {old!r} is no column of {role}, which has {', '.join(data.column_names)}. Correct it."
            )
    columns = {wanted: wanted for wanted in (TEXT, LABEL)} | {new: old for old, new in (mapping or {}).items()}
    for wanted in (TEXT, LABEL):
        if columns[wanted] not in data.column_names:
            raise ArgumentError(
                f"{role}: columns {', '.join(data.column_names)}, expected {columns[wanted]!r} for the {wanted}. Give "
                f"column_mapping={{'a column': {wanted!r}}}."
            )
    if not len(data):
        raise ArgumentError(f"{role}: {len(data)} rows, expected at least one. Give a data set that has some.")
    texts, _ = check_texts(list(data[columns[TEXT]]))
    labels = list(data[columns[LABEL]])
    for row, label in enumerate(labels):
        if any(map(_is_missing, label if isinstance(label, list) else [label])):
            raise ArgumentError(
                f"{role}, row {row}: label {label!r:.60}, expected a text, a number or a row of 0 and 1. Leave the row "
                "out, or label it."
            )
    return texts, labels


def _is_missing(label: Any) -> bool:
    return label is None or (isinstance(label, float) and math.isnan(label))


def sample_dataset(dataset: Any, label_column: str = LABEL, num_samples: int = 8, seed: int = 42) -> Any:
    """So many rows of each label, drawn by the seed, and in a drawn order: for trials with few examples.

    The same rows as SetFit's function of this name draws.
    """
    drawn = dataset.shuffle(seed=seed)
    seen: dict[Any, int] = {}
    kept: list[int] = []
    for place, label in enumerate(drawn[label_column]):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= num_samples:
            kept.append(place)
    return drawn.select(np.array(kept)).flatten_indices().shuffle(seed=seed)
