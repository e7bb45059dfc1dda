"""Trains embedding models, sparse encoders and rerankers, and ends in a folder that `airvec` runs.

    from airvec_trainer import SentenceTransformer, SentenceTransformerTrainer, losses

The public names, those of sentence-transformers, imported when first used; importing this package needs torch to be
installed, but does not load it.
Knows nothing of how a folder is run: that is `airvec`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airvec.errors import require

require("torch", extra="train", purpose="airvec_trainer")

if TYPE_CHECKING:
    from airvec import util
    from airvec_trainer import datasets, evaluation, losses, models, readers
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
    from airvec_trainer.cross_encoder import CrossEncoder
    from airvec_trainer.examples import InputExample
    from airvec_trainer.sentence_transformer import SentenceTransformer
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
    from airvec_trainer.sparse_encoder import SparseEncoder
    from airvec_trainer.trainer import CrossEncoderTrainer, SentenceTransformerTrainer, SparseEncoderTrainer

__all__ = [
    "CrossEncoder", "CrossEncoderModelCardData", "CrossEncoderTrainer", "CrossEncoderTrainingArguments", "InputExample",
    "SentenceTransformer", "SentenceTransformerModelCardData", "SentenceTransformerTrainer",
    "SentenceTransformerTrainingArguments", "SparseEncoder", "SparseEncoderModelCardData", "SparseEncoderTrainer",
    "SparseEncoderTrainingArguments", "cos_sim", "datasets", "dot_score", "euclidean_sim", "evaluation", "losses",
    "manhattan_sim", "models", "pairwise_angle_sim", "pairwise_cos_sim", "pairwise_dot_score", "pairwise_euclidean_sim",
    "pairwise_manhattan_sim", "readers", "util",
]  # fmt: skip

MODULES = ("datasets", "evaluation", "losses", "models", "readers")
PLACES = {
    "CrossEncoder": "cross_encoder",
    "InputExample": "examples",
    "SentenceTransformer": "sentence_transformer",
    "SparseEncoder": "sparse_encoder",
}
ENDINGS = {"ModelCardData": "card", "Trainer": "trainer", "TrainingArguments": "arguments"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'airvec_trainer' has no attribute {name!r}, expected one of {__all__}")
    if name == "util":
        return import_module("airvec.util")
    if name in MODULES:
        return import_module(f"airvec_trainer.{name}")
    ending = next((place for ending, place in ENDINGS.items() if name.endswith(ending)), "similarity")
    return getattr(import_module(f"airvec_trainer.{PLACES.get(name, ending)}"), name)


def __dir__() -> list[str]:
    """The public names, before they are imported, too."""
    return sorted({*globals(), *__all__})
