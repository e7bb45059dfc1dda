"""Activations that are computed again in the backward pass instead of kept: less memory, more time.

transformers does it, under the name of gradient checkpointing, and from 5.23 on of activation checkpointing.
Knows nothing of how a model computes.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from torch import nn

from airvec.errors import ArgumentError

__all__ = ["Recomputing"]

USUAL = {"use_reentrant": False}  # torch's advice; the other way gives no gradients to a frozen body's adapter


class Recomputing:
    """The methods of a model, under both names; transformers' trainer calls them, too."""

    def gradient_checkpointing_enable(self, gradient_checkpointing_kwargs: Mapping[str, Any] | None = None) -> None:
        """Keep no layer's activations for the backward pass, but compute them again.

        Args:
            gradient_checkpointing_kwargs: of `torch.utils.checkpoint`; None = `{"use_reentrant": False}`.
        """
        self.activation_checkpointing_enable(gradient_checkpointing_kwargs)

    def gradient_checkpointing_disable(self) -> None:
        """Keep activations again."""
        self.activation_checkpointing_disable()

    def activation_checkpointing_enable(
        self,
        activation_checkpointing_kwargs: Mapping[str, Any] | None = None,
        every_n_layers: int = 1,
        offload: bool = False,
    ) -> None:
        """The newer name of `gradient_checkpointing_enable`.

        Args:
            activation_checkpointing_kwargs: of `torch.utils.checkpoint`; None = `{"use_reentrant": False}`.
            every_n_layers: layers that are computed again together.
            offload: whether what is kept lies in the CPU's memory.

        Raises:
            ArgumentError: the last two are not as usual, and this transformers does not know them yet.
        """
        given = dict(activation_checkpointing_kwargs or USUAL)
        for model in _inside(self):
            if hasattr(model, "activation_checkpointing_enable"):
                model.activation_checkpointing_enable(given, every_n_layers, offload)
            elif every_n_layers != 1 or offload:
                raise ArgumentError(
                    f"activation_checkpointing_kwargs: every_n_layers {every_n_layers}, offload {offload}, expected 1 "
                    "and False with this transformers. Update it, or leave them out."
                )
            else:
                model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=given)

    def activation_checkpointing_disable(self) -> None:
        """The newer name of `gradient_checkpointing_disable`."""
        for model in _inside(self):
            new = getattr(model, "activation_checkpointing_disable", None)
            (new or model.gradient_checkpointing_disable)()


def _inside(model: Any) -> Iterator[Any]:
    """The models of transformers inside, each without those that it holds itself."""
    from transformers import PreTrainedModel

    for child in cast("nn.Module", model).children():
        if isinstance(child, PreTrainedModel):
            yield child
        else:
            yield from _inside(child)
