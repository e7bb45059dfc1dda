"""The arithmetic of the recipe: frequencies to weights, hidden states to fewer axes, floats to int8.

Knows nothing of the teacher and of files.
"""

import numpy as np
import torch


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
        raise ValueError(f"rank_share: found {rank_share}, expected 0 to 1. Correct it in recipe.toml.")
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


def project(states: np.ndarray, dimensions: int, variance_power: float) -> np.ndarray:
    """(tokens, dimensions) float64: principal axes of the centred states, in falling order of variance.

    Args:
        states: (tokens, hidden), every token with the same say.
        dimensions: Axes kept.
        variance_power: Axis i is scaled by (variance i / largest variance) ** (variance_power / 2): 0 leaves the axes
            as they are, -1 whitens them.

    Raises:
        ValueError: More dimensions asked for than the states have.
    """
    if dimensions > states.shape[1]:
        raise ValueError(
            f"dimensions: found {dimensions}, expected at most {states.shape[1]}. Correct it in recipe.toml."
        )
    # torch and not NumPy does the products: its number of threads, on which the last bit depends, can be set from here.
    centred = torch.from_numpy(states.astype(np.float64))
    centred -= centred.mean(dim=0)
    variances, axes = torch.linalg.eigh(centred.T @ centred / len(centred))
    variances = variances.flip(0)[:dimensions]
    axes = one_sign(axes.flip(1)[:, :dimensions])
    return (centred @ axes * (variances / variances[0]) ** (variance_power / 2)).numpy()


def one_sign(axes: torch.Tensor) -> torch.Tensor:
    """Turns each column so that its largest entry is positive; an eigenvector's sign is otherwise up to the library."""
    largest = axes.gather(0, axes.abs().argmax(dim=0, keepdim=True))  # (1, axes)
    return axes * torch.sign(largest)


def quantize(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows as int8 with one float32 scale each, `rows ≈ int8 * scale[:, None]`; a row of zeros has scale 0.

    >>> quantize(np.array([[0.5, -1.0], [0.0, 0.0]]))[0].tolist()
    [[64, -127], [0, 0]]
    """
    largest = np.abs(rows).max(axis=1)
    steps = 127 / np.where(largest > 0, largest, 1)
    return np.rint(rows * steps[:, None]).astype(np.int8), (largest / 127).astype(np.float32)
