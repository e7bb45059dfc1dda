"""Two linear layers on a body's token states, as BGE-M3 has them: a lexical weight a token, and a vector a token.

    lexical weight of a word = the largest relu(w · state + b) of its occurrences; special tokens have none
    vector of a token        = (W state + b) / its length, for all tokens but the first

They lie beside config.json, `sparse_linear.safetensors` and `colbert_linear.safetensors`: `airvec export` makes them
from torch's `.pt` files, which are never read here.
Source: Chen et al. 2024, https://arxiv.org/abs/2402.03216
Knows nothing of texts, graphs and of what is scored with these embeddings.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from airvec import csr
from airvec.arrays import Array, Floats, Integers
from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.folder import ModelFolder
from airvec.folder.settings import COLBERT_HEAD, SPARSE_HEAD
from airvec.json_file import short_name
from airvec.modules.normalize import unit
from airvec.sparse_vectors import SparseVectors
from airvec.tokenizer import Tokenizer
from airvec.weights import need_tensor, read_tensors

SPECIAL_IDS = "special_ids"


@dataclass(frozen=True, eq=False)
class LexicalHead:
    """Weight (hidden,) and bias float32; `special_ids` (k,) have no weight; `vocabulary_size` is the rows' width."""

    weight: Floats
    bias: np.float32
    special_ids: Integers
    vocabulary_size: int

    def rows(self, states: Floats, ids: Integers, mask: Integers) -> SparseVectors:
        """Lexical weights of a batch: (batch, vocabulary), all above 0.

        Args:
            states: float32 (batch, tokens, hidden).
            ids: int64 (batch, tokens), the tokens.
            mask: int64 (batch, tokens), 0 on padding.
        """
        weights = np.maximum(states @ self.weight + self.bias, np.float32(0))  # (batch, tokens)
        kept = (mask > 0) & (weights > 0) & ~np.isin(ids, self.special_ids)
        owners, _ = np.nonzero(kept)
        # One number a word of a text, so that sorting brings its occurrences together, the largest weight last.
        keys = owners * self.vocabulary_size + ids[kept]
        order = np.lexsort((weights[kept], keys))
        keys, values = keys[order], weights[kept][order]
        last = np.append(keys[1:] != keys[:-1], True)[: len(keys)]
        keys, values = keys[last], values[last]
        counts = np.bincount(keys // self.vocabulary_size, minlength=len(ids))
        columns = (keys % self.vocabulary_size).astype(np.int32)
        return SparseVectors(columns, values, csr.row_starts(counts), self.vocabulary_size)


@dataclass(frozen=True, eq=False)
class MultiVectorHead:
    """`weight` (dim, hidden) and `bias` (dim,), float32."""

    weight: Floats
    bias: Floats

    def vectors(self, states: Floats, mask: Integers) -> list[Floats]:
        """Unit vectors of each text's tokens but the first, float32 (tokens, dim) each.

        Args:
            states: float32 (batch, tokens, hidden).
            mask: int64 (batch, tokens), 0 on padding.
        """
        real = mask > 0
        real[np.arange(len(mask)), mask.argmax(axis=1)] = False  # the first token, whose state is the dense embedding
        vectors = unit(states[real] @ self.weight.T + self.bias)  # (tokens of all, dim)
        return np.split(vectors, np.cumsum(real.sum(axis=1))[:-1])


@dataclass(frozen=True, eq=False)
class TokenHeads:
    """Both heads of a folder."""

    lexical: LexicalHead
    multi_vector: MultiVectorHead

    @classmethod
    def open(cls, folder: ModelFolder, tokenizer: Tokenizer, hidden: int) -> Self:
        """Read both files.

        Args:
            folder: the model.
            tokenizer: its tokenizer. Where the file names no special ids, those of all its special tokens count.
            hidden: width of the token states.

        Raises:
            ModelNotFoundError: a file is not there; the message says how to make it.
            ModelFolderError: a file is damaged or of another model.
        """
        lexical, multi = (_tensors(folder, name) for name in (SPARSE_HEAD, COLBERT_HEAD))
        files = folder.path / SPARSE_HEAD, folder.path / COLBERT_HEAD
        size = max(folder.bodies()[0].config.integer("vocab_size") or 0, tokenizer.backend.get_vocab_size())
        dim = len(multi["weight"]) if multi.get("weight") is not None and multi["weight"].ndim else 0
        return cls(
            LexicalHead(
                need_tensor(lexical, files[0], "weight", (1, hidden))[0],
                np.float32(need_tensor(lexical, files[0], "bias", (1,))[0]),
                _special_ids(files[0], lexical, tokenizer),
                size,
            ),
            MultiVectorHead(
                need_tensor(multi, files[1], "weight", (dim, hidden)), need_tensor(multi, files[1], "bias", (dim,))
            ),
        )


def _tensors(folder: ModelFolder, name: str) -> dict[str, Array]:
    file = folder.path / name
    if not file.is_file():
        raise ModelNotFoundError(
            f"{short_name(file)}: no such file, expected a head as BGE-M3 has it; those that torch saved (.pt) are "
            f"never read. Make the folder once, with torch: airvec export {folder.name} "
            f"{folder.name.rpartition('/')[2]}-onnx"
        )
    return read_tensors(file)


def _special_ids(file: Path, tensors: dict[str, Array], tokenizer: Tokenizer) -> Integers:
    if SPECIAL_IDS not in tensors:
        added = tokenizer.backend.get_added_tokens_decoder()
        return np.array([number for number, token in added.items() if token.special], np.int64)
    found = tensors[SPECIAL_IDS]
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ModelFolderError(
            f"{short_name(file)}: tensor {SPECIAL_IDS!r} of {found.dtype} {list(found.shape)}, expected whole numbers "
            "[k]. Re-export the checkpoint."
        )
    return found.astype(np.int64)
