"""sentence-transformers' names for the gradient cache around losses of rows of (anchor, positive[, negative…]).

    CachedMultipleNegativesRankingLoss(scale=20, mini_batch_size=8)
    GradCache(loss=MultipleNegativesRankingLoss(scale=20), mini_batch_size=8)   # the same

Knows nothing of how the cache works.
"""

from collections.abc import Callable
from dataclasses import field
from functools import cached_property
from typing import Any

from torch import Tensor

from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.gradcache import Cached, GradCache
from airvec_trainer.losses.positives import MultipleNegativesRankingLoss, MultipleNegativesSymmetricRankingLoss
from airvec_trainer.losses.positives_guided import GISTEmbedLoss
from airvec_trainer.losses.protocol import UNTRAINED
from airvec_trainer.similarity import cos_sim

__all__ = [
    "CachedGISTEmbedLoss", "CachedMultipleNegativesRankingLoss", "CachedMultipleNegativesSymmetricRankingLoss",
]  # fmt: skip


@loss
class CachedMultipleNegativesRankingLoss(Cached):
    """`MultipleNegativesRankingLoss` with the memory of a mini-batch: more negatives than a GPU holds texts.

    Data: (anchor, positive[, negative…]).
    Formula: that of `MultipleNegativesRankingLoss`.
    Source: Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
    https://arxiv.org/abs/2101.06983

    Args:
        mini_batch_size, mini_batch_num_tokens, show_progress_bar: of `GradCache`.
        scale, similarity_fct, gather_across_devices, directions, partition_mode, hardness_mode, hardness_strength: of
            `MultipleNegativesRankingLoss`.

    Raises:
        ArgumentError: as those say.

    Example:
        >>> CachedMultipleNegativesRankingLoss(scale=5, mini_batch_size=8).cache().loss.scale
        5
    """

    scale: float = 20.0
    similarity_fct: Callable[[Tensor, Tensor], Tensor] = cos_sim
    mini_batch_size: int = 32
    mini_batch_num_tokens: int | None = None
    gather_across_devices: bool = False
    directions: tuple[str, ...] = ("query_to_doc",)
    partition_mode: str = "joint"
    show_progress_bar: bool = False
    hardness_mode: str | None = None
    hardness_strength: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what either refuses."""
        self.cache()

    def cache(self) -> GradCache:
        """The two losses that it is."""
        return self._cache

    @cached_property  # made once: what a setting warns of is said once, not in every step
    def _cache(self) -> GradCache:
        wrapped = MultipleNegativesRankingLoss(
            scale=self.scale, similarity_fct=self.similarity_fct, gather_across_devices=self.gather_across_devices,
            directions=self.directions, partition_mode=self.partition_mode, hardness_mode=self.hardness_mode,
            hardness_strength=self.hardness_strength,
        )  # fmt: skip
        return _cached(self, wrapped)


@loss
class CachedMultipleNegativesSymmetricRankingLoss(Cached):
    """`MultipleNegativesSymmetricRankingLoss` with the memory of a mini-batch.

    Data: (anchor, positive).
    Formula: that of `MultipleNegativesSymmetricRankingLoss`.
    Source: Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
    https://arxiv.org/abs/2101.06983

    Args:
        mini_batch_size, mini_batch_num_tokens, show_progress_bar: of `GradCache`.
        scale, similarity_fct, gather_across_devices: of `MultipleNegativesSymmetricRankingLoss`.

    Raises:
        ArgumentError: as those say.

    Example:
        >>> CachedMultipleNegativesSymmetricRankingLoss(scale=5, mini_batch_size=8).cache().loss.scale
        5
    """

    scale: float = 20.0
    similarity_fct: Callable[[Tensor, Tensor], Tensor] = cos_sim
    mini_batch_size: int = 32
    mini_batch_num_tokens: int | None = None
    gather_across_devices: bool = False
    show_progress_bar: bool = False

    def __post_init__(self) -> None:
        """Refuse what either refuses."""
        self.cache()

    def cache(self) -> GradCache:
        """The two losses that it is."""
        return self._cache

    @cached_property  # made once: what a setting warns of is said once, not in every step
    def _cache(self) -> GradCache:
        wrapped = MultipleNegativesSymmetricRankingLoss(
            scale=self.scale, similarity_fct=self.similarity_fct, gather_across_devices=self.gather_across_devices
        )
        return _cached(self, wrapped)


@loss
class CachedGISTEmbedLoss(Cached):
    """`GISTEmbedLoss` with the memory of a mini-batch.

    Data: (anchor, positive[, negative…]).
    Formula: that of `GISTEmbedLoss`.
    Source: Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
    https://arxiv.org/abs/2101.06983

    Args:
        mini_batch_size, mini_batch_num_tokens, show_progress_bar: of `GradCache`.
        guide, temperature, margin_strategy, margin, contrast_anchors, contrast_positives, gather_across_devices: of
            `GISTEmbedLoss`.

    Raises:
        ArgumentError: as those say.

    Example:
        >>> class Guide:
        ...     encode = staticmethod(len)
        >>> CachedGISTEmbedLoss(guide=Guide(), temperature=0.05, mini_batch_size=8).cache().loss.temperature
        0.05
    """

    guide: Any = field(metadata=UNTRAINED)
    temperature: float = 0.01
    mini_batch_size: int = 32
    mini_batch_num_tokens: int | None = None
    show_progress_bar: bool = False
    margin_strategy: str = "absolute"
    margin: float = 0.0
    contrast_anchors: bool = True
    contrast_positives: bool = True
    gather_across_devices: bool = False

    def __post_init__(self) -> None:
        """Refuse what either refuses."""
        self.cache()

    def cache(self) -> GradCache:
        """The two losses that it is."""
        return self._cache

    @cached_property  # made once: what a setting warns of is said once, not in every step
    def _cache(self) -> GradCache:
        wrapped = GISTEmbedLoss(
            guide=self.guide, temperature=self.temperature, margin_strategy=self.margin_strategy, margin=self.margin,
            contrast_anchors=self.contrast_anchors, contrast_positives=self.contrast_positives,
            gather_across_devices=self.gather_across_devices,
        )  # fmt: skip
        return _cached(self, wrapped)


def _cached(named: Any, wrapped: Any) -> GradCache:
    return GradCache(
        loss=wrapped, mini_batch_size=named.mini_batch_size, mini_batch_num_tokens=named.mini_batch_num_tokens,
        show_progress_bar=named.show_progress_bar,
    )  # fmt: skip
