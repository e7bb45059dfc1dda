"""Losses of sparse encoders, under their place in sentence-transformers 6.

Knows nothing of what they do: that is in `airvec_trainer.losses`.
"""

from airvec_trainer.losses import (
    CachedSpladeLoss,
    CSRLoss,
    CSRReconstructionLoss,
    FlopsLoss,
    SparseAnglELoss,
    SparseCoSENTLoss,
    SparseCosineSimilarityLoss,
    SparseDistillKLDivLoss,
    SparseMarginMSELoss,
    SparseMSELoss,
    SparseMultipleNegativesRankingLoss,
    SparseTripletLoss,
    SpladeLoss,
)

__all__ = [
    "CSRLoss", "CSRReconstructionLoss", "CachedSpladeLoss", "FlopsLoss", "SparseAnglELoss", "SparseCoSENTLoss",
    "SparseCosineSimilarityLoss", "SparseDistillKLDivLoss", "SparseMSELoss", "SparseMarginMSELoss",
    "SparseMultipleNegativesRankingLoss", "SparseTripletLoss", "SpladeLoss",
]  # fmt: skip
