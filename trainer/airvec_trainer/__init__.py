"""Trains embedding models, sparse encoders and rerankers, and ends in a folder that `airvec` runs.

    from airvec_trainer import SentenceTransformer, SentenceTransformerTrainer, losses

The public names, those of sentence-transformers, imported when first used. All need torch, and say so where it is
absent, but for `evaluation`, which scores exported folders too.
Knows nothing of how a folder is run: that is `airvec`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airvec.errors import require

if TYPE_CHECKING:
    from airvec_trainer import datasets, evaluation, few_shot, losses, models, readers, util
    from airvec_trainer.arguments import (
        CrossEncoderTrainingArguments,
        SentenceTransformerTrainingArguments,
        SparseEncoderTrainingArguments,
    )
    from airvec_trainer.card import (
        CrossEncoderModelCardData,
        SentenceTransformerModelCardData,
        SparseEncoderModelCardData,
    )
    from airvec_trainer.cross_encoder.model import CrossEncoder
    from airvec_trainer.evaluation.scoring import SimilarityFunction
    from airvec_trainer.examples import InputExample, SentencesDataset
    from airvec_trainer.mining import mine_hard_negatives
    from airvec_trainer.parallel_sentences import ParallelSentencesDataset
    from airvec_trainer.samplers import DefaultBatchSampler, MultiDatasetDefaultBatchSampler
    from airvec_trainer.sentence_transformer.model import SentenceTransformer
    from airvec_trainer.similarity import (
        cos_sim,
        dot_score,
        euclidean_sim,
        manhattan_sim,
        pairwise_angle_sim,
        pairwise_cos_sim,
        pairwise_dot_score,
        pairwise_euclidean_sim,
        pairwise_manhattan_sim,
    )
    from airvec_trainer.sparse_encoder.model import SparseEncoder
    from airvec_trainer.trainer import CrossEncoderTrainer, SentenceTransformerTrainer, SparseEncoderTrainer
    from airvec_trainer.util import quantize_embeddings

__all__ = [
    "CrossEncoder", "CrossEncoderModelCardData", "CrossEncoderTrainer", "CrossEncoderTrainingArguments",
    "DefaultBatchSampler", "InputExample", "MultiDatasetDefaultBatchSampler", "ParallelSentencesDataset",
    "SentenceTransformer", "SentenceTransformerModelCardData", "SentenceTransformerTrainer",
    "SentenceTransformerTrainingArguments", "SentencesDataset", "SimilarityFunction", "SparseEncoder",
    "SparseEncoderModelCardData", "SparseEncoderTrainer", "SparseEncoderTrainingArguments", "cos_sim", "datasets",
    "dot_score", "euclidean_sim", "evaluation", "few_shot", "losses", "manhattan_sim", "mine_hard_negatives", "models",
    "pairwise_angle_sim", "pairwise_cos_sim", "pairwise_dot_score", "pairwise_euclidean_sim", "pairwise_manhattan_sim",
    "quantize_embeddings", "readers", "util",
]  # fmt: skip

MODULES = ("datasets", "evaluation", "few_shot", "losses", "models", "readers", "util")
PLACES = {
    "CrossEncoder": "cross_encoder.model",
    "DefaultBatchSampler": "samplers",
    "InputExample": "examples",
    "MultiDatasetDefaultBatchSampler": "samplers",
    "ParallelSentencesDataset": "parallel_sentences",
    "SentenceTransformer": "sentence_transformer.model",
    "SentencesDataset": "examples",
    "SimilarityFunction": "evaluation.scoring",
    "SparseEncoder": "sparse_encoder.model",
    "mine_hard_negatives": "mining",
    "quantize_embeddings": "util",
}
WITHOUT_TORCH = ("SimilarityFunction", "evaluation")
ENDINGS = {"ModelCardData": "card", "Trainer": "trainer", "TrainingArguments": "arguments"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'airvec_trainer' has no attribute {name!r}, expected one of {__all__}")
    if name not in WITHOUT_TORCH:
        require("torch", extra="train", purpose=f"airvec_trainer.{name}")
    if name in MODULES:
        return import_module(f"airvec_trainer.{name}")
    ending = next((place for ending, place in ENDINGS.items() if name.endswith(ending)), "similarity")
    return getattr(import_module(f"airvec_trainer.{PLACES.get(name, ending)}"), name)


def __dir__() -> list[str]:
    """The public names, before they are imported, too."""
    return sorted({*globals(), *__all__})
