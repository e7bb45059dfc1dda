"""Static models: the embedding of a text is the mean of its tokens' rows in a table. NumPy only.

Reads the tables of sentence-transformers (`embedding.weight`) and of model2vec (`embeddings`, with an optional
`mapping` from token to row and `weights` a token), in float32, float16 or int8.
Knows nothing of graphs; does not import onnxruntime.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from airvec.arrays import Array, Features, Floats, TokenIds
from airvec.batching import Tokens
from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.json_file import short_name
from airvec.weights import read_tensors, to_float32

BLOCK = 8192  # tokens of one text whose rows are gathered at once
TABLE_NAMES = ("embedding.weight", "embeddings")


@dataclass(frozen=True, eq=False)
class StaticTable:
    """float32 `rows` (vocabulary, dim): the table as stored, with mapping and weights already applied."""

    rows: Floats
    token_budget: int = 16_384  # 16 MB of gathered rows at 256 dimensions
    pools: bool = False
    modules: tuple[str, ...] = ()
    turn: None = None

    @property
    def output_dim(self) -> int | None:
        """Width of the embedding."""
        return int(self.rows.shape[1])

    @classmethod
    def open(cls, spec: ModuleSpec) -> Self:
        """Read `model.safetensors`.

        Raises:
            ModelFolderError: no table in the file, or `mapping` or `weights` do not fit it.
        """
        file = spec.path / "model.safetensors"
        tensors = read_tensors(file)
        name = next((name for name in TABLE_NAMES if name in tensors), None)
        if name is None or tensors[name].ndim != 2:
            shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
            raise ModelFolderError(
                f"{short_name(file)}: tensors {shapes}, expected a matrix {' or '.join(TABLE_NAMES)}. "
                "This is not a static embedding model."
            )
        table = tensors[name]
        if name == "embeddings":
            table = _fold(table, tensors.get("mapping"), tensors.get("weights"), short_name(file))
        return cls(to_float32(table))

    def run(self, tokens: Tokens, bulk: bool) -> Features:
        """`sentence_embedding` float32 (batch, dim): the mean of each text's rows; zeros for a text without tokens.

        Raises:
            ModelFolderError: the tokenizer gave an id outside the table.
        """
        if len(tokens.ids) and int(tokens.ids.max()) >= len(self.rows):
            raise ModelFolderError(
                f"token id {int(tokens.ids.max())} in a table of {len(self.rows)} rows. "
                "tokenizer.json and model.safetensors are of different models: fetch the folder again."
            )
        sums = np.zeros((len(tokens), self.rows.shape[1]), np.float32)
        short = np.flatnonzero((tokens.lengths > 0) & (tokens.lengths <= BLOCK))
        if len(short):
            some = tokens if tokens.lengths.max() <= BLOCK else tokens.take(short)
            gathered = self.rows[some.ids]  # (tokens, dim)
            sums[short] = np.add.reduceat(gathered, some.offsets[:-1][some.lengths > 0], axis=0)
        for row in np.flatnonzero(tokens.lengths > BLOCK):
            sums[row] = self._sum(tokens.ids[tokens.offsets[row] : tokens.offsets[row + 1]])
        counts = np.maximum(tokens.lengths, 1).astype(np.float32)
        return {"sentence_embedding": sums / counts[:, None], "input_ids": tokens.ids, "offsets": tokens.offsets[:-1]}

    def _sum(self, ids: TokenIds) -> Array:
        """Sum of the rows of a long text, float64 (dim,): block by block, as all at once would be 1 KB a token."""
        blocks = (self.rows[ids[start : start + BLOCK]] for start in range(0, len(ids), BLOCK))
        return np.sum([block.sum(axis=0, dtype=np.float64) for block in blocks], axis=0)


def _fold(table: Array, mapping: Array | None, weights: Array | None, where: str) -> Array:
    """One row a token: `table[mapping] * weights`, in float32."""
    if mapping is not None:
        if mapping.ndim != 1 or mapping.size == 0 or mapping.min() < 0 or mapping.max() >= len(table):
            raise ModelFolderError(
                f"{where}: mapping of shape {list(mapping.shape)} points outside the table of {len(table)} rows. "
                "The file is damaged: fetch it again."
            )
        table = table[mapping]
    if weights is None:
        return table
    if weights.shape != (len(table),):
        raise ModelFolderError(
            f"{where}: weights of shape {list(weights.shape)}, expected [{len(table)}]. Fetch the file again."
        )
    return to_float32(table) * to_float32(weights)[:, None]
