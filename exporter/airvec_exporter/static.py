"""The body of a static model in torch: the mean of its tokens' rows in a table.

Reads sentence-transformers' file (`embedding.weight`) and model2vec's (`embeddings`, with an optional row number and
weight a token; the weights also carry the scale of int8 rows).
Knows nothing of the modules behind it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.folder import ModuleSpec
from airvec.json_file import short_name
from airvec_exporter.weights import read_state


class StaticBody(nn.Module):
    """An EmbeddingBag with its tokenizer: no special tokens, no limit but the tokenizer file's own."""

    def __init__(self, table: Tensor, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag.from_pretrained(table, mode="mean")
        self.tokenizer = tokenizer
        self.tokenizer.no_padding()

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> "StaticBody":
        """Read the two files of the module's folder.

        Raises:
            ModelNotFoundError: a file is missing.
            ModelFolderError: a file is damaged or holds no table.
        """
        return cls(read_table(read_state(spec.path), spec.path), read_tokenizer(spec.path / "tokenizer.json"))

    def forward(self, texts: Sequence[str]) -> dict[str, Any]:
        """`sentence_embedding`, float32 (batch, d); a text without tokens gives zeros."""
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts), add_special_tokens=False)]
        offsets = torch.tensor([0, *map(len, rows)])[:-1].cumsum(0)
        ids = torch.tensor([token for row in rows for token in row], dtype=torch.long)
        return {"sentence_embedding": self.bag(ids, offsets)}


def read_table(state: dict[str, Tensor], home: Path) -> Tensor:
    """One row a token, float32 (tokens, d), from the tensors of sentence-transformers or of model2vec.

    Raises:
        ModelFolderError: they are neither's.
    """
    found = state.get("embedding.weight", state.get("embeddings"))
    if found is None:
        names = ", ".join(sorted(state)) or "nothing"
        raise ModelFolderError(
            f"{home.name}/model.safetensors: holds {names}, expected 'embedding.weight' or 'embeddings'. "
            "Fetch the checkpoint again."
        )
    table = found.float()  # (rows, d)
    if "mapping" in state:
        table = table[state["mapping"].long()]  # (tokens, d)
    return table * state["weights"].float()[:, None] if "weights" in state else table


def read_tokenizer(path: Path) -> Tokenizer:
    """A `tokenizer.json`, as it is.

    Raises:
        ModelNotFoundError: there is none.
        ModelFolderError: it is damaged.
    """
    if not path.is_file():
        raise ModelNotFoundError(f"{short_name(path)}: no such file. The checkpoint is incomplete: fetch it again.")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the Rust library raises bare Exception for whatever is wrong with the file
        raise ModelFolderError(f"{short_name(path)}: not a tokenizer ({error}). Fetch it again.") from error
