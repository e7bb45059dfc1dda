"""The arguments of a call: what its answer depends on, what is only how it runs, and what shape it is to have.

Knows nothing of stores and rows.
"""

from collections.abc import Mapping
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any, NamedTuple

import numpy as np

from airvec.arguments import warn_once
from airvec.errors import ArgumentError
from airvec.model import Model
from airvec.precision import check_precision, quantize_embeddings

# What a call that leaves an argument out has in its place, where that is not None.
LEFT_OUT = {
    "output_value": "sentence_embedding", "precision": "float32", "normalize_embeddings": False,
    "on_truncate": "ignore",
}  # fmt: skip
RUNNING = ("batch_size", "show_progress_bar", "device", "chunk_size", "save_to_cpu", "num_workers")
SHAPING = ("precision", "convert_to_numpy", "convert_to_tensor", "convert_to_sparse_tensor")


class Given(NamedTuple):
    """The arguments of a call that say something, sorted by what they decide."""

    settings: dict[str, Any]
    running: dict[str, Any]
    shaping: dict[str, Any]


def given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that say something: what a call leaves out is the model's own default."""
    return {
        name: value
        for name, value in arguments.items()
        if name != "self" and (value != LEFT_OUT[name] if name in LEFT_OUT else value is not None)
    }


def sorted_out(arguments: Mapping[str, Any]) -> Given:
    """The arguments, by what they decide."""
    settings = {name: value for name, value in arguments.items() if name not in (*RUNNING, *SHAPING)}
    running = {name: arguments[name] for name in RUNNING if name in arguments}
    return Given(settings, running, {name: arguments[name] for name in SHAPING if name in arguments})


def is_uncached(model: object, arguments: Mapping[str, Any]) -> bool:
    """Whether a call is the model's own affair: other outputs and places, other processes, others' tensors."""
    if {"output_value", "pool", "out"} & set(arguments) or isinstance(arguments.get("device"), list):
        return True
    tensors = arguments.get("convert_to_tensor") or not arguments.get("convert_to_numpy", True)
    return bool(tensors) and not isinstance(model, Model)


def expect_taken(model: object, method: str, arguments: Mapping[str, Any]) -> Any:
    """The model's method, which takes these arguments.

    Raises:
        ArgumentError: it does not, or there is no such method.
    """
    asked = getattr(model, method, None)
    if asked is None:
        raise ArgumentError(
            f"CachedModel.{method}: model is of the class {type(model).__name__}, which has no {method}. Ask it what "
            "it answers."
        )
    taken = _taken(getattr(asked, "__func__", asked))
    for name, value in arguments.items():
        if taken is not None and name not in taken:
            raise ArgumentError(
                f"{name}: {value!r:.80}, but {type(model).__name__}.{method} takes no such argument. Leave it out."
            )
    return asked


@lru_cache(maxsize=64)
def _taken(method: Any) -> frozenset[str] | None:
    """The names of a method's arguments; None = any."""
    taken = signature(method).parameters
    return None if any(one.kind is Parameter.VAR_KEYWORD for one in taken.values()) else frozenset(taken)


def shaped_dense(rows: Any, single: bool, shaping: Mapping[str, Any]) -> Any:
    """float32 (n, dim) as `SentenceTransformer.encode` would give it."""
    return shaped_scores(quantize_embeddings(rows, check_precision(shaping.get("precision"))), single, shaping)


def shaped_scores(result: Any, single: bool, shaping: Mapping[str, Any]) -> Any:
    """(n, …) as `CrossEncoder.predict` would give it."""
    if shaping.get("convert_to_tensor"):
        warn_once("convert_to_tensor", "convert_to_tensor: airvec has no tensors; the result is a NumPy array.")
    elif not shaping.get("convert_to_numpy", True) and not single:
        return list(result)
    return result[0] if single else result


def shaped_sparse(rows: Any, single: bool, shaping: Mapping[str, Any]) -> Any:
    """`SparseVectors` (n, dim) as `SparseEncoder.encode` would give them."""
    result = rows if shaping.get("convert_to_sparse_tensor", True) else np.asarray(rows.to_dense())
    if single:
        return result[0]
    return result if shaping.get("convert_to_tensor", True) else list(result)
