"""Evaluators of sparse encoders, under their place in sentence-transformers 6.

Knows nothing of what they do: that is in `airvec_trainer.evaluation`.
"""

from airvec_trainer.evaluation import (
    ReciprocalRankFusionEvaluator,
    SparseBinaryClassificationEvaluator,
    SparseEmbeddingSimilarityEvaluator,
    SparseInformationRetrievalEvaluator,
    SparseMSEEvaluator,
    SparseNanoBEIREvaluator,
    SparseRerankingEvaluator,
    SparseTranslationEvaluator,
    SparseTripletEvaluator,
)

__all__ = [
    "ReciprocalRankFusionEvaluator", "SparseBinaryClassificationEvaluator", "SparseEmbeddingSimilarityEvaluator",
    "SparseInformationRetrievalEvaluator", "SparseMSEEvaluator", "SparseNanoBEIREvaluator", "SparseRerankingEvaluator",
    "SparseTranslationEvaluator", "SparseTripletEvaluator",
]  # fmt: skip
