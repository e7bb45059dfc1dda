"""Quantisation and search under their old place: `from airvec_trainer.quantization import quantize_embeddings`.

Knows nothing of how it is done.
"""

from airvec_trainer.util import quantize_embeddings

__all__ = ["quantize_embeddings"]
