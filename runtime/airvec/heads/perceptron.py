"""A head of several layers: a multi-layer perceptron.

Knows nothing of how its weights were found.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from airvec.arrays import Array, Integers
from airvec.errors import ArgumentError
from airvec.heads.protocol import Doubles, as_doubles, check_length, sigmoid, softmax


def _identity(values: Doubles) -> Doubles:
    return values


def _relu(values: Doubles) -> Doubles:
    return np.maximum(values, 0.0)


def _tanh(values: Doubles) -> Doubles:
    return np.tanh(values)


ACTIVATIONS: dict[str, Callable[[Doubles], Doubles]] = {
    "identity": _identity,
    "logistic": sigmoid,
    "relu": _relu,
    "tanh": _tanh,
}


@dataclass(frozen=True)
class Perceptron:
    """Layers f(x · w + b); after the last one probabilities: softmax, or a sigmoid where there is one output.

    Args:
        weights: of each layer, float (in, out).
        biases: of each layer, float (out,).
        activation: f between the layers: `"identity"`, `"logistic"`, `"relu"` or `"tanh"`.
        multi_label: a sigmoid for each output, and a text's labels are those above 0.5.

    Raises:
        ArgumentError: layers that do not fit together, or no such activation.

    >>> head = Perceptron((np.eye(2), np.eye(2)), (np.zeros(2), np.zeros(2)))
    >>> head.decide(np.array([[3.0, -1.0]])).tolist()
    [0]
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activation: str = "relu"
    multi_label: bool = False

    def __post_init__(self) -> None:
        if not self.weights:
            raise ArgumentError(f"weights: {self.weights!r}, expected at least one layer. Fit the head again.")
        check_length("biases", len(self.biases), len(self.weights))
        width = np.shape(self.weights[0])[0] if np.ndim(self.weights[0]) else 0
        for place, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            check_length(f"rows of layer {place}", len(as_doubles(f"layer {place}", weights, 2)), width)
            width = weights.shape[1]
            check_length(f"bias of layer {place}", len(as_doubles(f"bias of layer {place}", bias, 1)), width)
        if self.activation not in ACTIVATIONS:
            raise ArgumentError(f"activation: {self.activation!r}, expected one of {', '.join(ACTIVATIONS)}.")

    @property
    def dim(self) -> int:
        """Width of the vectors that it reads."""
        return self.weights[0].shape[0]

    @property
    def outputs(self) -> int:
        """Number of labels."""
        width = self.weights[-1].shape[1]
        return 2 if width == 1 and not self.multi_label else width

    def decide(self, vectors: Doubles) -> Integers:
        """The place of the highest probability, or which are above 0.5."""
        found = self.probabilities(vectors)
        return (found > 0.5).astype(np.int64) if self.multi_label else found.argmax(axis=1)

    def probabilities(self, vectors: Doubles) -> Doubles:
        """The last layer's values after softmax or sigmoid."""
        values = vectors
        for weights, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            values = ACTIVATIONS[self.activation](values @ weights.astype(np.float64) + bias)
        values = values @ self.weights[-1].astype(np.float64) + self.biases[-1]
        if self.multi_label:
            return sigmoid(values)
        if values.shape[1] > 1:
            return softmax(values)
        second = sigmoid(values[:, 0])
        return np.stack([1 - second, second], axis=1)
