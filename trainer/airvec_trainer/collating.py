"""Rows of a data set → what a training step reads: the columns tokenised, the texts as they are, and the labels.

    {"columns": [features a column], "texts": [values a column], "label": labels, "dataset_name": name}

The order of columns is the order of a loss's inputs; their names choose prompts and routes only.
Knows nothing of losses and of how rows are chosen.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from airvec_trainer.errors import TrainingError, shortened
from airvec_trainer.label_columns import LABEL_COLUMNS, label_column

__all__ = ["Collator", "PairCollator"]

NAME = "dataset_name"

Row = Mapping[str, Any]


class Preprocess(Protocol):
    """A model's own step from texts to tensors."""

    def __call__(self, texts: Sequence[Any], /, *, prompt: str | None = None, task: str | None = None) -> Any:
        """Tokenise and pad."""
        ...


@dataclass(frozen=True)
class Collator:
    """Batches for models that read one text at a time: each column is tokenised by itself.

    Args:
        preprocess: the model's.
        prompts: one for all columns; {column: prompt}; {data set: prompt}; {data set: {column: prompt}}.
        router_mapping: {column: route} or {data set: {column: route}}.
        valid_label_columns: names that the label column may have; the first that is found is the label.
    """

    preprocess: Preprocess
    prompts: Any = None
    router_mapping: Mapping[str, Any] = field(default_factory=dict[str, Any])
    valid_label_columns: tuple[str, ...] = LABEL_COLUMNS

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The batch of these rows, of one data set.

        Raises:
            TrainingError: labels that are no numbers, or not alike in length.
        """
        batch, names = _begun(rows)
        label = label_column(names, self.valid_label_columns)
        if label is not None:
            names.remove(label)
            batch["label"] = _tensor([row[label] for row in rows], label)
        prompts = _of_data_set(self.prompts, batch.get(NAME))
        routes = _of_data_set(self.router_mapping, batch.get(NAME)) or {}
        batch["texts"] = [[row[name] for row in rows] for name in names]
        batch["columns"] = [
            self._features(texts, prompts.get(name) if isinstance(prompts, Mapping) else prompts, routes.get(name))
            for name, texts in zip(names, batch["texts"], strict=True)
        ]
        return batch

    def _features(self, texts: list[Any], prompt: str | None, task: str | None) -> dict[str, Any]:
        features = dict(self.preprocess(texts, prompt=prompt, task=task))
        return features if task is None else {**features, "task": task}


@dataclass(frozen=True)
class PairCollator:
    """Batches for rerankers: nothing is tokenised, because the loss chooses which texts make pairs.

    Args:
        prompts: one for all, or {data set: prompt}; given on as "prompt".
        router_mapping: {data set: task}; given on as "task".
        valid_label_columns: names that the label column may have; the first that is found is the label.
    """

    prompts: Any = None
    router_mapping: Any = field(default_factory=dict[str, str])
    valid_label_columns: tuple[str, ...] = LABEL_COLUMNS

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The batch of these rows, of one data set. Labels that are lists give a list of tensors, one a row.

        Raises:
            TrainingError: labels that are no numbers.
        """
        batch, names = _begun(rows)
        label = label_column(names, self.valid_label_columns)
        if label is not None:
            names.remove(label)
            values = [row[label] for row in rows]
            in_lists = isinstance(values[0], Collection) and not isinstance(values[0], str)
            batch["label"] = [_tensor(value, label) for value in values] if in_lists else _tensor(values, label)
        for key, mapping in (("prompt", self.prompts), ("task", self.router_mapping)):
            value = mapping.get(batch.get(NAME)) if isinstance(mapping, Mapping) else mapping
            if value:
                batch[key] = value
        batch["columns"] = []
        batch["texts"] = [[row[name] for row in rows] for name in names]
        return batch


def _begun(rows: Sequence[Row]) -> tuple[dict[str, Any], list[str]]:
    """A batch with the name of its data set where there is one, and the names of the columns."""
    names = [name for name in rows[0] if name != NAME]
    return ({NAME: rows[0][NAME]} if NAME in rows[0] else {}), names


def _of_data_set(mapping: Any, name: str | None) -> Any:
    """What a mapping holds for a data set, where its keys are data sets; the mapping itself where they are columns."""
    if not isinstance(mapping, Mapping) or not mapping:
        return mapping
    if name is not None and name in mapping:
        return mapping[name]
    return {} if any(isinstance(value, Mapping) for value in mapping.values()) else mapping


def _tensor(values: Any, column: str) -> torch.Tensor:
    """Labels as a tensor: integers int64, others float32."""
    try:
        if len(values) and isinstance(values[0], torch.Tensor):
            return torch.stack(values)
        return torch.tensor(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TrainingError(
            f"column {column!r}: {shortened(values)} cannot be one tensor ({error}), expected numbers, or lists of "
            "numbers of one length. Make the labels numbers, such as by class_encode_column."
        ) from error
