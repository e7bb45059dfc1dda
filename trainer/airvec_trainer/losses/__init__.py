"""The losses, under sentence-transformers' names; rerankers' are in `losses.rerank`, since four names clash.

    from airvec_trainer.losses import MultipleNegativesRankingLoss

A file is a room: the losses of one shape of data. The import is the registry: one new file adds one.
Knows nothing of trainers.
"""

from airvec_trainer.losses.labeled_pairs import (
    ContrastiveLoss,
    OnlineContrastiveLoss,
    SiameseDistanceMetric,
    SoftmaxLoss,
)
from airvec_trainer.losses.labeled_texts import (
    BatchAllTripletLoss,
    BatchHardSoftMarginTripletLoss,
    BatchHardTripletLoss,
    BatchHardTripletLossDistanceFunction,
    BatchSemiHardTripletLoss,
)
from airvec_trainer.losses.positives import (
    MegaBatchMarginLoss,
    MultipleNegativesRankingLoss,
    MultipleNegativesSymmetricRankingLoss,
)
from airvec_trainer.losses.scored_pairs import AnglELoss, CoSENTLoss, CosineSimilarityLoss
from airvec_trainer.losses.teacher import DistillKLDivLoss, EmbedDistillLoss, MarginMSELoss, MSELoss
from airvec_trainer.losses.triplets import TripletDistanceMetric, TripletLoss

__all__ = [
    "AnglELoss",
    "BatchAllTripletLoss",
    "BatchHardSoftMarginTripletLoss",
    "BatchHardTripletLoss",
    "BatchHardTripletLossDistanceFunction",
    "BatchSemiHardTripletLoss",
    "CoSENTLoss",
    "ContrastiveLoss",
    "CosineSimilarityLoss",
    "DistillKLDivLoss",
    "EmbedDistillLoss",
    "MSELoss",
    "MarginMSELoss",
    "MegaBatchMarginLoss",
    "MultipleNegativesRankingLoss",
    "MultipleNegativesSymmetricRankingLoss",
    "OnlineContrastiveLoss",
    "SiameseDistanceMetric",
    "SoftmaxLoss",
    "TripletDistanceMetric",
    "TripletLoss",
]
