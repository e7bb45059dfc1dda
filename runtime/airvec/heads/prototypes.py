"""The head of labels without examples: a vector for each label, made of its descriptions.

Knows nothing of the descriptions.
"""

from dataclasses import dataclass

import numpy as np

from airvec.arrays import Array, Integers
from airvec.errors import ArgumentError
from airvec.heads.protocol import Doubles, as_doubles, softmax, unit

# 1 / 20: the scale of the cosines under which most embedding models learnt to tell one text from the batch's others.
TEMPERATURE = 0.05


@dataclass(frozen=True)
class Prototypes:
    """The label whose vector has the highest cosine; probabilities are the softmax of cosine / temperature.

    Args:
        vectors: float (labels, dim), of any length but 0.
        temperature: above 0; the smaller, the more certain.

    Raises:
        ArgumentError: a vector of zeros, or no such temperature.

    >>> Prototypes(np.eye(2)).probabilities(np.array([[1.0, 1.0]])).tolist()
    [[0.5, 0.5]]
    """

    vectors: Array
    temperature: float = TEMPERATURE

    def __post_init__(self) -> None:
        lengths = np.linalg.norm(as_doubles("vectors", self.vectors, 2), axis=1)
        if not lengths.all():
            raise ArgumentError(f"vectors: row {int(lengths.argmin())} is zero, expected a direction. Make it again.")
        if not 0 < self.temperature < np.inf:
            raise ArgumentError(f"temperature: {self.temperature!r}, expected a number above 0. Correct it.")

    @property
    def dim(self) -> int:
        """Width of the vectors that it reads."""
        return self.vectors.shape[1]

    @property
    def outputs(self) -> int:
        """Number of labels."""
        return len(self.vectors)

    @property
    def multi_label(self) -> bool:
        """Never: cosines of descriptions have no threshold that would hold for all models."""
        return False

    def decide(self, vectors: Doubles) -> Integers:
        """The place of the highest cosine, among equals the first."""
        return self._cosines(vectors).argmax(axis=1)

    def probabilities(self, vectors: Doubles) -> Doubles:
        """Softmax of cosine / temperature."""
        return softmax(self._cosines(vectors) / self.temperature)

    def _cosines(self, vectors: Doubles) -> Doubles:
        return unit(vectors) @ unit(self.vectors.astype(np.float64)).T
