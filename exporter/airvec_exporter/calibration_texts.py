"""Texts to calibrate on, as a folder's graph takes them, without torch: our sample, or a column of a data set.

Knows nothing of graphs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from airvec.batching import pad
from airvec.errors import ArgumentError, MissingPackageError
from airvec.folder import CLASSIFY, ModuleSpec
from airvec.pairs import encode_pairs
from airvec.tokenizer import open_tokenizer
from airvec_exporter.quantize.calibration import sample_texts

SEED = 42  # as the reference shuffles


@dataclass(frozen=True)
class TextColumn:
    """A column of a data set, by the words of the package datasets."""

    name: str
    part: str
    split: str
    column: str


def batches_of(
    spec: ModuleSpec, inputs: Sequence[str], column: TextColumn | None, samples: int
) -> list[dict[str, npt.NDArray[np.int64]]]:
    """Texts, each by itself, as a graph's inputs: int64 (1, tokens) each.

    Args:
        spec: the body whose tokenizer reads them; of a reranker each text is paired with the next one.
        inputs: the graph's.
        column: where the texts are from; None = airvec's own sample.
        samples: how many at most.

    Raises:
        ArgumentError: no such data set or column, or one without texts.
        MissingPackageError: a data set, and datasets is not installed.
    """
    texts = (sample_texts() if column is None else texts_of(column, samples))[:samples]
    tokenizer = open_tokenizer(_stated(spec))
    if spec.task == CLASSIFY:
        tokens = encode_pairs(tokenizer, list(zip(texts, [*texts[1:], texts[0]], strict=True)))
    else:
        tokens = tokenizer.truncate(tokenizer.encode(texts))
    rows = [tokens.take(np.array([row])) for row in range(len(tokens)) if tokens.lengths[row]]
    padded = [pad(row, tokenizer.pad_id, tokenizer.padding_side)._asdict() for row in rows]
    return [{name: values[name] for name in inputs} for values in padded]


def texts_of(column: TextColumn, samples: int) -> list[str]:
    """Some texts of a column, by chance, the same ones every time.

    Raises:
        ArgumentError: no such data set or column, or one without texts.
        MissingPackageError: datasets is not installed.
    """
    try:
        datasets = import_module("datasets")  # by name: no dependency of ours, not even an optional one
    except ImportError as error:
        raise MissingPackageError(
            f"dataset_name: {column.name!r} needs the package datasets, which is not installed. Run: pip install "
            "datasets; or leave the data set out, for airvec's own texts."
        ) from error
    try:
        found: Any = datasets.load_dataset(column.name, column.part, split=column.split)
        found = found.shuffle(seed=SEED)
        texts = found.select(range(min(samples, len(found))))[column.column]
    except Exception as error:  # the package's own, those of the Hub's client and of the files' formats
        raise ArgumentError(
            f"dataset_name: {column} cannot be read ({' '.join(str(error).split())}). Check the four names."
        ) from error
    texts = [text for text in texts if isinstance(text, str) and text.strip()]
    if not texts:
        raise ArgumentError(
            f"column_name: {column.column!r} of {column.name} has no texts, expected some. Name another."
        )
    return texts


def _stated(spec: ModuleSpec) -> Any:
    """The tokenizer of a body; `adding.graphs` gives none without."""
    return spec.tokenizer
