"""How alike two rows are, row by row, in float64: the four measures that evaluators offer.

In float64, because ranks of nearly equal pairs turn with the last bit of a float32.
Knows nothing of models and metrics.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from airvec.errors import ArgumentError
from airvec.similarity import SIMILARITIES
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.evaluation.embedding import Embeddings

__all__ = ["MEASURES", "SimilarityFunction", "chosen", "measure_name", "own_measure", "pair_scores", "rows"]

Floats = npt.NDArray[np.float64]
ROWS = 4096  # compared at once, so that the copies in float64 stay small
LEAST_NORM = 1e-12  # as torch's normalize: a vector of length 0 has the cosine 0 with everything
# A float64 cosine of a vector with itself is 1 ± 4e-16, and of codes the same fraction ± as much, which would rank
# equal pairs by luck. Vectors are float32, with a noise of 6e-8, so that nothing is lost beyond these digits.
COSINE_DIGITS = 12


class SimilarityFunction(StrEnum):
    """The names of similarities; wherever one is taken, its text alone will do: `"cosine"`."""

    COSINE = "cosine"
    DOT_PRODUCT = "dot"
    DOT = "dot"
    EUCLIDEAN = "euclidean"
    MANHATTAN = "manhattan"

    @staticmethod
    def possible_values() -> list[str]:
        """The texts."""
        return [str(one) for one in SimilarityFunction]


def rows(embeddings: Any) -> Floats:
    """Embeddings as `encode` gives them, any dtype: float64 (n, dim)."""
    return np.asarray(embeddings, dtype=np.float64)


def _dot(a: Floats, b: Floats) -> Floats:
    return (a * b).sum(axis=-1)


def _unit(a: Floats) -> Floats:
    return a / np.maximum(np.linalg.norm(a, axis=-1, keepdims=True), LEAST_NORM)


def _cosine(a: Floats, b: Floats) -> Floats:
    return np.round(_dot(_unit(a), _unit(b)), COSINE_DIGITS)


def _sparse_cosine(a: SparseVectors, b: SparseVectors) -> Floats:
    """From products, as rounded unit vectors would not have the cosine 1 with themselves."""
    dot = SIMILARITIES["dot"][1]
    found, *squares = (dot(one, other).astype(np.float64) for one, other in ((a, b), (a, a), (b, b)))
    lengths = np.sqrt(squares[0]) * np.sqrt(squares[1])
    return np.round(found / np.maximum(lengths, LEAST_NORM), COSINE_DIGITS)


def _euclidean(a: Floats, b: Floats) -> Floats:
    return -np.sqrt(((a - b) ** 2).sum(axis=-1))


def _manhattan(a: Floats, b: Floats) -> Floats:
    return -np.abs(a - b).sum(axis=-1)


# (n, dim), (n, dim) -> (n,); larger is more alike.
MEASURES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "cosine": _cosine,
    "dot": _dot,
    "euclidean": _euclidean,
    "manhattan": _manhattan,
}


def pair_scores(name: str, first: Embeddings, second: Embeddings) -> Floats:
    """How alike row i of one is to row i of the other, both (n, dim), dense or sparse: float64 (n,).

    Equal pairs get equal scores, and a vector the cosine 1 with itself: cosines are rounded to 12 digits. Sparse rows
    are compared entry by entry, summed in float64 and rounded to float32.
    """
    if isinstance(first, SparseVectors) and isinstance(second, SparseVectors):
        if name == "cosine":
            return _sparse_cosine(first, second)
        return SIMILARITIES[name][1](first, second).astype(np.float64)
    parts = (slice(start, start + ROWS) for start in range(0, len(first), ROWS))
    found = [MEASURES[name](rows(first[part]), rows(second[part])) for part in parts]
    return np.concatenate([np.zeros(0), *found])


def measure_name(given: Any, where: str) -> str | None:
    """A measure's name: a str, or a member of sentence-transformers' SimilarityFunction; None stays None.

    Raises:
        ArgumentError: no such measure.
    """
    if given is None:
        return None
    name = getattr(given, "value", given)
    if name not in MEASURES:
        raise ArgumentError(f"{where}: {given!r}, expected one of {', '.join(MEASURES)}. Correct it.")
    return str(name)


def own_measure(model: Any, where: str) -> str:
    """The measure by which a model says that its embeddings are compared.

    Raises:
        ArgumentError: it says none, or one that is not there.
    """
    name = measure_name(getattr(model, "similarity_fn_name", None), where)
    if name is None:
        raise ArgumentError(
            f"{where}: similarity_fn_name of {type(model).__name__} is None, or is not there; expected one of "
            f"{', '.join(MEASURES)}. Set it, or name the similarity in the evaluator."
        )
    return name


def chosen(names: Sequence[str] | None, main: str | None, where: str) -> tuple[str, ...]:
    """The measures that an evaluator was asked for, checked; the main one alone if no others; empty = the model's.

    Raises:
        ArgumentError: no such measure.
    """
    found = tuple(str(measure_name(name, where)) for name in names or ())
    return found or ((main,) if main else ())
