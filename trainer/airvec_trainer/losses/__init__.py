"""The losses, under sentence-transformers' names; rerankers' are in `losses.rerank`, since four names clash.

    from airvec_trainer.losses import MultipleNegativesRankingLoss

A file is a room: the losses of one shape of data. The import is the registry: one new file adds one.
Knows nothing of trainers.
"""

from airvec_trainer.losses import rerank
from airvec_trainer.losses.cached_positives import (
    CachedGISTEmbedLoss,
    CachedMultipleNegativesRankingLoss,
    CachedMultipleNegativesSymmetricRankingLoss,
)
from airvec_trainer.losses.combine import AdaptiveLayerLoss, Matryoshka2dLoss, MatryoshkaLoss
from airvec_trainer.losses.gradcache import GradCache
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
    SupConLoss,
)
from airvec_trainer.losses.positives import (
    MegaBatchMarginLoss,
    MultipleNegativesRankingLoss,
    MultipleNegativesSymmetricRankingLoss,
)
from airvec_trainer.losses.positives_guided import GISTEmbedLoss
from airvec_trainer.losses.regularize import GlobalOrthogonalRegularizationLoss
from airvec_trainer.losses.scored_pairs import AnglELoss, CoSENTLoss, CosineSimilarityLoss
from airvec_trainer.losses.sparse import (
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
from airvec_trainer.losses.teacher import DistillKLDivLoss, EmbedDistillLoss, MarginMSELoss, MSELoss
from airvec_trainer.losses.tension_pairs import ContrastiveTensionDataLoader, contrastive_tension_pairs
from airvec_trainer.losses.triplets import TripletDistanceMetric, TripletLoss
from airvec_trainer.losses.unlabeled import (
    ContrastiveTensionLoss,
    ContrastiveTensionLossInBatchNegatives,
    DenoisingAutoEncoderLoss,
)

__all__ = [
    "AdaptiveLayerLoss",
    "AnglELoss",
    "BatchAllTripletLoss",
    "BatchHardSoftMarginTripletLoss",
    "BatchHardTripletLoss",
    "BatchHardTripletLossDistanceFunction",
    "BatchSemiHardTripletLoss",
    "CSRLoss",
    "CSRReconstructionLoss",
    "CachedGISTEmbedLoss",
    "CachedMultipleNegativesRankingLoss",
    "CachedMultipleNegativesSymmetricRankingLoss",
    "CachedSpladeLoss",
    "CoSENTLoss",
    "ContrastiveLoss",
    "ContrastiveTensionDataLoader",
    "ContrastiveTensionLoss",
    "ContrastiveTensionLossInBatchNegatives",
    "CosineSimilarityLoss",
    "DenoisingAutoEncoderLoss",
    "DistillKLDivLoss",
    "EmbedDistillLoss",
    "FlopsLoss",
    "GISTEmbedLoss",
    "GlobalOrthogonalRegularizationLoss",
    "GradCache",
    "MSELoss",
    "MarginMSELoss",
    "Matryoshka2dLoss",
    "MatryoshkaLoss",
    "MegaBatchMarginLoss",
    "MultipleNegativesRankingLoss",
    "MultipleNegativesSymmetricRankingLoss",
    "OnlineContrastiveLoss",
    "SiameseDistanceMetric",
    "SoftmaxLoss",
    "SparseAnglELoss",
    "SparseCoSENTLoss",
    "SparseCosineSimilarityLoss",
    "SparseDistillKLDivLoss",
    "SparseMSELoss",
    "SparseMarginMSELoss",
    "SparseMultipleNegativesRankingLoss",
    "SparseTripletLoss",
    "SpladeLoss",
    "SupConLoss",
    "TripletDistanceMetric",
    "TripletLoss",
    "contrastive_tension_pairs",
    "rerank",
]
