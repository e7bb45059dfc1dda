"""A support vector machine for three labels or more, as libsvm decides: each pair of labels is asked, and votes.

Knows nothing of how its weights were found.
"""

from dataclasses import dataclass

import numpy as np

from airvec.arrays import Array, Integers
from airvec.errors import ArgumentError
from airvec.heads.protocol import Doubles, as_doubles, check_length


@dataclass(frozen=True)
class Voting:
    """A row w · x + b for each pair of labels (0, 1), (0, 2), …, (1, 2), …: above 0 votes for the first of the pair.

    The label with the most votes wins; of several, the first.

    Args:
        weights: float (labels · (labels - 1) / 2, dim).
        bias: float, one for each pair.

    Raises:
        ArgumentError: arrays that do not fit together, or rows for no number of labels.

    >>> head = Voting(np.array([[1.0], [1.0], [1.0]]), np.array([0.0, 0.0, 0.0]))
    >>> head.decide(np.array([[1.0], [-1.0]])).tolist()
    [0, 2]
    """

    weights: Array
    bias: Array

    def __post_init__(self) -> None:
        as_doubles("weights", self.weights, 2)
        as_doubles("bias", self.bias, 1)
        check_length("bias", len(self.bias), len(self.weights))
        check_length("weights", len(self.weights), self.outputs * (self.outputs - 1) // 2)

    @property
    def dim(self) -> int:
        """Width of the vectors that it reads."""
        return self.weights.shape[1]

    @property
    def outputs(self) -> int:
        """Number of labels."""
        return int((1 + np.sqrt(1 + 8 * len(self.weights))) / 2)

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels: never."""
        return False

    def decide(self, vectors: Doubles) -> Integers:
        """The place with the most votes."""
        first, second = np.triu_indices(self.outputs, 1)
        winners = np.where(vectors @ self.weights.T.astype(np.float64) + self.bias > 0, first, second)
        votes = np.stack([(winners == place).sum(axis=1) for place in range(self.outputs)], axis=1)
        return votes.argmax(axis=1)

    def probabilities(self, vectors: Doubles) -> Doubles:
        """None.

        Raises:
            ArgumentError: always.
        """
        raise ArgumentError(
            f"predict_proba: asked of {len(vectors)} texts, but a support vector machine's votes are no probabilities, "
            "and those of SVC(probability=True) are not read. Use predict, or fit a CalibratedClassifierCV of a "
            "LinearSVC, or a LogisticRegression."
        )
