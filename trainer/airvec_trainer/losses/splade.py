"""SPLADE: a loss of embeddings, and regularisers that keep the embeddings sparse.

The weights of the regularisers grow during training. A loss is frozen, so what grows is the one field that is not:
`loss.schedule.factor`, the share of both weights that counts now. Who trains without raising it has all at once.
Knows nothing of how embeddings are made.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.columns import require_columns
from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.gradcache import Cached, GradCache, require_inner, without_cache
from airvec_trainer.losses.protocol import Loss, inside, on_arrays, parts_of_arrays, total

__all__ = ["CachedSpladeLoss", "FlopsLoss", "SpladeLoss"]

Regularizer = Callable[[Sequence[Tensor]], Tensor]


@dataclass(eq=False)
class RegularizerSchedule:
    """The one thing about a SpladeLoss that changes: which share of its weights counts now, 0 to 1.

    A callback that raises the weights during training sets `loss.schedule.factor` before each step. Copies of a loss
    that `prepare` makes hold the same schedule.
    """

    factor: float = 1.0


@loss
class FlopsLoss:
    """How many multiplications a search would take, as a smooth function: pushes whole dimensions to 0.

    Data:
        any columns of embeddings, no label. A regulariser for `SpladeLoss`: alone it only empties the embeddings.

    Formula:
        Σ over dimensions v of (mean over rows i of w_iv)²

    Args:
        threshold: rows with so many dimensions other than 0, or fewer, count as zeros.

    Example:
        >>> FlopsLoss()([torch.tensor([[1.0, 0.0], [3.0, 2.0]])])  # means 2 and 1
        tensor(5.)

    Source: Paria et al. 2020, "Minimizing FLOPs to Learn Efficient Sparse Representations",
    https://arxiv.org/abs/2004.05665
    """

    threshold: float | None = None

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Columns of (rows, dim) -> scalar."""
        require_columns(self, columns, 1)
        weights = torch.cat(list(columns))
        if self.threshold is not None:
            active = (weights != 0).sum(dim=1, keepdim=True)
            weights = weights * (active > self.threshold)
        return (weights.mean(dim=0) ** 2).sum()


@loss
class SpladeLoss:
    """A loss, and regularisers that keep queries and documents sparse.

    Data:
        as the inner loss; the first column are queries, the others documents.

    Formula:
        inner + λ_d·FLOPS(documents) + λ_q·FLOPS(queries)

    Args:
        loss: the inner one, such as `MarginMSELoss()`, a cached one, `MatryoshkaLoss` or `GISTEmbedLoss`.
        document_regularizer_weight: λ_d.
        query_regularizer_weight: λ_q; None leaves queries as they are, for models whose queries need no network.
        document_regularizer: takes [embeddings] and gives a scalar; None is `FlopsLoss`.
        query_regularizer: the same for queries.
        document_regularizer_threshold: of the `FlopsLoss` of documents.
        query_regularizer_threshold: of the `FlopsLoss` of queries.
        use_document_regularizer_only: whether all columns are documents, as in pairs of alike texts.
        schedule: the share of both weights that counts now; set by `SpladeRegularizerWeightSchedulerCallback`.

    Example:
        >>> from airvec_trainer.losses.teacher import MarginMSELoss
        >>> inner = MarginMSELoss()
        >>> query, document = torch.tensor([[1.0, 2.0]]), torch.tensor([[2.0, 0.0]])
        >>> loss = SpladeLoss(loss=inner, document_regularizer_weight=0.1, query_regularizer_weight=0.01)
        >>> loss([query, document, document], torch.tensor([1.0]))  # (0 - 1)² + 0.1·4 + 0.01·5
        tensor(1.4500)

    Source: Formal et al. 2022, "From Distillation to Hard Negative Sampling: Making Sparse Neural IR Models More
    Effective", https://arxiv.org/abs/2205.04733
    """

    loss: Any
    document_regularizer_weight: float
    query_regularizer_weight: float | None = None
    document_regularizer: Regularizer | None = None
    query_regularizer: Regularizer | None = None
    document_regularizer_threshold: int | None = None
    query_regularizer_threshold: int | None = None
    use_document_regularizer_only: bool = False
    schedule: RegularizerSchedule = field(default_factory=RegularizerSchedule, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_inner(self, self.loss, cached=True)
        _check_regularisers(self)
        if self.use_document_regularizer_only and self.query_regularizer_weight is not None:
            raise ArgumentError(
                f"SpladeLoss: query_regularizer_weight is {self.query_regularizer_weight} with "
                f"use_document_regularizer_only=True, where no column is a query, expected None. Leave one of them out."
            )

    def __call__(self, columns: Sequence[Tensor], labels: Any = None) -> Tensor:
        """Columns of (batch, vocabulary), labels as the inner loss's -> scalar."""
        return total(self.parts(columns, labels))

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The sum of the parts: a scalar."""
        return total(self.batch_parts(batch, labels))

    def batch_parts(self, batch: Batch, labels: Any = None) -> dict[str, Tensor]:
        """`parts` of a batch; around a cached loss it is the cached loss around it."""
        cache, bare = without_cache(self)
        if cache is not None:
            return replace(cache, loss=bare).batch_parts(batch, labels)
        return parts_of_arrays(self.bound(batch), batch.embeddings(), labels)

    def bound(self, batch: Batch) -> Loss:
        """The loss of embeddings, whose inner loss has seen the batch."""
        return replace(self, loss=on_arrays(self.loss, batch))

    def parts(self, columns: Sequence[Tensor], labels: Any = None) -> dict[str, Tensor]:
        """`base_loss`, or the inner loss's parts; `document_regularizer_loss`; `query_regularizer_loss`, if any.

        Raises:
            ArgumentError: there is no column of documents.
        """
        require_columns(self, columns, 1)
        documents = columns if self.use_document_regularizer_only else columns[1:]
        if not documents:
            raise ArgumentError(
                f"SpladeLoss: {len(columns)} column(s), expected a query's and a document's at least. "
                f"Set use_document_regularizer_only=True where all texts are alike."
            )
        found = inner_parts(self.loss, columns, labels)
        regularizer = self.document_regularizer or FlopsLoss(threshold=self.document_regularizer_threshold)
        weight = self.document_regularizer_weight * self.schedule.factor
        found["document_regularizer_loss"] = regularizer([torch.cat(list(documents))]) * weight
        if self.query_regularizer_weight is not None:
            regularizer = self.query_regularizer or FlopsLoss(threshold=self.query_regularizer_threshold)
            weight = self.query_regularizer_weight * self.schedule.factor
            found["query_regularizer_loss"] = regularizer([columns[0]]) * weight
        return found


@loss
class CachedSpladeLoss(Cached):
    """`SpladeLoss` in the memory of a mini-batch, by the gradient cache: `GradCache(SpladeLoss(…))`.

    Data:
        as the inner loss; the first column are queries, the others documents.

    Formula:
        inner + λ_d·FLOPS(documents) + λ_q·FLOPS(queries)

    Args:
        loss: as in `SpladeLoss`, and so are those down to `use_document_regularizer_only`.
        document_regularizer_weight: λ_d.
        query_regularizer_weight: λ_q.
        document_regularizer: takes [embeddings] and gives a scalar.
        query_regularizer: the same for queries.
        document_regularizer_threshold: of the `FlopsLoss` of documents.
        query_regularizer_threshold: of the `FlopsLoss` of queries.
        use_document_regularizer_only: whether all columns are documents.
        mini_batch_size: rows in one pass of the model.
        mini_batch_num_tokens: tokens in one pass, in place of `mini_batch_size`.
        show_progress_bar: one for each walk over the mini-batches.
        schedule: as in `SpladeLoss`.

    Example:
        >>> from airvec_trainer.losses.batch import Batch
        >>> from airvec_trainer.losses.teacher import MarginMSELoss
        >>> cached = CachedSpladeLoss(loss=MarginMSELoss(), document_regularizer_weight=0.5, mini_batch_size=8)
        >>> weights = torch.tensor([[2.0, 0.0]], requires_grad=True)
        >>> column = {"input_ids": torch.tensor([[1]])}
        >>> batch = Batch(lambda features: {"sentence_embedding": weights * 1}, [column, column, column])
        >>> cached.on_batch(batch, torch.tensor([1.0])).item()  # (4 - 4 - 1)² + 0.5·4
        3.0

    Source: Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
    https://arxiv.org/abs/2101.06983
    """

    loss: Any
    document_regularizer_weight: float
    query_regularizer_weight: float | None = None
    document_regularizer: Regularizer | None = None
    query_regularizer: Regularizer | None = None
    document_regularizer_threshold: int | None = None
    query_regularizer_threshold: int | None = None
    use_document_regularizer_only: bool = False
    mini_batch_size: int = 32
    mini_batch_num_tokens: int | None = None
    show_progress_bar: bool = False
    schedule: RegularizerSchedule = field(default_factory=RegularizerSchedule, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.cache()  # whose errors belong here

    def cache(self) -> GradCache:
        """The gradient cache, around a SpladeLoss of the same settings and schedule."""
        inner = SpladeLoss(
            loss=self.loss,
            document_regularizer_weight=self.document_regularizer_weight,
            query_regularizer_weight=self.query_regularizer_weight,
            document_regularizer=self.document_regularizer,
            query_regularizer=self.query_regularizer,
            document_regularizer_threshold=self.document_regularizer_threshold,
            query_regularizer_threshold=self.query_regularizer_threshold,
            use_document_regularizer_only=self.use_document_regularizer_only,
            schedule=self.schedule,
        )
        return GradCache(
            loss=inner, mini_batch_size=self.mini_batch_size, mini_batch_num_tokens=self.mini_batch_num_tokens,
            show_progress_bar=self.show_progress_bar,
        )  # fmt: skip


def inner_parts(loss: Any, columns: Sequence[Tensor], labels: Any) -> dict[str, Tensor]:
    """The parts of a loss inside another; one without parts is called `base_loss`, as the reference calls it."""
    found = parts_of_arrays(loss, columns, labels)
    return {"base_loss": found["loss"]} if set(found) == {"loss"} else found


def _check_regularisers(of: SpladeLoss) -> None:
    for name in ("document_regularizer_weight", "query_regularizer_weight"):
        value = getattr(of, name)
        if value is not None and not 0 <= value < float("inf"):
            raise ArgumentError(f"SpladeLoss: {name}={value!r}, expected 0 or more. Correct it.")
    if any(isinstance(one, SpladeLoss | CachedSpladeLoss) for one in inside(of.loss)):
        raise ArgumentError(
            f"SpladeLoss: loss is {type(of.loss).__name__}, which has regularisers of its own, expected one without. "
            "Take the loss inside of it."
        )
