"""Pooling: token embeddings → one embedding a text.

Source: sentence-transformers 6.2, the six modes; Muennighoff 2022, https://arxiv.org/abs/2202.08904 (weightedmean).
Knows nothing of where the token embeddings come from.
"""

from collections.abc import Callable
from typing import NamedTuple, Self

import numpy as np

from airvec.arrays import Features, Floats, Integers
from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject
from airvec.weights import need_feature

SMALLEST_SUM = 1e-9

# The keys of older folders, in the order in which the reference concatenates several modes.
OLD_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


class Pooling(NamedTuple):
    """Reduce (batch, tokens, dim) to (batch, dim x number of modes)."""

    embedding_dimension: int
    modes: tuple[str, ...] = ("mean",)
    include_prompt: bool = True
    where: str = "Pooling"

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> Self:
        """Read `config.json` with new or old keys.

        Raises:
            ModelFolderError: an unknown mode, or no embedding dimension.
        """
        config = spec.config
        key = "embedding_dimension" if "embedding_dimension" in config.values else "word_embedding_dimension"
        modes = _modes(config)
        for mode in modes:
            if mode not in MODES:
                raise ModelFolderError(
                    f"{config.file}: pooling_mode is {mode!r}, expected one of {', '.join(MODES)}. Correct it."
                )
        return cls(config.need_integer(key), modes, config.flag("include_prompt", True), config.file)

    def output_dim(self, input_dim: int | None) -> int | None:
        """`embedding_dimension` times the number of modes.

        Raises:
            ModelFolderError: the graph's token embeddings have another width.
        """
        if input_dim is not None and input_dim != self.embedding_dimension:
            raise ModelFolderError(
                f"{self.where}: embedding dimension {self.embedding_dimension}, but the graph's token embeddings "
                f"have {input_dim}. Graph and modules are of different models: re-export the checkpoint."
            )
        return self.embedding_dimension * len(self.modes)

    def __call__(self, features: Features) -> Features:
        """Add `sentence_embedding`, float32 (batch, dim x modes).

        Reads `token_embeddings` (batch, tokens, dim), `attention_mask` (batch, tokens) and, for
        `include_prompt=False`, `prompt_length` (1,). A text whose tokens are all masked gives zeros (max: -inf).

        Raises:
            ModelFolderError: no module before it makes what it reads.
        """
        hidden, mask = (need_feature(features, name, self.where) for name in ("token_embeddings", "attention_mask"))
        pooled = mask
        if not self.include_prompt and "prompt_length" in features:
            pooled = _without_prompt(mask, int(features["prompt_length"][0]))
        outputs = [MODES[mode](hidden, pooled, mask) for mode in self.modes]
        joined = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=1)
        return {**features, "sentence_embedding": joined}  # (batch, dim x modes)


def _modes(config: JsonObject) -> tuple[str, ...]:
    stated = config.values.get("pooling_mode")
    if isinstance(stated, list):
        return tuple(str(mode) for mode in config.items("pooling_mode")) or ("mean",)
    if stated is not None:
        return (config.text("pooling_mode", "") or "",)
    return tuple(mode for key, mode in OLD_KEYS.items() if config.flag(key, False)) or ("mean",)


def _without_prompt(mask: Integers, prompt_length: int) -> Integers:
    """The mask with each text's first `prompt_length` real tokens set to 0; left padding is skipped first."""
    start: Integers = mask.argmax(axis=1)[:, None] + prompt_length  # (batch, 1)
    columns: Integers = np.arange(mask.shape[1], dtype=np.int64)
    return np.where(columns < start, 0, mask)


def _sum(hidden: Floats, weights: Floats) -> Floats:
    """Weighted sum over the tokens: (batch, tokens, dim), (batch, tokens) -> (batch, dim)."""
    return np.einsum("bt,btd->bd", weights, hidden)


def _cls(hidden: Floats, mask: Integers, original: Integers) -> Floats:
    return hidden[np.arange(len(hidden)), mask.argmax(axis=1)]


def _max(hidden: Floats, mask: Integers, original: Integers) -> Floats:
    return np.where(mask[..., None] > 0, hidden, np.float32(-np.inf)).max(axis=1)


def _mean(hidden: Floats, mask: Integers, original: Integers) -> Floats:
    weights = mask.astype(np.float32)
    return _sum(hidden, weights) / np.maximum(weights.sum(axis=1, keepdims=True), np.float32(SMALLEST_SUM))


def _mean_sqrt(hidden: Floats, mask: Integers, original: Integers) -> Floats:
    weights = mask.astype(np.float32)
    return _sum(hidden, weights) / np.sqrt(np.maximum(weights.sum(axis=1, keepdims=True), np.float32(SMALLEST_SUM)))


def _weighted_mean(hidden: Floats, mask: Integers, original: Integers) -> Floats:
    """Weights 1, 2, 3 … from the first real token of the text, prompt tokens counted even where they are left out."""
    start: Integers = original.argmax(axis=1)[:, None]
    columns: Integers = np.arange(mask.shape[1], dtype=np.int64)
    weights = (mask * (columns + 1 - start)).astype(np.float32)  # (batch, tokens)
    return _sum(hidden, weights) / np.maximum(weights.sum(axis=1, keepdims=True), np.float32(SMALLEST_SUM))


def _last(hidden: Floats, mask: Integers, original: Integers) -> Floats:
    last = mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)
    rows = np.arange(len(hidden))
    empty = mask.max(axis=1, keepdims=True) == 0
    return np.where(empty, np.float32(0), hidden[rows, last])


MODES: dict[str, Callable[[Floats, Integers, Integers], Floats]] = {
    "cls": _cls,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}
