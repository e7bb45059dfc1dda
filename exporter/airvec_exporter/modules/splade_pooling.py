"""SPLADE pooling in torch: logits of a masked language model → one weight a word of the vocabulary.

Source: https://arxiv.org/abs/2107.05720 (sum), https://arxiv.org/abs/2109.10086 (max), and
https://arxiv.org/abs/2504.14839 (a second logarithm).
Knows nothing of the other modules.
"""

from typing import Any

from torch import nn

from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec

STRATEGIES = ("max", "sum")
ACTIVATIONS = ("relu", "log1p_relu")


class SpladePooling(nn.Module):
    """log(1 + relu(logit)), for `log1p_relu` its log(1 + x) once more, pooled over a text's tokens."""

    def __init__(self, strategy: str = "max", activation: str = "relu", dimension: int | None = None) -> None:
        super().__init__()
        self.strategy, self.activation, self.dimension = strategy, activation, dimension

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
        weights = (features["token_embeddings"] * features["attention_mask"][..., None]).relu().log1p()
        if self.activation == "log1p_relu":
            weights = weights.log1p()
        pooled = weights.amax(dim=1) if self.strategy == "max" else weights.sum(dim=1)
        return {**features, "sentence_embedding": pooled}


def _choice(spec: ModuleSpec, key: str, known: tuple[str, ...]) -> str:
    """One of the known values; the first where the config says nothing."""
    stated = spec.config.text(key, known[0]) or known[0]
    if stated not in known:
        raise ModelFolderError(f"{spec.config.file}: {key} {stated!r}, expected one of {', '.join(known)}. Correct it.")
    return stated
