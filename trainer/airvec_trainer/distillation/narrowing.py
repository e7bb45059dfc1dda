"""Principal directions: embeddings of one width → a smaller one that keeps as much of their inner products as can be.

Knows nothing of teachers and of where their vectors lie.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from airvec.arguments import want_progress
from airvec.arrays import Array, Floats
from airvec.errors import ArgumentError
from airvec.modules.normalize import unit
from airvec_trainer.distillation.cache import SHARD, Rows, cached_rows, made_rows

if TYPE_CHECKING:
    from airvec_trainer.sentence_transformer import SentenceTransformer

__all__ = ["narrowed", "principal_directions", "with_projection"]

Model = TypeVar("Model", bound="SentenceTransformer")
TOLERANCE = 1e-2  # of a length of 1; float16 is off by 1e-3


def principal_directions(vectors: Array, dim: int) -> Floats:
    """The directions in which vectors are largest, float32 (dim, width), orthonormal, the largest first.

    Not around the mean: inner products, which cosines are made of, are kept best this way. A direction's sign is such
    that its largest component is above 0.

    Args:
        vectors: (n, width); read in parts, so a memory-mapped array stays on disk.
        dim: how many.

    Raises:
        ArgumentError: more directions than the vectors have, or than there are vectors.

    Example:
        >>> print(principal_directions(np.array([[3.0, 4.0], [6.0, 8.0]]), 1))
        [[0.6 0.8]]
    """
    count, width = vectors.shape
    if not 0 < dim <= min(count, width):
        raise ArgumentError(
            f"dim: {dim} for {count} vectors of {width} dimensions, expected 1 to {min(count, width)}. Lower it, or "
            "give more vectors."
        )
    moments = np.zeros((width, width))
    for start in range(0, count, SHARD):
        part = np.asarray(vectors[start : start + SHARD], np.float64)
        moments += part.T @ part
    _, found = np.linalg.eigh(moments)  # in columns, the smallest first
    directions = found.T[::-1][:dim]
    largest = np.abs(directions).argmax(axis=1)
    signs = np.sign(directions[np.arange(dim), largest])
    return (directions * signs[:, None]).astype(np.float32)


def narrowed(
    vectors: Array,
    directions: Floats,
    *,
    cache_folder: str | Path | None = None,
    show_progress_bar: bool | None = None,
) -> Array:
    """Vectors (n, width) along directions (dim, width): (n, dim) in their dtype; of length 1 again if they all were.

    Args:
        vectors: such as `teacher_vectors` gives.
        directions: of `principal_directions`.
        cache_folder: where the result is kept and memory-mapped; None = in memory.
        show_progress_bar: None = if the logger `airvec` shows INFO.
    """
    scaled = _are_unit(vectors)

    def compute(start: int, stop: int) -> Floats:
        found = np.asarray(vectors[start:stop], np.float32) @ directions.T
        return unit(found) if scaled else found

    show, dtype = want_progress(show_progress_bar), str(vectors.dtype)
    if cache_folder is None:
        return made_rows(Rows("narrowed", len(vectors), {}, dtype, "Narrowing", "vector"), compute, show=show)
    about = {"vectors": _digest(vectors), "directions": _digest(directions), "unit": scaled}
    rows = Rows("narrowed", len(vectors), about, dtype, "Narrowing", "vector")
    return cached_rows(rows, compute, Path(cache_folder), show=show)


def with_projection(model: Model, directions: Floats) -> Model:
    """A copy of the model with a Dense layer of these directions behind its pooling, before its vectors are scaled.

    Args:
        model: a SentenceTransformer in torch, with embeddings of `width`.
        directions: float32 (dim, width), such as of `principal_directions`.

    Raises:
        ArgumentError: a model that is not in torch, or another width.
    """
    import torch

    from airvec_trainer.distillation.twins import check_in_torch, twin_of
    from airvec_trainer.modules import Dense, Normalize

    check_in_torch("model", model)
    dim, width = directions.shape
    if model.get_embedding_dimension() != width:
        raise ArgumentError(
            f"directions: of {width} dimensions, expected {model.get_embedding_dimension()}, the model's. Make them "
            "from vectors of that width."
        )
    dense: Any = Dense(
        width, dim, bias=False, activation_function=torch.nn.Identity(), init_weight=torch.tensor(directions)
    )
    twin = twin_of(model)
    last: Any = twin[-1]
    if isinstance(last, Normalize):
        twin[-1] = dense.to(model.device, model.dtype)
        twin.append(last)
    else:
        twin.append(dense.to(model.device, model.dtype))
    return twin


def _are_unit(vectors: Array) -> bool:
    for start in range(0, len(vectors), SHARD):
        lengths = np.linalg.norm(np.asarray(vectors[start : start + SHARD], np.float32), axis=1)
        if (np.abs(lengths - 1) > TOLERANCE).any():
            return False
    return bool(len(vectors))


def _digest(array: Array) -> str:
    digest = hashlib.sha256(f"{array.shape} {array.dtype}".encode())
    for start in range(0, len(array), SHARD):
        digest.update(np.ascontiguousarray(array[start : start + SHARD]).tobytes())
    return digest.hexdigest()
