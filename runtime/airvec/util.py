"""The functions of sentence-transformers' `util`, for `from airvec import util`. Only names them.

Knows nothing of how they work.
"""

from airvec.maxsim import maxsim, maxsim_pairwise, mean_maxsim, mean_maxsim_pairwise
from airvec.precision import normalize_embeddings, quantize_embeddings, truncate_embeddings
from airvec.search import community_detection, paraphrase_mining, paraphrase_mining_embeddings, semantic_search
from airvec.similarity import (
    cos_sim,
    dot_score,
    euclidean_sim,
    manhattan_sim,
    pairwise_cos_sim,
    pairwise_dot_score,
    pairwise_euclidean_sim,
    pairwise_manhattan_sim,
)

__all__ = [
    "community_detection",
    "cos_sim",
    "dot_score",
    "euclidean_sim",
    "manhattan_sim",
    "maxsim",
    "maxsim_pairwise",
    "mean_maxsim",
    "mean_maxsim_pairwise",
    "normalize_embeddings",
    "pairwise_cos_sim",
    "pairwise_dot_score",
    "pairwise_euclidean_sim",
    "pairwise_manhattan_sim",
    "paraphrase_mining",
    "paraphrase_mining_embeddings",
    "quantize_embeddings",
    "semantic_search",
    "truncate_embeddings",
]
