"""What a caller changes about a checkpoint when it is loaded: the precision of its weights, its length limit.

Knows nothing of files.
"""

from dataclasses import dataclass

import torch
from torch import nn

from airvec.errors import ArgumentError
from airvec.folder import TokenizerSpec

DTYPES = ("float32", "float16", "bfloat16")


@dataclass(frozen=True)
class LoadSettings:
    """How to load a checkpoint; what is None stays as the checkpoint says.

    `dtype` is the precision that a Transformer's weights are rounded to when they are loaded, and that they are kept
    in; what is computed with them is float32 in any case, in torch and in the graph. None = as saved: float16 and
    bfloat16 weights are float32 numbers as they are, so that nothing is rounded. `max_seq_length` is the longest input
    in tokens, special ones included; of a reranker, of both texts together.

    Raises:
        ArgumentError: another dtype, or a length that is not a whole number above 0.
    """

    dtype: str | None = None
    max_seq_length: int | None = None

    def __post_init__(self) -> None:
        if self.dtype is not None and self.dtype not in DTYPES:
            raise ArgumentError(
                f"dtype: {self.dtype!r}, expected one of {', '.join(DTYPES)}. Leave it out to round nothing."
            )
        limit = self.max_seq_length
        if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
            raise ArgumentError(f"max_seq_length: {limit!r}, expected a whole number above 0. Correct it.")

    def limit(self, stated: TokenizerSpec) -> TokenizerSpec:
        """A tokenizer's limits with the caller's in place of the folder's."""
        if self.max_seq_length is None:
            return stated
        arguments = {**stated.saved_arguments, "model_max_length": self.max_seq_length}
        return stated._replace(max_length=self.max_seq_length, saved_arguments=arguments)

    def check_positions(self, model: nn.Module, name: str) -> None:
        """Refuse a limit that a model cannot keep.

        Raises:
            ArgumentError: it has fewer positions.
        """
        asked, found = self.max_seq_length, positions(model)
        if asked is not None and found is not None and asked > found:
            raise ArgumentError(
                f"max_seq_length: {asked}, but {name} has positions for {found} tokens. Lower it to that, or leave it "
                "out."
            )

    def round(self, model: nn.Module, name: str) -> None:
        """Round a model's weights to `dtype`; they stay float32 tensors.

        Raises:
            ArgumentError: a weight is above the range of float16.
        """
        for key, weight in model.named_parameters() if self.dtype else ():
            weight.data = weight.data.to(getattr(torch, str(self.dtype))).float()
            if not torch.isfinite(weight).all():
                raise ArgumentError(
                    f"dtype: {self.dtype!r}, but the weights {key!r} of {name} hold numbers above its range. "
                    "Use bfloat16."
                )


AS_SAVED = LoadSettings()


def positions(model: nn.Module) -> int | None:
    """How many tokens a model of transformers can number; None = any number."""
    found = getattr(model.config, "max_position_embeddings", None)
    if not isinstance(found, int) or found < 1:
        return None
    # RoBERTa's numbers begin behind the padding id: 514 positions, 512 tokens.
    tables = [part for name, part in model.named_modules() if name.endswith("position_embeddings")]
    padding = [table.padding_idx for table in tables if isinstance(table, nn.Embedding)]
    return found - padding[0] - 1 if padding and padding[0] is not None else found
