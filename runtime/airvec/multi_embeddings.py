"""What a `MultiEncoder` gives: `MultiEmbeddings`, n texts, and `MultiEmbedding`, one; and how two of them are scored.

Knows nothing of the models that make them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias, overload

import numpy as np

from airvec.arrays import Floats
from airvec.errors import ArgumentError
from airvec.maxsim import mean_maxsim, mean_maxsim_pairwise
from airvec.similarity import dot_score, pairwise_dot_score
from airvec.sparse_vectors import SparseVector, SparseVectors


@dataclass(frozen=True, eq=False)
class MultiEmbedding:
    """One text; a part that was not asked for is None.

    Attributes:
        dense: float32 (dim,).
        sparse: its lexical weights, a `SparseVector` (vocabulary,).
        multi_vector: float32 (tokens, width), unit vectors.
    """

    dense: Floats | None = None
    sparse: SparseVector | None = None
    multi_vector: Floats | None = None

    def as_rows(self) -> "MultiEmbeddings":
        """The same text as the only one of `MultiEmbeddings`."""
        return MultiEmbeddings(
            None if self.dense is None else self.dense[None],
            None if self.sparse is None else self.sparse.as_rows(),
            None if self.multi_vector is None else [self.multi_vector],
        )


@dataclass(frozen=True, eq=False, repr=False)
class MultiEmbeddings:
    """n texts; a part that was not asked for is None.

    `embeddings[i]` and iteration give a `MultiEmbedding`, a slice `MultiEmbeddings`.

    Attributes:
        dense: float32 (n, dim).
        sparse: lexical weights, `SparseVectors` (n, vocabulary).
        multi_vector: n arrays float32 (tokens, width), unit vectors.

    Raises:
        ArgumentError: no part, or parts of different lengths.

    >>> both = MultiEmbeddings(dense=np.eye(2, dtype=np.float32), sparse=SparseVectors.from_rows([{1: 2.0}, {}], 3))
    >>> both
    MultiEmbeddings(2 texts: dense (2, 2), sparse (2, 3))
    >>> both[0].sparse
    SparseVector({1: 2}, dim=3)
    """

    dense: Floats | None = None
    sparse: SparseVectors | None = None
    multi_vector: list[Floats] | None = None

    def __post_init__(self) -> None:
        lengths = {name: len(part) for name, part in self.parts().items()}
        if len(set(lengths.values())) != 1:
            raise ArgumentError(f"parts: of lengths {lengths}, expected one or more of the same. Correct them.")

    def __len__(self) -> int:
        return len(next(iter(self.parts().values())))

    def __repr__(self) -> str:
        shown = [f"{name} {tuple(part.shape)}" for name, part in self.parts().items() if not isinstance(part, list)]
        if self.multi_vector is not None:
            width = f" x {self.multi_vector[0].shape[1]}" if self.multi_vector else ""
            shown.append(f"multi_vector {sum(map(len, self.multi_vector))}{width}")
        return f"MultiEmbeddings({len(self)} texts: {', '.join(shown)})"

    def __iter__(self) -> Iterator[MultiEmbedding]:
        return (self[place] for place in range(len(self)))

    @overload
    def __getitem__(self, rows: int) -> MultiEmbedding: ...
    @overload
    def __getitem__(self, rows: slice) -> "MultiEmbeddings": ...
    def __getitem__(self, rows: int | slice) -> "MultiEmbedding | MultiEmbeddings":
        """One text for a number, several for a slice.

        Raises:
            IndexError: no such text.
        """
        kind = MultiEmbeddings if isinstance(rows, slice) else MultiEmbedding
        return kind(**{name: part[rows] for name, part in self.parts().items()})

    @classmethod
    def concatenate(cls, parts: "Iterable[MultiEmbeddings]") -> "MultiEmbeddings":
        """All texts of several, in order.

        Raises:
            ArgumentError: none to join, or some have a part that others have not.
        """
        listed = list(parts)
        kinds = {tuple(one.parts()) for one in listed}
        if len(kinds) != 1:
            raise ArgumentError(f"parts: {sorted(kinds)}, expected embeddings of the same parts. Encode them alike.")
        if len(listed) == 1:
            return listed[0]
        return cls(
            dense=_joined([one.dense for one in listed], np.concatenate),
            sparse=_joined([one.sparse for one in listed], SparseVectors.concatenate),
            multi_vector=_joined([one.multi_vector for one in listed], _chained),
        )

    def parts(self) -> dict[str, Any]:
        """The parts that are there, by name."""
        every = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: part for name, part in every.items() if part is not None}


Multi: TypeAlias = MultiEmbedding | MultiEmbeddings
# Part → every row with every row, and row i with row i.
SCORES: dict[str, tuple[Callable[[Any, Any], Floats], Callable[[Any, Any], Floats]]] = {
    "dense": (dot_score, pairwise_dot_score),
    "sparse": (dot_score, pairwise_dot_score),
    "multi_vector": (mean_maxsim, mean_maxsim_pairwise),
}


def score(queries: Multi, documents: Multi, weights: Sequence[float] | None = None) -> Floats:
    """Weighted mean of the similarities of every query with every document: float32 (n, m).

    Dense and sparse embeddings are compared by their dot products, multi-vectors by MaxSim over the number of the
    query's tokens.

    Args:
        queries: n texts.
        documents: m texts.
        weights: of dense, sparse and multi_vector, not negative; a part of weight 0 is not needed. None = equal weights
            of the parts that both sides have.

    Raises:
        ArgumentError: a part of a weight above 0 that one side does not have, or weights that are none.
    """
    return _mean(queries, documents, weights, 0)


def score_pairwise(queries: Multi, documents: Multi, weights: Sequence[float] | None = None) -> Floats:
    """As `score`, of query i with document i: float32 (n,)."""
    return _mean(queries, documents, weights, 1)


def _mean(queries: Multi, documents: Multi, weights: Sequence[float] | None, form: int) -> Floats:
    one, other = (_rows(side, name) for side, name in ((queries, "queries"), (documents, "documents")))
    used = {name: weight for name, weight in _weights(one, other, weights).items() if weight > 0}
    found = [SCORES[name][form](getattr(one, name), getattr(other, name)) * weight for name, weight in used.items()]
    return np.asarray(sum(found[1:], found[0]) / sum(used.values()), np.float32)


def _rows(side: Multi, name: str) -> MultiEmbeddings:
    if not isinstance(side, MultiEmbedding | MultiEmbeddings):
        raise ArgumentError(f"{name}: {type(side).__name__}, expected what MultiEncoder.encode gives. Pass that.")
    return side.as_rows() if isinstance(side, MultiEmbedding) else side


def _weights(one: MultiEmbeddings, other: MultiEmbeddings, given: Sequence[float] | None) -> dict[str, float]:
    shared = [name for name in SCORES if getattr(one, name) is not None and getattr(other, name) is not None]
    if given is None:
        given = [float(name in shared) for name in SCORES]
    numbers = np.array(given, np.float64)
    if numbers.shape != (len(SCORES),) or not (np.isfinite(numbers) & (numbers >= 0)).all() or not numbers.any():
        raise ArgumentError(
            f"weights: {given!r}, expected one number a part for {', '.join(SCORES)}, of which both sides have "
            f"{', '.join(shared) or 'none'}. Give numbers of at least 0, such as (0.4, 0.2, 0.4)."
        )
    weights = dict(zip(SCORES, numbers.tolist(), strict=True))
    missing = [name for name, weight in weights.items() if weight > 0 and name not in shared]
    if missing:
        raise ArgumentError(
            f"weights: {weights[missing[0]]:g} for {missing[0]}, which both sides must have. Encode with "
            f"{missing[0]}=True, or give it the weight 0."
        )
    return weights


def _joined(parts: list[Any], join: Callable[[list[Any]], Any]) -> Any:
    return None if parts[0] is None else join(parts)


def _chained(parts: list[list[Floats]]) -> list[Floats]:
    return [one for part in parts for one in part]
