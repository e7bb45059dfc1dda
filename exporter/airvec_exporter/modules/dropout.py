"""Dropout of the sentence embedding, in torch: only in training.

Knows nothing of the other modules.
"""

from typing import Any

from torch import nn

from airvec.folder import ModuleSpec


class Dropout(nn.Module):
    """Zeroes a share of the values in training; nothing otherwise."""

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> "Dropout":
        """Read the share, 0.2 where none is stated."""
        return cls(float(spec.config.values.get("dropout", 0.2)))

    def config(self) -> dict[str, Any]:
        """The one key."""
        return {"dropout": self.dropout.p}

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """`sentence_embedding` (batch, d) -> (batch, d)."""
        return {**features, "sentence_embedding": self.dropout(features["sentence_embedding"])}
