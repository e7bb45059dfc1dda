"""Losses of dense models, under their place in sentence-transformers 6.

Knows nothing of what they do: that is in `airvec_trainer.losses`.
"""

from airvec_trainer.losses import (
    AdaptiveLayerLoss,
    AnglELoss,
    BatchAllTripletLoss,
    BatchHardSoftMarginTripletLoss,
    BatchHardTripletLoss,
    BatchHardTripletLossDistanceFunction,
    BatchSemiHardTripletLoss,
    CachedGISTEmbedLoss,
    CachedMultipleNegativesRankingLoss,
    CachedMultipleNegativesSymmetricRankingLoss,
    ContrastiveLoss,
    ContrastiveTensionDataLoader,
    ContrastiveTensionLoss,
    ContrastiveTensionLossInBatchNegatives,
    CoSENTLoss,
    CosineSimilarityLoss,
    DenoisingAutoEncoderLoss,
    DistillKLDivLoss,
    EmbedDistillLoss,
    GISTEmbedLoss,
    GlobalOrthogonalRegularizationLoss,
    MarginMSELoss,
    Matryoshka2dLoss,
    MatryoshkaLoss,
    MegaBatchMarginLoss,
    MSELoss,
    MultipleNegativesRankingLoss,
    MultipleNegativesSymmetricRankingLoss,
    OnlineContrastiveLoss,
    SiameseDistanceMetric,
    SoftmaxLoss,
    TripletDistanceMetric,
    TripletLoss,
)

__all__ = [
    "AdaptiveLayerLoss", "AnglELoss", "BatchAllTripletLoss", "BatchHardSoftMarginTripletLoss", "BatchHardTripletLoss",
    "BatchHardTripletLossDistanceFunction", "BatchSemiHardTripletLoss", "CachedGISTEmbedLoss",
    "CachedMultipleNegativesRankingLoss", "CachedMultipleNegativesSymmetricRankingLoss", "CoSENTLoss",
    "ContrastiveLoss", "ContrastiveTensionDataLoader", "ContrastiveTensionLoss",
    "ContrastiveTensionLossInBatchNegatives", "CosineSimilarityLoss", "DenoisingAutoEncoderLoss", "DistillKLDivLoss",
    "EmbedDistillLoss", "GISTEmbedLoss", "GlobalOrthogonalRegularizationLoss", "MSELoss", "MarginMSELoss",
    "Matryoshka2dLoss", "MatryoshkaLoss", "MegaBatchMarginLoss", "MultipleNegativesRankingLoss",
    "MultipleNegativesSymmetricRankingLoss", "OnlineContrastiveLoss", "SiameseDistanceMetric", "SoftmaxLoss",
    "TripletDistanceMetric", "TripletLoss",
]  # fmt: skip
