"""Losses for rows of (query, [document …], [score …]).

Each takes two lists with one tensor a query, scores and labels, as long as the query has documents: lists need not be
alike in length, and nothing is filled up. Of equal values the earlier one stays in front when they are sorted. The
reference's sort leaves that open: by torch 2.13 on a CPU, 16 values with equal ones kept their order, and 17 did not.
Knows nothing of texts.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.columns import name_of, require_one_of, require_positive
from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.rerank.pairs import labels_of_lists, scores_of_lists
from airvec_trainer.losses.rerank.points import Activation
from airvec_trainer.losses.rerank.weighting import (
    NDCGLoss1Scheme,
    NDCGLoss2PPScheme,
    NoWeightingScheme,
    PListMLELambdaWeight,
    WeightingScheme,
)

__all__ = ["ADRMSELoss", "LambdaLoss", "ListMLELoss", "ListNetLoss", "PListMLELoss", "RankNetLoss"]

FARTHEST = 1e8  # differences of scores are cut here, as the reference cuts them
EPSILON = 1e-10  # added to the sum of the weights of positions


@loss
class ListNetLoss:
    """The scores of a list are to be a distribution like that of its labels.

    Data:
        (query, [document …], [score …]): any numbers.

    Formula:
        mean over queries of -Σ softmax(y)·log softmax(s)

    Args:
        activation_fn: applied to the logits.
        mini_batch_size: pairs in one pass of the model; None is the number of queries, 0 and less is all.

    Example:
        >>> ListNetLoss()([torch.zeros(4)], [torch.tensor([1.0, 0.0, 0.0, 0.0])])  # equal scores: log 4
        tensor(1.3863)

    Source: Cao et al. 2007, "Learning to Rank: From Pairwise Approach to Listwise Approach",
    https://www.microsoft.com/en-us/research/publication/learning-to-rank-from-pairwise-approach-to-listwise-approach/
    """

    activation_fn: Activation | None = nn.Identity()
    mini_batch_size: int | None = None

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Scores and labels, one tensor (documents,) a query each -> scalar."""
        lists = _lists(self, columns, labels)
        return torch.stack([-(y.softmax(0) * s.log_softmax(0)).sum() for s, y in lists]).mean()

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of queries and lists of documents: a scalar."""
        return self(scores_of_lists("ListNetLoss", batch, labels, self.mini_batch_size), labels)


@loss
class PListMLELoss:
    """The order of a list is to be likely, its first places most of all.

    Data:
        (query, [document …], [score …]): documents from best to worst, or any order with respect_input_order=False.

    Formula:
        mean over queries of -Σ_i w_i·(s_i - logsumexp over j ≥ i of s_j), w = 2^(n - i) - 1, divided by their sum

    Args:
        lambda_weight: weights of the positions; None is 1 everywhere, which is `ListMLELoss`.
        activation_fn: applied to the logits.
        mini_batch_size: pairs in one pass of the model; None is the number of queries, 0 and less is all.
        respect_input_order: whether the documents come from best to worst; otherwise labels sort them.

    Example:
        >>> PListMLELoss()([torch.zeros(2)], [torch.tensor([1.0, 0.0])])  # weights 1 and 0: log 2
        tensor(0.6931)

    Source: Lan et al. 2014, "Position-Aware ListMLE: A Sequential Learning Process for Ranking",
    https://auai.org/uai2014/proceedings/individuals/164.pdf
    """

    lambda_weight: Callable[[Tensor], Tensor] | None = PListMLELambdaWeight()
    activation_fn: Activation | None = nn.Identity()
    mini_batch_size: int | None = None
    respect_input_order: bool = True

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Scores and labels, one tensor (documents,) a query each -> scalar."""
        return _unlikeliness(_lists(self, columns, labels), self.lambda_weight, self.respect_input_order)

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of queries and lists of documents: a scalar."""
        return self(scores_of_lists("PListMLELoss", batch, labels, self.mini_batch_size), labels)


@loss
class ListMLELoss:
    """The order of a list is to be likely, every place alike.

    Data:
        (query, [document …], [score …]): documents from best to worst, or any order with respect_input_order=False.

    Formula:
        mean over queries of -Σ_i (s_i - logsumexp over j ≥ i of s_j)

    Args:
        activation_fn: applied to the logits.
        mini_batch_size: pairs in one pass of the model; None is the number of queries, 0 and less is all.
        respect_input_order: whether the documents come from best to worst; otherwise labels sort them.

    Example:
        >>> ListMLELoss()([torch.zeros(3)], [torch.tensor([2.0, 1.0, 0.0])])  # log 3 + log 2 + log 1
        tensor(1.7918)

    Source: Xia et al. 2008, "Listwise Approach to Learning to Rank: Theory and Algorithm",
    https://dl.acm.org/doi/10.1145/1390156.1390306
    """

    activation_fn: Activation | None = nn.Identity()
    mini_batch_size: int | None = None
    respect_input_order: bool = True

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Scores and labels, one tensor (documents,) a query each -> scalar."""
        return _unlikeliness(_lists(self, columns, labels), None, self.respect_input_order)

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of queries and lists of documents: a scalar."""
        return self(scores_of_lists("ListMLELoss", batch, labels, self.mini_batch_size), labels)


@loss
class ADRMSELoss:
    """Each document is to have the rank that its label says, where the first ranks count most.

    Data:
        (query, [document …], [score …]): any numbers; equal labels share the mean of their ranks.

    Formula:
        mean over all documents of (r_i - ½ - Σ_j σ(α·(s_j - s_i)))² / log2(1 + r_i), with r_i the rank by label

    Args:
        alpha: α, how steeply a difference of scores decides a rank.
        activation_fn: applied to the logits.
        mini_batch_size: pairs in one pass of the model; None is the number of queries, 0 and less is all.

    Example:
        >>> ADRMSELoss()([torch.zeros(1)], [torch.tensor([1.0])])  # one document: its rank is 1, ½ + ½
        tensor(0.)

    Source: Schlatt et al. 2024, "Rank-DistiLLM: Closing the Effectiveness Gap Between Cross-Encoders and LLMs for
    Passage Re-Ranking", https://arxiv.org/abs/2405.07920
    """

    alpha: float = 1.0
    activation_fn: Activation | None = nn.Identity()
    mini_batch_size: int | None = None

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Scores and labels, one tensor (documents,) a query each -> scalar."""
        return torch.cat([self._errors(s, y) for s, y in _lists(self, columns, labels)]).mean()

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of queries and lists of documents: a scalar."""
        return self(scores_of_lists("ADRMSELoss", batch, labels, self.mini_batch_size), labels)

    def _errors(self, scores: Tensor, labels: Tensor) -> Tensor:
        """(documents,)."""
        ahead = (labels[None, :] > labels[:, None]).sum(1)
        alike = (labels[None, :] == labels[:, None]).sum(1)
        ranks = ahead + (alike + 1) / 2
        soft_ranks = 0.5 + torch.sigmoid(self.alpha * (scores[None, :] - scores[:, None])).sum(1)
        return (ranks - soft_ranks) ** 2 / torch.log2(1 + ranks)


@loss
class LambdaLoss:
    """Documents with the higher label are to come first, weighted by what that is worth to NDCG.

    Data:
        (query, [document …], [score …]): labels from 0 up, whose gain is 2^label - 1; less than 0 counts as 0 there.

    Formula:
        -mean over pairs with y_i > y_j, one of them among the first k, of w_ij·log2 σ(σ·(s_i - s_j))

    Args:
        weighting_scheme: w, one of `rerank.weighting` or a function like them; None is 1 everywhere.
        k: how many of the first places count; None is all.
        sigma: how steeply a difference of scores counts.
        eps: the least that the best possible DCG is taken for.
        reduction_log: "binary" for log2, "natural" for log.
        activation_fn: applied to the logits.
        mini_batch_size: pairs in one pass of the model; None is the number of queries, 0 and less is all.

    Example:
        >>> LambdaLoss(weighting_scheme=None)([torch.zeros(2)], [torch.tensor([1.0, 0.0])])  # -log2 ½
        tensor(1.)

    Source: Wang et al. 2018, "The LambdaLoss Framework for Ranking Metric Optimization",
    https://marc.najork.org/papers/cikm2018.pdf
    """

    weighting_scheme: WeightingScheme | None = NDCGLoss2PPScheme()
    k: int | None = None
    sigma: float = 1.0
    eps: float = 1e-10
    reduction_log: Literal["natural", "binary"] = "binary"
    activation_fn: Activation | None = nn.Identity()
    mini_batch_size: int | None = None

    def __post_init__(self) -> None:
        _check_lambda(self)

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Scores and labels, one tensor (documents,) a query each -> scalar.

        Where no document of the batch has a higher label than another, the value is 0, and so is the gradient.
        """
        return _out_of_order(self, columns, labels, self.weighting_scheme or NoWeightingScheme())

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of queries and lists of documents: a scalar."""
        return self(scores_of_lists("LambdaLoss", batch, labels, self.mini_batch_size), labels)


@loss
class RankNetLoss:
    """Documents with the higher label are to come first: `LambdaLoss` where every pair counts 1.

    Data:
        (query, [document …], [score …]): any numbers, only their order counts.

    Formula:
        -mean over pairs with y_i > y_j, one of them among the first k, of log2 σ(σ·(s_i - s_j))

    Args:
        k: how many of the first places count; None is all.
        sigma: how steeply a difference of scores counts.
        eps: without effect here; the reference has it.
        reduction_log: "binary" for log2, "natural" for log.
        activation_fn: applied to the logits.
        mini_batch_size: pairs in one pass of the model; None is the number of queries, 0 and less is all.

    Example:
        >>> RankNetLoss()([torch.zeros(2)], [torch.tensor([1.0, 0.0])])  # -log2 ½
        tensor(1.)

    Source: Burges et al. 2005, "Learning to Rank using Gradient Descent",
    https://icml.cc/Conferences/2015/wp-content/uploads/2015/06/icml_ranking.pdf
    """

    k: int | None = None
    sigma: float = 1.0
    eps: float = 1e-10
    reduction_log: Literal["natural", "binary"] = "binary"
    activation_fn: Activation | None = nn.Identity()
    mini_batch_size: int | None = None

    def __post_init__(self) -> None:
        _check_lambda(self)

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Scores and labels, one tensor (documents,) a query each -> scalar."""
        return _out_of_order(self, columns, labels, NoWeightingScheme())

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of queries and lists of documents: a scalar."""
        return self(scores_of_lists("RankNetLoss", batch, labels, self.mini_batch_size), labels)


def _lists(of: Any, scores: Sequence[Tensor], labels: Any) -> list[tuple[Tensor, Tensor]]:
    """Scores behind the activation, and labels, of each query: float32."""
    found = labels_of_lists(name_of(of), scores, labels)
    together = torch.cat([row.reshape(-1) for row in scores]).float()
    activated = together if of.activation_fn is None else of.activation_fn(together)
    return list(zip(activated.split([len(row) for row in scores]), found, strict=True))


def _unlikeliness(
    lists: list[tuple[Tensor, Tensor]], weighing: Callable[[Tensor], Tensor] | None, ordered: bool
) -> Tensor:
    """-log of the Plackett-Luce probability of each list, by weighted places: the mean over queries."""
    found: list[Tensor] = []
    for scores, labels in lists:
        best_first = scores if ordered else scores[labels.argsort(descending=True, stable=True)]
        logs = best_first - best_first.flip(0).logcumsumexp(0).flip(0)
        if weighing is not None:
            weights = weighing(torch.ones(1, len(logs), dtype=torch.bool, device=logs.device))[0]
            logs = logs * (weights / (weights.sum() + EPSILON))
        found.append(-logs.sum())
    return torch.stack(found).mean()


def _out_of_order(of: Any, columns: Sequence[Tensor], labels: Any, scheme: WeightingScheme) -> Tensor:
    """The mean over all pairs that count of how unlikely their order is, weighted."""
    logs = torch.cat([_weighted_logs(of, *pair, scheme) for pair in _lists(of, columns, labels)])
    scale = 1 / math.log(2) if of.reduction_log == "binary" else 1.0
    return -scale * logs.sum() / max(logs.numel(), 1)


def _weighted_logs(of: Any, scores: Tensor, labels: Tensor, scheme: WeightingScheme) -> Tensor:
    """w_ij·log σ(…) of the pairs of one query that count: (pairs,)."""
    scores, order = scores.sort(descending=True, stable=True)
    labels = labels[order]
    ranks = torch.arange(1, len(scores) + 1, device=scores.device)
    counted = ranks <= (of.k or len(scores))
    wanted = counted[:, None] | counted[None, :]
    if not isinstance(scheme, NDCGLoss1Scheme):
        wanted &= labels[:, None] > labels[None, :]
    relevance = labels.clamp(min=0)
    # float32 ends at 2^128: gains of higher labels are scaled, which dividing by the ideal takes away again
    scale = (relevance.max() - 100).clamp(min=0)
    gains = torch.pow(2, relevance - scale) - torch.pow(2, -scale)
    discount = torch.log2(1.0 + ranks)
    ideal = gains.sort(descending=True).values / discount
    gain = gains / ideal[counted].sum().clamp(min=of.eps)
    weights = scheme(gain[None], discount[None], relevance[None])
    differences = (scores[:, None] - scores[None, :]).clamp(-FARTHEST, FARTHEST)
    return (weights * logsigmoid(of.sigma * differences)[None])[0][wanted]


def _check_lambda(of: Any) -> None:
    require_one_of(of, "reduction_log", of.reduction_log, ("natural", "binary"))
    require_positive(of, {"sigma": of.sigma})
    if of.k is not None and of.k < 1:
        raise ArgumentError(
            f"{name_of(of)}: k={of.k}, expected 1 or more, or None for all places. Correct it, or leave it out."
        )
