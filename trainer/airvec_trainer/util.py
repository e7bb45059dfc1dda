"""The functions of sentence-transformers' `util` for tensors: `from airvec_trainer import util`.

Similarities are torch's, with gradients. What searches takes tensors, arrays or lists and runs on NumPy, as `airvec`
does it; what changes embeddings gives tensors for tensors.
Knows nothing of models.
"""

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from airvec import csr, search
from airvec import similarity as numpy_similarity
from airvec import util as numpy_util
from airvec.arrays import Array
from airvec.checks import whole_number
from airvec.sparse_vectors import SparseVectors
from airvec.util import maxsim, maxsim_pairwise, mean_maxsim, mean_maxsim_pairwise
from airvec_trainer import similarity
from airvec_trainer.devices import best_device
from airvec_trainer.similarity import (
    cos_sim,
    dot_score,
    euclidean_sim,
    manhattan_sim,
    pairwise_angle_sim,
    pairwise_cos_sim,
    pairwise_dot_score,
    pairwise_euclidean_sim,
    pairwise_manhattan_sim,
)
from airvec_trainer.similarity_functions import SimilarityFunction

__all__ = [
    "SimilarityFunction", "batch_to_device", "community_detection", "cos_sim", "dot_score", "euclidean_sim", "fullname",
    "get_device_name", "is_training_available", "manhattan_sim", "maxsim", "maxsim_pairwise", "mean_maxsim",
    "mean_maxsim_pairwise", "normalize_embeddings",
    "pairwise_angle_sim", "pairwise_cos_sim", "pairwise_dot_score", "pairwise_euclidean_sim", "pairwise_manhattan_sim",
    "paraphrase_mining", "paraphrase_mining_embeddings", "pytorch_cos_sim", "quantize_embeddings", "semantic_search",
    "truncate_embeddings",
]  # fmt: skip

# What searches runs on NumPy: of these functions it has its own, which prepare each block of rows once.
ON_NUMPY: dict[Any, Any] = {
    getattr(similarity, name): getattr(numpy_similarity, name)
    for name in ("cos_sim", "dot_score", "euclidean_sim", "manhattan_sim")
}
pytorch_cos_sim = cos_sim  # its old name


def semantic_search(
    query_embeddings: Any,
    corpus_embeddings: Any,
    query_chunk_size: int = 100,
    corpus_chunk_size: int = 500_000,
    top_k: int = 10,
    score_function: Callable[[Any, Any], Any] = cos_sim,
) -> list[list[search.Hit]]:
    """The `top_k` most similar rows of the corpus for every query: `airvec.util.semantic_search`, for tensors too.

    Args:
        query_embeddings: (n, dim), or (dim,) for one query; tensors on any device, dense or COO, arrays or lists.
        corpus_embeddings: (m, dim).
        query_chunk_size: queries compared at once.
        corpus_chunk_size: rows of the corpus compared at once.
        top_k: results a query; fewer where the corpus has fewer rows.
        score_function: (a, dim), (b, dim) -> (a, b), higher is more similar. A function that is not of this module gets
            arrays.

    Returns:
        A list a query of `{"corpus_id": int, "score": float}`, best first.

    Raises:
        ArgumentError: a size below 1, or vectors of different widths.

    >>> semantic_search(torch.tensor([1.0, 0.0]), torch.tensor([[0.0, 1.0], [1.0, 0.0]]), top_k=1)
    [[{'corpus_id': 1, 'score': 1.0}]]
    """
    score = ON_NUMPY.get(score_function, score_function)
    queries, corpus = _plain(query_embeddings), _plain(corpus_embeddings)
    return search.semantic_search(queries, corpus, query_chunk_size, corpus_chunk_size, top_k, score)


def paraphrase_mining(
    model: Any,
    sentences: Sequence[str],
    show_progress_bar: bool = False,
    batch_size: int = 32,
    query_chunk_size: int = 5000,
    corpus_chunk_size: int = 100_000,
    max_pairs: int = 500_000,
    top_k: int = 100,
    score_function: Callable[[Any, Any], Any] = cos_sim,
    truncate_dim: int | None = None,
    prompt_name: str | None = None,
    prompt: str | None = None,
) -> list[list[float | int]]:
    """Encode texts and find the most similar pairs among them: see `paraphrase_mining_embeddings`."""
    cut = {} if truncate_dim is None else {"truncate_dim": truncate_dim}  # SparseEncoder.encode has no such argument
    embeddings = model.encode(
        sentences, prompt_name, prompt, batch_size=batch_size, show_progress_bar=show_progress_bar, **cut
    )
    return paraphrase_mining_embeddings(
        embeddings, query_chunk_size, corpus_chunk_size, max_pairs, top_k, score_function
    )


def paraphrase_mining_embeddings(
    embeddings: Any,
    query_chunk_size: int = 5000,
    corpus_chunk_size: int = 100_000,
    max_pairs: int = 500_000,
    top_k: int = 100,
    score_function: Callable[[Any, Any], Any] = cos_sim,
) -> list[list[float | int]]:
    """The most similar pairs of rows (n, dim), each pair once, `[score, i, j]` with i < j, best first.

    Arguments and errors are those of `airvec.util.paraphrase_mining_embeddings`; tensors are taken, too.
    """
    score = ON_NUMPY.get(score_function, score_function)
    return search.paraphrase_mining_embeddings(
        _plain(embeddings), query_chunk_size, corpus_chunk_size, max_pairs, top_k, score
    )


def community_detection(
    embeddings: Any,
    threshold: float = 0.75,
    min_community_size: int = 10,
    batch_size: int = 1024,
    show_progress_bar: bool = False,
) -> list[list[int]]:
    """Groups of rows (n, dim) whose cosine with the group's centre is at least `threshold`.

    Arguments, result and errors are those of `airvec.util.community_detection`; dense tensors are taken, too.
    """
    return search.community_detection(_plain(embeddings), threshold, min_community_size, batch_size, show_progress_bar)


def quantize_embeddings(
    embeddings: Any, precision: str, ranges: Any = None, calibration_embeddings: Any = None
) -> Array:
    """Embeddings in fewer bytes, as an array: `airvec.util.quantize_embeddings`, for tensors too."""
    return numpy_util.quantize_embeddings(_plain(embeddings), precision, _plain(ranges), _plain(calibration_embeddings))


def normalize_embeddings(embeddings: Any) -> Any:
    """Vectors (…, dim) scaled to length 1, zero vectors stay zero: a tensor for a tensor, else an array."""
    if isinstance(embeddings, Tensor):
        return similarity.unit(embeddings)
    return numpy_util.normalize_embeddings(embeddings)


def truncate_embeddings(embeddings: Any, truncate_dim: int | None) -> Any:
    """The first `truncate_dim` dimensions of (…, dim), None = all: a tensor for a tensor, else an array.

    Raises:
        ArgumentError: `truncate_dim` is no whole number, or below 1.
    """
    if isinstance(embeddings, Tensor):
        return embeddings[..., : None if truncate_dim is None else whole_number("truncate_dim", truncate_dim)]
    return numpy_util.truncate_embeddings(embeddings, truncate_dim)


def batch_to_device(batch: dict[str, Any], target_device: Any) -> dict[str, Any]:
    """The batch itself, its tensors moved to a device; what is no tensor stays."""
    for key, value in batch.items():
        if isinstance(value, Tensor):
            batch[key] = value.to(target_device)
    return batch


def fullname(obj: Any) -> str:
    """The module and name of a class, or of an object's class; a builtin's name alone.

    >>> fullname(torch.nn.Identity()), fullname(5)
    ('torch.nn.modules.linear.Identity', 'int')
    """
    kind = obj if isinstance(obj, type) else type(obj)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def get_device_name() -> str:
    """The device that a model is put on where none is named: `"cpu"`, `"mps"`; on a GPU this process's, `"cuda:0"`."""
    device = best_device()
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if device.type == "cuda" else device.type


def is_training_available() -> bool:
    """Whether the packages `datasets` and `accelerate` are installed, which training needs."""
    return all(find_spec(name) is not None for name in ("datasets", "accelerate"))


def _plain(given: Any) -> Any:
    """Tensors, also in a list, as an array, COO tensors as sparse vectors; anything else as it is."""
    if isinstance(given, list | tuple) and given and isinstance(given[0], Tensor):
        given = torch.stack(list(given))
    if not isinstance(given, Tensor):
        return given
    found = given.detach().cpu()
    if found.is_sparse:
        return _sparse(found.coalesce())
    return (found.float() if found.dtype == torch.bfloat16 else found).numpy()  # NumPy has no bfloat16


def _sparse(rows: Tensor) -> SparseVectors:
    """COO (n, dim), or (dim,) as one row."""
    rows = rows.unsqueeze(0).coalesce() if rows.ndim == 1 else rows
    numbers, dimensions = rows.indices()
    counts = torch.bincount(numbers, minlength=rows.shape[0])
    return SparseVectors(
        dimensions.int().numpy(), rows.values().float().numpy(), csr.row_starts(counts.numpy()), rows.shape[1]
    )


def __getattr__(name: str) -> Any:
    if name == "mine_hard_negatives":  # here as well, as in the reference, and only when it is wanted
        from airvec_trainer.mining import mine_hard_negatives

        return mine_hard_negatives
    raise AttributeError(f"module 'airvec_trainer.util' has no attribute {name!r}, expected one of {__all__}")
