"""The modules that a model is made of: bodies that read texts, and what stands behind them.

Those behind the body are the exporter's own, so that what is trained is what is exported.
Knows nothing of losses and trainers.
"""

from airvec_exporter.modules import Dense, Dropout, LayerNorm, Normalize, Pooling, SparseAutoEncoder, SpladePooling
from airvec_trainer.modules.router import Router
from airvec_trainer.modules.sparse_static_embedding import SparseStaticEmbedding
from airvec_trainer.modules.static_embedding import StaticEmbedding
from airvec_trainer.modules.transformer import Transformer

__all__ = [
    "Dense", "Dropout", "LayerNorm", "Normalize", "Pooling", "Router", "SparseAutoEncoder", "SparseStaticEmbedding",
    "SpladePooling", "StaticEmbedding", "Transformer",
]  # fmt: skip
