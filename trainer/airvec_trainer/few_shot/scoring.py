"""Predictions and true labels → measures by name, from scikit-learn.

Knows nothing of models and texts.
"""

from collections.abc import Callable, Mapping
from typing import Any

from airvec.errors import ArgumentError

NAMES = {
    "accuracy": "accuracy_score",
    "f1": "f1_score",
    "matthews_correlation": "matthews_corrcoef",
    "precision": "precision_score",
    "recall": "recall_score",
}


def check_metric(metric: object) -> None:
    """Raise unless it is a name or a function.

    Raises:
        ArgumentError: it is neither, or a name that is not known.
    """
    if not callable(metric) and metric not in NAMES:
        raise ArgumentError(f"metric: {metric!r}, expected one of {', '.join(NAMES)}, or a function. Correct it.")


def measured(
    metric: str | Callable[..., Any], predicted: Any, true: Any, options: Mapping[str, Any] | None
) -> dict[str, float]:
    """A measure, or what a function of predictions and true labels gives.

    Args:
        metric: a key of `NAMES`, or a function; a single number of one is called `"metric"`.
        predicted: labels (n,), or (n, labels) of 0 and 1.
        true: as many.
        options: further arguments, such as `{"average": "macro"}` for f1.
    """
    if callable(metric):
        found = metric(predicted, true, **(options or {}))
        return found if isinstance(found, dict) else {"metric": found}
    from sklearn import metrics

    return {metric: float(getattr(metrics, NAMES[metric])(true, predicted, **(options or {})))}
