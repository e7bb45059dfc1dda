"""CrossEncoderClassificationEvaluator on given scores."""

import csv

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec_trainer import evaluation
from airvec_trainer.evaluation import CrossEncoderClassificationEvaluator
from airvec_trainer.examples import InputExample
from tests.trainer.evaluation.stand_in import TableModel

PAIRS = [["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"]]


def scored(scores, labels=1):
    model = TableModel({}, scores=np.float32(scores))
    model.num_labels = labels
    return model


def test_the_seven_numbers_of_one_label(tmp_path):
    measure = CrossEncoderClassificationEvaluator(PAIRS, [1, 0, 1, 0], name="dev")
    found = measure(scored([4, 3, 2, 1]), str(tmp_path))
    assert found == pytest.approx(
        {
            "dev_accuracy": 0.75,
            "dev_accuracy_threshold": 3.5,
            "dev_f1": 0.8,
            "dev_f1_threshold": 1.5,
            "dev_precision": 2 / 3,
            "dev_recall": 1.0,
            "dev_average_precision": 5 / 6,
        }
    )
    assert measure.primary_metric == "dev_average_precision"
    with (tmp_path / "CrossEncoderClassificationEvaluator_dev_results.csv").open(newline="") as file:
        head, row = csv.reader(file)
    assert head[2:] == [
        "Accuracy", "Accuracy_Threshold", "F1", "F1_Threshold", "Precision", "Recall", "Average_Precision",
    ]  # fmt: skip
    assert float(row[3]) == 3.5


def test_scores_in_a_column_are_one_label():
    scores = [4, 3, 2, 1]
    measure = CrossEncoderClassificationEvaluator(PAIRS, [1, 0, 1, 0])
    assert measure(scored([[score] for score in scores])) == measure(scored(scores))


def test_the_three_numbers_of_several_labels(tmp_path):
    measure = CrossEncoderClassificationEvaluator(PAIRS, [0, 0, 1, 2])
    found = measure(scored([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]], 3), str(tmp_path))
    # F1 of 0: 2/3, of 1: 2/3, of 2: 1
    assert found == pytest.approx({"f1_macro": 7 / 9, "f1_micro": 0.75, "f1_weighted": (2 * 2 / 3 + 2 / 3 + 1) / 4})
    assert measure.primary_metric == "f1_macro"
    head = (tmp_path / "CrossEncoderClassificationEvaluator_results.csv").read_text().splitlines()[0]
    assert head == "epoch,steps,Macro_F1,Micro_F1,Weighted_F1"


def test_the_arguments_reach_predict():
    model = scored([1, 2, 3, 4])
    CrossEncoderClassificationEvaluator(PAIRS, [0, 1, 0, 1], prompt_name="p", batch_size=2, show_progress_bar=True)(
        model
    )
    ((_, pairs, given),) = model.calls
    assert pairs == PAIRS
    assert given == {"prompt_name": "p", "batch_size": 2, "show_progress_bar": True, "convert_to_numpy": True}


@pytest.mark.parametrize(
    "name",
    ["CEBinaryAccuracyEvaluator", "CEBinaryClassificationEvaluator", "CEF1Evaluator", "CESoftmaxAccuracyEvaluator"],
)
def test_old_names_make_the_same(name):
    examples = [InputExample(texts=pair, label=label) for pair, label in zip(PAIRS, [1, 0, 1, 0], strict=True)]
    measure = getattr(evaluation, name).from_input_examples(examples, name="dev")
    assert measure(scored([4, 3, 2, 1]))["dev_f1"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("pairs", "labels", "message"),
    [
        (PAIRS, [1, 0], "4 pairs, 2 labels"),
        (PAIRS, [1, 0, 0.5, 1], "row 2: 0.5, expected 0, 1, 2"),
        (PAIRS, [1, 0, -1, 1], "row 2: -1, expected"),
        ([["a"]], [1], "row 0"),
        ([], [], "0 pairs"),
    ],
)
def test_what_cannot_be_measured_is_refused_when_made(pairs, labels, message):
    with pytest.raises(ArgumentError, match=message):
        CrossEncoderClassificationEvaluator(pairs, labels)


def test_classes_or_scores_that_do_not_fit_the_model_are_refused():
    with pytest.raises(ArgumentError, match="row 3 is .*2.*, expected 0 or 1"):
        CrossEncoderClassificationEvaluator(PAIRS, [0, 1, 1, 2])(scored([1, 2, 3, 4]))
    with pytest.raises(ArgumentError, match="row 1 is nan"):
        CrossEncoderClassificationEvaluator(PAIRS, [0, 1, 1, 0])(scored([1, np.nan, 3, 4]))
    with pytest.raises(ArgumentError, match=r"row 2: 5, but the model \(TableModel\) tells 3 classes, expected 0 to 2"):
        CrossEncoderClassificationEvaluator(PAIRS, [0, 1, 5, 2])(scored([[1, 2, 3]] * 4, 3))
    with pytest.raises(ArgumentError, match=r"shape \[4, 2\], 1 of them nan"):
        CrossEncoderClassificationEvaluator(PAIRS, [0, 1, 1, 0])(scored([[1, np.nan]] + [[1, 2]] * 3, 2))
