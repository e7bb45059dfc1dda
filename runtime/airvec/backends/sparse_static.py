"""Sparse models without a graph: the weight of a word in a text is its row in a table, if it is there. NumPy only.

Inference-free models read queries so. The table is `weight` (vocabulary,) in `model.safetensors`, or `idf.json`,
{token: weight}, which `config.json` names.
Source: Geng et al. 2025, https://arxiv.org/abs/2411.04403
Knows nothing of graphs; does not import onnxruntime.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Self

import numpy as np

from airvec.arrays import Features, Floats
from airvec.batching import TABLE_WINDOW, Tokens
from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject, read_object, short_name
from airvec.weights import read_tensors, to_float32


@dataclass(frozen=True, eq=False)
class SparseTable:
    """float32 `weights` (vocabulary,): one a token id."""

    weights: Floats
    token_budget: int = 1_000_000  # nothing is padded, and an entry takes some 50 bytes of work
    window: int = TABLE_WINDOW
    batch_cost: None = None
    beside: bool = True
    pools: bool = False
    modules: tuple[str, ...] = ()
    turn: None = None

    @property
    def output_dim(self) -> int | None:
        """The size of the vocabulary."""
        return len(self.weights)

    @classmethod
    def open(cls, spec: ModuleSpec, root: Path, vocabulary: Mapping[str, int]) -> Self:
        """Read the table.

        Args:
            spec: the module.
            root: the model folder, where `idf.json` may lie too.
            vocabulary: {token: id} of its tokenizer, for tables by token; tokens outside it can be in no text.

        Raises:
            ModelNotFoundError: the file is missing.
            ModelFolderError: it holds no table.
        """
        stated = spec.config.text("path")
        if stated is not None and stated.endswith(".json"):
            return cls(_by_token(_table_file((spec.path, root), stated), vocabulary))
        file = spec.path / "model.safetensors"
        tensors = read_tensors(file)
        if "weight" not in tensors or tensors["weight"].ndim != 1:
            shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
            raise ModelFolderError(
                f"{short_name(file)}: tensors {shapes}, expected a vector 'weight'. Re-export the checkpoint."
            )
        return cls(to_float32(tensors["weight"]))

    def run(self, tokens: Tokens, bulk: bool) -> Features:
        """The rows' three arrays: `sparse_indices` int32, `sparse_values` float32 (entries,), `sparse_indptr` (n + 1,).

        A token counts once, however often it is in a text; those of weight 0 are left out.

        Raises:
            ModelFolderError: the tokenizer gave an id outside the table.
        """
        size = len(self.weights)
        if len(tokens.ids) and int(tokens.ids.max()) >= size:
            raise ModelFolderError(
                f"token id {int(tokens.ids.max())} in a table of {size} weights. "
                "tokenizer.json and the table are of different models: fetch the folder again."
            )
        rows = np.repeat(np.arange(len(tokens)), tokens.lengths)
        entries = np.unique(rows * size + tokens.ids)  # one number a row and token, in their order
        entries = entries[self.weights[entries % size] != 0]
        indices = (entries % size).astype(np.int32)
        counts = np.bincount(entries // size, minlength=len(tokens))
        return {
            "sparse_indices": indices,
            "sparse_values": self.weights[indices],
            "sparse_indptr": np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)]),
        }


def _table_file(folders: Sequence[Path], stated: str) -> Path:
    """The file that `path` means: it was written on another machine, so that only its name holds here."""
    name = PureWindowsPath(PurePosixPath(stated).name).name
    found = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if found is None:
        raise ModelNotFoundError(
            f"{short_name(folders[0] / 'config.json')}: path {stated!r}, but no {name} lies beside it or in the model "
            "folder. Fetch it again."
        )
    return found


def _by_token(file: Path, vocabulary: Mapping[str, int]) -> Floats:
    table: JsonObject = read_object(file)
    weights = np.zeros(1 + max(vocabulary.values(), default=-1), np.float32)
    for token, weight in table.values.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise ModelFolderError(
                f"{table.file}: token {token!r} has weight {weight!r:.40}, expected a number. Fetch the file again."
            )
        if token in vocabulary:
            weights[vocabulary[token]] = weight
    return weights
