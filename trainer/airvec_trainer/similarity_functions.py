"""`SimilarityFunction` under its old place: `from airvec_trainer.similarity_functions import SimilarityFunction`.

Knows nothing of how similarities are computed.
"""

from airvec_trainer.evaluation.scoring import SimilarityFunction

__all__ = ["SimilarityFunction"]
