"""Evaluators: `evaluator(model)` gives metrics by name, for any model that encodes or predicts.

They run on NumPy alone, so they also score an exported folder that airvec has opened.
Knows nothing of torch and of training.
"""

from airvec_trainer.evaluation.binary_classification import BinaryClassificationEvaluator
from airvec_trainer.evaluation.bitext import BitextEvaluator
from airvec_trainer.evaluation.classification import ClassificationEvaluator, ClassificationProtocol
from airvec_trainer.evaluation.clustering import ClusteringEvaluator, ClusteringProtocol
from airvec_trainer.evaluation.correlation import CECorrelationEvaluator, CrossEncoderCorrelationEvaluator
from airvec_trainer.evaluation.cross_classification import (
    CEBinaryAccuracyEvaluator,
    CEBinaryClassificationEvaluator,
    CEF1Evaluator,
    CESoftmaxAccuracyEvaluator,
    CrossEncoderClassificationEvaluator,
)
from airvec_trainer.evaluation.cross_nano_beir import CrossEncoderNanoBEIREvaluator
from airvec_trainer.evaluation.cross_reranking import CERerankingEvaluator, CrossEncoderRerankingEvaluator
from airvec_trainer.evaluation.evaluator import BaseEvaluator, Evaluator, SentenceEvaluator
from airvec_trainer.evaluation.information_retrieval import (
    InformationRetrievalEvaluator,
    SparseInformationRetrievalEvaluator,
)
from airvec_trainer.evaluation.label_accuracy import LabelAccuracyEvaluator
from airvec_trainer.evaluation.mse import MSEEvaluator, MSEEvaluatorFromDataFrame
from airvec_trainer.evaluation.nano_beir import NanoBEIREvaluator, SparseNanoBEIREvaluator
from airvec_trainer.evaluation.paraphrase_mining import ParaphraseMiningEvaluator
from airvec_trainer.evaluation.reciprocal_rank_fusion import ReciprocalRankFusionEvaluator
from airvec_trainer.evaluation.reranking import RerankingEvaluator, SparseRerankingEvaluator
from airvec_trainer.evaluation.scoring import SimilarityFunction
from airvec_trainer.evaluation.sequence import SequentialEvaluator
from airvec_trainer.evaluation.similarity import EmbeddingSimilarityEvaluator
from airvec_trainer.evaluation.sparse_variants import (
    SparseBinaryClassificationEvaluator,
    SparseEmbeddingSimilarityEvaluator,
    SparseMSEEvaluator,
    SparseTranslationEvaluator,
    SparseTripletEvaluator,
)
from airvec_trainer.evaluation.translation import TranslationEvaluator
from airvec_trainer.evaluation.triplets import TripletEvaluator

__all__ = [
    "BaseEvaluator", "BinaryClassificationEvaluator", "BitextEvaluator", "CEBinaryAccuracyEvaluator",
    "CEBinaryClassificationEvaluator", "CECorrelationEvaluator", "CEF1Evaluator", "CERerankingEvaluator",
    "CESoftmaxAccuracyEvaluator", "ClassificationEvaluator", "ClassificationProtocol", "ClusteringEvaluator",
    "ClusteringProtocol", "CrossEncoderClassificationEvaluator", "CrossEncoderCorrelationEvaluator",
    "CrossEncoderNanoBEIREvaluator", "CrossEncoderRerankingEvaluator", "EmbeddingSimilarityEvaluator", "Evaluator",
    "InformationRetrievalEvaluator", "LabelAccuracyEvaluator", "MSEEvaluator", "MSEEvaluatorFromDataFrame",
    "NanoBEIREvaluator", "ParaphraseMiningEvaluator", "ReciprocalRankFusionEvaluator", "RerankingEvaluator",
    "SentenceEvaluator", "SequentialEvaluator", "SimilarityFunction", "SparseBinaryClassificationEvaluator",
    "SparseEmbeddingSimilarityEvaluator", "SparseInformationRetrievalEvaluator", "SparseMSEEvaluator",
    "SparseNanoBEIREvaluator", "SparseRerankingEvaluator", "SparseTranslationEvaluator", "SparseTripletEvaluator",
    "TranslationEvaluator", "TripletEvaluator",
]  # fmt: skip
