"""Similarities of torch tensors, with gradients: all pairs, or row by row.

The names are sentence-transformers'; larger is always more similar. `airvec.similarity` has the same for NumPy.
float16 and bfloat16 are compared as float32, as sentence-transformers does.
Knows nothing of models, texts and losses.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize, pad

__all__ = [
    "ALL_PAIRS", "ROW_BY_ROW", "cos_sim", "dot_score", "euclidean_sim", "manhattan_sim", "pairwise_angle_sim",
    "pairwise_cos_sim", "pairwise_dot_score", "pairwise_euclidean_sim", "pairwise_manhattan_sim",
]  # fmt: skip


def cos_sim(a: Tensor, b: Tensor) -> Tensor:
    """Cosines: (n, dim), (m, dim) -> (n, m)."""
    return dot_score(normalize(_precise(a), dim=-1), normalize(_precise(b), dim=-1))


def dot_score(a: Tensor, b: Tensor) -> Tensor:
    """Dot products: (n, dim), (m, dim) -> (n, m)."""
    return _precise(a) @ _precise(b).T


def euclidean_sim(a: Tensor, b: Tensor) -> Tensor:
    """Negative Euclidean distances: (n, dim), (m, dim) -> (n, m)."""
    return -torch.cdist(_precise(a), _precise(b), p=2.0)


def manhattan_sim(a: Tensor, b: Tensor) -> Tensor:
    """Negative Manhattan distances: (n, dim), (m, dim) -> (n, m)."""
    return -torch.cdist(_precise(a), _precise(b), p=1.0)


def pairwise_cos_sim(a: Tensor, b: Tensor) -> Tensor:
    """Cosine of each row with its partner: (n, dim), (n, dim) -> (n,)."""
    return pairwise_dot_score(normalize(_precise(a), dim=-1), normalize(_precise(b), dim=-1))


def pairwise_dot_score(a: Tensor, b: Tensor) -> Tensor:
    """Dot product of each row with its partner: (n, dim), (n, dim) -> (n,)."""
    return (_precise(a) * _precise(b)).sum(dim=-1)


def pairwise_euclidean_sim(a: Tensor, b: Tensor) -> Tensor:
    """Negative Euclidean distance of each row to its partner: (n, dim), (n, dim) -> (n,)."""
    return -torch.linalg.vector_norm(_precise(a) - _precise(b), dim=-1)


def pairwise_manhattan_sim(a: Tensor, b: Tensor) -> Tensor:
    """Negative Manhattan distance of each row to its partner: (n, dim), (n, dim) -> (n,)."""
    return -(_precise(a) - _precise(b)).abs().sum(dim=-1)


def pairwise_angle_sim(x: Tensor, y: Tensor) -> Tensor:
    """|cosine + sine| of rows read as complex numbers, (n, dim), (n, dim) -> (n,).

    The first half of a row holds the real parts, the second the imaginary ones; an odd row is filled up with a zero.
    Source: Li and Li 2023, "AnglE-optimized Text Embeddings", https://arxiv.org/abs/2309.12871
    """
    if x.shape[1] % 2:
        x, y = pad(x, (0, 1)), pad(y, (0, 1))
    x, y = normalize(_precise(x), dim=1), normalize(_precise(y), dim=1)
    (real_x, imaginary_x), (real_y, imaginary_y) = torch.chunk(x, 2, dim=1), torch.chunk(y, 2, dim=1)
    sines = (imaginary_x * real_y - real_x * imaginary_y).sum(dim=1)
    return ((x * y).sum(dim=1) + sines).abs()


def _precise(a: Tensor) -> Tensor:
    return a.float() if a.dtype in (torch.float16, torch.bfloat16) else a


# What a model's similarity is called in its folder: of every row with every row, and of each row with its partner.
ALL_PAIRS = {"cosine": cos_sim, "dot": dot_score, "euclidean": euclidean_sim, "manhattan": manhattan_sim}
ROW_BY_ROW = {
    "cosine": pairwise_cos_sim,
    "dot": pairwise_dot_score,
    "euclidean": pairwise_euclidean_sim,
    "manhattan": pairwise_manhattan_sim,
}
