"""Losses around a loss: of shortened embeddings, of the layers' embeddings, of both.

Knows nothing of what the wrapped loss computes.
"""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax, normalize, softmax

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch, whole_width
from airvec_trainer.losses.columns import require_columns, require_one_of
from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.gradcache import require_inner, without_cache
from airvec_trainer.losses.layers import by_layer, layer_weight
from airvec_trainer.losses.protocol import Loss, inside, on_arrays, parts_of_arrays, total

__all__ = ["AdaptiveLayerLoss", "Matryoshka2dLoss", "MatryoshkaLoss"]

logger = logging.getLogger(__name__)
WEIGHTINGS = ("uniform", "log", "linear")


@loss
class MatryoshkaLoss:
    """The wrapped loss at several lengths of the embeddings, so that their beginnings can be used alone.

    Data: as the wrapped loss. A teacher's vectors as labels are shortened like the embeddings.
    Formula: Σ_d weight_d · loss(x[:d] / |x[:d]|), over all dims or over some drawn anew in each step.
    Source: Kusupati et al. 2022, "Matryoshka Representation Learning", https://arxiv.org/abs/2205.13147

    Args:
        loss: a loss of embeddings, a cached one, or `GISTEmbedLoss`; a guide's embeddings stay whole.
        matryoshka_dims: lengths; have the model's own among them.
        matryoshka_weights: one a length; None = 1 each.
        n_dims_per_step: lengths drawn in each step with Python's `random`; -1 = all.

    Raises:
        ArgumentError: no dims, dims below 1 or above the embeddings', weights of another length, or a loss that
            shortened embeddings do not reach.

    Example:
        >>> import torch
        >>> first = lambda columns, labels: columns[0].sum()
        >>> x = torch.tensor([[3.0, 4.0]])
        >>> round(MatryoshkaLoss(loss=first, matryoshka_dims=[2, 1])([x]).item(), 4)  # 0.6 + 0.8, and 1
        2.4
    """

    loss: Any
    matryoshka_dims: Sequence[int]
    matryoshka_weights: Sequence[float] | None = None
    n_dims_per_step: int = -1

    def __post_init__(self) -> None:
        """Refuse what could only fail in the first step, and put the dims in order, the longest first."""
        dims = list(self.matryoshka_dims)
        weights = [1] * len(dims) if self.matryoshka_weights is None else list(self.matryoshka_weights)
        if not dims or min(dims) < 1:
            raise ArgumentError(f"MatryoshkaLoss: matryoshka_dims={dims}, expected lengths of 1 or more. Name some.")
        if len(weights) != len(dims):
            raise ArgumentError(
                f"MatryoshkaLoss: {len(weights)} matryoshka_weights for {len(dims)} dims, expected one each. "
                "Leave the weights out for 1 each."
            )
        require_inner(self, self.loss, cached=True)
        for one in inside(self.loss):
            if getattr(one, "has_one_width", False):
                raise ArgumentError(
                    f"MatryoshkaLoss: loss has a layer for embeddings of one length ({one!r:.80}), expected a loss of "
                    "any length. Take it without projection_dim, or train with it alone."
                )
        ordered = sorted(zip(dims, weights, strict=True), key=lambda pair: pair[0], reverse=True)
        object.__setattr__(self, "matryoshka_dims", tuple(dim for dim, _ in ordered))
        object.__setattr__(self, "matryoshka_weights", tuple(weight for _, weight in ordered))

    def prepared(self, model: nn.Module) -> "MatryoshkaLoss":
        """Itself, when the model's embeddings are long enough."""
        width = whole_width(model)
        if width is not None:
            self._check_dims(width)
            if width not in self.matryoshka_dims:
                logger.warning(
                    "MatryoshkaLoss: matryoshka_dims=%s leave out %d, the length of the model's embeddings, which "
                    "are then not trained as a whole. Add it.", list(self.matryoshka_dims), width,
                )  # fmt: skip
        return self

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """The loss of embeddings."""
        require_columns(self, columns, least=1)
        width = columns[0].shape[-1]
        self._check_dims(width)
        values = [
            weight * _value(self.loss, [_shortened(one, dim) for one in columns], _shortened_labels(labels, width, dim))
            for dim, weight in self._drawn()
        ]
        return torch.stack(values).sum()

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch; around a cached loss it is the cached loss around it."""
        cache, bare = without_cache(self)
        if cache is not None:
            return replace(cache, loss=bare).on_batch(batch, labels)
        return self.bound(batch)(batch.embeddings(), labels)

    def bound(self, batch: Batch) -> Loss:
        """The loss of embeddings, whose wrapped loss has seen the batch."""
        return replace(self, loss=on_arrays(self.loss, batch))

    def _drawn(self) -> list[tuple[int, float]]:
        """(dim, weight) of this step, the longest first."""
        pairs = list(zip(self.matryoshka_dims, self.matryoshka_weights or (), strict=True))
        if not 0 < self.n_dims_per_step < len(pairs):
            return pairs
        return [pairs[number] for number in sorted(random.sample(range(len(pairs)), self.n_dims_per_step))]

    def _check_dims(self, width: int) -> None:
        if self.matryoshka_dims[0] > width:
            raise ArgumentError(
                f"MatryoshkaLoss: matryoshka_dims={list(self.matryoshka_dims)}, expected {width} at most, the length "
                "of the model's embeddings. Leave out those above."
            )


@loss
class AdaptiveLayerLoss:
    """The wrapped loss at the last layer and at earlier ones, so that the later ones can be left out.

    Data: as the wrapped loss.
    Formula: last_layer_weight · loss(last) + Σ_l ( prior_layers_weight · w_l · loss(l) / layers
    + kl_div_weight · t · KL(softmax(last/t) ‖ softmax(l/t)) ), over layers l drawn anew in each step; w_l is 1
    ("uniform"), 1 / (1 + ln(1 + l)) ("log"), 1 / (1 + l) ("linear") or what a function gives. Layer 0 is the input.
    Source: Li et al. 2024, "2D Matryoshka Sentence Embeddings", https://arxiv.org/abs/2402.14776

    Args:
        loss: a loss of embeddings, `MatryoshkaLoss` or `GISTEmbedLoss`; not a cached one.
        n_layers_per_step: layers drawn in each step with Python's `random`; -1 = all before the last.
        last_layer_weight: of the last layer's loss.
        prior_layers_weight: of the mean of the others'.
        kl_div_weight: of the distance between a layer's embeddings and the last one's.
        kl_temperature: t above; 0 leaves that distance out.
        layer_weighting: `"uniform"`, `"log"`, `"linear"`, or a function of the layer's number.

    Raises:
        ArgumentError: a weighting that is none, a loss that the layers do not reach, a model without layers.

    Example:
        >>> AdaptiveLayerLoss(loss=lambda columns, labels: columns[0].sum()).n_layers_per_step
        1
    """

    loss: Any
    n_layers_per_step: int = 1
    last_layer_weight: float = 1.0
    prior_layers_weight: float = 1.0
    kl_div_weight: float = 1.0
    kl_temperature: float = 0.3
    layer_weighting: str | Callable[[int], float] = "uniform"

    def __post_init__(self) -> None:
        """Refuse what could only fail in the first step."""
        if not callable(self.layer_weighting):
            require_one_of(self, "layer_weighting", self.layer_weighting, WEIGHTINGS)
        require_inner(self, self.loss)

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch."""
        function = on_arrays(self.loss, batch)
        embeddings = by_layer(batch)
        last = embeddings.last()
        value = _value(function, last, labels) * self.last_layer_weight
        layers = self._drawn(embeddings.count - 1)
        for layer in layers:
            columns = embeddings.at(layer)
            weight = layer_weight(self.layer_weighting, layer) / len(layers) * self.prior_layers_weight
            value = value + _value(function, columns, labels) * weight
            if self.kl_temperature > 0:
                value = value + self._divergence(columns, last) * self.kl_temperature * self.kl_div_weight
        return value

    def _drawn(self, count: int) -> Sequence[int]:
        layers = range(count)
        return random.sample(layers, self.n_layers_per_step) if 0 < self.n_layers_per_step < count else layers

    def _divergence(self, columns: Sequence[Tensor], last: Sequence[Tensor]) -> Tensor:
        """How far a layer's embeddings, as distributions over dimensions, lie from the last layer's: a scalar."""
        target = softmax(torch.cat(list(last)).detach() / self.kl_temperature, dim=-1)
        found = log_softmax(torch.cat(list(columns)) / self.kl_temperature, dim=-1)
        return kl_div(found, target, reduction="batchmean")


@loss
class Matryoshka2dLoss:
    """`AdaptiveLayerLoss` around `MatryoshkaLoss`: embeddings that can be shortened, of models that can.

    Data: as the wrapped loss.
    Formula: of `AdaptiveLayerLoss`, in which the loss is that of `MatryoshkaLoss`.
    Source: Li et al. 2024, "2D Matryoshka Sentence Embeddings", https://arxiv.org/abs/2402.14776

    Args:
        loss, matryoshka_dims, matryoshka_weights, n_dims_per_step: of `MatryoshkaLoss`.
        n_layers_per_step, last_layer_weight, prior_layers_weight, kl_div_weight, kl_temperature, layer_weighting: of
            `AdaptiveLayerLoss`.

    Raises:
        ArgumentError: as those say.

    Example:
        >>> both = Matryoshka2dLoss(loss=lambda columns, labels: columns[0].sum(), matryoshka_dims=[8, 4])
        >>> both.layers().loss.matryoshka_dims
        (8, 4)
    """

    loss: Any
    matryoshka_dims: Sequence[int]
    matryoshka_weights: Sequence[float] | None = None
    n_layers_per_step: int = 1
    n_dims_per_step: int = 1
    last_layer_weight: float = 1.0
    prior_layers_weight: float = 1.0
    kl_div_weight: float = 1.0
    kl_temperature: float = 0.3
    layer_weighting: str | Callable[[int], float] = "uniform"

    def __post_init__(self) -> None:
        """Refuse what could only fail in the first step."""
        self.layers()

    def layers(self) -> AdaptiveLayerLoss:
        """The two losses that it is."""
        return AdaptiveLayerLoss(
            loss=MatryoshkaLoss(
                loss=self.loss, matryoshka_dims=self.matryoshka_dims, matryoshka_weights=self.matryoshka_weights,
                n_dims_per_step=self.n_dims_per_step,
            ),
            n_layers_per_step=self.n_layers_per_step, last_layer_weight=self.last_layer_weight,
            prior_layers_weight=self.prior_layers_weight, kl_div_weight=self.kl_div_weight,
            kl_temperature=self.kl_temperature, layer_weighting=self.layer_weighting,
        )  # fmt: skip

    def prepared(self, model: nn.Module) -> "Matryoshka2dLoss":
        """Itself, when the model's embeddings are long enough."""
        self.layers().loss.prepared(model)
        return self

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch."""
        return self.layers().on_batch(batch, labels)


def _value(loss: Any, columns: Sequence[Tensor], labels: Any) -> Tensor:
    """Of a wrapped loss, which may have parts."""
    return total(parts_of_arrays(loss, columns, labels))


def _shortened(column: Tensor, dim: int) -> Tensor:
    """The first values of each embedding, of length 1 again: (rows, dim)."""
    return normalize(column[..., :dim], dim=-1)


def _shortened_labels(labels: Any, width: int, dim: int) -> Any:
    """A teacher's vectors, as long as the embeddings, shortened like them; other labels as they are."""
    vectors = isinstance(labels, Tensor) and labels.ndim in (2, 3) and labels.shape[-1] == width
    return labels[..., :dim] if vectors else labels
