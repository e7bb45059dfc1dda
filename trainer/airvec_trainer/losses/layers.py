"""A model's embeddings at each of its layers: the body once, the modules behind it once for each layer asked for.

Knows nothing of losses.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch, unwrapped

__all__ = ["LayerEmbeddings", "by_layer", "layer_weight"]


@dataclass(frozen=True)
class LayerEmbeddings:
    """Columns of embeddings at the layers; layer 0 is what the first layer reads.

    Args:
        outputs: everything that the model gave for each column, `all_layer_embeddings` among it.
        modules: those behind the body.
    """

    outputs: Sequence[dict[str, Any]]
    modules: Sequence[nn.Module]

    @property
    def count(self) -> int:
        """Layers, the input and the last among them."""
        return len(self.outputs[0]["all_layer_embeddings"])

    def last(self) -> list[Tensor]:
        """(rows, dim) a column, as the model gives them."""
        return [output["sentence_embedding"] for output in self.outputs]

    def at(self, layer: int) -> list[Tensor]:
        """(rows, dim) a column, as the model would give them if `layer` were its last."""
        return [self._at(output, layer) for output in self.outputs]

    def _at(self, output: dict[str, Any], layer: int) -> Tensor:
        features = {**output, "token_embeddings": output["all_layer_embeddings"][layer]}
        for module in self.modules:
            features = module(features)
        return features["sentence_embedding"]


def by_layer(batch: Batch) -> LayerEmbeddings:
    """The batch's embeddings at each layer, each column in a pass of its own.

    Raises:
        ArgumentError: the model has no layers that it could show.
    """
    model = unwrapped(batch.model)
    if not isinstance(model, nn.Sequential):
        raise ArgumentError(
            f"AdaptiveLayerLoss: the model is {type(model).__name__}, expected a SentenceTransformer. Train one."
        )
    body, *modules = model
    config = getattr(body, "config", None)
    if config is None or not hasattr(config, "output_hidden_states"):
        raise ArgumentError(
            f"AdaptiveLayerLoss: the model begins with {type(body).__name__}, expected a Transformer with layers. "
            "Train a static model with MatryoshkaLoss."
        )
    shown = config.output_hidden_states
    config.output_hidden_states = True
    try:
        outputs = batch.outputs()
    finally:
        config.output_hidden_states = shown
    return LayerEmbeddings(outputs, modules)


def layer_weight(weighting: str | Callable[[int], float], layer: int) -> float:
    """The weight of a layer."""
    if callable(weighting):
        return weighting(layer)
    return {"uniform": 1.0, "log": 1 / (1 + math.log(1 + layer)), "linear": 1 / (1 + layer)}[weighting]
