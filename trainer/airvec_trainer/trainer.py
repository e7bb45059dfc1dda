"""The three trainers: what is special about dense embeddings, sparse ones and rerankers.

    trainer = SentenceTransformerTrainer(model, args, train_dataset=rows, loss=MultipleNegativesRankingLoss())
    trainer.train()

Knows nothing of the training loop.
"""

from collections.abc import Callable
from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.arguments import (
    CrossEncoderTrainingArguments,
    SentenceTransformerTrainingArguments,
    SparseEncoderTrainingArguments,
)
from airvec_trainer.collating import Collator, PairCollator
from airvec_trainer.modules.router import Router
from airvec_trainer.training import ModelTrainer

__all__ = ["CrossEncoderTrainer", "SentenceTransformerTrainer", "SparseEncoderTrainer"]


class SentenceTransformerTrainer(ModelTrainer):
    """Trains a `SentenceTransformer`; `ModelTrainer` describes the arguments. The default loss is `CoSENTLoss`."""

    arguments = SentenceTransformerTrainingArguments

    def default_loss(self, model: Any) -> Any:
        """`CoSENTLoss`: pairs of texts with a similarity."""
        from airvec_trainer.losses import CoSENTLoss  # losses import one another; only the default is needed here

        return CoSENTLoss()

    def default_collator(self, model: Any) -> Callable[..., Any]:
        """Each column tokenised by itself."""
        return _collator(self, model)


class SparseEncoderTrainer(ModelTrainer):
    """Trains a `SparseEncoder`. The default loss is `SpladeLoss` around `SparseMultipleNegativesRankingLoss`."""

    arguments = SparseEncoderTrainingArguments

    def check_loss(self, loss: Any) -> None:
        """Raise for a loss that would fill every dimension.

        Raises:
            ArgumentError: it has no regulariser.
        """
        from airvec_trainer.losses.sparse import needs_regulariser

        if needs_regulariser(loss):
            raise ArgumentError(
                f"loss: {type(loss).__name__} alone, expected one with a regulariser: without, every dimension of the "
                f"embeddings is filled. Wrap it: SpladeLoss(loss={type(loss).__name__}(), "
                "document_regularizer_weight=3e-5, query_regularizer_weight=5e-5), or CSRLoss for an auto-encoder."
            )

    def default_loss(self, model: Any) -> Any:
        """SPLADE with the weights of its paper's range; they are worth tuning."""
        from airvec_trainer.losses import SparseMultipleNegativesRankingLoss, SpladeLoss

        return SpladeLoss(
            loss=SparseMultipleNegativesRankingLoss(),
            query_regularizer_weight=5e-5,
            document_regularizer_weight=3e-5,
        )

    def default_collator(self, model: Any) -> Callable[..., Any]:
        """Each column tokenised by itself."""
        return _collator(self, model)


class CrossEncoderTrainer(ModelTrainer):
    """Trains a `CrossEncoder`. The default loss is `BinaryCrossEntropyLoss`; `CrossEntropyLoss` for several labels."""

    arguments = CrossEncoderTrainingArguments
    columns_apart = False

    def default_loss(self, model: Any) -> Any:
        """By the number of labels."""
        from airvec_trainer.losses.rerank import BinaryCrossEntropyLoss, CrossEntropyLoss

        return BinaryCrossEntropyLoss() if model.num_labels == 1 else CrossEntropyLoss()

    def default_collator(self, model: Any) -> Callable[..., Any]:
        """Texts as they are: the loss makes the pairs."""
        return PairCollator(prompts=self.args.prompts, router_mapping=self.args.router_mapping)


def _collator(trainer: ModelTrainer, model: Any) -> Collator:
    args = trainer.args
    routers = [module for module in model.children() if isinstance(module, Router)]
    if routers and not args.router_mapping:
        raise ArgumentError(
            f"router_mapping: {args.router_mapping!r} for a model with a Router, expected a route for each column. Set "
            'it in the arguments, such as {"question": "query", "answer": "document"}.'
        )
    return Collator(model.preprocess, prompts=args.prompts, router_mapping=args.router_mapping)
