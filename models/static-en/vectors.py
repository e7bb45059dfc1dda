"""How common tokens are and how much they say: what words are drawn by.

Knows nothing of the teacher and of files.
"""

import numpy as np


def shares(counts: np.ndarray, rank_share: float, rank_shift: int) -> np.ndarray:
    """(tokens,) float64: how common each token is, as a share of all text; sums to 1.

    Args:
        counts: (tokens,) occurrences in the corpus, in the order of the vocabulary.
        rank_share: Part of the answer that comes from the rank alone (Zipf: 1 / (rank + shift)), 0 to 1.
        rank_shift: Flattens the first ranks.

    Raises:
        ValueError: rank_share lies outside 0 to 1, or nothing was counted.
    """
    if not 0 <= rank_share <= 1:
        raise ValueError(f"rank_share: found {rank_share}, expected 0 to 1. Correct it in static.toml.")
    if counts.sum() <= 0:
        raise ValueError(f"counts: {len(counts)} tokens, all zero. Make the table again with counts.py.")
    zipf = 1 / (1.0 + rank_shift + np.arange(len(counts)))
    return (1 - rank_share) * counts / counts.sum() + rank_share * zipf / zipf.sum()


def frequency_weights(share: np.ndarray, coefficient: float) -> np.ndarray:
    """Smooth inverse frequency, a / (a + p): near 1 for rare tokens, near 0 for "the".

    Source: Arora, Liang, Ma 2017, A Simple but Tough-to-Beat Baseline for Sentence Embeddings.

    >>> frequency_weights(np.array([0.0, 0.001, 0.003]), 0.001).tolist()
    [1.0, 0.5, 0.25]
    """
    return coefficient / (coefficient + share)
