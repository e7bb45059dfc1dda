"""The head of a classifier in training: an estimator of scikit-learn, by name or as given.

Knows nothing of models and texts.
"""

from collections.abc import Mapping
from typing import Any

from airvec.errors import ArgumentError, require

LOGISTIC, SVC, NEIGHBORS, PERCEPTRON = "logistic_regression", "linear_svc", "knn", "mlp"
NAMES = (LOGISTIC, SVC, NEIGHBORS, PERCEPTRON)
ONE_VS_REST, MULTI_OUTPUT = "one-vs-rest", "multi-output"
STRATEGIES = (ONE_VS_REST, MULTI_OUTPUT)


def new_head(name: str, params: Mapping[str, Any] | None, strategy: str | None) -> Any:
    """An estimator that has not been fitted.

    Args:
        name: one of `NAMES`.
        params: arguments of its constructor, over ours.
        strategy: for texts with several labels: `"one-vs-rest"` or `"multi-output"`; None = one label a text. The
            nearest neighbours and the perceptron take several by themselves.

    Raises:
        ArgumentError: no such name, strategy or argument.
        MissingPackageError: scikit-learn is not installed.
    """
    require("sklearn", extra="train", purpose="heads")
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.multioutput import MultiOutputClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import LinearSVC

    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        LOGISTIC: (LogisticRegression, {"max_iter": 500}),
        SVC: (LinearSVC, {"max_iter": 2000}),
        NEIGHBORS: (KNeighborsClassifier, {"n_neighbors": 5, "metric": "cosine"}),
        PERCEPTRON: (MLPClassifier, {"hidden_layer_sizes": (256,), "max_iter": 500}),
    }
    if name not in kinds:
        raise ArgumentError(f"head: {name!r}, expected one of {', '.join(NAMES)}, or an estimator. Correct it.")
    if strategy not in (None, *STRATEGIES):
        known = ", ".join(STRATEGIES)
        raise ArgumentError(f"multi_target_strategy: {strategy!r}, expected None, {known}. Correct it.")
    kind, usual = kinds[name]
    try:
        head = kind(**(usual | dict(params or {})))
    except TypeError as error:
        raise ArgumentError(f"head_params: {dict(params or {})!r} for {kind.__name__}: {error}. Correct it.") from error
    if strategy is None or name in (NEIGHBORS, PERCEPTRON):
        return head
    return OneVsRestClassifier(head) if strategy == ONE_VS_REST else MultiOutputClassifier(head)


def is_perceptron(head: Any) -> bool:
    """Whether it learns by steps, and so has a learning rate."""
    return type(head).__name__ == "MLPClassifier"
