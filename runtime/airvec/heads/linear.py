"""A linear head: logistic regression, a linear support vector machine, ridge, or one of these for each label.

Knows nothing of how its weights were found.
"""

from dataclasses import dataclass

import numpy as np

from airvec.arrays import Array, Integers
from airvec.errors import ArgumentError
from airvec.heads.protocol import Doubles, as_doubles, check_length, sigmoid, softmax

SOFTMAX, SIGMOID, MARGIN = "softmax", "sigmoid", "margin"
LINKS = (SOFTMAX, SIGMOID, MARGIN)


@dataclass(frozen=True)
class Linear:
    """Scores w · x + b, one for each label.

    Args:
        weights: float (labels, dim); (1, dim) for two labels of which the second has the scores above 0.
        bias: float (labels,); ±inf for a label that all texts had in training, or none.
        link: how scores become probabilities: `"softmax"`; `"sigmoid"` of each, scaled to sum to 1 where a text has one
            label; `"margin"`: they do not, as those of a support vector machine.
        multi_label: whether a text may have several labels: those whose scores are above 0.

    Raises:
        ArgumentError: arrays that do not fit together, or no such link.

    >>> head = Linear(np.array([[2.0, 0.0], [0.0, 2.0]]), np.array([0.0, 0.0]))
    >>> head.decide(np.array([[1.0, 0.0], [0.0, 1.0]])).tolist()
    [0, 1]
    """

    weights: Array
    bias: Array
    link: str = SOFTMAX
    multi_label: bool = False

    def __post_init__(self) -> None:
        as_doubles("weights", self.weights, 2)
        bias = np.asarray(self.bias)
        if bias.ndim != 1 or bias.dtype.kind not in "fiub" or np.isnan(bias).any():
            raise ArgumentError(f"bias: {bias!r}, expected a number for each label. Fit the head again.")
        check_length("bias", len(bias), len(self.weights))
        if self.link not in LINKS:
            raise ArgumentError(f"link: {self.link!r}, expected one of {', '.join(LINKS)}. Correct it.")

    @property
    def dim(self) -> int:
        """Width of the vectors that it reads."""
        return self.weights.shape[1]

    @property
    def outputs(self) -> int:
        """Number of labels."""
        return 2 if self._is_binary else len(self.weights)

    def scores(self, vectors: Doubles) -> Doubles:
        """w · x + b: (n, dim) -> (n, rows of the weights)."""
        return vectors @ self.weights.T.astype(np.float64) + self.bias

    def decide(self, vectors: Doubles) -> Integers:
        """The place of the highest score, or which are above 0."""
        scores = self.scores(vectors)
        if self.multi_label:
            return (scores > 0).astype(np.int64)
        return (scores[:, 0] > 0).astype(np.int64) if self._is_binary else scores.argmax(axis=1)

    def probabilities(self, vectors: Doubles) -> Doubles:
        """By the link.

        Raises:
            ArgumentError: the link is `"margin"`.
        """
        if self.link == MARGIN:
            raise ArgumentError(
                f"predict_proba: the head's link is {self.link!r}: scores of a support vector machine, of ridge or of "
                "SGDClassifier without log_loss, which are no probabilities. Use predict, or fit a LogisticRegression "
                "or a CalibratedClassifierCV."
            )
        scores = self.scores(vectors)
        if self._is_binary:
            second = sigmoid(scores[:, 0])
            return np.stack([1 - second, second], axis=1)
        if self.link == SOFTMAX and not self.multi_label:
            return softmax(scores)
        found = sigmoid(scores)
        return found if self.multi_label else _scaled(found)

    @property
    def _is_binary(self) -> bool:
        return len(self.weights) == 1 and not self.multi_label


def _scaled(found: Doubles) -> Doubles:
    """Rows that sum to 1; a row of zeros stays, as scikit-learn's does."""
    sums = found.sum(axis=1, keepdims=True)
    return np.divide(found, sums, out=found.copy(), where=sums != 0)
