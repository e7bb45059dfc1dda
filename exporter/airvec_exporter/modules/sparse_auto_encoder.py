"""Sparse auto-encoder in torch: a dense embedding → its k largest of many latent dimensions.

Source: https://arxiv.org/abs/2503.01776
Knows nothing of the other modules.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec_exporter.weights import fill

EPSILON = 1e-5  # added to the standard deviation
ALIVE = 1e-5  # a dimension above it was used by a text
TIED = "decoder.linear.weight"  # a second name of the encoder's, and in some files the only one


class SparseAutoEncoder(nn.Module):
    """relu of the k largest of (x - pre_bias) Wᵀ + latent_bias; its decoder, which only training needs, is Wᵀ.

    Args:
        input_dim: of the dense embedding, d.
        hidden_dim: of the result.
        k: how many dimensions of a text may differ from 0.
        k_aux: how many dead dimensions rebuild what the others leave, in training; 0 = none.
        normalize: whether embeddings first get mean 0 and standard deviation 1.
        dead_threshold: a dimension that no text has used for more than so many steps counts as dead.
    """

    def __init__(
        self, input_dim: int, hidden_dim: int = 512, k: int = 8, k_aux: int = 512, normalize: bool = False,
        dead_threshold: int = 30,
    ) -> None:  # fmt: skip
        super().__init__()
        self.k, self.k_aux, self.normalize, self.dead_threshold = k, k_aux, normalize, dead_threshold
        self.pre_bias = nn.Parameter(torch.zeros(input_dim))
        self.encoder = nn.Linear(input_dim, hidden_dim, bias=False)
        self.latent_bias = nn.Parameter(torch.zeros(hidden_dim))
        self.stats_last_nonzero: Tensor
        self.register_buffer("stats_last_nonzero", torch.zeros(hidden_dim, dtype=torch.long))
        self.register_load_state_dict_pre_hook(_untie)

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
        dead = config.integer("k_aux", 512) or 0, config.integer("dead_threshold", 30) or 0
        coder = cls(config.need_integer("input_dim"), hidden, k, dead[0], config.flag("normalize", False), dead[1])
        fill(coder, spec.path, renamed={TIED: "encoder.weight"}, optional=("stats_last_nonzero",))
        return coder

    def config(self) -> dict[str, Any]:
        """The keys of the reference."""
        hidden, width = self.encoder.weight.shape
        return {
            "input_dim": width, "hidden_dim": hidden, "k": self.k, "k_aux": self.k_aux, "normalize": self.normalize,
            "dead_threshold": self.dead_threshold,
        }  # fmt: skip

    def get_embedding_dimension(self) -> int:
        """Width of the result, of which k dimensions at most differ from 0."""
        return self.encoder.out_features

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """`sentence_embedding` made sparse: (batch, d) -> (batch, hidden).

        The number `max_active_dims` among the features is taken for k. Outside `torch.inference_mode`, what CSR's
        losses read is added, as the reference names it: see `_for_losses`.
        """
        x, k = features["sentence_embedding"], features.get("max_active_dims", self.k)
        shift, scale = torch.zeros((), device=x.device), torch.ones((), device=x.device)
        if self.normalize:
            shift = x.mean(dim=-1, keepdim=True)
            scale = (x - shift).std(dim=-1, keepdim=True)
        scaled = (x - shift) / (scale + EPSILON) if self.normalize else x
        latent = linear(scaled - self.pre_bias, self.encoder.weight, self.latent_bias)  # (batch, hidden)
        kept = self._largest(latent, k)
        if torch.is_inference_mode_enabled():
            return {**features, "sentence_embedding": kept}
        more = self._for_losses(latent, kept, k, (shift, scale))
        return {**features, **more, "sentence_embedding_backbone": x, "sentence_embedding": kept}

    def _for_losses(
        self, latent: Tensor, kept: Tensor, k: int, moments: tuple[Tensor, Tensor]
    ) -> dict[str, Tensor | None]:
        """The embedding rebuilt from k, from 4 k and from dead dimensions, (batch, d) each, and their latents."""
        shift, scale = moments
        # After the dimensions among the k largest are marked as used, and before those among the 4 k largest are.
        dead = latent * (self.stats_last_nonzero > self.dead_threshold)
        auxiliary = _keep(dead, self.k_aux).relu() if self.k_aux else None
        wider = self._largest(latent, 4 * k)
        rebuilt = (self._rebuild(kept) + self.pre_bias) * scale + shift
        return {
            "sentence_embedding_encoded": latent,
            "sentence_embedding_encoded_4k": wider,
            "auxiliary_embedding": auxiliary,
            "decoded_embedding_k": rebuilt,
            "decoded_embedding_4k": (self._rebuild(wider) + self.pre_bias) * scale + shift,
            "decoded_embedding_aux": None if auxiliary is None else (self._rebuild(auxiliary) + self.pre_bias) * scale,
            "decoded_embedding_k_pre_bias": rebuilt - self.pre_bias * scale,
        }

    def _largest(self, latent: Tensor, k: int) -> Tensor:
        """relu of the k largest of each row; in training, counts for how many calls a dimension was not among them."""
        kept = _keep(latent, k)
        if self.training and torch.is_grad_enabled():
            used = (kept > ALIVE).any(dim=0)
            self.stats_last_nonzero *= ~used
            self.stats_last_nonzero += 1
        return kept.relu()

    def _rebuild(self, latents: Tensor) -> Tensor:
        return linear(latents, self.encoder.weight.t())  # (batch, d)


def _keep(latent: Tensor, k: int) -> Tensor:
    """The k largest values of each row, 0 elsewhere."""
    top = latent.topk(min(k, latent.shape[1]), dim=-1)
    return torch.zeros_like(latent).scatter(-1, top.indices, top.values)


def _untie(_module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """The reference's state has the encoder's weights a second time, under the decoder's name."""
    tied = state.pop(prefix + TIED, None)
    if tied is not None:
        state.setdefault(f"{prefix}encoder.weight", tied)
