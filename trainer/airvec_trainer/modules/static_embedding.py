"""A table of tokens as a body: a text is the mean of its tokens' rows, which training moves.

Knows nothing of the modules behind it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from airvec.arguments import check_text
from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec.folder import ModuleSpec
from airvec_exporter.fetch import find_checkpoint
from airvec_exporter.static import read_table, read_tokenizer
from airvec_exporter.weights import read_state


class StaticEmbedding(nn.Module):
    """An EmbeddingBag with its tokenizer: no special tokens, no limit but the tokenizer file's own.

    Args:
        tokenizer: a fast one, of transformers or of tokenizers.
        embedding_weights: the table, (tokens, dim).
        embedding_dim: width of a new table of random numbers, instead.

    Raises:
        ArgumentError: a slow tokenizer, or neither weights nor width.
    """

    def __init__(self, tokenizer: Any, embedding_weights: Any | None = None, embedding_dim: int | None = None) -> None:
        super().__init__()
        found = getattr(tokenizer, "backend_tokenizer", tokenizer)
        if not isinstance(found, Tokenizer):
            raise ArgumentError(
                f"tokenizer: {type(tokenizer).__name__}, expected a tokenizers.Tokenizer, or a fast one of "
                "transformers. Open it with Tokenizer.from_file."
            )
        if embedding_weights is not None:
            table = (
                torch.from_numpy(embedding_weights) if isinstance(embedding_weights, np.ndarray) else embedding_weights
            )
            self.embedding = nn.EmbeddingBag.from_pretrained(table, freeze=False)
        elif embedding_dim is not None:
            self.embedding = nn.EmbeddingBag(found.get_vocab_size(), whole_number("embedding_dim", embedding_dim))
        else:
            raise ArgumentError(f"embedding_dim: {embedding_dim!r}, expected a width, or embedding_weights. Give one.")
        self.tokenizer = found
        self.tokenizer.no_padding()

    @classmethod
    def from_spec(cls, spec: ModuleSpec, name: str) -> "StaticEmbedding":
        """The module of a folder, of sentence-transformers or of model2vec; `name` is the model's, for messages.

        Raises:
            ModelNotFoundError: a file is missing.
            ModelFolderError: a file is damaged or holds no table.
        """
        tokenizer = read_tokenizer(spec.path / "tokenizer.json")
        return cls(tokenizer, read_table(read_state(spec.path), spec.path))

    @classmethod
    def from_model2vec(cls, model_id_or_path: str | Path) -> "StaticEmbedding":
        """The table of a model2vec model, from a folder or the Hub.

        Raises:
            ModelNotFoundError: no such folder or name.
            ModelFolderError: a file is damaged or holds no table.
        """
        home = find_checkpoint(model_id_or_path, organisation=None)
        return cls(read_tokenizer(home / "tokenizer.json"), read_table(read_state(home), home))

    def preprocess(self, texts: Sequence[str], prompt: str | None = None, task: str | None = None) -> dict[str, Tensor]:
        """Ids padded with 0 and their mask, int64 (batch, tokens) each; `task` is without effect."""
        given = [f"{prompt or ''}{check_text(text, place)}" for place, text in enumerate(texts)]
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(given, add_special_tokens=False)]
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        mask = np.arange(lengths.max(initial=0)) < lengths[:, None]  # (batch, tokens)
        ids = np.zeros(mask.shape, np.int64)
        ids[mask] = [token for row in rows for token in row]
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask.astype(np.int64))}

    def forward(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """Add `sentence_embedding` (batch, dim); a text without tokens gives zeros.

        Padding is taken out again, so that a long text costs its neighbours nothing.
        """
        mask = features["attention_mask"].bool()
        lengths = mask.sum(dim=1)
        embedded = self.embedding(features["input_ids"][mask], lengths.cumsum(0) - lengths)
        return {**features, "sentence_embedding": embedded}

    def get_embedding_dimension(self) -> int:
        """Width of the table."""
        return self.embedding.embedding_dim

    @property
    def max_seq_length(self) -> None:
        """None: texts are read whole."""
        return

    @max_seq_length.setter
    def max_seq_length(self, limit: int) -> None:
        raise ArgumentError(f"max_seq_length: {limit!r}, but a StaticEmbedding reads whole texts. Leave it out.")

    def save(self, home: Path) -> None:
        """Write the table and the tokenizer into a folder that exists."""
        save_file({"embedding.weight": self.embedding.weight.detach().contiguous()}, home / "model.safetensors")
        self.tokenizer.save(str(home / "tokenizer.json"))
