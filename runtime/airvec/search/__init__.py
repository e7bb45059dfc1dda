"""Search over embeddings: one file a way of searching, and the names that callers use.

Knows nothing of how they work.
"""

from airvec.search.exact import (
    Encoder,
    Hit,
    community_detection,
    paraphrase_mining,
    paraphrase_mining_embeddings,
    semantic_search,
    top_k_rows,
)

__all__ = [
    "Encoder",
    "Hit",
    "community_detection",
    "paraphrase_mining",
    "paraphrase_mining_embeddings",
    "semantic_search",
    "top_k_rows",
]
