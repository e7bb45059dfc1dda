"""Steps in front of a head: vectors standardised or scaled to one length, as pipelines of scikit-learn do it.

Knows nothing of the head.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from airvec.arrays import Array, Integers
from airvec.errors import ArgumentError
from airvec.heads.protocol import Doubles, Head, as_doubles, check_length

NORMS = ("l1", "l2", "max")


@dataclass(frozen=True)
class Standardize:
    """(x - mean) / scale, both float (dim,)."""

    mean: Array
    scale: Array

    def __post_init__(self) -> None:
        as_doubles("mean", self.mean, 1)
        check_length("scale", len(as_doubles("scale", self.scale, 1)), len(self.mean))
        if not np.all(self.scale):
            raise ArgumentError(f"scale: {np.asarray(self.scale)!r}, expected none to be 0. Fit the scaler again.")

    def __call__(self, vectors: Doubles) -> Doubles:
        """(n, dim) -> (n, dim)."""
        return (vectors - self.mean) / self.scale


@dataclass(frozen=True)
class Normalize:
    """Rows over their norm `"l2"`, `"l1"` or `"max"`; a row of zeros stays."""

    norm: str = "l2"

    def __post_init__(self) -> None:
        if self.norm not in NORMS:
            raise ArgumentError(f"norm: {self.norm!r}, expected one of {', '.join(NORMS)}. Correct it.")

    def __call__(self, vectors: Doubles) -> Doubles:
        """(n, dim) -> (n, dim)."""
        sizes = np.abs(vectors)
        if self.norm == "l2":
            norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        else:
            norms = (sizes.sum(axis=1) if self.norm == "l1" else sizes.max(axis=1, initial=0.0))[:, None]
        return vectors / np.where(norms == 0, 1.0, norms)


Step: TypeAlias = Standardize | Normalize


@dataclass(frozen=True)
class Prepared:
    """A head whose vectors go through steps first.

    Raises:
        ArgumentError: a step is for vectors of another width.
    """

    steps: tuple[Step, ...]
    head: Head

    def __post_init__(self) -> None:
        for step in self.steps:
            if isinstance(step, Standardize):
                check_length("mean", len(step.mean), self.head.dim)

    @property
    def dim(self) -> int:
        """Width of the vectors that it reads."""
        return self.head.dim

    @property
    def outputs(self) -> int:
        """Number of labels."""
        return self.head.outputs

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels."""
        return self.head.multi_label

    def decide(self, vectors: Doubles) -> Integers:
        """What the head decides of the prepared vectors."""
        return self.head.decide(self._through(vectors))

    def probabilities(self, vectors: Doubles) -> Doubles:
        """The head's, of the prepared vectors."""
        return self.head.probabilities(self._through(vectors))

    def _through(self, vectors: Doubles) -> Doubles:
        for step in self.steps:
            vectors = step(vectors)
        return vectors
