"""Agreement of labels is scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.label_agreement import label_agreement


@pytest.mark.parametrize("seed", range(5))
def test_every_mean_is_scikit_learns(seed):
    random = np.random.default_rng(seed)
    # Label 5 is never expected and label 6 never predicted; 7 is in neither.
    expected, predicted = random.choice([0, 1, 2, 3, 4, 6, 8], 60), random.choice([0, 1, 2, 3, 4, 5, 8], 60)
    found = label_agreement(expected, predicted)
    assert found["accuracy"] == pytest.approx(accuracy_score(expected, predicted))
    for average, ending in (("macro", ""), ("weighted", "_weighted")):
        scores = precision_recall_fscore_support(expected, predicted, average=average, zero_division=0)
        for name, score in zip(("precision", "recall", "f1"), scores, strict=False):
            assert found[name + ending] == pytest.approx(score, abs=1e-12)


def test_a_label_that_is_only_predicted_counts_in_the_plain_means():
    # F1 of 0: 2/3, of 1: 1, of 2, which nobody has: 0
    assert label_agreement([0, 0, 1], [0, 2, 1])["f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)


@pytest.mark.parametrize(("expected", "predicted"), [([0, 1], [0]), ([], [])])
def test_labels_without_predictions_are_refused(expected, predicted):
    with pytest.raises(ArgumentError, match=r"shape \[\d\], and predictions of \[\d\], expected as many, and one"):
        label_agreement(expected, predicted)
