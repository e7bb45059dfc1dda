"""`SparseEncoder` and what trains it, under the places of sentence-transformers 6: `losses` and others.

The names are imported when first used, so that `evaluation` here loads no torch.
Knows nothing of how it is done: that is in `model` here, and in `airvec_trainer`'s own modules.
"""

from typing import TYPE_CHECKING, Any

import airvec_trainer

if TYPE_CHECKING:
    from airvec_trainer.arguments import SparseEncoderTrainingArguments
    from airvec_trainer.card import SparseEncoderModelCardData
    from airvec_trainer.sparse_encoder.model import SparseEncoder
    from airvec_trainer.trainer import SparseEncoderTrainer

__all__ = ["SparseEncoder", "SparseEncoderModelCardData", "SparseEncoderTrainer", "SparseEncoderTrainingArguments"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}, expected one of {__all__}")
    return getattr(airvec_trainer, name)
