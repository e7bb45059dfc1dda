"""From the texts of a batch to the scores of its pairs.

Knows nothing of what a loss computes from the scores.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch, unwrapped
from airvec_trainer.losses.columns import name_of, require_columns

__all__ = [
    "columns_of", "labels_of_lists", "logits_of", "one_score", "require_scores", "scores_of_columns",
    "scores_of_lists", "scores_of_pairs",
]  # fmt: skip

Pairs = Sequence[tuple[Any, Any]]


def columns_of(batch: Batch, where: str, expected: str, least: int, most: int | None = None) -> list[list[Any]]:
    """The columns of texts.

    Raises:
        ArgumentError: fewer than `least` or more than `most`, or columns of unlike length.
    """
    columns = [list(column) for column in batch.texts]
    if len(columns) < least or (most is not None and len(columns) > most):
        raise ArgumentError(
            f"{where}: {len(columns)} columns beside the labels, expected {expected}. Give these columns in this order."
        )
    if len({len(column) for column in columns}) > 1:
        raise ArgumentError(
            f"{where}: columns of {[len(column) for column in columns]} rows, expected one length. Fill them up."
        )
    return columns


def logits_of(batch: Batch, pairs: Pairs) -> Tensor:
    """What the model gives for pairs of texts in one pass: (pairs, labels)."""
    model: Any = batch.model
    reader = unwrapped(model)
    features = reader.preprocess(list(pairs), prompt=batch.prompt, task=batch.task)
    moved = {name: value.to(reader.device) if isinstance(value, Tensor) else value for name, value in features.items()}
    return model(moved)["scores"]


def one_score(where: str, logits: Tensor) -> Tensor:
    """(pairs, 1) or (pairs,) -> (pairs,).

    Raises:
        ArgumentError: more than one score a pair.
    """
    if logits.ndim > 1 and logits[:1].numel() != 1:
        raise ArgumentError(
            f"{where}: the model gives {tuple(logits.shape[1:])} scores a pair, expected 1. "
            f"Make it with num_labels=1, or take CrossEntropyLoss."
        )
    return logits.reshape(-1)


def require_scores(loss: object, columns: Sequence[Tensor], least: int, most: int | None = None) -> list[Tensor]:
    """Columns of scores as (rows,) each.

    Raises:
        ArgumentError: too few or too many, several scores a row, or columns of unlike length.
    """
    scores = [one_score(name_of(loss), column) for column in columns]
    require_columns(loss, scores, least, most, dims=1)
    return scores


def scores_of_pairs(where: str, batch: Batch, pairs: Pairs, size: int) -> Tensor:
    """Scores of pairs, `size` of them in one pass: (pairs,)."""
    return torch.cat(
        [one_score(where, logits_of(batch, pairs[first : first + size])) for first in range(0, len(pairs), size)]
    )


def scores_of_columns(where: str, batch: Batch, first: Sequence[Any], second: Sequence[Any]) -> Tensor:
    """Scores of two columns, row by row, in one pass: (rows,)."""
    return one_score(where, logits_of(batch, list(zip(first, second, strict=True))))


def scores_of_lists(where: str, batch: Batch, labels: Any, size: int | None) -> list[Tensor]:
    """Scores of every document for its query: one tensor a query, (its documents,).

    Args:
        where: the loss, for errors.
        batch: with two columns: a query, and a list of documents.
        labels: one sequence a query; its lengths are compared before the model runs.
        size: pairs in one pass; None is as many as there are queries, 0 and less is all.

    Raises:
        ArgumentError: other columns, or labels that do not fit the documents.
    """
    queries, documents = columns_of(batch, where, "2, a query and a list of documents", 2, 2)
    for number, row in enumerate(documents):
        if isinstance(row, str):
            raise ArgumentError(
                f"{where}: the documents of row {number} are the text {row[:40]!r}, expected a list of texts. "
                f"Put all documents of a query in one row."
            )
    sizes = [len(row) for row in documents]
    _check_sizes(where, sizes, labels)
    pairs = [(query, document) for query, row in zip(queries, documents, strict=True) for document in row]
    at_once = len(queries) if size is None else size
    scores = scores_of_pairs(where, batch, pairs, at_once if at_once > 0 else len(pairs))
    return list(scores.split(sizes))


def labels_of_lists(where: str, scores: Sequence[Tensor], labels: Any) -> list[Tensor]:
    """Labels as float32, where the scores are: one tensor a query, (its documents,).

    Raises:
        ArgumentError: no labels, a single one a query, lengths unlike the scores', an empty list, or not a number.
    """
    _check_sizes(where, [len(row) for row in scores], labels)
    found = [torch.as_tensor(row).to(device=scores[0].device, dtype=torch.float32) for row in labels]
    together = torch.cat(found)
    if not bool(together.isfinite().all()):
        raise ArgumentError(
            f"{where}: {int((~together.isfinite()).sum())} of {len(together)} labels are NaN or infinite, expected "
            f"finite numbers. Correct them, or leave those documents out."
        )
    return found


def _check_sizes(where: str, sizes: list[int], labels: Any) -> None:
    is_table = isinstance(labels, Tensor) and labels.ndim == 2
    is_lists = isinstance(labels, list | tuple) and all(torch.as_tensor(row).ndim == 1 for row in labels)
    if not (is_table or is_lists):
        shape = f"a tensor of shape {tuple(labels.shape)}" if isinstance(labels, Tensor) else f"{labels!s:.60}"
        raise ArgumentError(
            f"{where}: labels are {shape}, expected a list of numbers for each query. "
            f"Give a column `labels` of lists as long as the documents'."
        )
    found = [len(row) for row in labels]
    if sizes != found:
        raise ArgumentError(
            f"{where}: queries with {sizes} documents have {found} labels, expected as many. Give each document one."
        )
    if not sizes or 0 in sizes:
        raise ArgumentError(
            f"{where}: queries with {sizes} documents, expected at least one each. Leave the empty ones out."
        )
