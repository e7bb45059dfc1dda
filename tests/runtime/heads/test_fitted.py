"""Heads answer as the estimators of scikit-learn that they were read from."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.heads import packed, read_fitted, unpacked

sklearn = pytest.importorskip("sklearn", reason="scikit-learn comes with airvec[train]")

from sklearn.linear_model import (  # noqa: E402
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.multiclass import OneVsRestClassifier  # noqa: E402
from sklearn.multioutput import MultiOutputClassifier  # noqa: E402
from sklearn.neighbors import KNeighborsClassifier  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler  # noqa: E402
from sklearn.svm import LinearSVC  # noqa: E402

DIM = 24
SOLVED = {"max_iter": 2000}
PERCEPTRON = {"hidden_layer_sizes": (12, 8), "max_iter": 2000, "tol": 1e-3, "random_state": 0}
SINGLE = {
    "logistic": LogisticRegression(**SOLVED),
    "logistic of float64": LogisticRegression(solver="newton-cg", **SOLVED),
    "without an intercept": LogisticRegression(fit_intercept=False, **SOLVED),
    "steps of descent": SGDClassifier(loss="log_loss", alpha=0.1, random_state=0),
    "each against the rest": OneVsRestClassifier(LogisticRegression(**SOLVED)),
    "neighbours": KNeighborsClassifier(5, metric="cosine"),
    "one neighbour": KNeighborsClassifier(1, metric="cosine"),
    "weighted neighbours": KNeighborsClassifier(7, metric="cosine", weights="distance"),
    "euclidean": KNeighborsClassifier(4),
    "weighted euclidean": KNeighborsClassifier(4, weights="distance"),
    "perceptron": MLPClassifier(**PERCEPTRON),
    "tanh": MLPClassifier(activation="tanh", **PERCEPTRON),
    "logistic units": MLPClassifier(activation="logistic", **PERCEPTRON),
    "linear units": MLPClassifier(activation="identity", **PERCEPTRON),
    "standardised": make_pipeline(StandardScaler(), LogisticRegression(**SOLVED)),
    "scaled, not moved": make_pipeline(StandardScaler(with_mean=False), KNeighborsClassifier()),
    "moved, not scaled": make_pipeline(StandardScaler(with_std=False), KNeighborsClassifier()),
    "normalised": make_pipeline(
        "passthrough", Normalizer("l1"), Normalizer("max"), Normalizer(), KNeighborsClassifier()
    ),
}
SEVERAL = {
    "each label": OneVsRestClassifier(LogisticRegression(**SOLVED)),
    "neighbours": KNeighborsClassifier(5, metric="cosine"),
    "weighted": KNeighborsClassifier(4, metric="cosine", weights="distance"),
    "perceptron": MLPClassifier(**PERCEPTRON),
}


def clouds(labels: int, rows: int = 90, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """float32 vectors around a centre for each label, near enough to be mistaken at times."""
    random = np.random.default_rng(seed)
    places = np.arange(rows) % labels
    centres = random.normal(size=(labels, DIM))
    return (centres[places] + 1.5 * random.normal(size=(rows, DIM))).astype(np.float32), places


def indicators(rows: int = 90) -> tuple[np.ndarray, np.ndarray]:
    vectors, places = clouds(4, rows)
    second, _ = clouds(4, rows, seed=1)
    return vectors, np.stack([places == 0, places < 2, second[:, 0] > 0], axis=1).astype(int)


def doubles(vectors: np.ndarray) -> np.ndarray:
    return vectors.astype(np.float64)


@pytest.mark.parametrize("labels", [2, 3, 7])
@pytest.mark.parametrize("name", SINGLE)
def test_a_head_has_the_numbers_of_its_estimator(name, labels):
    vectors, places = clouds(labels)
    names = np.array([f"label {place}" for place in range(labels)])
    fitted = sklearn.clone(SINGLE[name]).fit(vectors, names[places])
    unseen, _ = clouds(labels, 300, seed=5)
    head, found = read_fitted(fitted)
    assert found == names.tolist()
    assert (head.dim, head.outputs, head.multi_label) == (DIM, labels, False)
    expected = fitted.predict_proba(unseen)
    assert expected.std() > 0.1, "an estimator that says the same of every text proves nothing"
    np.testing.assert_allclose(head.probabilities(doubles(unseen)), expected, atol=1e-6)
    assert [found[place] for place in head.decide(doubles(unseen))] == fitted.predict(unseen).tolist()


@pytest.mark.parametrize("labels", [2, 5])
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_a_support_vector_machine_decides_alike_and_has_no_probabilities(labels, wrapped, intercept):
    vectors, places = clouds(labels)
    machine = LinearSVC(fit_intercept=intercept)
    fitted = (OneVsRestClassifier(machine) if wrapped else machine).fit(vectors, places)
    unseen, _ = clouds(labels, 300, seed=5)
    head, found = read_fitted(fitted)
    assert [found[place] for place in head.decide(doubles(unseen))] == fitted.predict(unseen).tolist()
    with pytest.raises(ArgumentError, match="link is 'margin'"):
        head.probabilities(doubles(unseen))


@pytest.mark.parametrize("labels", [2, 5])
@pytest.mark.parametrize(
    "estimator",
    [
        RidgeClassifier(), RidgeClassifier(fit_intercept=False), RidgeClassifierCV(), SGDClassifier(random_state=0),
        SGDClassifier(loss="modified_huber", random_state=0), OneVsRestClassifier(RidgeClassifier()),
    ],
)  # fmt: skip
def test_other_linear_estimators_decide_alike(estimator, labels):
    vectors, places = clouds(labels)
    fitted = estimator.fit(vectors, places)
    unseen, _ = clouds(labels, 300, seed=5)
    head, _ = read_fitted(fitted)
    for one in (head, unpacked(*packed(head))):
        np.testing.assert_array_equal(one.decide(doubles(unseen)), fitted.predict(unseen))
    with pytest.raises(ArgumentError, match="link is 'margin'.*fit a LogisticRegression"):
        head.probabilities(doubles(unseen))


def test_ridge_takes_several_labels_by_itself():
    vectors, targets = indicators()
    fitted = RidgeClassifier().fit(vectors, targets)
    head, found = read_fitted(fitted)
    assert (found, head.outputs, head.multi_label) == ([0, 1, 2], 3, True)
    np.testing.assert_array_equal(head.decide(doubles(vectors)), fitted.predict(vectors))


@pytest.mark.parametrize("name", SEVERAL)
def test_several_labels_a_text(name):
    vectors, targets = indicators()
    fitted = sklearn.clone(SEVERAL[name]).fit(vectors, targets)
    unseen, _ = indicators(300)
    unseen = unseen[::-1] + np.float32(0.3)
    head, found = read_fitted(fitted)
    assert (found, head.outputs, head.multi_label) == ([0, 1, 2], 3, True)
    expected = fitted.predict_proba(unseen)
    if isinstance(expected, list):  # neighbours: an array a label
        expected = np.stack([part[:, 1] for part in expected], axis=1)
    assert expected.std() > 0.1
    np.testing.assert_allclose(head.probabilities(doubles(unseen)), expected, atol=1e-6)
    np.testing.assert_array_equal(head.decide(doubles(unseen)), fitted.predict(unseen))


def test_several_outputs_are_several_labels():
    vectors, targets = indicators()
    fitted = MultiOutputClassifier(LogisticRegression(**SOLVED)).fit(vectors, targets)
    head, _ = read_fitted(fitted)
    expected = np.stack([part[:, 1] for part in fitted.predict_proba(vectors)], axis=1)
    np.testing.assert_allclose(head.probabilities(doubles(vectors)), expected, atol=1e-6)
    np.testing.assert_array_equal(head.decide(doubles(vectors)), fitted.predict(vectors))


@pytest.mark.filterwarnings("ignore:Label .* is present in:UserWarning")
@pytest.mark.parametrize("machine", [LogisticRegression(), LinearSVC()])
def test_a_label_that_all_texts_had_or_none(machine):
    vectors, targets = indicators()
    targets = np.stack([targets[:, 0], np.zeros(len(targets), int), np.ones(len(targets), int)], axis=1)
    fitted = OneVsRestClassifier(machine).fit(vectors, targets)
    head, _ = read_fitted(fitted)
    decided = head.decide(doubles(vectors))
    np.testing.assert_array_equal(decided, fitted.predict(vectors))
    assert (decided[:, 1].max(), decided[:, 2].min()) == (0, 1)
    if isinstance(machine, LogisticRegression):
        np.testing.assert_allclose(head.probabilities(doubles(vectors)), fitted.predict_proba(vectors), atol=1e-6)


@pytest.mark.filterwarnings("ignore:Label .* is present in:UserWarning")
def test_a_constant_first_label_does_not_move_the_others_threshold():
    """scikit-learn 1.9 takes the threshold of all labels from the first, and that of a constant one is 0.5, not 0."""
    vectors, targets = indicators()
    targets[:, 0] = 0
    fitted = OneVsRestClassifier(LogisticRegression(**SOLVED)).fit(vectors, targets)
    decided = read_fitted(fitted).head.decide(doubles(vectors))
    np.testing.assert_array_equal(decided, fitted.predict_proba(vectors) > 0.5)


def test_neighbours_with_a_label_that_no_text_had():
    vectors, targets = indicators()
    targets[:, 1] = 0
    fitted = KNeighborsClassifier(3).fit(vectors, targets)
    head, _ = read_fitted(fitted)
    np.testing.assert_array_equal(head.decide(doubles(vectors)), fitted.predict(vectors))
    assert head.probabilities(doubles(vectors))[:, 1].max() == 0


def test_a_logistic_regression_that_chose_its_own_strength():
    vectors, places = clouds(3)
    fitted = LogisticRegressionCV(
        Cs=3, cv=3, l1_ratios=(0.0,), use_legacy_attributes=False, scoring="accuracy", **SOLVED
    ).fit(vectors, places)
    head, _ = read_fitted(fitted)
    np.testing.assert_allclose(head.probabilities(doubles(vectors)), fitted.predict_proba(vectors), atol=1e-6)


@pytest.mark.parametrize("way", ["ovr", "multinomial"])
def test_the_two_ways_of_old_versions(way):
    """Before 1.8, `multi_class` chose: probabilities scaled from sigmoids, or softmax also of two labels (±score)."""
    labels = 3 if way == "ovr" else 2
    vectors, places = clouds(labels)
    fitted = LogisticRegression(**SOLVED).fit(vectors, places)
    fitted.multi_class = way
    scores = fitted.decision_function(vectors).astype(float)
    sigmoids = 1 / (1 + np.exp(-scores))
    expected = sigmoids / sigmoids.sum(axis=1, keepdims=True) if way == "ovr" else 1 / (1 + np.exp(-2 * scores))
    found = read_fitted(fitted).head.probabilities(doubles(vectors))
    np.testing.assert_allclose(found if way == "ovr" else found[:, 1], expected, atol=1e-6)


@pytest.mark.parametrize("classes", [["a", "b"], [3, 5], [True, False], [2.0, 1.0]])
def test_labels_keep_their_type(classes):
    vectors, places = clouds(2)
    fitted = LogisticRegression().fit(vectors, np.array(classes)[places])
    found = read_fitted(fitted).labels
    assert [type(label) for label in found] == [type(classes[0])] * 2
    assert sorted(found) == sorted(classes)


@pytest.mark.parametrize("name", [*SINGLE, *SEVERAL])
def test_a_head_is_the_same_after_it_was_packed(name):
    vectors, targets = indicators() if name in SEVERAL else clouds(3)
    fitted = sklearn.clone((SINGLE | SEVERAL)[name]).fit(vectors, targets)
    head = read_fitted(fitted).head
    again = unpacked(*packed(head))
    np.testing.assert_array_equal(again.probabilities(doubles(vectors)), head.probabilities(doubles(vectors)))


class Own(LogisticRegression):
    """Somebody's own, which may do anything."""


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Perceptron(), "Perceptron.*expected one of LogisticRegression"),
        (Own(), "Own.*expected one of LogisticRegression"),
        (KNeighborsClassifier(metric="manhattan"), "metric 'manhattan'"),
        (KNeighborsClassifier(weights=lambda distances: distances), "weights <function"),
        (OneVsRestClassifier(KNeighborsClassifier()), "fit one of those alone"),
        (make_pipeline(MinMaxScaler(), LogisticRegression()), r"MinMaxScaler\(\).*Leave it out"),
    ],
)
def test_what_no_head_can_do_is_refused(estimator, message):
    with pytest.raises(ArgumentError, match=message):
        read_fitted(estimator.fit(*clouds(3)))


@pytest.mark.parametrize("estimator", [LogisticRegression(), MLPClassifier(), LinearSVC(), KNeighborsClassifier()])
def test_an_estimator_must_be_fitted(estimator):
    with pytest.raises(ArgumentError, match="is not fitted.*Call its fit first"):
        read_fitted(estimator)


def test_columns_of_other_values_are_refused():
    vectors, targets = indicators()
    with pytest.raises(ArgumentError, match=r"column of \[0, 2\]"):
        read_fitted(KNeighborsClassifier().fit(vectors, 2 * targets))


def test_something_else_is_refused():
    with pytest.raises(ArgumentError, match="fitted: 'logistic', expected one of LogisticRegression"):
        read_fitted("logistic")
