"""The mean of heads, and what `CalibratedClassifierCV` answers."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.heads import Averaged, Linear, packed, read_fitted, unpacked

sklearn = pytest.importorskip("sklearn", reason="scikit-learn comes with airvec[train]")

from sklearn.calibration import CalibratedClassifierCV  # noqa: E402
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier  # noqa: E402
from sklearn.neighbors import KNeighborsClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import Normalizer, StandardScaler  # noqa: E402
from sklearn.svm import SVC, LinearSVC  # noqa: E402

from tests.runtime.heads.test_fitted import clouds, doubles  # noqa: E402

CALIBRATED = {
    "a support vector machine": CalibratedClassifierCV(LinearSVC()),
    "of itself": CalibratedClassifierCV(cv=3),
    "one for all folds": CalibratedClassifierCV(LinearSVC(), ensemble=False),
    "ridge": CalibratedClassifierCV(RidgeClassifier()),
    "steps of descent": CalibratedClassifierCV(SGDClassifier(random_state=0)),
    "logistic": CalibratedClassifierCV(LogisticRegression(max_iter=2000)),
    "prepared": CalibratedClassifierCV(make_pipeline(StandardScaler(), Normalizer(), LinearSVC())),
    "after a scaler": make_pipeline(StandardScaler(), CalibratedClassifierCV(LinearSVC())),
}


@pytest.mark.parametrize("labels", [2, 3, 6])
@pytest.mark.parametrize("name", CALIBRATED)
def test_it_has_the_probabilities_of_scikit_learn_and_has_them_reopened(name, labels):
    vectors, places = clouds(labels)
    fitted = sklearn.clone(CALIBRATED[name]).fit(vectors, places)
    unseen, _ = clouds(labels, 300, seed=5)
    head, found = read_fitted(fitted)
    assert (found, head.dim, head.outputs, head.multi_label) == (list(range(labels)), vectors.shape[1], labels, False)
    expected = fitted.predict_proba(doubles(unseen))
    assert expected.std() > 0.05, "an estimator that says the same of every text proves nothing"
    for one in (head, unpacked(*packed(head))):
        np.testing.assert_allclose(one.probabilities(doubles(unseen)), expected, atol=1e-6)
        assert one.decide(doubles(unseen)).tolist() == fitted.predict(unseen).tolist()


def test_a_machine_of_two_labels_with_a_kernel_that_is_linear():
    vectors, places = clouds(2)
    fitted = CalibratedClassifierCV(SVC(kernel="linear")).fit(vectors, places)
    found = read_fitted(fitted).head.probabilities(doubles(vectors))
    np.testing.assert_allclose(found, fitted.predict_proba(vectors), atol=1e-6)


def test_an_estimator_that_was_fitted_before():
    frozen = pytest.importorskip("sklearn.frozen", reason="scikit-learn has it from 1.6 on")
    vectors, places = clouds(3)
    machine = LinearSVC().fit(*clouds(3, seed=2))
    fitted = CalibratedClassifierCV(frozen.FrozenEstimator(machine)).fit(vectors, places)
    found = read_fitted(fitted).head.probabilities(doubles(vectors))
    np.testing.assert_allclose(found, fitted.predict_proba(vectors), atol=1e-6)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (CalibratedClassifierCV(LinearSVC(), method="isotonic"), "method 'isotonic', expected 'sigmoid'"),
        (CalibratedClassifierCV(KNeighborsClassifier()), "CalibratedClassifierCV of KNeighborsClassifier.*LinearSVC"),
        (CalibratedClassifierCV(SVC(kernel="linear")), "CalibratedClassifierCV of SVC.*LinearSVC"),
    ],
)
def test_what_is_not_a_sigmoid_of_linear_scores_is_refused(estimator, message):
    with pytest.raises(ArgumentError, match=message):
        read_fitted(estimator.fit(*clouds(3)))


def test_heads_of_other_widths_or_several_labels_are_refused():
    first, other = Linear(np.zeros((3, 2)), np.zeros(3)), Linear(np.zeros((3, 4)), np.zeros(3))
    with pytest.raises(ArgumentError, match="dimensions of a head: 4 of them, expected 2"):
        Averaged((first, other))
    with pytest.raises(ArgumentError, match=r"heads: \['Linear'\].*one label a text"):
        Averaged((Linear(np.zeros((3, 2)), np.zeros(3), "sigmoid", True),))
