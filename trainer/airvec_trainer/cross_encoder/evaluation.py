"""Evaluators of rerankers, under their place in sentence-transformers 6.

Knows nothing of what they do: that is in `airvec_trainer.evaluation`.
"""

from airvec_trainer.evaluation import (
    CEBinaryAccuracyEvaluator,
    CEBinaryClassificationEvaluator,
    CECorrelationEvaluator,
    CEF1Evaluator,
    CERerankingEvaluator,
    CESoftmaxAccuracyEvaluator,
    CrossEncoderClassificationEvaluator,
    CrossEncoderCorrelationEvaluator,
    CrossEncoderNanoBEIREvaluator,
    CrossEncoderRerankingEvaluator,
)

__all__ = [
    "CEBinaryAccuracyEvaluator", "CEBinaryClassificationEvaluator", "CECorrelationEvaluator", "CEF1Evaluator",
    "CERerankingEvaluator", "CESoftmaxAccuracyEvaluator", "CrossEncoderClassificationEvaluator",
    "CrossEncoderCorrelationEvaluator", "CrossEncoderNanoBEIREvaluator", "CrossEncoderRerankingEvaluator",
]  # fmt: skip
