"""What a model card says, under its old place: `from airvec_trainer.model_card import …`.

Knows nothing of cards: they are in `airvec_trainer.card`.
"""

from airvec_trainer.card import (
    CrossEncoderModelCardData,
    SentenceTransformerModelCardData,
    SparseEncoderModelCardData,
)

__all__ = ["CrossEncoderModelCardData", "SentenceTransformerModelCardData", "SparseEncoderModelCardData"]
