"""How an evaluator gets embeddings from any model: the runtime's, the trainer's, or one that encodes in its own way.

Whatever the model answers, an evaluator gets a NumPy array or `SparseVectors`. Torch tensors are known by what they
can do, so that torch need not be there.
Knows nothing of metrics.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, TypeAlias, cast

import numpy as np

from airvec.arrays import Array
from airvec.errors import ArgumentError, InputError
from airvec.sparse_vectors import SparseVector, SparseVectors

__all__ = [
    "ENCODES", "ENCODES_SPARSELY", "PREDICTS", "Ask", "Embeddings", "EncodeOptions", "as_embeddings", "embed",
    "expect_model",
]  # fmt: skip

Embeddings: TypeAlias = "Array | SparseVectors"
Ask: TypeAlias = Callable[..., Embeddings]  # with the arguments of `embed`
ENCODES, ENCODES_SPARSELY, PREDICTS = "encode", "sparsity", "predict"  # the method that a model of the kind has
KINDS = {
    ENCODES: ("a model that encodes", "SentenceTransformer"),
    ENCODES_SPARSELY: ("a sparse encoder", "SparseEncoder"),
    PREDICTS: ("a model that scores pairs of texts", "CrossEncoder"),
}
METHODS = {None: "encode", "query": "encode_query", "document": "encode_document"}


@dataclass(frozen=True)
class EncodeOptions:
    """What `encode` is asked for; an option that is None, or False, is not passed, so that the model's default counts.

    Attributes:
        batch_size: texts in a batch.
        show_progress_bar: passed always.
        prompt_name: which of the model's prompts to put in front.
        prompt: the text to put in front, instead.
        truncate_dim: dimensions to keep, of dense models.
        max_active_dims: weights to keep of each embedding, of sparse models.
        precision: int8, uint8, binary or ubinary codes instead of floats.
        normalize_embeddings: whether vectors get length 1.
    """

    batch_size: int | None = 32
    show_progress_bar: bool | None = False
    prompt_name: str | None = None
    prompt: str | None = None
    truncate_dim: int | None = None
    max_active_dims: int | None = None
    precision: str | None = None
    normalize_embeddings: bool = False

    def changed(self) -> dict[str, Any]:
        """The settings that change the numbers, for model cards; those at their defaults are left out.

        >>> EncodeOptions(batch_size=8, truncate_dim=64).changed()
        {'truncate_dim': 64}
        """
        settings = {name: getattr(self, name) for name in ("truncate_dim", "precision", "max_active_dims")}
        return {name: value for name, value in settings.items() if value is not None}

    def arguments(self) -> dict[str, Any]:
        """The arguments of `encode`.

        >>> EncodeOptions(batch_size=8, truncate_dim=64).arguments()
        {'batch_size': 8, 'truncate_dim': 64, 'show_progress_bar': False}
        """
        given = {key: value for key, value in vars(self).items() if value is not None and value is not False}
        return given | {"show_progress_bar": self.show_progress_bar}


def expect_model(where: str, model: Any, kind: str) -> None:
    """Check that what an evaluator is called with is a model of the kind that it asks, and no model's name.

    Args:
        where: the evaluator's name, for the message.
        model: anything.
        kind: `ENCODES`, `ENCODES_SPARSELY` or `PREDICTS`.

    Raises:
        ArgumentError: it is something else.
    """
    is_name = isinstance(model, (str, PathLike))  # a text has an `encode` of its own
    if hasattr(model, kind) and not is_name:
        return
    expected, opened = KINDS[kind]
    if is_name or model is None:
        found, advice = f"{model!r:.80} ({type(model).__name__})", f"Open it with {opened}(…)"
    else:
        found, advice = f"of the class {type(model).__name__}", f"Give a {opened}, or take an evaluator of such models"
    raise ArgumentError(f"{where}: model is {found}, expected {expected}. {advice}.")


def embed(
    model: Any, texts: Sequence[str], role: str | None = None, options: EncodeOptions | None = None
) -> Embeddings:
    """Embeddings of texts by any model that has `encode`.

    Args:
        model: airvec's or the trainer's dense or sparse encoder, sentence-transformers', or an object of one's own.
        texts: n of them.
        role: `"query"` or `"document"`: asks `encode_query` or `encode_document`, which put the model's prompts in
            front; a model that has them not encodes both sides alike. None asks `encode`.
        options: the rest of the question.

    Returns:
        (n, dim) as the model's numbers are, float32 from bfloat16; `SparseVectors` where the model answers sparsely.

    Raises:
        ArgumentError: a model's name in place of a model, or one that does not encode.
        InputError: what the model gives are no n embeddings of finite numbers.
    """
    expect_model("encode", model, ENCODES)
    encode = getattr(model, METHODS[role], None) or model.encode
    given = (options or EncodeOptions()).arguments()
    # A sparse encoder has `sparsity`; each of its batches leaves the accelerator at once, as a corpus is large.
    given |= {"save_to_cpu": True} if hasattr(model, "sparsity") else {"convert_to_numpy": True}
    found = as_embeddings(encode(list(texts), **given))
    if len(found) != len(texts):
        raise InputError(
            f"{type(model).__name__}.{METHODS[role]}: embeddings of shape {list(found.shape)} for {len(texts)} texts, "
            "expected a row for each. Correct the model's encode."
        )
    return found if isinstance(found, SparseVectors) else _finite(found, texts, type(model).__name__)


def as_embeddings(answer: Any) -> Embeddings:
    """Any model's answer: an array, a tensor, `SparseVectors`, a sparse tensor, or a list of one of them.

    >>> as_embeddings([[1, 2], [3, 4]]).tolist()
    [[1, 2], [3, 4]]

    Returns:
        (n, dim), or `SparseVectors`.

    Raises:
        InputError: it is not rows of numbers.
    """
    if isinstance(answer, (SparseVectors, SparseVector)):
        return answer if isinstance(answer, SparseVectors) else answer.as_rows()
    if hasattr(answer, "detach"):  # a torch tensor
        return _of_tensor(answer)
    if isinstance(answer, (list, tuple)):
        return _of_rows(cast("Sequence[Any]", answer))
    return _rows(np.asarray(answer))


def _finite(embeddings: Array, texts: Sequence[str], model: str) -> Array:
    """The same; a metric of nan would say nothing of where it comes from."""
    wrong = np.flatnonzero(~np.isfinite(embeddings).all(axis=1))
    if len(wrong):
        raise InputError(
            f"{model}: the embedding of text {wrong[0]}, {texts[wrong[0]]!r:.60}, and {len(wrong) - 1} more are not "
            "finite, expected finite numbers. Lower the learning rate, or look at the model."
        )
    return embeddings


def _of_rows(listed: Sequence[Any]) -> Embeddings:
    if not any(isinstance(row, SparseVector) or hasattr(row, "detach") for row in listed):
        try:
            return _rows(np.asarray(listed))
        except ValueError as error:
            raise InputError(f"encode: {error} Expected rows of one length.") from None
    parts = [as_embeddings(row) for row in listed]
    if all(isinstance(part, SparseVectors) for part in parts):
        return SparseVectors.concatenate(cast("list[SparseVectors]", parts))
    if len({part.shape for part in parts}) > 1:
        raise InputError(f"encode: rows of shapes {sorted({part.shape for part in parts})}, expected of one shape.")
    return np.concatenate([np.asarray(part) for part in parts])


def _of_tensor(tensor: Any) -> Embeddings:
    tensor = tensor.detach().cpu()
    if "sparse" in str(tensor.layout):  # COO, CSR …
        return _of_sparse_tensor(tensor)
    tensor = tensor.float() if "bfloat16" in str(tensor.dtype) else tensor  # which NumPy does not have
    return _rows(tensor.numpy())


def _of_sparse_tensor(tensor: Any) -> SparseVectors:
    """A COO or CSR tensor (n, dim) or (dim,); entries of 0 are left out."""
    rows = tensor.unsqueeze(0) if tensor.ndim == 1 else tensor
    rows = rows.to_sparse_coo().coalesce()  # sorted by row, then by dimension
    owners, indices = rows.indices().numpy()
    values = rows.values().float().numpy()
    kept = np.flatnonzero(values)
    starts = np.searchsorted(owners[kept], np.arange(rows.shape[0] + 1))
    return SparseVectors(indices[kept].astype(np.int32), values[kept], starts.astype(np.int64), int(rows.shape[1]))


def _rows(array: Array) -> Array:
    """One embedding becomes one row."""
    rows = array[None] if array.ndim == 1 and len(array) else array
    if rows.ndim != 2 or rows.dtype.kind not in "fiub":
        raise InputError(
            f"encode: an answer of shape {list(array.shape)} of {array.dtype}, expected numbers (n, dim), or sparse "
            "vectors. Pass a model whose encode gives one embedding a text."
        )
    return rows
