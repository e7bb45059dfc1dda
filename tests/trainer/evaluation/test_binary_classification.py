"""BinaryClassificationEvaluator on a table of embeddings."""

import csv

import numpy as np
import pytest

from airvec.errors import ArgumentError, InputError
from airvec_trainer.evaluation import BinaryClassificationEvaluator
from airvec_trainer.examples import InputExample
from tests.trainer.evaluation.stand_in import TableModel

# Cosines with "x": a 1, b 0.6, c 0, d -1. Distances: 1, sqrt(20), sqrt(2), 2.
TABLE = {"x": [1.0, 0.0], "a": [2.0, 0.0], "b": [3.0, 4.0], "c": [0.0, 1.0], "d": [-1.0, 0.0]}
PAIRS = {"sentences1": ["x"] * 4, "sentences2": ["a", "b", "c", "d"]}


def evaluator(**given):
    return BinaryClassificationEvaluator(**({"labels": [1, 0, 1, 0]} | PAIRS | given))


def test_the_eight_numbers_of_a_measure():
    found = evaluator()(TableModel(TABLE))
    assert found == pytest.approx(
        {
            "cosine_accuracy": 0.75,  # above 0.8 only a is 1
            "cosine_accuracy_threshold": 0.8,
            "cosine_f1": 0.8,  # above -0.5: a, b, c; two of three are right, and all are found
            "cosine_f1_threshold": -0.5,
            "cosine_precision": 2 / 3,
            "cosine_recall": 1.0,
            "cosine_ap": 1 / 2 + 1 / 2 * 2 / 3,
            "cosine_mcc": 2 / np.sqrt(3 * 2 * 1 * 2),
        }
    )


def test_thresholds_of_distances_are_distances():
    found = evaluator(similarity_fn_names=["euclidean"])(TableModel(TABLE))
    assert found["euclidean_accuracy"] == found["euclidean_f1"] == found["euclidean_ap"] == 1.0
    assert found["euclidean_accuracy_threshold"] == found["euclidean_f1_threshold"] == (np.sqrt(2) + 2) / 2
    assert found["euclidean_mcc"] == 1.0


def test_with_several_measures_the_largest_of_each_is_told_and_not_written(tmp_path):
    measure = evaluator(similarity_fn_names=["cosine", "euclidean"], name="dev")
    found = measure(TableModel(TABLE), str(tmp_path))
    assert found["dev_max_ap"] == 1.0
    assert found["dev_max_f1_threshold"] == found["dev_euclidean_f1_threshold"]
    assert measure.primary_metric == "dev_max_ap"
    with (tmp_path / "binary_classification_evaluation_dev_results.csv").open(newline="") as file:
        head, row = csv.reader(file)
    one = ["accuracy", "accuracy_threshold", "f1", "precision", "recall", "f1_threshold", "ap", "mcc"]
    assert head == ["epoch", "steps", *(f"cosine_{name}" for name in one), *(f"euclidean_{name}" for name in one)]
    assert float(row[head.index("cosine_f1")]) == pytest.approx(0.8)


def test_a_text_is_encoded_once():
    model = TableModel(TABLE)
    evaluator(truncate_dim=1)(model)
    ((_, texts, given),) = model.calls
    assert texts == ["x", "a", "b", "c", "d"]
    assert given["truncate_dim"] == 1


def test_the_models_own_measure_is_taken_at_each_call():
    measure, model = evaluator(), TableModel(TABLE)
    measure(model)
    model.similarity_fn_name = "dot"
    assert "dot_ap" in measure(model)
    assert measure.primary_metric == "dot_ap"


def test_all_pairs_alike_have_the_average_precision_of_chance():
    found = evaluator(sentences1=["x"] * 4, sentences2=["a"] * 4)(TableModel(TABLE))
    assert found["cosine_ap"] == found["cosine_accuracy"] == 0.5
    assert found["cosine_mcc"] == 0.0


def test_a_model_that_answers_nan_is_refused():
    with pytest.raises(InputError, match="embedding of text 2, 'b', and 0 more are not finite"):
        evaluator()(TableModel(TABLE | {"b": [np.nan, 0.0]}))


def test_examples_become_columns():
    made = BinaryClassificationEvaluator.from_input_examples([InputExample(texts=["x", "a"], label=1)], name="dev")
    assert (made.sentences1, made.sentences2, made.labels, made.name) == (["x"], ["a"], [1], "dev")


def test_the_card_has_what_is_not_default():
    assert evaluator().get_config_dict() == {}
    assert evaluator(truncate_dim=1, max_active_dims=2).get_config_dict() == {"truncate_dim": 1, "max_active_dims": 2}
    assert evaluator().description == "Binary Classification"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"labels": [1, 0]}, "4 first sentences, 4 second sentences, 2 labels"),
        ({"labels": [1, 0, 2, 0]}, "row 2: 2, expected 0 or 1"),
        ({"labels": [1, 0, float("nan"), 0]}, "row 2: nan"),
        ({"similarity_fn_names": ["hamming"]}, "'hamming'"),
        ({"sentences1": [], "sentences2": [], "labels": []}, "0 pairs, expected one at least"),
    ],
)
def test_what_cannot_be_measured_is_refused_when_made(given, message):
    with pytest.raises(ArgumentError, match=message):
        evaluator(**given)
