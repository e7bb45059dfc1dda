"""Sparse autoencoder (CSR): a dense embedding → a longer one, of which only the k largest values are kept.

    z = (x - pre_bias) Wᵀ + latent_bias;  relu of its k largest values, 0 elsewhere

Source: Wen et al. 2025, "Beyond Matryoshka", https://arxiv.org/abs/2503.01776
Knows nothing of where the embeddings come from.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from airvec.arrays import Features, Floats
from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.weights import need_feature, need_tensor, read_tensors

EPSILON = np.float32(1e-5)
DEFAULT_HIDDEN, DEFAULT_K = 512, 8
# One matrix under two names: the decoder is the encoder turned around, and the reference saves it under one of them.
WEIGHTS = ("encoder.weight", "decoder.linear.weight")


@dataclass(frozen=True, eq=False)
class SparseAutoEncoder:
    """Weight (hidden_dim, input_dim), its two biases, and `k`, the values to keep."""

    weight: Floats
    pre_bias: Floats
    latent_bias: Floats
    k: int = DEFAULT_K
    normalize: bool = False
    where: str = "SparseAutoEncoder"

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> Self:
        """Read `config.json` and `model.safetensors`.

        Raises:
            ModelFolderError: sizes or tensors are missing, or do not fit.
        """
        config = spec.config
        width = config.need_integer("input_dim")
        hidden = config.integer("hidden_dim", DEFAULT_HIDDEN) or 0
        file = spec.path / "model.safetensors"
        tensors = read_tensors(file)
        name = next((name for name in WEIGHTS if name in tensors), WEIGHTS[0])
        return cls(
            weight=need_tensor(tensors, file, name, (hidden, width)),
            pre_bias=need_tensor(tensors, file, "pre_bias", (width,)),
            latent_bias=need_tensor(tensors, file, "latent_bias", (hidden,)),
            k=config.integer("k", DEFAULT_K) or 0,
            normalize=config.flag("normalize", False),
            where=config.file,
        )

    def output_dim(self, input_dim: int | None) -> int | None:
        """The number of hidden values.

        Raises:
            ModelFolderError: it takes embeddings of another width.
        """
        hidden, width = self.weight.shape
        if input_dim is not None and input_dim != width:
            raise ModelFolderError(
                f"{self.where}: input_dim {width}, but the embeddings before it have {input_dim}. "
                "The modules are of different models: re-export the checkpoint."
            )
        return hidden

    def __call__(self, features: Features) -> Features:
        """Replace `sentence_embedding` (batch, input_dim) by float32 (batch, hidden_dim), at most k values above 0.

        k is the feature `max_active_dims` (1,) where the call asks for a number, else the model's own.

        Raises:
            ModelFolderError: no module before it gives an embedding.
        """
        x = need_feature(features, "sentence_embedding", self.where)
        if self.normalize:
            x = x - x.mean(axis=1, keepdims=True)
            x = x / (x.std(axis=1, ddof=1, keepdims=True) + EPSILON)
        z = (x - self.pre_bias) @ self.weight.T + self.latent_bias  # (batch, hidden)
        k = int(features["max_active_dims"][0]) if "max_active_dims" in features else self.k
        return {**features, "sentence_embedding": _largest(z, k)}


def _largest(z: Floats, k: int) -> Floats:
    """relu of the k largest values of each row, zeros elsewhere: (batch, hidden) -> the same."""
    positive = np.maximum(z, np.float32(0))
    if k >= z.shape[1]:
        return positive
    places = np.argpartition(-z, k - 1, axis=1)[:, :k]
    kept = np.zeros_like(positive)
    np.put_along_axis(kept, places, np.take_along_axis(positive, places, axis=1), axis=1)
    return kept
