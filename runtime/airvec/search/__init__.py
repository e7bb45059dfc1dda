"""Search: one file a way of searching, and the names that callers use.

Exact search is imported at once; the rest, which needs more of airvec, when it is first used.
Knows nothing of how they work.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from airvec.search.communities import community_detection
from airvec.search.exact import (
    Encoder,
    Hit,
    paraphrase_mining,
    paraphrase_mining_embeddings,
    semantic_search,
    top_k_rows,
)
from airvec.search.hamming import hamming_sim

if TYPE_CHECKING:
    from airvec.search.bm25 import BM25
    from airvec.search.dense_index import DenseIndex
    from airvec.search.evaluation import Evaluation
    from airvec.search.fusion import reciprocal_rank_fusion, weighted_fusion
    from airvec.search.inverted_index import InvertedIndex
    from airvec.search.ranking import Ranking
    from airvec.search.retriever import Retriever

_HOMES = {
    "BM25": "airvec.search.bm25",
    "DenseIndex": "airvec.search.dense_index",
    "Evaluation": "airvec.search.evaluation",
    "InvertedIndex": "airvec.search.inverted_index",
    "Ranking": "airvec.search.ranking",
    "Retriever": "airvec.search.retriever",
    "reciprocal_rank_fusion": "airvec.search.fusion",
    "weighted_fusion": "airvec.search.fusion",
}

__all__ = [
    "BM25",
    "DenseIndex",
    "Encoder",
    "Evaluation",
    "Hit",
    "InvertedIndex",
    "Ranking",
    "Retriever",
    "community_detection",
    "hamming_sim",
    "paraphrase_mining",
    "paraphrase_mining_embeddings",
    "reciprocal_rank_fusion",
    "semantic_search",
    "top_k_rows",
    "weighted_fusion",
]


def __getattr__(name: str) -> object:
    """Import a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'airvec.search' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
