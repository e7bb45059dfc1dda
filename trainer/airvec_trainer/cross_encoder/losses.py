"""Losses of rerankers, under their place in sentence-transformers 6.

Knows nothing of what they do: that is in `airvec_trainer.losses.rerank`.
"""

from airvec_trainer.losses.rerank import (
    ADRMSELoss,
    BinaryCrossEntropyLoss,
    CachedMultipleNegativesRankingLoss,
    CrossEntropyLoss,
    LambdaLoss,
    LambdaRankScheme,
    ListMLELoss,
    ListNetLoss,
    MarginMSELoss,
    MSELoss,
    MultipleNegativesRankingLoss,
    NDCGLoss1Scheme,
    NDCGLoss2PPScheme,
    NDCGLoss2Scheme,
    NoWeightingScheme,
    PListMLELambdaWeight,
    PListMLELoss,
    RankNetLoss,
)

__all__ = [
    "ADRMSELoss", "BinaryCrossEntropyLoss", "CachedMultipleNegativesRankingLoss", "CrossEntropyLoss", "LambdaLoss",
    "LambdaRankScheme", "ListMLELoss", "ListNetLoss", "MSELoss", "MarginMSELoss", "MultipleNegativesRankingLoss",
    "NDCGLoss1Scheme", "NDCGLoss2PPScheme", "NDCGLoss2Scheme", "NoWeightingScheme", "PListMLELambdaWeight",
    "PListMLELoss", "RankNetLoss",
]  # fmt: skip
