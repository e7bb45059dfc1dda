"""LayerNorm: each vector to mean 0 and variance 1, then a learned scale and shift.

Source: Ba, Kiros and Hinton 2016, https://arxiv.org/abs/1607.06450
Knows nothing of what the vectors mean.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from airvec.arrays import Features, Floats
from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.weights import need_feature, need_tensor, read_tensors

EPSILON = 1e-5


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """(x - mean) / sqrt(variance + 1e-5) * weight + bias, with `weight` and `bias` float32 (dim,)."""

    weight: Floats
    bias: Floats
    where: str = "LayerNorm"

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> Self:
        """Read `dimension` and the tensors `norm.weight`, `norm.bias`.

        Raises:
            ModelFolderError: a tensor is missing or of another shape.
        """
        dim = spec.config.need_integer("dimension")
        file = spec.path / "model.safetensors"
        tensors = read_tensors(file)
        weight, bias = (need_tensor(tensors, file, f"norm.{name}", (dim,)) for name in ("weight", "bias"))
        return cls(weight, bias, spec.config.file)

    def output_dim(self, input_dim: int | None) -> int | None:
        """Unchanged.

        Raises:
            ModelFolderError: the width before it is another.
        """
        if input_dim is not None and input_dim != len(self.weight):
            raise ModelFolderError(
                f"{self.where}: dimension {len(self.weight)}, but the module before it gives {input_dim}. "
                "The modules are of different models: re-export the checkpoint."
            )
        return len(self.weight)

    def __call__(self, features: Features) -> Features:
        """Replace `sentence_embedding`, float32 (batch, dim).

        Raises:
            ModelFolderError: no module before it makes what it reads.
        """
        x = need_feature(features, "sentence_embedding", self.where)
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)  # (batch, 1)
        scaled = centred / np.sqrt(variance + np.float32(EPSILON)) * self.weight + self.bias
        return {**features, "sentence_embedding": scaled}
