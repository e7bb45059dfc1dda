"""Votes of pairs of labels, as libsvm counts them, and what `SVC` answers."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.heads import Voting, packed, read_fitted, unpacked

pytest.importorskip("sklearn", reason="scikit-learn comes with airvec[train]")

from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, NuSVC

from tests.runtime.heads.test_fitted import clouds, doubles


@pytest.mark.parametrize("labels", [2, 3, 4, 7])
@pytest.mark.parametrize(
    "machine",
    [
        SVC(kernel="linear"),
        SVC(kernel="linear", C=0.01, class_weight="balanced", decision_function_shape="ovo"),
        NuSVC(kernel="linear", nu=0.2),
        make_pipeline(StandardScaler(), SVC(kernel="linear")),
    ],
)
def test_it_decides_as_scikit_learn_does_and_does_so_reopened(machine, labels):
    vectors, places = clouds(labels)
    fitted = machine.fit(vectors, np.array([f"label {place}" for place in range(labels)])[places])
    unseen, _ = clouds(labels, 500, seed=5)
    head, found = read_fitted(fitted)
    assert (head.dim, head.outputs, head.multi_label) == (vectors.shape[1], labels, False)
    for one in (head, unpacked(*packed(head))):
        assert [found[place] for place in one.decide(doubles(unseen))] == fitted.predict(unseen).tolist()


def test_ties_of_votes_go_to_the_first_label():
    """Each of three labels beats one other: scikit-learn's `break_ties=False`."""
    head = Voting(np.zeros((3, 1)), np.array([1.0, -1.0, 1.0]))  # 0 beats 1, 2 beats 0, 1 beats 2
    assert head.decide(np.zeros((1, 1))).tolist() == [0]


def test_one_machine_a_label():
    vectors, places = clouds(4)
    fitted = OneVsRestClassifier(SVC(kernel="linear")).fit(vectors, places)
    unseen, _ = clouds(4, 300, seed=5)
    np.testing.assert_array_equal(read_fitted(fitted).head.decide(doubles(unseen)), fitted.predict(unseen))


def test_votes_are_no_probabilities():
    head, _ = read_fitted(SVC(kernel="linear").fit(*clouds(3)))
    with pytest.raises(ArgumentError, match=r"predict_proba.*SVC\(probability=True\).*fit a CalibratedClassifierCV"):
        head.probabilities(doubles(clouds(3)[0]))


@pytest.mark.parametrize("settings", [{"kernel": "rbf"}, {"kernel": "linear", "break_ties": True}])
def test_another_kernel_and_other_ties_are_refused(settings):
    fitted = SVC(**settings).fit(*clouds(3))
    with pytest.raises(ArgumentError, match="kernel '.*', break_ties .*expected .*'linear' and False"):
        read_fitted(fitted)


def test_rows_for_no_number_of_labels_are_refused():
    with pytest.raises(ArgumentError, match="weights: 4 of them, expected 3"):
        Voting(np.zeros((4, 2)), np.zeros(4))
