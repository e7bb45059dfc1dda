"""A fitted estimator of scikit-learn → a head and the labels that it decides between.

Estimators are told by their class's name, so that scikit-learn is not imported; a class that derives from one of them
may do anything, and is refused.
Knows nothing of texts and files.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from airvec.errors import ArgumentError
from airvec.heads.averaged import Averaged
from airvec.heads.linear import MARGIN, SIGMOID, SOFTMAX, Linear
from airvec.heads.neighbors import COSINE, EUCLIDEAN, Neighbors
from airvec.heads.perceptron import Perceptron
from airvec.heads.prepared import Normalize, Prepared, Standardize, Step
from airvec.heads.protocol import Head
from airvec.heads.voting import Voting


class Fitted(NamedTuple):
    """A head, and its labels as plain Python values: str, int, float or bool."""

    head: Head
    labels: list[Any]


def read_fitted(fitted: Any) -> Fitted:
    """The head with the answers of a fitted estimator.

    Raises:
        ArgumentError: an estimator that is not fitted, of another class, or with settings that no head has.
    """
    name = type(fitted).__name__
    if name == "Pipeline" and _is_of_sklearn(fitted):
        return _pipeline(fitted, read_fitted)
    if name not in READERS or not _is_of_sklearn(fitted):
        known = ", ".join([*READERS, "Pipeline"])
        raise ArgumentError(f"fitted: {fitted!r:.120}, expected one of {known} of scikit-learn. Fit one of these.")
    if not hasattr(fitted, "classes_"):
        raise ArgumentError(f"fitted: {fitted!r:.120} is not fitted, expected one that is. Call its fit first.")
    return READERS[name](fitted)


def _pipeline(fitted: Any, read_last: Callable[[Any], Fitted]) -> Fitted:
    *steps, (_, last) = fitted.steps
    head, labels = read_last(last)
    read = tuple(_step(step) for _, step in steps if step is not None and step != "passthrough")
    return Fitted(Prepared(read, head) if read else head, labels)


def _logistic(fitted: Any) -> Fitted:
    """Before scikit-learn 1.8 there was `multi_class`, which with two labels doubles what goes into the sigmoid."""
    classes: list[Any] = fitted.classes_.tolist()
    way = getattr(fitted, "multi_class", "auto")
    apart = way == "ovr" or (way != "multinomial" and getattr(fitted, "solver", "") == "liblinear")
    factor = 2 if way == "multinomial" and len(classes) == 2 else 1
    link = SIGMOID if apart and len(classes) > 2 else SOFTMAX
    return Fitted(Linear(fitted.coef_ * factor, fitted.intercept_ * factor, link), classes)


def _margin(fitted: Any) -> Fitted:
    return Fitted(_linear(fitted), fitted.classes_.tolist())


def _linear(fitted: Any) -> Linear:
    """Without an intercept scikit-learn keeps one number for it."""
    weights = np.atleast_2d(fitted.coef_)  # RidgeClassifier has (dim,) for two labels
    bias = np.broadcast_to(np.asarray(fitted.intercept_, np.float64).reshape(-1), (len(weights),))
    return Linear(weights, bias, MARGIN)


def _descent(fitted: Any) -> Fitted:
    """The probabilities of `loss="log_loss"` are sigmoids, scaled; of other losses none are read."""
    link = SIGMOID if fitted.loss == "log_loss" else MARGIN
    return Fitted(replace(_linear(fitted), link=link), fitted.classes_.tolist())


def _ridge(fitted: Any) -> Fitted:
    """It takes several labels by itself."""
    several = fitted._label_binarizer.y_type_.startswith("multilabel")  # noqa: SLF001  # the only place that says it
    return Fitted(replace(_linear(fitted), multi_label=several), fitted.classes_.tolist())


def _machine(fitted: Any) -> Fitted:
    """Two labels are one row, whose scores above 0 are the second's; more have a row for each pair."""
    if fitted.kernel != "linear" or fitted.break_ties:
        raise ArgumentError(
            f"fitted: {type(fitted).__name__} with kernel {fitted.kernel!r}, break_ties {fitted.break_ties!r}, "
            "expected 'linear' and False. Fit it with these, or a LinearSVC."
        )
    if len(fitted.classes_) == 2:  # a pair
        return _margin(fitted)
    return Fitted(Voting(np.asarray(fitted.coef_), np.asarray(fitted.intercept_)), fitted.classes_.tolist())


def _calibrated(fitted: Any) -> Fitted:
    """The mean over folds: each has an estimator, and for each of its scores s a sigmoid of -(a · s + b)."""
    if fitted.method != "sigmoid":
        raise ArgumentError(
            f"fitted: CalibratedClassifierCV with method {fitted.method!r}, expected 'sigmoid'. Fit it with that."
        )
    classes: list[Any] = fitted.classes_.tolist()
    return Fitted(Averaged(tuple(_fold(one, classes) for one in fitted.calibrated_classifiers_)), classes)


def _fold(one: Any, classes: list[Any]) -> Head:
    """A sigmoid of a · (w · x + bias) + b is a linear head, too."""
    head, labels = _scores(one.estimator)
    steps, linear = (head.steps, head.head) if isinstance(head, Prepared) else ((), head)
    if not isinstance(linear, Linear) or labels != classes:
        raise ArgumentError(
            f"fitted: CalibratedClassifierCV of {type(one.estimator).__name__} for {labels!r:.80} in a fold, expected "
            f"a linear estimator, such as LinearSVC, for {classes!r:.80}. Fit it with one."
        )
    slopes, shifts = (np.array([getattr(part, name) for part in one.calibrators]) for name in ("a_", "b_"))
    calibrated = Linear(-slopes[:, None] * linear.weights, -(slopes * linear.bias + shifts), SIGMOID)
    return Prepared(steps, calibrated) if steps else calibrated


def _scores(fitted: Any) -> Fitted:
    """A linear head whose scores are the estimator's `decision_function`, whatever its probabilities are."""
    name = type(fitted).__name__
    if name == "FrozenEstimator":
        return _scores(fitted.estimator)
    if name == "Pipeline":
        return _pipeline(fitted, _scores)
    return _margin(fitted) if name in LINEAR else read_fitted(fitted)


def _neighbors(fitted: Any) -> Fitted:
    metric = fitted.effective_metric_
    if metric not in (COSINE, EUCLIDEAN) or not isinstance(fitted.weights, str):
        raise ArgumentError(
            f"fitted: {fitted!r:.120} with metric {metric!r} and weights {fitted.weights!r}, expected metric "
            "'cosine' or 'euclidean' and weights 'uniform' or 'distance'. Fit it with these."
        )
    several, known = isinstance(fitted.classes_, list), np.asarray(fitted._y)  # noqa: SLF001  # the only place of them
    if several:
        columns: list[Any] = [_indicator(classes) for classes in fitted.classes_]
        targets = np.stack([values[known[:, place]] for place, values in enumerate(columns)], axis=1)
        labels: list[Any] = list(range(len(columns)))
    else:
        targets, labels = known.reshape(-1).astype(np.int64), fitted.classes_.tolist()
    vectors = np.asarray(fitted._fit_X)  # noqa: SLF001  # as above
    return Fitted(Neighbors(vectors, targets, len(labels), fitted.n_neighbors, metric, fitted.weights), labels)


def _perceptron(fitted: Any) -> Fitted:
    several = fitted.out_activation_ == "logistic" and fitted.n_outputs_ > 1
    weights, biases = tuple(fitted.coefs_), tuple(fitted.intercepts_)
    return Fitted(Perceptron(weights, biases, fitted.activation, several), fitted.classes_.tolist())


def _one_vs_rest(fitted: Any) -> Fitted:
    """One linear estimator a label; with two labels that exclude one another scikit-learn fits one."""
    return Fitted(_stacked(fitted.estimators_, bool(fitted.multilabel_)), fitted.classes_.tolist())


def _multi_output(fitted: Any) -> Fitted:
    """One linear estimator a column, each of two values."""
    for classes in fitted.classes_:
        _indicator(classes)
    return Fitted(_stacked(fitted.estimators_, True), list(range(len(fitted.estimators_))))


LINEAR = (
    "LogisticRegression",
    "LogisticRegressionCV",
    "LinearSVC",
    "SGDClassifier",
    "RidgeClassifier",
    "RidgeClassifierCV",
)
READERS: dict[str, Callable[[Any], Fitted]] = {
    "LogisticRegression": _logistic,
    "LogisticRegressionCV": _logistic,
    "LinearSVC": _margin,
    "SVC": _machine,
    "NuSVC": _machine,
    "SGDClassifier": _descent,
    "RidgeClassifier": _ridge,
    "RidgeClassifierCV": _ridge,
    "CalibratedClassifierCV": _calibrated,
    "KNeighborsClassifier": _neighbors,
    "MLPClassifier": _perceptron,
    "OneVsRestClassifier": _one_vs_rest,
    "MultiOutputClassifier": _multi_output,
}


def _stacked(estimators: Sequence[Any], several: bool) -> Linear:
    """Linear estimators of two labels each as one head."""
    fitted = [one for one in estimators if type(one).__name__ != "_ConstantPredictor"]
    heads = [read_fitted(one).head for one in fitted]
    linear = [head for head in heads if isinstance(head, Linear) and len(head.weights) == 1]
    if not linear or len(linear) != len(heads):
        raise ArgumentError(
            f"fitted: {type(estimators[0]).__name__} for each label, expected a linear one, such as "
            "LogisticRegression. KNeighborsClassifier and MLPClassifier take several labels themselves: "
            "fit one of those alone."
        )
    found = iter(linear)
    rows = [next(found) if one in fitted else _constant(one, linear[0].dim) for one in estimators]
    link = MARGIN if linear[0].link == MARGIN else SIGMOID
    weights, biases = zip(*((row.weights, row.bias) for row in rows), strict=True)
    return Linear(np.concatenate(weights), np.concatenate(biases), link, several)


def _constant(predictor: Any, width: int) -> Linear:
    """What scikit-learn puts in place of an estimator for a label that all texts had, or none."""
    return Linear(np.zeros((1, width)), np.array([np.inf if predictor.y_[0] else -np.inf]))


def _indicator(classes: Any) -> Any:
    """The values 0 and 1 of a column, as whole numbers.

    Raises:
        ArgumentError: other values.
    """
    values = np.asarray(classes)
    if not set(values.tolist()) <= {0, 1}:
        raise ArgumentError(f"fitted: a column of {values.tolist()!r:.80}, expected 0 and 1. Fit it on indicators.")
    return values.astype(np.int64)


def _step(step: Any) -> Step:
    name = type(step).__name__
    if name == "Normalizer" and _is_of_sklearn(step):
        return Normalize(step.norm)
    if name == "StandardScaler" and _is_of_sklearn(step) and hasattr(step, "n_features_in_"):
        width = step.n_features_in_
        mean: Any = step.mean_ if step.with_mean else np.zeros(width)
        scale: Any = step.scale_ if step.with_std else np.ones(width)
        return Standardize(mean, scale)
    raise ArgumentError(f"fitted: step {step!r:.120}, expected a fitted StandardScaler, or Normalizer. Leave it out.")


def _is_of_sklearn(found: Any) -> bool:
    return type(found).__module__.partition(".")[0] == "sklearn"
