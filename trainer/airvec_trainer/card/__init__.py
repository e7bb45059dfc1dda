"""Model cards: what is known of a model and its training → its README.md.

Knows nothing of how a model is trained and saved.
"""

from airvec_trainer.card.callback import ModelCardCallback
from airvec_trainer.card.data import (
    CrossEncoderModelCardData,
    ModelCardData,
    SentenceTransformerModelCardData,
    SparseEncoderModelCardData,
    begin_card,
)
from airvec_trainer.card.rendering import generate_model_card, write_card

__all__ = [
    "CrossEncoderModelCardData", "ModelCardCallback", "ModelCardData", "SentenceTransformerModelCardData",
    "SparseEncoderModelCardData", "begin_card", "generate_model_card", "write_card",
]  # fmt: skip
