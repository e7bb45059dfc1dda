"""One batch of a training step, for losses that need more of it than embeddings.

A column is what the collator makes of one column of the data: named tensors whose first dimension is the row, and
values that hold for all rows, such as `prompt_length`.
Knows nothing of what a loss computes.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from airvec.errors import ArgumentError

__all__ = ["Batch", "Features", "unwrapped", "whole_width"]

Features = Mapping[str, Any]


@dataclass(frozen=True)
class Batch:
    """Columns of one batch, and the model that reads them.

    Args:
        model: takes a column and gives it back with `sentence_embedding` (rows, dim) added.
        columns: tokenised; empty where the model reads `texts` itself, as rerankers do.
        texts: the same columns as they are in the data set: str, or lists of str a row.
        prompt: put before each pair that a loss has the model read of the texts.
        task: which route of a Router those pairs take.
    """

    model: nn.Module
    columns: Sequence[Features] = field(default_factory=list[Features])
    texts: Sequence[Sequence[Any]] = ()
    prompt: str | None = None
    task: str | None = None

    def __len__(self) -> int:
        """Rows."""
        return len(self.texts[0]) if self.texts else _rows(self._filled()[0])

    def outputs(self) -> list[dict[str, Any]]:
        """Everything that the model's modules give for each column, each in a pass of its own."""
        return [self.model(dict(column)) for column in self.columns]

    def embeddings(self) -> list[Tensor]:
        """`sentence_embedding` of each column, (rows, dim).

        The first column has a pass of its own; the others, which are alike in length, share one. Dropout then falls as
        it does in sentence-transformers.

        Raises:
            ArgumentError: there are no tokenised columns.
        """
        first, *others = self._filled()
        found = [self.model(dict(first))["sentence_embedding"]]
        merged = _merged(others)
        if merged is None:
            return found + [self.model(dict(column))["sentence_embedding"] for column in others]
        return found + list(self.model(merged)["sentence_embedding"].chunk(len(others)))

    def rows(self, first: int, last: int) -> "Batch":
        """The batch of the rows from `first` to before `last`, each column cut to its own longest text.

        Only padding on the right goes: on the left it moves the positions of some models, and their embeddings.

        Raises:
            ArgumentError: a column has no row of its own a text, as static models' have not.
        """
        columns = [_cut(column, first, last) for column in self.columns]
        return replace(self, columns=columns, texts=[texts[first:last] for texts in self.texts])

    def column(self, number: int) -> "Batch":
        """The batch of one column alone."""
        return replace(self, columns=self.columns[number : number + 1], texts=self.texts[number : number + 1])

    def token_counts(self) -> list[list[int]]:
        """Tokens of each row, padding aside, a list a column.

        Raises:
            ArgumentError: a column has no attention mask.
        """
        for column in self.columns:
            if "attention_mask" not in column:
                raise ArgumentError(
                    f"mini_batch_num_tokens: a column of {sorted(column)}, expected an attention_mask, which tells the "
                    "tokens of each row. Use mini_batch_size."
                )
        return [column["attention_mask"].sum(dim=1).tolist() for column in self.columns]

    def _filled(self) -> Sequence[Features]:
        if not self.columns:
            raise ArgumentError(
                f"Batch: {len(self.texts)} columns of texts and none tokenised, expected tokenised columns. "
                "Use a loss of airvec_trainer.losses.rerank for a CrossEncoder."
            )
        return self.columns


def unwrapped(model: Any) -> Any:
    """The model inside of what spreads it over devices or compiles it, where its own methods are."""
    while isinstance(model, nn.Module) and not isinstance(model, nn.Sequential):
        children = dict(model.named_children())
        inner = children.get("_orig_mod") or children.get("module")
        if inner is None:
            break
        model = inner
    return model


def whole_width(model: Any) -> int | None:
    """Width of the embeddings that losses see; a model's `truncate_dim` shortens only what `encode` gives."""
    model = unwrapped(model)
    if not hasattr(model, "get_embedding_dimension"):
        return None
    with model.truncate_embeddings(None) if hasattr(model, "truncate_embeddings") else nullcontext():
        return model.get_embedding_dimension()


def _rows(column: Features) -> int:
    """Rows of a column. A static model's tokens lie end to end; its offsets count the texts."""
    names = ("offsets",) if "offsets" in column else ("attention_mask", "input_ids", *column)
    return next(len(column[name]) for name in names if isinstance(column.get(name), Tensor) and column[name].ndim)


def _merged(columns: Sequence[Features]) -> dict[str, Any] | None:
    """Columns below one another, filled up to the widest; None where they cannot be one batch."""
    if len(columns) < 2 or any(set(column) != set(columns[0]) for column in columns):
        return None
    texts = [columns[0].get(name) for name in ("input_ids", "attention_mask")]
    if not any(isinstance(value, Tensor) and value.ndim >= 2 for value in texts):
        return None
    rows, merged = _rows(columns[0]), dict[str, Any]()
    for name, value in columns[0].items():
        values = [column[name] for column in columns]
        if isinstance(value, Tensor) and name != "prompt_length":
            stacked = _stacked(values, rows)
            if stacked is None:
                return None
            merged[name] = stacked
        elif all(_same(value, other) for other in values):
            merged[name] = value
        else:
            return None
    return merged


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, Tensor) and isinstance(other, Tensor):
        return torch.equal(value, other)
    return bool(value == other)


def _stacked(values: Sequence[Any], rows: int) -> Tensor | None:
    """Tensors below one another, filled up with zeros on the right; None where they do not fit."""
    first = values[0]
    if not all(isinstance(value, Tensor) and value.ndim == first.ndim for value in values):
        return None
    if not all(value.ndim and len(value) == rows and value.shape[2:] == first.shape[2:] for value in values):
        return None
    if first.ndim < 2:
        return torch.cat(list(values))
    width = max(value.shape[1] for value in values)
    if first.is_floating_point() and any(value.shape[1] != width for value in values):
        return None
    return torch.cat([pad(value, (*(0, 0) * (value.ndim - 2), 0, width - value.shape[1])) for value in values])


def _cut(column: Features, first: int, last: int) -> dict[str, Any]:
    """Rows of a column; what does not have a value a row is kept whole."""
    if "offsets" in column:
        raise ArgumentError(
            f"Batch.rows: a column whose {len(column['input_ids'])} tokens lie end to end, expected (rows, tokens). "
            "Use the loss without the gradient cache: a static model keeps nothing in memory that it would save."
        )
    count, mask = _rows(column), column.get("attention_mask")
    width = None if mask is None else _width(mask[first:last])
    found: dict[str, Any] = {}
    for name, value in column.items():
        if not isinstance(value, Tensor) or value.ndim == 0 or len(value) != count or name == "prompt_length":
            found[name] = value
        elif width is not None and value.ndim >= 2 and value.shape[1] == mask.shape[1]:
            found[name] = value[first:last, :width]
        else:
            found[name] = value[first:last]
    return found


def _width(mask: Tensor) -> int:
    """Tokens up to the last that any row has; all where no row has one."""
    filled = mask.any(dim=0).nonzero()
    return int(filled[-1]) + 1 if len(filled) else mask.shape[1]
