"""The trainer of sparse encoders, under their place in sentence-transformers 6.

Knows nothing of what they do: that is in `airvec_trainer.trainer`.
"""

from airvec_trainer.trainer import SparseEncoderTrainer

__all__ = ["SparseEncoderTrainer"]
