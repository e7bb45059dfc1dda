"""Agreement of labels is scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

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
