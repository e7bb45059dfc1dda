"""Static models: the embedding of a text is the mean of its tokens' rows in a table. NumPy only.

Reads the tables of sentence-transformers (`embedding.weight`) and of model2vec (`embeddings`, with an optional
`mapping` from token to row and `weights` a token), in float32, float16 or int8.
Knows nothing of graphs; does not import onnxruntime.
"""

import os
from collections.abc import Iterator
from typing import Self

import numpy as np

from airvec.arrays import Array, Features, Floats, Integers, TokenIds
from airvec.batching import TABLE_WINDOW, Tokens
from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.json_file import short_name
from airvec.weights import read_tensors, to_float32

BLOCK = 8192  # tokens of one text whose rows are gathered at once
# Tokens of texts of one length whose rows are: 2 MB at 256 dimensions, which stay in a core's cache until they are
# summed. Sums by np.add.reduceat, which needs no groups, take six times as long. They are sums of float32, row after
# row, so a longer text, whose error would grow, is summed in float64.
GROUP_TOKENS = 2048
# Tokens after which the whole table is made float32. Of the default model that takes 8 ms (0.1 s on a third of a CPU),
# and 24 MB; then a token's row takes 0.10 µs in place of 0.21, so that it pays after 70,000 tokens.
FEW_TOKENS = 65_536
TABLE_NAMES = ("embedding.weight", "embeddings")


class StaticTable:
    """A row a token: `stored[mapping] * weights`, in float32.

    `stored` (rows, dim) of any dtype, `mapping` (vocabulary,) or None, `weights` float32 (vocabulary,) or None. The
    rows of few tokens are read from the file; after many, the whole table is made so once.
    """

    token_budget, window = 1_000_000, TABLE_WINDOW
    batch_cost, beside = None, False  # nothing is padded
    pools = False
    modules: tuple[str, ...] = ()
    turn: None = None

    def __init__(self, stored: Array, mapping: Array | None = None, weights: Floats | None = None) -> None:
        self._stored, self._mapping, self._weights = stored, mapping, weights
        self._count = len(stored if mapping is None else mapping)
        self._rows: Floats | None = None
        self._seen = 0

    @property
    def output_dim(self) -> int | None:
        """Width of the embedding."""
        return int(self._stored.shape[1])

    @classmethod
    def open(cls, spec: ModuleSpec) -> Self:
        """Read `model.safetensors`.

        Raises:
            ModelFolderError: no table in the file, or `mapping` or `weights` do not fit it.
        """
        file = os.path.join(spec.home, "model.safetensors")
        tensors = read_tensors(file)
        name = next((name for name in TABLE_NAMES if name in tensors), None)
        if name is None or tensors[name].ndim != 2:
            shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
            raise ModelFolderError(
                f"{short_name(file)}: tensors {shapes}, expected a matrix {' or '.join(TABLE_NAMES)}. "
                "This is not a static embedding model."
            )
        if name != "embeddings":
            return cls(tensors[name])
        mapping, weights = tensors.get("mapping"), tensors.get("weights")
        _check_fit(tensors[name], mapping, weights, short_name(file))
        return cls(tensors[name], mapping, None if weights is None else to_float32(weights))

    def run(self, tokens: Tokens, bulk: bool) -> Features:
        """`sentence_embedding` float32 (batch, dim): the mean of each text's rows; zeros for a text without tokens.

        Raises:
            ModelFolderError: the tokenizer gave an id outside the table.
        """
        if len(tokens.ids) and int(tokens.ids.max()) >= self._count:
            raise ModelFolderError(
                f"token id {int(tokens.ids.max())} in a table of {self._count} rows. "
                "tokenizer.json and model.safetensors are of different models: fetch the folder again."
            )
        sums = np.zeros((len(tokens), self._stored.shape[1]), np.float32)
        for rows, length in _groups(tokens.lengths):
            ids = tokens.ids[tokens.offsets[rows][:, None] + np.arange(length)]  # (group, length)
            sums[rows] = self._gather(ids).sum(axis=1)
        for row in np.flatnonzero(tokens.lengths > GROUP_TOKENS):
            sums[row] = self._sum(tokens.ids[tokens.offsets[row] : tokens.offsets[row + 1]])
        counts = np.maximum(tokens.lengths, 1).astype(np.float32)
        return {"sentence_embedding": sums / counts[:, None], "input_ids": tokens.ids, "offsets": tokens.offsets[:-1]}

    def _gather(self, ids: TokenIds) -> Floats:
        """float32 (*ids.shape, dim). Two threads may both make the table, which is the same."""
        self._seen += ids.size
        if self._rows is None and self._seen > FEW_TOKENS:
            self._rows = self._read(slice(None))
        return self._read(ids) if self._rows is None else self._rows.take(ids, axis=0)

    def _read(self, ids: TokenIds | slice) -> Floats:
        """float32 (*ids.shape, dim), from what is stored."""
        rows = to_float32(self._stored[ids if self._mapping is None else self._mapping[ids]])
        return rows if self._weights is None else rows * self._weights[ids][..., None]

    def _sum(self, ids: TokenIds) -> Array:
        """Sum of the rows of a long text, float64 (dim,): block by block, as all at once would be 1 KB a token."""
        blocks = (self._gather(ids[start : start + BLOCK]) for start in range(0, len(ids), BLOCK))
        return np.sum([block.sum(axis=0, dtype=np.float64) for block in blocks], axis=0)


def _groups(lengths: Integers) -> Iterator[tuple[Integers, int]]:
    """Rows of texts of one length, from 1 to `GROUP_TOKENS`, and that length; no more than so many tokens at a time."""
    order = np.argsort(lengths, kind="stable")
    found = lengths[order]
    ends = np.flatnonzero(found[1:] != found[:-1]) + 1
    for rows in np.split(order, ends) if len(ends) else [order]:
        length = int(lengths[rows[0]]) if len(rows) else 0
        if 0 < length <= GROUP_TOKENS:
            step = GROUP_TOKENS // length
            yield from ((rows[first : first + step], length) for first in range(0, len(rows), step))


def _check_fit(table: Array, mapping: Array | None, weights: Array | None, where: str) -> None:
    if mapping is not None and (
        mapping.ndim != 1 or mapping.size == 0 or mapping.min() < 0 or mapping.max() >= len(table)
    ):
        raise ModelFolderError(
            f"{where}: mapping of shape {list(mapping.shape)} points outside the table of {len(table)} rows. "
            "The file is damaged: fetch it again."
        )
    count = len(table if mapping is None else mapping)
    if weights is not None and weights.shape != (count,):
        raise ModelFolderError(
            f"{where}: weights of shape {list(weights.shape)}, expected [{count}]. Fetch the file again."
        )
