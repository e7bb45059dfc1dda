"""Sparse auto-encoder in torch: a dense embedding → its k largest of many latent dimensions.

Source: https://arxiv.org/abs/2503.01776
Knows nothing of the other modules.
"""

from typing import Any

import torch
from torch import nn

from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec_exporter.weights import fill

EPSILON = 1e-5  # added to the standard deviation
TIED = "decoder.linear.weight"  # a second name of the encoder's, and in some files the only one
TRAINING = ("k_aux", "dead_threshold")


class SparseAutoEncoder(nn.Module):
    """relu of the k largest of (x - pre_bias) Wᵀ + latent_bias. Its decoder, which only training needs, is Wᵀ.

    Args:
        input_dim: of the dense embedding, d.
        hidden_dim: of the result.
        k: how many dimensions of a text may differ from 0.
        normalize: whether embeddings first get mean 0 and standard deviation 1.
        settings: other keys of the config, which only training reads.
    """

    def __init__(
        self, input_dim: int, hidden_dim: int = 512, k: int = 8, normalize: bool = False,
        settings: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.k, self.normalize, self.settings = k, normalize, settings or {}
        self.pre_bias = nn.Parameter(torch.zeros(input_dim))
        self.encoder = nn.Linear(input_dim, hidden_dim, bias=False)
        self.latent_bias = nn.Parameter(torch.zeros(hidden_dim))
        self.register_buffer("stats_last_nonzero", torch.zeros(hidden_dim, dtype=torch.long))

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> "SparseAutoEncoder":
        """Read config and weights.

        Raises:
            ModelFolderError: damaged, or weights that do not fit the config.
        """
        config = spec.config
        hidden, k = config.integer("hidden_dim", 512) or 512, config.integer("k", 8) or 8
        if not 0 < k <= hidden:
            raise ModelFolderError(f"{config.file}: k is {k}, expected 1 to {hidden}. Correct it.")
        settings = {name: config.values[name] for name in TRAINING if name in config.values}
        coder = cls(config.need_integer("input_dim"), hidden, k, config.flag("normalize", False), settings)
        fill(coder, spec.path, renamed={TIED: "encoder.weight"}, optional=("stats_last_nonzero",))
        return coder

    def config(self) -> dict[str, Any]:
        """The keys of the reference."""
        hidden, width = self.encoder.weight.shape
        return {
            "input_dim": width, "hidden_dim": hidden, "k": self.k, "normalize": self.normalize, **self.settings,
        }  # fmt: skip

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """`sentence_embedding` made sparse: (batch, d) -> (batch, hidden).

        The number `max_active_dims` among the features is taken for k.
        """
        x = features["sentence_embedding"]
        if self.normalize:
            x = x - x.mean(dim=-1, keepdim=True)
            x = x / (x.std(dim=-1, keepdim=True) + EPSILON)
        latent = self.encoder(x - self.pre_bias) + self.latent_bias  # (batch, hidden)
        top = latent.topk(min(features.get("max_active_dims", self.k), latent.shape[1]), dim=-1)
        kept = torch.zeros_like(latent).scatter(-1, top.indices, top.values)
        return {**features, "sentence_embedding": kept.relu()}
