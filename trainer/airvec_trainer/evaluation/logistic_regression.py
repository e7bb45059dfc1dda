"""Multinomial logistic regression, fitted to its optimum by L-BFGS in NumPy.

The objective is scikit-learn's: the sum of the rows' cross-entropies plus half the squared weights, biases free; with
two labels the weights count twice, which makes it scikit-learn's binary one.
Knows nothing of models and texts.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from airvec.errors import AirvecWarning

__all__ = ["LogisticRegression", "fit_logistic_regression", "minimise"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Objective = Callable[[Floats], tuple[float, Floats]]
MEMORY = 10  # steps that L-BFGS remembers
HALVINGS = 40
SUFFICIENT = 1e-4  # Armijo: share of the decrease that the slope promises


@dataclass(frozen=True)
class LogisticRegression:
    """A fitted classifier: `weights` float64 (dim, labels), `biases` float64 (labels,)."""

    weights: Floats
    biases: Floats

    def predict(self, rows: npt.ArrayLike) -> Integers:
        """The number of the likeliest label of each row of (n, dim): int64 (n,)."""
        return np.argmax(np.asarray(rows, dtype=np.float64) @ self.weights + self.biases, axis=1)


def fit_logistic_regression(
    rows: npt.ArrayLike, labels: npt.ArrayLike, *, tolerance: float = 1e-6, max_iterations: int = 1000
) -> LogisticRegression:
    """Fit to rows (n, dim) with labels (n,), whole numbers from 0 without gaps.

    Args:
        rows: any float dtype; computed in float64.
        labels: at least two different ones.
        tolerance: the fit ends when no component of the gradient of the mean objective is larger.
        max_iterations: ends it before that, with a warning.

    >>> model = fit_logistic_regression([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> model.predict([[0.9], [2.1]]).tolist()
    [0, 1]
    """
    x, y = np.asarray(rows, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    count, dim, width = len(x), x.shape[1], int(y.max()) + 1
    penalty = (2.0 if width == 2 else 1.0) / count
    targets = np.zeros((count, width))
    targets[np.arange(count), y] = 1.0

    def objective(flat: Floats) -> tuple[float, Floats]:
        weights, biases = flat[: dim * width].reshape(dim, width), flat[dim * width :]
        logits = x @ weights + biases  # (n, labels)
        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        sums = exponentials.sum(axis=1, keepdims=True)
        loss = float((np.log(sums[:, 0]) - logits[np.arange(count), y]).mean())
        errors = (exponentials / sums - targets) / count
        gradient = np.concatenate([(x.T @ errors + penalty * weights).ravel(), errors.sum(axis=0)])
        return loss + 0.5 * penalty * float((weights**2).sum()), gradient

    found, largest = minimise(objective, np.zeros((dim + 1) * width), tolerance, max_iterations)
    if largest > tolerance:
        warnings.warn(
            f"logistic regression: stopped at a gradient of {largest:.1e}, expected {tolerance:.1e} or less. "
            "The labels may differ a little from the optimum's; raise max_iterations.",
            AirvecWarning,
            stacklevel=2,
        )
    return LogisticRegression(found[: dim * width].reshape(dim, width), found[dim * width :])


def minimise(objective: Objective, start: Floats, tolerance: float, max_iterations: int) -> tuple[Floats, float]:
    """The minimum of a convex function by L-BFGS with backtracking.

    Args:
        objective: point (d,) -> value and gradient (d,).
        start: (d,).
        tolerance: ends when no component of the gradient is larger.
        max_iterations: ends it before that.

    Returns:
        The point, and its gradient's largest component.

    Source: Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 3.1.

    >>> point, slope = minimise(lambda x: (float(((x - 3) ** 2).sum()), 2 * (x - 3)), np.zeros(2), 1e-9, 50)
    >>> point.round(6).tolist(), slope <= 1e-9
    ([3.0, 3.0], True)
    """
    point, (value, gradient) = start, objective(start)
    steps: list[tuple[Floats, Floats]] = []
    for _ in range(max_iterations):
        if np.abs(gradient).max() <= tolerance:
            break
        direction = _direction(gradient, steps)
        slope = float(gradient @ direction)
        length = 1.0 if steps else 1.0 / max(1.0, float(np.linalg.norm(gradient)))
        for _ in range(HALVINGS):
            fresh = point + length * direction
            new_value, new_gradient = objective(fresh)
            if new_value <= value + SUFFICIENT * length * slope:
                break
            length /= 2
        else:
            break  # no step goes down any more: rounding is larger than what is left
        change, turn = fresh - point, new_gradient - gradient
        if change @ turn > 0:
            steps = [*steps[-MEMORY + 1 :], (change, turn)]
        point, value, gradient = fresh, new_value, new_gradient
    return point, float(np.abs(gradient).max())


def _direction(gradient: Floats, steps: list[tuple[Floats, Floats]]) -> Floats:
    """The two loops: minus the gradient, times the inverse curvature that the last steps showed."""
    direction = -gradient
    shares: list[float] = []
    for change, turn in reversed(steps):
        share = float(change @ direction) / float(change @ turn)
        direction = direction - share * turn
        shares.append(share)
    if steps:
        change, turn = steps[-1]
        direction = direction * (float(change @ turn) / float(turn @ turn))
    for (change, turn), share in zip(steps, reversed(shares), strict=True):
        direction = direction + change * (share - float(turn @ direction) / float(change @ turn))
    return direction
