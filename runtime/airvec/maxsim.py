"""MaxSim, the similarity of multi-vector embeddings: for each token of a query the closest token of a document.

    maxsim(query, document) = sum over the query's tokens of the largest dot product with a token of the document

Names and results are those of the reference's `util`.
Source: Khattab and Zaharia 2020 (ColBERT), https://arxiv.org/abs/2004.12832
Knows nothing of texts and models.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias, cast

import numpy as np

from airvec import csr
from airvec.arrays import Array, Floats, Integers
from airvec.errors import ArgumentError

# Tokens of queries, and of documents, that are compared at once: 16 MB of products.
QUERY_TOKENS, DOCUMENT_TOKENS = 1024, 4096
NOTHING_THERE = np.float32(-1e9)  # the score of a document without tokens, as in the reference

MultiVectors: TypeAlias = "Array | Sequence[Array]"


def maxsim(a: MultiVectors, b: MultiVectors) -> Floats:
    """MaxSim of every query with every document: float32 (n, m).

    Args:
        a: n queries, a list of arrays (tokens, dim); one such array is one query.
        b: m documents, likewise.

    Returns:
        A document without tokens scores -1e9; with any other, a query without tokens 0.

    Raises:
        ArgumentError: other shapes, no numbers, or different dimensions.

    >>> import numpy as np
    >>> query = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> maxsim(query, [np.array([[1.0, 0.0], [0.5, 0.25]]), np.array([[0.0, 2.0]])]).tolist()
    [[1.25, 2.0]]
    """
    queries, documents = _two(a, b)
    result = np.zeros((len(queries), len(documents)), np.float32)
    starts, ends = _starts(queries), _starts(documents)
    for first, last in csr.blocks(starts, QUERY_TOKENS):
        rows = np.concatenate(queries[first:last])  # (tokens, dim)
        for left, right in csr.blocks(ends, DOCUMENT_TOKENS):
            best = _best(rows, documents[left:right])  # (tokens, documents)
            result[first:last, left:right] = _summed(best, starts[first : last + 1] - starts[first])
    result[:, [not len(document) for document in documents]] = NOTHING_THERE
    return result


def mean_maxsim(a: MultiVectors, b: MultiVectors) -> Floats:
    """As `maxsim`, divided by the number of the query's tokens: float32 (n, m), -1 to 1 for unit vectors."""
    return maxsim(a, b) / _token_counts(a)[:, None]


def maxsim_pairwise(a: MultiVectors, b: MultiVectors) -> Floats:
    """MaxSim of query i with document i: float32 (n,).

    Raises:
        ArgumentError: as for `maxsim`, or other numbers of queries and documents.
    """
    queries, documents = _two(a, b)
    if len(queries) != len(documents):
        raise ArgumentError(
            f"multi-vectors: {len(queries)} queries and {len(documents)} documents, expected as many. "
            "Pair them up first."
        )
    found = [float(maxsim(query, document)[0, 0]) for query, document in zip(queries, documents, strict=True)]
    return np.array(found, np.float32)


def mean_maxsim_pairwise(a: MultiVectors, b: MultiVectors) -> Floats:
    """As `maxsim_pairwise`, divided by the number of the query's tokens: float32 (n,)."""
    return maxsim_pairwise(a, b) / _token_counts(a)


# The reference's names of these similarities → every row with every row, and row i with row i.
MAXSIMS: dict[str, tuple[Callable[[MultiVectors, MultiVectors], Floats], ...]] = {
    "maxsim": (maxsim, maxsim_pairwise),
    "meanmaxsim": (mean_maxsim, mean_maxsim_pairwise),
}


def _two(a: MultiVectors, b: MultiVectors) -> tuple[list[Floats], list[Floats]]:
    queries, documents = _listed(a), _listed(b)
    widths = {row.shape[1] for row in (*queries, *documents)}
    if len(widths) > 1:
        raise ArgumentError(
            f"multi-vectors: of {', '.join(map(str, sorted(widths)))} dimensions, expected the same. "
            "Encode all with one model."
        )
    return queries, documents


def _listed(given: MultiVectors) -> list[Floats]:
    if isinstance(given, np.ndarray) and given.ndim == 2:
        return [_matrix(given, 0)]
    if not isinstance(given, (list, tuple)):  # of an array of three dimensions, padding could not be told from tokens
        shape = f" of shape {list(given.shape)}" if isinstance(given, np.ndarray) else ""
        raise ArgumentError(
            f"multi-vectors: {type(given).__name__}{shape}, expected a list of arrays [tokens, dim]. Pass multi_vector "
            "of what encode gives."
        )
    return [_matrix(one, place) for place, one in enumerate(cast("Sequence[object]", given))]


def _matrix(given: object, place: int) -> Floats:
    array: Array = np.asarray(given)
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise ArgumentError(
            f"multi-vectors: item {place} is {type(given).__name__} of shape {list(array.shape)} and {array.dtype}, "
            "expected numbers of shape [tokens, dim]. Pass multi_vector of what encode gives."
        )
    return array.astype(np.float32, copy=False)


def _starts(rows: Sequence[Floats]) -> Integers:
    """Where the tokens of each begin in all of them, int64 (n + 1,)."""
    return csr.row_starts([len(row) for row in rows])


def _token_counts(a: MultiVectors) -> Floats:
    return np.array([max(1, len(row)) for row in _listed(a)], np.float32)


def _best(rows: Floats, documents: Sequence[Floats]) -> Floats:
    """The largest product of each row with a token of each document, 0 where there is none: (tokens, documents)."""
    best = np.zeros((len(rows), len(documents)), np.float32)
    filled = [place for place, document in enumerate(documents) if len(document)]
    if filled:
        products = rows @ np.concatenate([documents[place] for place in filled]).T
        firsts = _starts([documents[place] for place in filled])[:-1]
        best[:, filled] = np.maximum.reduceat(products, firsts, axis=1)
    return best


def _summed(best: Floats, starts: Integers) -> Floats:
    """The sum over the tokens of each query: (tokens, documents), (n + 1,) -> (n, documents)."""
    return np.stack([best[start:end].sum(axis=0) for start, end in pairwise(starts.tolist())])
