"""Thresholds calibrated on labelled scores."""

import json

import numpy as np
import pytest

from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from airvec_trainer.evaluation.calibration import Calibration, OperatingPoint, calibrate

SCORES, LABELS = [5, 4, 3, 3, 2, 1], [1, 1, 0, 1, 0, 1]


@pytest.fixture
def found():
    return calibrate(SCORES, LABELS)


def test_the_best_thresholds(found):
    # at 1: 4 of 6, all found: F1 0.8; at 2.5: 3 of 4, 3 of 4: 0.75; at 3.5: 2 of 2, 2 of 4: 2/3
    assert (found.best_f1, found.best_f1_threshold) == (pytest.approx(0.8), 1.0)
    # above 3.5 four of six are right, and so above 2.5 and at 1: the highest counts
    assert (found.best_accuracy, found.best_accuracy_threshold) == (pytest.approx(4 / 6), 3.5)
    assert (found.count, found.positives) == (6, 4)


def test_the_curve_rises_by_threshold_and_ends_where_nothing_is_taken(found):
    assert found.thresholds.tolist() == [1, 2, 3, 4, 5]
    assert found.precision.tolist() == [4 / 6, 3 / 5, 3 / 4, 1.0, 1.0, 1.0]
    assert found.recall.tolist() == [1.0, 3 / 4, 3 / 4, 2 / 4, 1 / 4, 0.0]


def test_precision_at_a_recall_and_recall_at_a_precision(found):
    assert found.precision_at_recall(0.5) == OperatingPoint(threshold=4.0, precision=1.0, recall=0.5)
    assert found.precision_at_recall(0.6) == OperatingPoint(threshold=3.0, precision=0.75, recall=0.75)
    assert found.precision_at_recall(1) == OperatingPoint(threshold=1.0, precision=4 / 6, recall=1.0)
    assert found.recall_at_precision(0.7) == OperatingPoint(threshold=3.0, precision=0.75, recall=0.75)
    assert found.recall_at_precision(1.0) == OperatingPoint(threshold=4.0, precision=1.0, recall=0.5)


def test_of_equally_good_thresholds_the_highest_is_taken():
    found = calibrate([3, 2, 1], [1, 0, 0])
    assert found.recall_at_precision(0.3).threshold == 3.0


def test_a_precision_that_is_not_reached_is_told():
    with pytest.raises(ArgumentError, match="0.9, expected 0.333333 at most"):
        calibrate([2, 1, 1], [0, 1, 0]).recall_at_precision(0.9)


@pytest.mark.parametrize("share", [0, -0.1, 1.1, float("nan"), "0.5", True])
def test_no_share_is_refused(found, share):
    with pytest.raises(ArgumentError, match="expected a share above 0"):
        found.precision_at_recall(share)


def test_constant_scores_have_one_threshold():
    found = calibrate([1.0, 1.0], [1, 0])
    assert found.thresholds.tolist() == [1.0]
    assert found.precision_at_recall(0.1) == OperatingPoint(1.0, 0.5, 1.0)


def test_it_is_the_same_after_a_file(found, tmp_path):
    found.save(tmp_path / "new" / "threshold.json")
    again = Calibration.load(tmp_path / "new" / "threshold.json")
    assert again.to_json() == found.to_json()
    assert again.precision.tolist() == found.precision.tolist()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["threshold.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"best_f1": None}, "calibration: .*NoneType.*expected what to_json gives"),
        ({"thresholds": [1, 2]}, r"thresholds \[2\], expected"),
        ({"recall": ["high"] * 6}, "calibration: could not convert string to float: 'high', expected what to_json"),
    ],
)
def test_a_file_of_something_else_is_refused(found, tmp_path, change, message):
    path = tmp_path / "threshold.json"
    path.write_text(json.dumps(found.to_json() | change))
    with pytest.raises(ArgumentError, match=message):
        Calibration.load(path)


def test_a_file_that_is_not_there_or_no_object_is_told(tmp_path):
    with pytest.raises(ModelNotFoundError):
        Calibration.load(tmp_path / "none.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ModelFolderError, match="expected an object"):
        Calibration.load(tmp_path / "list.json")
    with pytest.raises(ArgumentError, match="calibration: has no 'count', expected what to_json gives"):
        Calibration.from_json({})


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([1, 2], [1, 1], "2 of 2 are 1, expected some 1 and some 0"),
        ([1, 2], [0, 0], "0 of 2 are 1"),
        ([], [], "0 of 0 are 1"),
        ([1, np.nan], [0, 1], "row 1 is nan"),
        ([1, 2], [0, 3], "expected 0 or 1"),
        ([1, 2, 3], [0, 1], r"\[3\], and labels of \[2\]"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(scores, labels, message):
    with pytest.raises(ArgumentError, match=message):
        calibrate(scores, labels)


def test_a_file_that_is_missing_or_another_is_told_by_its_path(tmp_path):
    with pytest.raises(ModelNotFoundError, match="none.json: no such file, expected one that Calibration.save wrote"):
        Calibration.load(tmp_path / "none.json")
    path = tmp_path / "other.json"
    path.write_text('{"a": 1}')
    with pytest.raises(ArgumentError, match=f"^{path}: calibration: has no 'count'"):
        Calibration.load(path)
