"""What every head does, and the checks that heads share.

Knows nothing of any one head.
"""

from typing import Protocol, TypeAlias

import numpy as np

from airvec.arrays import Array, Integers
from airvec.errors import ArgumentError

Doubles: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class Head(Protocol):
    """Vectors → labels, as places in a list of labels that somebody else keeps."""

    @property
    def dim(self) -> int:
        """Width of the vectors that it reads."""
        ...

    @property
    def outputs(self) -> int:
        """Number of labels."""
        ...

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels, or none."""
        ...

    def decide(self, vectors: Doubles) -> Integers:
        """The place of each row's label, (n,); with several labels a text, 0 or 1 for each of them, (n, outputs)."""
        ...

    def probabilities(self, vectors: Doubles) -> Doubles:
        """Each label's probability, (n, outputs); rows sum to 1 where a text has one label."""
        ...


def as_doubles(name: str, array: Array, dimensions: int) -> Doubles:
    """The array as float64, if it holds finite numbers in so many dimensions.

    Raises:
        ArgumentError: another number of dimensions, no numbers, or numbers that are infinite or none.
    """
    found = np.asarray(array)
    if found.ndim != dimensions or found.dtype.kind not in "fiub":
        shape = f"{list(found.shape)} of {found.dtype}"
        raise ArgumentError(f"{name}: {shape}, expected numbers in {dimensions} dimensions. Fit the head again.")
    doubles = found.astype(np.float64, copy=False)
    if not np.isfinite(doubles).all():
        where = np.argwhere(~np.isfinite(doubles))[0].tolist()
        raise ArgumentError(f"{name}: {doubles[tuple(where)]} at {where}, expected finite numbers. Fit the head again.")
    return doubles


def check_length(name: str, found: int, expected: int) -> None:
    """Raise unless two arrays that belong together fit.

    Raises:
        ArgumentError: they do not.
    """
    if found != expected:
        raise ArgumentError(f"{name}: {found} of them, expected {expected}. Fit the head again.")


def sigmoid(scores: Doubles) -> Doubles:
    """1 / (1 + e⁻ˣ) in float64, without overflow.

    >>> sigmoid(np.array([0.0, -1e4])).tolist()
    [0.5, 0.0]
    """
    small = np.exp(-np.abs(scores))  # at most 1
    return np.where(scores >= 0, 1.0, small) / (1.0 + small)


def softmax(scores: Doubles) -> Doubles:
    """e^x over its row's sum, (n, k) -> (n, k), in float64.

    >>> softmax(np.array([[0.0, 0.0], [1e4, 0.0]])).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def unit(rows: Doubles) -> Doubles:
    """Rows of length 1, in float64; a row of zeros stays, as scikit-learn's does.

    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths == 0, 1.0, lengths)
