"""SPLADE pooling: logits over the vocabulary → one weight a word and text, most of them 0.

    weight(word) = max or sum over the text's tokens of log(1 + relu(logit))

Special tokens count as the others do; padding gives nothing. Works on one text at a time and leaves the logits alone,
so that besides them there is never more than a few of their rows.
Source: Formal et al. 2021, https://arxiv.org/abs/2107.05720 (sum) and https://arxiv.org/abs/2109.10086 (max);
Geng et al. 2025, https://arxiv.org/abs/2411.04403 (log1p_relu, the logarithm twice).
Knows nothing of where the logits come from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from airvec.arrays import Features, Floats
from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.weights import need_feature

LOGARITHMS = {"relu": 1, "log1p_relu": 2}
TOKENS_AT_ONCE = 16  # of one text that are summed: 2 MB at 30,522 words


@dataclass(frozen=True)
class SpladePooling:
    """Reduce (batch, tokens, vocabulary) to (batch, vocabulary)."""

    strategy: str = "max"
    activation: str = "relu"
    embedding_dimension: int | None = None
    where: str = "SpladePooling"

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> Self:
        """Read `config.json`.

        Raises:
            ModelFolderError: an unknown strategy or activation.
        """
        config = spec.config
        key = "embedding_dimension" if "embedding_dimension" in config.values else "word_embedding_dimension"
        strategy = config.text("pooling_strategy", "max") or ""
        activation = config.text("activation_function", "relu") or ""
        for name, value, known in (
            ("pooling_strategy", strategy, POOL),
            ("activation_function", activation, LOGARITHMS),
        ):
            if value not in known:
                raise ModelFolderError(
                    f"{config.file}: {name} is {value!r}, expected {' or '.join(known)}. Correct it."
                )
        return cls(strategy, activation, config.integer(key), config.file)

    def output_dim(self, input_dim: int | None) -> int | None:
        """That of the logits; where the graph does not state it, what was saved."""
        return self.embedding_dimension if input_dim is None else input_dim

    def __call__(self, features: Features) -> Features:
        """Put `sentence_embedding`, float32 (batch, vocabulary), >= 0, in the place of `token_embeddings`.

        Reads the logits `token_embeddings` (batch, tokens, vocabulary) and `attention_mask` (batch, tokens), whose ones
        stand together. A text without tokens gives zeros.

        Raises:
            ModelFolderError: no module before it makes what it reads.
        """
        logits, mask = (need_feature(features, name, self.where) for name in ("token_embeddings", "attention_mask"))
        pooled = np.zeros((len(logits), logits.shape[2]), np.float32)
        pool, logarithms = POOL[self.strategy], LOGARITHMS[self.activation]
        for row, (start, length) in enumerate(zip(mask.argmax(axis=1), mask.sum(axis=1), strict=True)):
            pool(logits[row, start : start + length], logarithms, pooled[row])
        kept = {name: array for name, array in features.items() if name != "token_embeddings"}
        return {**kept, "sentence_embedding": pooled}


def _largest(logits: Floats, logarithms: int, out: Floats) -> None:
    """The activation rises with the logit, so that of the largest is the largest: (tokens, words) -> (words,)."""
    np.max(logits, axis=0, initial=np.float32(0), out=out)
    for _ in range(logarithms):
        np.log1p(out, out=out)


def _total(logits: Floats, logarithms: int, out: Floats) -> None:
    """(tokens, words) -> (words,)."""
    for start in range(0, len(logits), TOKENS_AT_ONCE):
        weights = np.maximum(logits[start : start + TOKENS_AT_ONCE], np.float32(0))
        for _ in range(logarithms):
            np.log1p(weights, out=weights)
        out += weights.sum(axis=0)


POOL: dict[str, Callable[[Floats, int, Floats], None]] = {"max": _largest, "sum": _total}
