"""Layer normalisation of the sentence embedding, in torch.

Knows nothing of the other modules.
"""

from typing import Any

from torch import nn

from airvec.folder import ModuleSpec
from airvec_exporter.weights import fill


class LayerNorm(nn.Module):
    """(x - mean) / sqrt(variance + 1e-5) · weight + bias over the last dimension."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dimension)

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> "LayerNorm":
        """Read config and weights.

        Raises:
            ModelFolderError: no dimension, or weights that do not fit it.
        """
        layer = cls(spec.config.need_integer("dimension"))
        fill(layer, spec.path)
        return layer

    def config(self) -> dict[str, Any]:
        """The one key."""
        return {"dimension": self.norm.normalized_shape[0]}

    def get_embedding_dimension(self) -> int:
        """Width of the result."""
        return self.norm.normalized_shape[0]

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """`sentence_embedding` normalised: (batch, d) -> (batch, d)."""
        return {**features, "sentence_embedding": self.norm(features["sentence_embedding"])}
