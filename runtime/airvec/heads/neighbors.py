"""The nearest-neighbours head: the texts of the training vote.

Knows nothing of how the vectors were made.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from airvec.arrays import Array, Integers
from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec.heads.protocol import Doubles, as_doubles, check_length, unit
from airvec.search import top_k_rows

COSINE, EUCLIDEAN = "cosine", "euclidean"
METRICS = (COSINE, EUCLIDEAN)
UNIFORM, DISTANCE = "uniform", "distance"
WEIGHTINGS = (UNIFORM, DISTANCE)
BLOCK = 256  # vectors compared at once
# A text's cosine distance to itself: rounding gives -2e-16 to 4e-16 in float64, and two copies must count alike.
SAME = 1e-12


@dataclass(frozen=True)
class Neighbors:
    """The `count` nearest vectors of the training vote for their labels.

    Args:
        vectors: float (m, dim), of the training.
        targets: whole numbers (m,), each a place in the list of labels; (m, labels) of 0 and 1 for several a text.
        labels: how many there are.
        count: neighbours that vote, at most m.
        metric: `"cosine"` or `"euclidean"`.
        weighting: `"uniform"`, or `"distance"`: a vote counts 1 / distance, and where a neighbour has none, only those.

    Raises:
        ArgumentError: arrays that do not fit together, or a setting that there is not.

    >>> head = Neighbors(np.eye(2), np.array([0, 1]), labels=2, count=1)
    >>> head.decide(np.array([[0.9, 0.1]])).tolist()
    [0]
    """

    vectors: Array
    targets: Array
    labels: int
    count: int = 5
    metric: str = COSINE
    weighting: str = UNIFORM

    def __post_init__(self) -> None:
        as_doubles("vectors", self.vectors, 2)
        check_length("targets", len(self.targets), len(self.vectors))
        whole_number("count", self.count)
        if self.count > len(self.vectors):
            raise ArgumentError(f"count: {self.count} of {len(self.vectors)} vectors. Ask for fewer neighbours.")
        self._check_targets()
        for name, found, known in (
            ("metric", self.metric, METRICS),
            ("weighting", self.weighting, WEIGHTINGS),
        ):
            if found not in known:
                raise ArgumentError(f"{name}: {found!r}, expected one of {', '.join(known)}. Correct it.")

    def _check_targets(self) -> None:
        most = 1 if self.multi_label else self.labels - 1
        found = self.targets
        fits = found.dtype.kind in "iu" and found.ndim in (1, 2) and 0 <= int(found.min()) <= int(found.max()) <= most
        if not fits or (found.ndim == 2 and found.shape[1] != self.labels):
            raise ArgumentError(
                f"targets: {found.dtype} {list(found.shape)} from {found.min()} to {found.max()}, expected whole "
                f"numbers from 0 to {most} for {self.labels} labels. Fit the head again."
            )

    @property
    def dim(self) -> int:
        """Width of the vectors that it reads."""
        return self.vectors.shape[1]

    @property
    def outputs(self) -> int:
        """Number of labels."""
        return self.labels

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels."""
        return self.targets.ndim == 2

    def decide(self, vectors: Doubles) -> Integers:
        """The label with the most votes, among equals the first; with several a text, those with more than half."""
        votes, total = self._votes(vectors)
        return (votes > total - votes).astype(np.int64) if self.multi_label else votes.argmax(axis=1)

    def probabilities(self, vectors: Doubles) -> Doubles:
        """Each label's share of the votes."""
        votes, total = self._votes(vectors)
        return votes / total

    def _votes(self, vectors: Doubles) -> tuple[Doubles, Doubles]:
        """Votes for each label (n, labels), and all votes (n, 1)."""
        parts = list(self._voted(vectors))
        votes = np.concatenate([np.zeros((0, self.labels)), *(part[0] for part in parts)])
        return votes, np.concatenate([np.zeros((0, 1)), *(part[1] for part in parts)])

    def _voted(self, vectors: Doubles) -> Iterator[tuple[Doubles, Doubles]]:
        known = self.vectors.astype(np.float64, copy=False)
        known = unit(known) if self.metric == COSINE else known
        for start in range(0, len(vectors), BLOCK):
            distances = self._distances(vectors[start : start + BLOCK], known)
            nearest = top_k_rows(cast("Any", -distances), self.count)  # (n, count)
            weights = self._weights(np.take_along_axis(distances, nearest, axis=1))
            yield self._counted(nearest, weights), weights.sum(axis=1, keepdims=True)

    def _counted(self, nearest: Integers, weights: Doubles) -> Doubles:
        """Neighbours (n, count) and their weights -> votes (n, labels)."""
        if self.multi_label:
            return np.einsum("nk,nkl->nl", weights, self.targets[nearest].astype(np.float64))
        votes = np.zeros((len(nearest), self.labels))
        rows = np.arange(len(nearest))
        for place in range(nearest.shape[1]):  # a row's neighbours may vote for one label: not all at once
            votes[rows, self.targets[nearest[:, place]]] += weights[:, place]
        return votes

    def _distances(self, block: Doubles, known: Doubles) -> Doubles:
        if self.metric == COSINE:
            distances = 1.0 - unit(block) @ known.T
            return np.where(distances < SAME, 0.0, distances)
        squares = (block**2).sum(axis=1)[:, None] + (known**2).sum(axis=1) - 2.0 * block @ known.T
        return np.sqrt(np.maximum(squares, 0.0))

    def _weights(self, distances: Doubles) -> Doubles:
        if self.weighting == UNIFORM:
            return np.ones_like(distances)
        same = distances == 0
        weights = 1.0 / np.where(same, 1.0, distances)
        return np.where(same.any(axis=1, keepdims=True), same.astype(np.float64), weights)
