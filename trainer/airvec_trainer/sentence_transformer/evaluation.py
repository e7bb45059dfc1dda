"""Evaluators of dense models, under their place in sentence-transformers 6.

Knows nothing of what they do: that is in `airvec_trainer.evaluation`.
"""

from airvec_trainer.evaluation import (
    BaseEvaluator,
    BinaryClassificationEvaluator,
    EmbeddingSimilarityEvaluator,
    InformationRetrievalEvaluator,
    LabelAccuracyEvaluator,
    MSEEvaluator,
    MSEEvaluatorFromDataFrame,
    NanoBEIREvaluator,
    ParaphraseMiningEvaluator,
    RerankingEvaluator,
    SentenceEvaluator,
    SequentialEvaluator,
    SimilarityFunction,
    TranslationEvaluator,
    TripletEvaluator,
)

__all__ = [
    "BaseEvaluator", "BinaryClassificationEvaluator", "EmbeddingSimilarityEvaluator", "InformationRetrievalEvaluator",
    "LabelAccuracyEvaluator", "MSEEvaluator", "MSEEvaluatorFromDataFrame", "NanoBEIREvaluator",
    "ParaphraseMiningEvaluator", "RerankingEvaluator", "SentenceEvaluator", "SequentialEvaluator", "SimilarityFunction",
    "TranslationEvaluator", "TripletEvaluator",
]  # fmt: skip
