"""MSEEvaluator and MSEEvaluatorFromDataFrame on tables of embeddings."""

import csv

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.evaluation import MSEEvaluator, MSEEvaluatorFromDataFrame
from airvec_trainer.evaluation.mse import ROWS, mean_squared_error
from tests.trainer.evaluation.stand_in import TableModel

TEACHER = TableModel({"a": [1.0, 2.0], "b": [0.0, 0.0]})
STUDENT = TableModel({"A": [1.0, 0.0], "B": [3.0, 0.0]})  # squares 0, 4, 9, 0


def test_the_error_is_the_mean_square_times_minus_100(tmp_path):
    measure = MSEEvaluator(["a", "b"], ["A", "B"], TEACHER, name="dev")
    assert measure(STUDENT, str(tmp_path)) == {"dev_negative_mse": -100 * 13 / 4}
    assert measure.primary_metric == "dev_negative_mse"
    with (tmp_path / "mse_evaluation_dev_results.csv").open(newline="") as file:
        head, row = csv.reader(file)
    assert head == ["epoch", "steps", "MSE"]
    assert float(row[2]) == 325


def test_the_file_of_nameless_data_has_two_strokes_as_in_the_reference():
    assert MSEEvaluator(["a"], ["A"], TEACHER).csv_file == "mse_evaluation__results.csv"


def test_the_teacher_encodes_when_the_evaluator_is_made():
    teacher = TableModel({"a": [1.0, 2.0]})
    measure = MSEEvaluator(["a"], ["A"], teacher, truncate_dim=1)
    assert [call[1] for call in teacher.calls] == [["a"]]
    assert measure(STUDENT) == {"negative_mse": 0.0}
    assert len(teacher.calls) == 1


def test_a_student_of_other_dimensions_is_refused():
    with pytest.raises(ArgumentError, match=r"shape \[1, 2\] and a student's of \[1, 3\]"):
        MSEEvaluator(["a"], ["A"], TEACHER)(TableModel({"A": [1.0, 2.0, 3.0]}))


def test_sparse_embeddings_are_compared_as_dense_ones_in_parts():
    random = np.random.default_rng(0)
    rows = np.float32(random.normal(size=(ROWS + 3, 5)) * (random.random((ROWS + 3, 5)) < 0.5))
    other = np.float32(random.normal(size=rows.shape))
    expected = ((rows.astype(np.float64) - other) ** 2).mean()
    assert mean_squared_error(SparseVectors.from_dense(rows), other) == pytest.approx(expected, rel=1e-12)
    assert mean_squared_error(rows, SparseVectors.from_dense(other)) == pytest.approx(expected, rel=1e-12)


def test_it_is_called_distillation_in_the_card():
    assert MSEEvaluator(["a"], ["A"], TEACHER, truncate_dim=2).description == "Knowledge Distillation"
    assert MSEEvaluator(["a"], ["A"], TEACHER, truncate_dim=2).get_config_dict() == {"truncate_dim": 2}


ROWS_OF_TEXTS = [{"en": "a", "de": "A", "fr": "B"}, {"en": "b", "de": "B", "fr": " "}]
PAIRS = [("en", "de"), ("en", "fr")]


class Frame:
    """What of pandas is used."""

    def to_dict(self, orient):
        return ROWS_OF_TEXTS if orient == "records" else {}


@pytest.mark.parametrize("rows", [ROWS_OF_TEXTS, Frame()])
def test_pairs_of_languages_have_a_column_each_and_empty_texts_are_left_out(tmp_path, rows):
    measure = MSEEvaluatorFromDataFrame(rows, TEACHER, PAIRS, name="dev")
    # en-de: (0 + 4 + 9 + 0) / 4; en-fr, the first row alone: (4 + 4) / 2
    assert measure(STUDENT, str(tmp_path)) == {"dev_negative_mse": -100 * (13 / 4 + 4) / 2}
    assert measure.errors == {"en-de": 325.0, "en-fr": 400.0}
    with (tmp_path / "mse_evaluation_dev_results.csv").open(newline="") as file:
        head, row = csv.reader(file)
    assert head == ["epoch", "steps", "en-de", "en-fr"]
    assert [float(value) for value in row[2:]] == [325.0, 400.0]
    assert measure.description == "Knowledge Distillation"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MSEEvaluator(["a"], ["A"]), "teacher_model None"),
        (lambda: MSEEvaluator(["a", "b"], ["A"], TEACHER), "2 source sentences, 1 target sentences"),
        (lambda: MSEEvaluator([], [], TEACHER), "0 sentences"),
        (lambda: MSEEvaluator(["a"], [1], TEACHER), "row 0: 1, expected a text"),
        (lambda: MSEEvaluatorFromDataFrame(ROWS_OF_TEXTS, TEACHER, []), "0 combinations"),
        (lambda: MSEEvaluatorFromDataFrame(ROWS_OF_TEXTS, TEACHER, [("en", "nl")]), "row 0: 'nl' is None"),
        (lambda: MSEEvaluatorFromDataFrame(ROWS_OF_TEXTS[1:], TEACHER, [("en", "fr")]), "0 rows with both en and fr"),
        (lambda: MSEEvaluatorFromDataFrame(ROWS_OF_TEXTS, None, PAIRS), "teacher_model None"),
    ],
)
def test_what_cannot_be_measured_is_refused_when_made(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
