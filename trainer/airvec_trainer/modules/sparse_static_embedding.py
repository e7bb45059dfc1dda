"""A weight for each token as a body: inference-free sparse queries, whose weights training moves.

Knows nothing of the modules behind it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from airvec.arguments import check_text
from airvec.checks import whole_number
from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder import ModuleSpec, TokenizerSpec
from airvec.json_file import read_object
from airvec_exporter.body import load_tokenizer
from airvec_exporter.body_folder import save_tokenizer, write_json
from airvec_exporter.sparse_static import read_weight, weight_of
from airvec_exporter.transformer import quiet_transformers
from airvec_trainer.modules.transformer import UNSET_LENGTH


class SparseStaticEmbedding(nn.Module):
    """One weight a token of the vocabulary; how often a text holds a token does not count.

    Args:
        tokenizer: a fast one of transformers.
        weight: float (vocabulary,); None = ones.
        frozen: whether training leaves the weights as they are.

    Raises:
        ArgumentError: weights of another shape.
    """

    def __init__(self, tokenizer: Any, weight: Tensor | None = None, frozen: bool = False) -> None:
        super().__init__()
        size = len(tokenizer.get_vocab())
        if weight is not None and weight.ndim != 1:
            raise ArgumentError(f"weight: shape {list(weight.shape)}, expected [{size}], a number a token. Flatten it.")
        self.weight = nn.Parameter(torch.ones(size) if weight is None else weight, requires_grad=not frozen)
        self.tokenizer, self.frozen = tokenizer, frozen

    @classmethod
    def from_spec(cls, spec: ModuleSpec, name: str) -> "SparseStaticEmbedding":
        """The module of a folder, with its weights in either form; `name` is the model's, for messages.

        Raises:
            ModelNotFoundError: a file is missing.
            ModelFolderError: it is damaged or holds no weights.
            ExportError: transformers cannot load the tokenizer.
        """
        if spec.tokenizer is None:
            raise ModelFolderError(f"{name}: module {spec.type!r} has no tokenizer. Fetch the checkpoint again.")
        with quiet_transformers():
            tokenizer = load_tokenizer(spec.path, spec.tokenizer, name)
        return cls(tokenizer, read_weight(spec, tokenizer), spec.config.flag("frozen", False))

    @classmethod
    def from_json(cls, json_path: str | Path, tokenizer: Any, frozen: bool = False) -> "SparseStaticEmbedding":
        """Weights from a file of token → number; tokens that it does not name weigh nothing.

        Raises:
            ModelNotFoundError: no such file.
            ModelFolderError: it is damaged, or a value is no number.
        """
        return cls(tokenizer, weight_of(read_object(Path(json_path)), tokenizer), frozen)

    def preprocess(self, texts: Sequence[str], prompt: str | None = None, task: str | None = None) -> dict[str, Any]:
        """Ids without special tokens and their mask, int64 (batch, tokens) each; `task` is without effect."""
        given = [f"{prompt or ''}{check_text(text, place)}" for place, text in enumerate(texts)]
        limited = self.max_seq_length is not None
        made = self.tokenizer(given, padding=True, truncation=limited, return_tensors="pt", add_special_tokens=False)
        ids = made["input_ids"].long()  # without any token at all, transformers gives floats
        return {**made, "input_ids": ids, "attention_mask": made["attention_mask"].long()}

    def forward(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """Add `sentence_embedding` (batch, vocabulary)."""
        ids, mask = features["input_ids"], features["attention_mask"]
        held = torch.zeros(len(ids), len(self.weight), device=ids.device, dtype=self.weight.dtype)
        held = held.scatter_reduce(1, ids, mask.to(self.weight.dtype), "amax")
        return {**features, "sentence_embedding": held * self.weight}

    def get_embedding_dimension(self) -> int:
        """Size of the vocabulary."""
        return len(self.weight)

    @property
    def max_seq_length(self) -> int | None:
        """Most tokens of a text; None = any number."""
        limit = self.tokenizer.model_max_length
        return limit if limit < UNSET_LENGTH else None

    @max_seq_length.setter
    def max_seq_length(self, limit: int) -> None:
        self.tokenizer.model_max_length = whole_number("max_seq_length", limit)

    def save(self, home: Path) -> None:
        """Write the weights, the tokenizer and the config into a folder that exists."""
        save_tokenizer(self.tokenizer, TokenizerSpec(home / "tokenizer.json", self.max_seq_length), home)
        write_json(home / "config.json", {"frozen": self.frozen})
        save_file({"weight": self.weight.detach().contiguous()}, home / "model.safetensors")
