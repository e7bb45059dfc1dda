"""SPLADE pooling in torch: logits of a masked language model → one weight a word of the vocabulary.

Source: https://arxiv.org/abs/2107.05720 (sum), https://arxiv.org/abs/2109.10086 (max), and
https://arxiv.org/abs/2504.14839 (a second logarithm).
Knows nothing of the other modules.
"""

from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder import ModuleSpec

STRATEGIES = ("max", "sum")
ACTIVATIONS = ("relu", "log1p_relu")


class SpladePooling(nn.Module):
    """log(1 + relu(logit)), for `log1p_relu` its log(1 + x) once more, pooled over a text's tokens.

    Args:
        pooling_strategy: `"max"` or `"sum"`.
        activation_function: `"relu"` or `"log1p_relu"`.
        embedding_dimension: words of the vocabulary; None = as the logits say.
        chunk_size: tokens pooled at once, which bounds the memory without gradients; None = all.

    Raises:
        ArgumentError: a strategy or an activation that is none.
    """

    def __init__(
        self, pooling_strategy: str = "max", activation_function: str = "relu", embedding_dimension: int | None = None,
        chunk_size: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.strategy = _known("pooling_strategy", pooling_strategy, STRATEGIES)
        self.activation = _known("activation_function", activation_function, ACTIVATIONS)
        self.dimension, self.chunk_size = embedding_dimension, chunk_size

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> "SpladePooling":
        """Read old and new config keys.

        Raises:
            ModelFolderError: a strategy or an activation that is none.
        """
        config = spec.config
        new = "embedding_dimension" in config.values
        dimension = config.integer("embedding_dimension" if new else "word_embedding_dimension")
        return cls(
            _choice(spec, "pooling_strategy", STRATEGIES), _choice(spec, "activation_function", ACTIVATIONS), dimension
        )

    def config(self) -> dict[str, Any]:
        """The old keys, which every generation reads."""
        return {
            "pooling_strategy": self.strategy,
            "activation_function": self.activation,
            "word_embedding_dimension": self.dimension,
        }

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """Add `sentence_embedding`, float32 (batch, vocabulary).

        Reads `token_embeddings`, logits (batch, tokens, vocabulary), and `attention_mask` (batch, tokens); special
        tokens count like any other.
        """
        logits, mask = features["token_embeddings"], features["attention_mask"][..., None]
        size = self.chunk_size or max(1, logits.shape[1])
        parts = [self._pooled(*part) for part in zip(logits.split(size, 1), mask.split(size, 1), strict=True)]
        pooled = reduce(torch.maximum if self.strategy == "max" else torch.add, parts)
        return {**features, "sentence_embedding": pooled}

    def _pooled(self, logits: Tensor, mask: Tensor) -> Tensor:
        """Some tokens' weights, pooled: (batch, tokens, vocabulary) -> (batch, vocabulary)."""
        masked = logits * mask
        if self.strategy == "max":  # the largest logit has the largest weight: one is computed, instead of one a token
            return self._weights(masked.max(dim=1).values)
        return self._weights(masked).sum(dim=1)

    def _weights(self, logits: Tensor) -> Tensor:
        """Of logits, in place where gradients allow it: relu's needs only its result, log1p's its input."""
        weights = logits.relu_()
        for _ in range(2 if self.activation == "log1p_relu" else 1):
            weights = weights.log1p() if torch.is_grad_enabled() else weights.log1p_()
        return weights

    def get_embedding_dimension(self) -> int | None:
        """Words of the vocabulary, where the config says them."""
        return self.dimension


def _known(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ArgumentError(f"{name}: {value!r}, expected one of {', '.join(known)}. Choose one of these.")
    return value


def _choice(spec: ModuleSpec, key: str, known: tuple[str, ...]) -> str:
    """One of the known values; the first where the config says nothing."""
    stated = spec.config.text(key, known[0]) or known[0]
    if stated not in known:
        raise ModelFolderError(f"{spec.config.file}: {key} {stated!r}, expected one of {', '.join(known)}. Correct it.")
    return stated
