"""Models of a few weights that losses can be tried on, without texts and tokens.

Knows nothing of any one loss.
"""

from typing import Any

import torch
from torch import Tensor, nn


class Doubling(nn.Module):
    """Ids (rows, tokens) times weights (tokens, dim), with dropout; it remembers the shapes that it was given."""

    def __init__(self, tokens: int = 3, dim: int = 4, dropout: float = 0.0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.weight = nn.Parameter(torch.randn(tokens, dim, generator=generator))
        self.dropout = nn.Dropout(dropout)
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        self.shapes.append(tuple(features["input_ids"].shape))
        width = features["input_ids"].shape[1]
        # Autocast keeps its copy of a weight, not of a part of one.
        weight = self.weight if width == len(self.weight) else self.weight[:width]
        embeddings = features["input_ids"].to(weight.dtype) @ weight
        return {**features, "sentence_embedding": self.dropout(embeddings)}


class Reader(nn.Module):
    """A model by what tells one: it reads texts. It has embeddings of two dimensions."""

    device = torch.device("cpu")

    def preprocess(self, texts: list[str]) -> dict[str, Tensor]:
        return column(len(texts))

    def get_embedding_dimension(self) -> int:
        return 2


def column(rows: int, tokens: int = 3, seed: int = 0) -> dict[str, Tensor]:
    """Ids of 1 to 8 and a mask of ones."""
    ids = torch.randint(1, 9, (rows, tokens), generator=torch.Generator().manual_seed(seed))
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
