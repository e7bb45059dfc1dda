"""Similarities of torch tensors, with gradients: all pairs, or row by row.

The names are sentence-transformers'; larger is always more similar. `airvec.similarity` has the same for NumPy.
Arrays, lists of numbers and lists of tensors are taken, too; sparse COO tensors are made dense, but for dot products
and cosines of two of them. float16, bfloat16 and whole numbers are compared as float32.
Knows nothing of models, texts and losses.
"""

import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize, pad

from airvec.arrays import Array
from airvec.errors import ArgumentError

__all__ = [
    "ALL_PAIRS", "ROW_BY_ROW", "cos_sim", "dot_score", "euclidean_sim", "manhattan_sim", "pairwise_angle_sim",
    "pairwise_cos_sim", "pairwise_dot_score", "pairwise_euclidean_sim", "pairwise_manhattan_sim", "tensor_of", "unit",
]  # fmt: skip

Embeddings: TypeAlias = "Tensor | Array | Sequence[Any]"


def cos_sim(a: Embeddings, b: Embeddings) -> Tensor:
    """Cosines: (n, dim), (m, dim) -> (n, m)."""
    return dot_score(unit(_rows(a)), unit(_rows(b)))


def dot_score(a: Embeddings, b: Embeddings) -> Tensor:
    """Dot products: (n, dim), (m, dim) -> (n, m)."""
    x, y = _rows(a), _rows(b)
    if x.is_sparse and y.is_sparse:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support", UserWarning)  # torch's own detour
            return torch.sparse.mm(x, y.t()).to_dense()
    return x.to_dense() @ y.to_dense().T


def euclidean_sim(a: Embeddings, b: Embeddings) -> Tensor:
    """Negative Euclidean distances: (n, dim), (m, dim) -> (n, m)."""
    return -torch.cdist(_rows(a).to_dense(), _rows(b).to_dense(), p=2.0)


def manhattan_sim(a: Embeddings, b: Embeddings) -> Tensor:
    """Negative Manhattan distances: (n, dim), (m, dim) -> (n, m)."""
    return -torch.cdist(_rows(a).to_dense(), _rows(b).to_dense(), p=1.0)


def pairwise_cos_sim(a: Embeddings, b: Embeddings) -> Tensor:
    """Cosine of each row with its partner: (n, dim), (n, dim) -> (n,)."""
    return pairwise_dot_score(normalize(_dense(a), dim=-1), normalize(_dense(b), dim=-1))


def pairwise_dot_score(a: Embeddings, b: Embeddings) -> Tensor:
    """Dot product of each row with its partner: (n, dim), (n, dim) -> (n,)."""
    return (_dense(a) * _dense(b)).sum(dim=-1)


def pairwise_euclidean_sim(a: Embeddings, b: Embeddings) -> Tensor:
    """Negative Euclidean distance of each row to its partner: (n, dim), (n, dim) -> (n,)."""
    return -torch.linalg.vector_norm(_dense(a) - _dense(b), dim=-1)


def pairwise_manhattan_sim(a: Embeddings, b: Embeddings) -> Tensor:
    """Negative Manhattan distance of each row to its partner: (n, dim), (n, dim) -> (n,)."""
    return -(_dense(a) - _dense(b)).abs().sum(dim=-1)


def pairwise_angle_sim(x: Embeddings, y: Embeddings) -> Tensor:
    """|cosine + sine| of rows read as complex numbers, (n, dim), (n, dim) -> (n,).

    The first half of a row holds the real parts, the second the imaginary ones; an odd row is filled up with a zero.
    Source: Li and Li 2023, "AnglE-optimized Text Embeddings", https://arxiv.org/abs/2309.12871
    """
    x, y = _dense(x), _dense(y)
    if x.shape[1] % 2:
        x, y = pad(x, (0, 1)), pad(y, (0, 1))
    x, y = normalize(x, dim=1), normalize(y, dim=1)
    (real_x, imaginary_x), (real_y, imaginary_y) = torch.chunk(x, 2, dim=1), torch.chunk(y, 2, dim=1)
    sines = (imaginary_x * real_y - real_x * imaginary_y).sum(dim=1)
    return ((x * y).sum(dim=1) + sines).abs()


def tensor_of(embeddings: Any) -> Tensor:
    """Embeddings as one tensor: a tensor itself, an array, or a list of tensors or arrays, one a row.

    Raises:
        ArgumentError: something else.
    """
    if isinstance(embeddings, Tensor):
        return embeddings
    if isinstance(embeddings, list | tuple) and embeddings and isinstance(embeddings[0], Tensor):
        return torch.stack(list(embeddings))
    try:
        return torch.as_tensor(np.asarray(embeddings, np.float32))
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"embeddings: {type(embeddings).__name__} {embeddings!r:.40}, expected a tensor, an array or a list of "
            "them. Pass what encode gives."
        ) from error


def _precise(given: Any) -> Tensor:
    a = tensor_of(given)
    return a if a.dtype in (torch.float32, torch.float64) else a.float()


def _dense(given: Any) -> Tensor:
    return _precise(given).to_dense()


def _rows(given: Any) -> Tensor:
    """Rows as they are, dense or COO; a single embedding (dim,) is one row."""
    a = _precise(given)
    return a.unsqueeze(0) if a.ndim == 1 else a


def unit(rows: Tensor) -> Tensor:
    """Rows (n, dim) of length 1, dense or COO; a row of zeros stays one."""
    if not rows.is_sparse:
        return normalize(rows, dim=-1)
    found = rows.coalesce()
    squares = torch.zeros(found.shape[0], dtype=found.dtype, device=found.device)
    lengths = squares.index_add(0, found.indices()[0], found.values() ** 2).sqrt().clamp(min=1e-12)
    values = found.values() / lengths[found.indices()[0]]
    return torch.sparse_coo_tensor(found.indices(), values, found.shape, is_coalesced=True, check_invariants=False)


# What a model's similarity is called in its folder: of every row with every row, and of each row with its partner.
ALL_PAIRS = {"cosine": cos_sim, "dot": dot_score, "euclidean": euclidean_sim, "manhattan": manhattan_sim}
ROW_BY_ROW = {
    "cosine": pairwise_cos_sim,
    "dot": pairwise_dot_score,
    "euclidean": pairwise_euclidean_sim,
    "manhattan": pairwise_manhattan_sim,
}
