"""How much each pair of documents counts in `LambdaLoss`, and each position in `PListMLELoss`.

A scheme is a function of three arrays, with the documents of a query in the order of the model's scores:
gains (queries, n) = (2^label - 1) / the best possible DCG, discounts (1, n) = log2(1 + rank), and labels (queries, n).
It gives weights that fit (queries, n, n). Any function of that form will do.
Source: Wang et al. 2018, "The LambdaLoss Framework for Ranking Metric Optimization",
https://marc.najork.org/papers/cikm2018.pdf
Knows nothing of scores and models.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = [
    "LambdaRankScheme", "NDCGLoss1Scheme", "NDCGLoss2PPScheme", "NDCGLoss2Scheme", "NoWeightingScheme",
    "PListMLELambdaWeight",
]  # fmt: skip

WeightingScheme = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class NoWeightingScheme:
    """Every pair counts 1, as in RankNet."""

    def __call__(self, gain: Tensor, discount: Tensor, true_sorted: Tensor) -> Tensor:
        """1, a scalar."""
        return gain.new_ones(())


@dataclass(frozen=True)
class NDCGLoss1Scheme:
    """A pair counts G_i / D_i of its first document; pairs of equal labels count, too.

    Example:
        >>> NDCGLoss1Scheme()(torch.tensor([[0.75, 0.25]]), torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2)).tolist()
        [[[0.75], [0.125]]]
    """

    def __call__(self, gain: Tensor, discount: Tensor, true_sorted: Tensor) -> Tensor:
        """(queries, n, 1)."""
        return (gain / discount)[:, :, None]


@dataclass(frozen=True)
class NDCGLoss2Scheme:
    """A pair counts |1/D(d) - 1/D(d + 1)|·|G_i - G_j|, with d the distance of its two ranks.

    Example:
        >>> gain, discount = torch.tensor([[0.75, 0.25]]), torch.tensor([[1.0, 2.0]])
        >>> NDCGLoss2Scheme()(gain, discount, torch.zeros(1, 2)).tolist()
        [[[0.0, 0.25], [0.25, 0.0]]]
    """

    def __call__(self, gain: Tensor, discount: Tensor, true_sorted: Tensor) -> Tensor:
        """(queries, n, n), 0 on the diagonal."""
        ranks = torch.arange(gain.shape[1], device=gain.device)
        distance = (ranks[:, None] - ranks[None, :]).abs()
        inverse = 1 / discount[0].abs()
        steps = (inverse[:-1] - inverse[1:]).abs()  # of the distances 1 to n - 1
        steps = torch.cat([steps.new_zeros(1), steps])
        return steps[distance][None] * (gain[:, :, None] - gain[:, None, :]).abs()


@dataclass(frozen=True)
class LambdaRankScheme:
    """A pair counts what NDCG would change if its two documents changed places: |1/D_i - 1/D_j|·|G_i - G_j|.

    Example:
        >>> gain, discount = torch.tensor([[0.75, 0.25]]), torch.tensor([[1.0, 2.0]])
        >>> LambdaRankScheme()(gain, discount, torch.zeros(1, 2)).tolist()
        [[[0.0, 0.25], [0.25, 0.0]]]
    """

    def __call__(self, gain: Tensor, discount: Tensor, true_sorted: Tensor) -> Tensor:
        """(queries, n, n), 0 on the diagonal."""
        inverse = 1 / discount
        places = (inverse[:, :, None] - inverse[:, None, :]).abs()
        return places * (gain[:, :, None] - gain[:, None, :]).abs()


@dataclass(frozen=True)
class NDCGLoss2PPScheme:
    """mu times `NDCGLoss2Scheme` and once `LambdaRankScheme`.

    Args:
        mu: how much the first counts.

    Example:
        >>> gain, discount = torch.tensor([[0.75, 0.25]]), torch.tensor([[1.0, 2.0]])
        >>> NDCGLoss2PPScheme(mu=10.0)(gain, discount, torch.zeros(1, 2)).tolist()
        [[[0.0, 2.75], [2.75, 0.0]]]
    """

    mu: float = 10.0

    def __call__(self, gain: Tensor, discount: Tensor, true_sorted: Tensor) -> Tensor:
        """(queries, n, n), 0 on the diagonal."""
        bound = NDCGLoss2Scheme()(gain, discount, true_sorted)
        return self.mu * bound + LambdaRankScheme()(gain, discount, true_sorted)


@dataclass(frozen=True)
class PListMLELambdaWeight:
    """The weight of each position of a list: 2^(n - rank) - 1, or what a function of your own says.

    Args:
        rank_discount_fn: takes which positions hold a document, (queries, n) of bool, and gives weights of that shape.

    Example:
        >>> PListMLELambdaWeight()(torch.tensor([[True, True, True]])).tolist()
        [[3.0, 1.0, 0.0]]

    Source: Lan et al. 2014, "Position-Aware ListMLE: A Sequential Learning Process for Ranking",
    https://auai.org/uai2014/proceedings/individuals/164.pdf
    """

    rank_discount_fn: Callable[[Tensor], Tensor] | None = None

    def __call__(self, mask: Tensor) -> Tensor:
        """(queries, n) of bool -> (queries, n); 0 where there is no document."""
        if self.rank_discount_fn is not None:
            return self.rank_discount_fn(mask)
        count = mask.sum(dim=1, keepdim=True)
        ranks = torch.arange(1, mask.shape[1] + 1, device=mask.device)
        # float32 ends at 2^128: a longer list is scaled, which dividing by the sum of the weights takes away again
        scale = (count - 127).clamp(min=0)
        return (torch.pow(2.0, count - ranks - scale) - torch.pow(2.0, -scale)) * mask
