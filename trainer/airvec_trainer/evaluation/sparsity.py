"""How sparse embeddings are, and what a search with them costs: active dimensions, sparsity ratio, FLOPS.

Knows nothing of models and metrics.
"""

from dataclasses import dataclass

import numpy as np

from airvec.arrays import Integers
from airvec.errors import ArgumentError
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.evaluation.embedding import Embeddings

__all__ = ["Activity", "flops"]


@dataclass(frozen=True)
class Activity:
    """In how many of n embeddings each dimension is not 0; parts of a corpus add up.

        >>> queries = Activity.of(np.array([[1.0, 0, 0, 2], [0, 0, 0, 3]]))
        >>> queries.counts.tolist(), queries.active_dims, queries.sparsity_ratio
        ([1, 0, 0, 2], 1.5, 0.625)

    Attributes:
        rows: n.
        counts: int64 (dim,).
    """

    rows: int
    counts: Integers

    @classmethod
    def of(cls, embeddings: Embeddings) -> "Activity":
        """Of embeddings (n, dim), dense or sparse."""
        if isinstance(embeddings, SparseVectors):
            active = embeddings.indices[embeddings.values != 0]
            return cls(len(embeddings), np.bincount(active, minlength=embeddings.dim))
        return cls(len(embeddings), np.count_nonzero(embeddings, axis=0))

    def __add__(self, other: "Activity") -> "Activity":
        """Of the embeddings of both.

        Raises:
            ArgumentError: they have different dimensions.
        """
        return Activity(self.rows + other.rows, self.counts + _same_dims(self, other).counts)

    @property
    def active_dims(self) -> float:
        """Dimensions of an embedding that are not 0, on average; 0 of no embeddings."""
        return float(self.counts.sum()) / max(1, self.rows)

    @property
    def sparsity_ratio(self) -> float:
        """The share of an embedding that is 0, on average: 1 - active_dims / dim."""
        return 1.0 - self.active_dims / max(1, len(self.counts))

    def metrics(self, in_front: str = "") -> dict[str, float]:
        """`active_dims` and `sparsity_ratio`, by name, such as `query_active_dims` with `in_front="query_"`."""
        return {f"{in_front}active_dims": self.active_dims, f"{in_front}sparsity_ratio": self.sparsity_ratio}


def flops(queries: Activity, corpus: Activity) -> float:
    """Products that the dot product of a query with a document takes: the mean, over all pairs, of shared dimensions.

        >>> flops(Activity(2, np.array([2, 1, 0])), Activity(4, np.array([1, 2, 4])))  # 1 * 1/4 + 1/2 * 1/2
        0.5

    Raises:
        ArgumentError: they have different dimensions.

    Source: Paria et al. 2020, Minimizing FLOPs to Learn Efficient Sparse Representations, 3.
    """
    if not queries.rows or not corpus.rows:
        return 0.0
    shares = _same_dims(queries, corpus).counts / corpus.rows
    return float(queries.counts / queries.rows @ shares)


def _same_dims(one: Activity, other: Activity) -> Activity:
    if len(one.counts) != len(other.counts):
        raise ArgumentError(
            f"sparsity: {len(one.counts)} and {len(other.counts)} dimensions, expected as many. Use one model's."
        )
    return other
