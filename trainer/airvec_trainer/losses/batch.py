"""One batch of a training step, for losses that need more of it than embeddings.

A column is what the collator makes of one column of the data: named tensors whose first dimension is the row.
Knows nothing of what a loss computes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

__all__ = ["Batch", "Features"]

Features = Mapping[str, Any]


@dataclass(frozen=True)
class Batch:
    """Columns of one batch, and the model that reads them.

    Args:
        model: takes a column and gives it back with `sentence_embedding` (rows, dim) added.
        columns: tokenised; empty where the model reads `texts` itself, as rerankers do.
        texts: the same columns as they are in the data set: str, or lists of str a row.
    """

    model: nn.Module
    columns: Sequence[Features] = field(default_factory=list[Features])
    texts: Sequence[Sequence[Any]] = ()

    def __len__(self) -> int:
        """Rows."""
        return len(self.texts[0]) if self.texts else len(self.columns[0]["input_ids"])

    def outputs(self) -> list[dict[str, Any]]:
        """Everything that the model's modules give for each column, each in a pass of its own."""
        return [self.model(dict(column)) for column in self.columns]

    def embeddings(self) -> list[Tensor]:
        """`sentence_embedding` of each column, (rows, dim).

        The first column has a pass of its own; the others, which are alike in length, share one. Dropout then falls as
        it does in sentence-transformers.
        """
        first, *others = self.columns
        found = [self.model(dict(first))["sentence_embedding"]]
        merged = _merged(others)
        if merged is None:
            return found + [self.model(dict(column))["sentence_embedding"] for column in others]
        return found + list(self.model(merged)["sentence_embedding"].chunk(len(others)))

    def rows(self, first: int, last: int) -> "Batch":
        """The batch of the rows from `first` to before `last`, each column cut to its own longest text."""
        columns = [_cut(column, first, last, len(self)) for column in self.columns]
        return replace(self, columns=columns, texts=[texts[first:last] for texts in self.texts])

    def column(self, number: int) -> "Batch":
        """The batch of one column alone."""
        return replace(self, columns=self.columns[number : number + 1], texts=self.texts[number : number + 1])


def _merged(columns: Sequence[Features]) -> dict[str, Any] | None:
    """Columns below one another, filled up to the widest; None where they cannot be one batch."""
    if len(columns) < 2 or any(set(column) != set(columns[0]) for column in columns):
        return None
    merged: dict[str, Any] = {}
    for name, value in columns[0].items():
        values = [column[name] for column in columns]
        if isinstance(value, Tensor) and value.ndim >= 2 and not value.is_floating_point():
            width = max(value.shape[1] for value in values)
            merged[name] = torch.cat([pad(value, (0, width - value.shape[1])) for value in values])
        elif isinstance(value, Tensor) or any(other != value for other in values):
            return None
        else:
            merged[name] = value
    return merged


def _cut(column: Features, first: int, last: int, count: int) -> dict[str, Any]:
    """Rows of a column; what does not have a value a row is kept whole."""
    found: dict[str, Any] = {}
    for name, value in column.items():
        a_row = isinstance(value, Tensor) and value.ndim > 0 and len(value) == count
        found[name] = value[first:last] if a_row else value
    mask = found.get("attention_mask")
    if mask is None:
        return found
    filled = mask.any(dim=0).nonzero().flatten()
    start, width = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, mask.shape[1])
    return {
        name: value[:, start:width]
        if isinstance(value, Tensor) and value.ndim >= 2 and value.shape[:2] == mask.shape
        else value
        for name, value in found.items()
    }
