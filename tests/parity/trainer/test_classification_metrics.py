"""Measures of classification against scikit-learn's, ties and single classes included."""

import numpy as np
import pytest
from sklearn import metrics as sk

from airvec_trainer.evaluation.calibration import calibrate
from airvec_trainer.evaluation.classification_metrics import (
    accuracy_threshold,
    average_precision,
    best_f1,
    matthews,
    outcomes,
)
from airvec_trainer.evaluation.label_agreement import label_agreement

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:No positive class found:UserWarning"),
    pytest.mark.filterwarnings("ignore:A single label was found:UserWarning"),
]


def cases():
    random = np.random.default_rng(0)
    for count in (1, 2, 3, 10, 200):
        for share in (0.0, 0.1, 0.5, 1.0):
            for digits in (0, 1, 8):
                yield random.normal(size=count).round(digits), (random.random(count) < share).astype(int)


def test_average_precision():
    for scores, labels in cases():
        expected = sk.average_precision_score(labels, scores)
        assert average_precision(outcomes(scores, labels)) == pytest.approx(expected, abs=1e-12)


def test_thresholds_give_what_is_said_of_them():
    for scores, labels in cases():
        accuracy, threshold = accuracy_threshold(scores, labels)
        assert sk.accuracy_score(labels, scores >= threshold) == pytest.approx(accuracy, abs=1e-12)
        best = best_f1(outcomes(scores, labels))
        if labels.any():
            found = scores >= best.threshold
            assert sk.f1_score(labels, found) == pytest.approx(best.f1, abs=1e-12)
            assert sk.precision_score(labels, found) == pytest.approx(best.precision, abs=1e-12)
            assert sk.recall_score(labels, found) == pytest.approx(best.recall, abs=1e-12)


def test_no_threshold_is_better():
    for scores, labels in cases():
        if labels.any():
            tried = [scores >= one for one in scores]
            assert best_f1(outcomes(scores, labels)).f1 == pytest.approx(
                max(sk.f1_score(labels, one) for one in tried), abs=1e-12
            )


def test_matthews():
    for scores, labels in cases():
        assert matthews(labels, scores >= 0) == pytest.approx(sk.matthews_corrcoef(labels, scores >= 0), abs=1e-12)


def test_f1_of_classes():
    random = np.random.default_rng(1)
    for count in (1, 5, 300):
        for classes in (1, 2, 7):
            labels, found = random.integers(0, classes, (2, count)) * 3
            expected = {name: sk.f1_score(labels, found, average=name) for name in ("macro", "micro", "weighted")}
            agreement = label_agreement(labels, found)
            ours = {"macro": agreement["f1"], "micro": agreement["accuracy"], "weighted": agreement["f1_weighted"]}
            assert ours == pytest.approx(expected, abs=1e-12)


def test_the_curve_of_a_calibration():
    compared = 0
    for scores, labels in cases():
        if 0 < labels.sum() < len(labels):
            found = calibrate(scores, labels)
            for mine, expected in zip(
                (found.precision, found.recall, found.thresholds),
                sk.precision_recall_curve(labels, scores),
                strict=True,
            ):
                np.testing.assert_array_equal(mine, expected)
            compared += 1
    assert compared > 10
