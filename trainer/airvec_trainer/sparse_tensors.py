"""Sparse embeddings as torch tensors, dense or COO: cut to their largest weights, counted, compared, put into words.

Knows nothing of models.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from airvec.errors import ArgumentError
from airvec_trainer.similarity import ALL_PAIRS, ROW_BY_ROW, tensor_of

__all__ = ["all_pairs", "decode", "intersection", "largest", "row_by_row", "sparsity", "tensor_of"]

Words = list[tuple[str, float]]


def largest(embeddings: Tensor, count: int | None) -> Tensor:
    """Each row with its largest weights by absolute value, and 0 elsewhere: dense (n, dim) -> (n, dim).

    Args:
        embeddings: they stay as they are.
        count: weights to keep of each; None = all.
    """
    if count is None:
        return embeddings
    places = embeddings.abs().topk(min(count, embeddings.shape[-1]), dim=-1).indices
    return torch.zeros_like(embeddings).scatter(-1, places, embeddings.gather(-1, places))


def sparsity(embeddings: Tensor) -> dict[str, float]:
    """`active_dims`, the mean number of weights a row that are not 0, and `sparsity_ratio`, the share that is.

    Args:
        embeddings: (dim,) or (n, dim).

    >>> sparsity(torch.tensor([[1.0, 0, 0, 0], [1, 2, 3, 0]]))
    {'active_dims': 2.0, 'sparsity_ratio': 0.5}
    """
    rows = _rows(embeddings)
    if not rows.shape[0] or not rows.shape[1]:
        return {"active_dims": 0.0, "sparsity_ratio": 1.0}
    active = _coo(rows).values().count_nonzero().item() / rows.shape[0]
    return {"active_dims": active, "sparsity_ratio": 1.0 - active / rows.shape[1]}


def intersection(first: Tensor, second: Tensor) -> Tensor:
    """What each dimension adds to the dot product of one embedding with others: the products above 0, as COO.

    Args:
        first: one embedding (dim,).
        second: one, or rows (n, dim).

    Returns:
        COO of the shape of `second`.

    Raises:
        ArgumentError: `first` is several, or the dimensions differ.
    """
    if first.ndim != 1 or second.ndim not in (1, 2) or first.shape[0] != second.shape[-1]:
        raise ArgumentError(
            f"intersection: embeddings of shapes {list(first.shape)} and {list(second.shape)}, expected [dim], and "
            "[dim] or [n, dim]. Pass one embedding first."
        )
    found = _coo(second)
    products = found.values() * first.to_dense()[found.indices()[-1]]
    kept = products > 0
    return torch.sparse_coo_tensor(
        found.indices()[:, kept], products[kept], found.shape, is_coalesced=True, check_invariants=False
    )


def decode(
    embeddings: Tensor, words: Callable[[list[int]], Sequence[str]], top_k: int | None = None
) -> Words | list[Words]:
    """The words of embeddings with their weights, largest first.

    Args:
        embeddings: (dim,) or (n, dim).
        words: from dimensions to what they are called.
        top_k: most words of each; None = all.

    Returns:
        `[(word, weight), …]` for one embedding, a list of such lists for rows.
    """
    found = _coo(_rows(embeddings))
    counts: list[int] = torch.bincount(found.indices()[0], minlength=found.shape[0]).tolist()
    lists = [
        _named(places, values, words, top_k)
        for places, values in zip(found.indices()[1].split(counts), found.values().split(counts), strict=True)
    ]
    return lists[0] if embeddings.ndim == 1 else lists


def all_pairs(name: str, first: Tensor, second: Tensor) -> Tensor:
    """Similarity of every row with every row, dense (n, m); rows may be COO, and a single embedding is one row."""
    return ALL_PAIRS[name](first, second)


def row_by_row(name: str, first: Tensor, second: Tensor) -> Tensor:
    """Similarity of each row with its partner, dense (n,); rows may be COO."""
    return ROW_BY_ROW[name](_rows(first), _rows(second))


def _named(
    places: Tensor, values: Tensor, words: Callable[[list[int]], Sequence[str]], top_k: int | None
) -> list[tuple[str, float]]:
    order = values.argsort(descending=True, stable=True)[:top_k]
    return list(zip(words(places[order].tolist()), values[order].tolist(), strict=True))


def _rows(embeddings: Tensor) -> Tensor:
    return embeddings.unsqueeze(0) if embeddings.ndim == 1 else embeddings


def _coo(embeddings: Tensor) -> Tensor:
    return (embeddings if embeddings.is_sparse else embeddings.to_sparse()).coalesce()
