"""Rows of texts → the same rows with a teacher's vectors or scores as their label column.

The column reads the arrays where they lie, memory-mapped where they come from a cache: nothing is copied.
Knows nothing of losses and of where a teacher's answers are kept.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from airvec.arrays import Array
from airvec.errors import ArgumentError
from airvec_trainer.distillation.given import check_rows, check_teacher
from airvec_trainer.distillation.teachers import teacher_scores, teacher_vectors
from airvec_trainer.label_columns import LABEL_COLUMNS, label_column

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

__all__ = ["LABEL", "labelled", "with_teacher_scores", "with_teacher_vectors"]

LABEL = "label"


def with_teacher_vectors(
    dataset: "Dataset",
    teacher: Any,
    *,
    column: str | Sequence[str] | None = None,
    cache_folder: str | Path | None = None,
    encode_kwargs: Mapping[str, Any] | None = None,
    dtype: str = "float32",
    show_progress_bar: bool | None = None,
) -> "Dataset":
    """The rows with the teacher's embeddings as `label`, for MSELoss and EmbedDistillLoss.

    Args:
        dataset: columns of texts.
        teacher: as `teacher_vectors` has it, like the arguments behind `column`.
        column: the column that the teacher reads, whose vectors all columns are to come near: (rows, dim). A list of
            all columns gives each its own: (rows, columns, dim). None = the first.
        cache_folder: where vectors are kept; None = nowhere, and all are in memory.
        encode_kwargs: for the teacher's `encode`.
        dtype: `"float32"` or `"float16"`.
        show_progress_bar: None = if the logger `airvec` shows INFO.

    Raises:
        ArgumentError: rows that are no data set, no such column, there are labels already, or what `teacher_vectors`
            refuses.
    """
    names = _text_columns(dataset)
    wanted = names[0] if column is None else column
    read = [wanted] if isinstance(wanted, str) else list(wanted)
    if not read or any(name not in names for name in read) or (not isinstance(wanted, str) and read != names):
        raise ArgumentError(
            f"column: {column!r}, expected one of {', '.join(names)}, or all of them in this order. Choose."
        )
    texts = dataset[read[0]] if len(read) == 1 else [row[name] for row in dataset for name in read]
    found = teacher_vectors(
        teacher, texts, cache_folder=cache_folder, encode_kwargs=encode_kwargs, dtype=dtype,
        show_progress_bar=show_progress_bar,
    )  # fmt: skip
    if not isinstance(wanted, str):
        found = found.reshape(len(dataset), len(read), -1)
    return labelled(dataset, found)


def with_teacher_scores(
    dataset: "Dataset",
    teacher: Any,
    *,
    margins: bool = True,
    cache_folder: str | Path | None = None,
    predict_kwargs: Mapping[str, Any] | None = None,
    dtype: str = "float32",
    show_progress_bar: bool | None = None,
) -> "Dataset":
    """Rows of a query and its documents with a reranker's scores as `label`, for MarginMSELoss and DistillKLDivLoss.

    Args:
        dataset: texts: query, positive, negative, and more negatives, as `mine_hard_negatives` gives triplets and
            n-tuples; or query and document, with `margins=False`.
        teacher: as `teacher_scores` has it, like the arguments behind `margins`.
        margins: the positive's score less that of each negative: (rows,), or (rows, negatives) for several. False:
            the score of each document, (rows,) or (rows, documents).
        cache_folder: where scores are kept; None = nowhere.
        predict_kwargs: for the teacher's `predict`.
        dtype: `"float32"` or `"float16"`.
        show_progress_bar: None = if the logger `airvec` shows INFO.

    Raises:
        ArgumentError: rows that are no data set, too few columns, a teacher with several labels, there are labels
            already, or what `teacher_scores` refuses.
    """
    names = _text_columns(dataset)
    fewest = 3 if margins else 2
    if len(names) < fewest:
        raise ArgumentError(
            f"dataset: columns {names}, expected {fewest} or more texts: a query, and documents to compare. Add "
            "negatives, such as by airvec_trainer.mining, or pass margins=False for scores alone."
        )
    check_teacher(teacher, "predict")
    query, *documents = names
    pairs = [(row[query], row[name]) for row in dataset for name in documents]
    found = teacher_scores(
        teacher, pairs, cache_folder=cache_folder, predict_kwargs=predict_kwargs, dtype=dtype,
        show_progress_bar=show_progress_bar,
    )  # fmt: skip
    if found.ndim != 1:
        raise ArgumentError(
            f"teacher: {found.shape[1]} scores for a pair, expected one. Give a reranker with num_labels=1."
        )
    scores = found.reshape(len(dataset), len(documents))  # (rows, documents)
    if margins:
        scores = scores[:, :1] - scores[:, 1:]
    return labelled(dataset, scores[:, 0] if scores.shape[1] == 1 else scores)


def labelled(dataset: "Dataset", values: Array) -> "Dataset":
    """The rows with an array (rows, ...) as their column `label`, which is not copied.

    Raises:
        ArgumentError: there are labels already, or another number of rows.
    """
    import pyarrow as pa
    from datasets import Dataset, concatenate_datasets

    _text_columns(dataset)
    if len(values) != len(dataset):
        raise ArgumentError(f"values: {len(values)} rows, expected {len(dataset)}, as many as texts. Make them again.")
    column = pa.table({LABEL: _arrow(np.ascontiguousarray(values))})
    return concatenate_datasets([dataset, Dataset(column, fingerprint=_fingerprint(values))], axis=1)


def _arrow(values: Array) -> "pa.Array":
    """The same memory as an Arrow array: lists of fixed length where there is more than one axis."""
    import pyarrow as pa

    kind = pa.from_numpy_dtype(values.dtype)
    found = pa.Array.from_buffers(kind, values.size, [None, pa.py_buffer(values)])
    for width in values.shape[:0:-1]:
        found = pa.FixedSizeListArray.from_arrays(found, width)
    return found


def _fingerprint(values: Array) -> str:
    """A name for data sets' own cache, by a sample: hashing all would read all."""
    import hashlib

    sample = values[:: max(1, len(values) // 64)]
    return hashlib.sha256(f"{values.shape} {values.dtype}".encode() + sample.tobytes()).hexdigest()[:16]


def _text_columns(dataset: "Dataset") -> list[str]:
    check_rows(dataset)
    label = label_column(dataset.column_names)
    if label is not None:
        raise ArgumentError(
            f"dataset: a column {label!r}, expected none of {', '.join(LABEL_COLUMNS)}: the teacher gives the labels. "
            f"Remove it with remove_columns({label!r})."
        )
    return list(dataset.column_names)
