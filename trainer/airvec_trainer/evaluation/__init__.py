"""Evaluators: `evaluator(model)` gives metrics by name, for any model that encodes or predicts.

They run on NumPy alone, so they also score an exported folder that airvec has opened.
Knows nothing of torch and of training.
"""

from airvec_trainer.evaluation.correlation import CrossEncoderCorrelationEvaluator
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.sequence import SequentialEvaluator
from airvec_trainer.evaluation.similarity import EmbeddingSimilarityEvaluator
from airvec_trainer.evaluation.triplets import TripletEvaluator

__all__ = [
    "CrossEncoderCorrelationEvaluator", "EmbeddingSimilarityEvaluator", "Evaluator", "SequentialEvaluator",
    "TripletEvaluator",
]  # fmt: skip
