"""Modules of dense models, under their place in sentence-transformers 6.

Knows nothing of what they do: that is in `airvec_trainer.models`.
"""

from airvec_trainer.models import (
    Asym,
    Dense,
    Dropout,
    LayerNorm,
    Normalize,
    Pooling,
    Router,
    StaticEmbedding,
    Transformer,
)

__all__ = ["Asym", "Dense", "Dropout", "LayerNorm", "Normalize", "Pooling", "Router", "StaticEmbedding", "Transformer"]
