"""Losses of rerankers: functions of the scores that a CrossEncoder gives.

By the data you have: `points` (a pair and its score or class), `teacher` (margins), `positives` (query and answer),
`lists` (a query and all its documents). Four names are those of losses for embeddings, hence a package of their own.
Knows nothing of embeddings.
"""

from airvec_trainer.losses.rerank.lists import (
    ADRMSELoss,
    LambdaLoss,
    ListMLELoss,
    ListNetLoss,
    PListMLELoss,
    RankNetLoss,
)
from airvec_trainer.losses.rerank.points import BinaryCrossEntropyLoss, CrossEntropyLoss, MSELoss
from airvec_trainer.losses.rerank.positives import CachedMultipleNegativesRankingLoss, MultipleNegativesRankingLoss
from airvec_trainer.losses.rerank.teacher import MarginMSELoss
from airvec_trainer.losses.rerank.weighting import (
    LambdaRankScheme,
    NDCGLoss1Scheme,
    NDCGLoss2PPScheme,
    NDCGLoss2Scheme,
    NoWeightingScheme,
    PListMLELambdaWeight,
)

__all__ = [
    "ADRMSELoss",
    "BinaryCrossEntropyLoss",
    "CachedMultipleNegativesRankingLoss",
    "CrossEntropyLoss",
    "LambdaLoss",
    "LambdaRankScheme",
    "ListMLELoss",
    "ListNetLoss",
    "MSELoss",
    "MarginMSELoss",
    "MultipleNegativesRankingLoss",
    "NDCGLoss1Scheme",
    "NDCGLoss2PPScheme",
    "NDCGLoss2Scheme",
    "NoWeightingScheme",
    "PListMLELambdaWeight",
    "PListMLELoss",
    "RankNetLoss",
]
