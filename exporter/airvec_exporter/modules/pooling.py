"""Pooling in torch: token embeddings → one vector a text, by one or several of six modes.

Knows nothing of models, tokenizers and prompts' texts.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject

# Old configs have one flag a mode; several are concatenated in this order.
FLAGS = {
    "cls": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}
SMALLEST = 1e-9  # least divisor: a text without any token pools to zeros


class Pooling(nn.Module):
    """Concatenation of pooling modes.

    Args:
        embedding_dimension: of the token embeddings, d.
        pooling_mode: one of the six modes, or several in the order of the result; None = mean, or as the flags say.
        include_prompt: False leaves the first `prompt_length` real tokens out.
        word_embedding_dimension: old name of `embedding_dimension`.
        pooling_mode_cls_token: the old way to name modes, like the flags that follow; where all are False, it is mean.
        pooling_mode_max_tokens: the mode `"max"`.
        pooling_mode_mean_tokens: the mode `"mean"`.
        pooling_mode_mean_sqrt_len_tokens: the mode `"mean_sqrt_len_tokens"`.
        pooling_mode_weightedmean_tokens: the mode `"weightedmean"`.
        pooling_mode_lasttoken: the mode `"lasttoken"`.

    Raises:
        ArgumentError: a mode that is none of the six, no dimension, or the same thing under both its names.
    """

    def __init__(
        self,
        embedding_dimension: int | None = None,
        pooling_mode: str | Sequence[str] | None = None,
        include_prompt: bool = True,
        *,
        word_embedding_dimension: int | None = None,
        pooling_mode_cls_token: bool | None = None,
        pooling_mode_max_tokens: bool | None = None,
        pooling_mode_mean_tokens: bool | None = None,
        pooling_mode_mean_sqrt_len_tokens: bool | None = None,
        pooling_mode_weightedmean_tokens: bool | None = None,
        pooling_mode_lasttoken: bool | None = None,
    ) -> None:
        super().__init__()
        flags = (
            pooling_mode_cls_token, pooling_mode_max_tokens, pooling_mode_mean_tokens,
            pooling_mode_mean_sqrt_len_tokens, pooling_mode_weightedmean_tokens, pooling_mode_lasttoken,
        )  # fmt: skip
        self.modes = _modes(pooling_mode, flags)
        self.dimension = _dimension(embedding_dimension, word_embedding_dimension)
        self.include_prompt = include_prompt

    @classmethod
    def from_spec(cls, spec: ModuleSpec) -> "Pooling":
        """Read old and new config keys.

        Raises:
            ModelFolderError: a mode that is none of the six, or no dimension.
        """
        config = spec.config
        key = "embedding_dimension" if "embedding_dimension" in config.values else "word_embedding_dimension"
        return cls(config.need_integer(key), read_modes(config), config.flag("include_prompt", True))

    def config(self) -> dict[str, Any]:
        """The old keys, which every generation reads; the new ones where the old cannot say the order."""
        if self.modes != tuple(mode for mode in FLAGS if mode in self.modes):
            modes = {"embedding_dimension": self.dimension, "pooling_mode": list(self.modes)}
        else:
            flags = {flag: mode in self.modes for mode, flag in FLAGS.items()}
            modes = {"word_embedding_dimension": self.dimension, **flags}
        return {**modes, "include_prompt": self.include_prompt}

    def get_embedding_dimension(self) -> int:
        """Width of the result: that of the token embeddings, once a mode."""
        return self.dimension * len(self.modes)

    def get_sentence_embedding_dimension(self) -> int:
        """Old name of `get_embedding_dimension`."""
        return self.get_embedding_dimension()

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """Add `sentence_embedding` (batch, d x modes), of the token embeddings' dtype; sums are in float32.

        Reads `token_embeddings` (batch, tokens, d), `attention_mask` (batch, tokens) of 0 and 1, and, where
        `include_prompt` is False, the whole number `prompt_length`.
        """
        states, mask = features["token_embeddings"], features["attention_mask"]
        kept, length = mask, int(features.get("prompt_length", 0))
        if not self.include_prompt and length:
            kept = mask * (positions(mask) >= length)
        pooled = [POOLS[mode](states, kept, mask) for mode in self.modes]
        return {**features, "sentence_embedding": torch.cat(pooled, dim=-1)}


def _modes(named: str | Sequence[str] | None, flags: Sequence[bool | None]) -> tuple[str, ...]:
    """The modes by their names, or by the old flags, which are in the order of `FLAGS`."""
    stated = {flag: value for flag, value in zip(FLAGS.values(), flags, strict=True) if value is not None}
    if named is not None and stated:
        raise ArgumentError(
            f"Pooling: pooling_mode {named!r} beside {', '.join(stated)}, expected one way. Leave the flags out."
        )
    if named is None:
        return tuple(mode for mode, flag in FLAGS.items() if stated.get(flag)) or ("mean",)
    modes = (named,) if isinstance(named, str) else tuple(named)
    for mode in modes or ("",):
        if mode not in FLAGS:
            raise ArgumentError(f"pooling_mode: {mode!r}, expected one of {', '.join(FLAGS)}. Choose one of these.")
    return modes


def _dimension(new: int | None, old: int | None) -> int:
    if (new is None) == (old is None):
        raise ArgumentError(
            f"Pooling: embedding_dimension {new!r} and word_embedding_dimension {old!r}, its old name, expected one "
            "of them. Give the width of the token embeddings."
        )
    return old if new is None else new  # type: ignore[return-value]  # one is not None


def read_modes(config: JsonObject) -> tuple[str, ...]:
    """The modes that a config states; mean where it states none.

    Raises:
        ModelFolderError: a mode that is none of the six.
    """
    stated = config.values.get("pooling_mode")
    if stated is None:
        return tuple(mode for mode, flag in FLAGS.items() if config.flag(flag, False)) or ("mean",)
    modes = (stated,) if isinstance(stated, str) else tuple(stated)
    for mode in modes:
        if mode not in FLAGS:
            raise ModelFolderError(
                f"{config.file}: pooling_mode {mode!r}, expected one of {', '.join(FLAGS)}. Correct it."
            )
    return modes


def positions(mask: Tensor) -> Tensor:
    """Places counted from the first real token, int64 (batch, tokens); below 0 on left padding."""
    first = mask.int().argmax(dim=1, keepdim=True)  # (batch, 1)
    return torch.arange(mask.shape[1], device=mask.device) - first


def _cls(states: Tensor, kept: Tensor, _mask: Tensor) -> Tensor:
    return _at(states, kept.int().argmax(dim=1))


def _max(states: Tensor, kept: Tensor, _mask: Tensor) -> Tensor:
    return states.masked_fill(kept[..., None] == 0, float("-inf")).max(dim=1).values


def _mean(states: Tensor, kept: Tensor, _mask: Tensor) -> Tensor:
    return _weighted(states, kept.float())


def _mean_sqrt(states: Tensor, kept: Tensor, _mask: Tensor) -> Tensor:
    total = (states * kept[..., None]).float().sum(dim=1)
    return (total / kept.float().sum(dim=1, keepdim=True).clamp(min=SMALLEST).sqrt()).to(states.dtype)


def _weightedmean(states: Tensor, kept: Tensor, mask: Tensor) -> Tensor:
    return _weighted(states, kept * (positions(mask) + 1.0))


def _lasttoken(states: Tensor, kept: Tensor, _mask: Tensor) -> Tensor:
    # The last kept place; place 0, whose mask is 0, where nothing is kept.
    last = (kept * torch.arange(kept.shape[1], device=kept.device)).argmax(dim=1)
    return _at(states * kept[..., None], last)


def _weighted(states: Tensor, weights: Tensor) -> Tensor:
    total = (states * weights[..., None]).sum(dim=1)  # (batch, d), float32 for states of 16 bits, too
    return (total / weights.sum(dim=1, keepdim=True).clamp(min=SMALLEST)).to(states.dtype)


def _at(states: Tensor, places: Tensor) -> Tensor:
    return states[torch.arange(len(states), device=states.device), places]  # (batch, d)


POOLS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "cls": _cls,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt,
    "weightedmean": _weightedmean,
    "lasttoken": _lasttoken,
}
