"""TranslationEvaluator on a table of embeddings."""

import csv

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.evaluation import TranslationEvaluator
from airvec_trainer.evaluation.translation import ROWS, most_similar
from tests.trainer.evaluation.stand_in import TableModel

# cat's and dog's translations lie where they should; both fish and fisch lie nearest to the other pair
TABLE = {
    "cat": [1.0, 0.0, 0.0], "Katze": [0.9, 0.1, 0.0], "dog": [0.0, 1.0, 0.0], "Hund": [0.0, 0.9, 0.1],
    "fish": [0.9, 0.0, 0.4], "Fisch": [0.1, 0.0, 0.9],
}  # fmt: skip
TEXTS = {"source_sentences": ["cat", "dog", "fish"], "target_sentences": ["Katze", "Hund", "Fisch"]}


def test_the_share_of_translations_found_in_both_directions(tmp_path):
    measure = TranslationEvaluator(**TEXTS, name="en-de")
    found = measure(TableModel(TABLE), str(tmp_path))
    assert found == {
        "en-de_src2trg_accuracy": 2 / 3,  # fish finds Katze
        "en-de_trg2src_accuracy": 1.0,
        "en-de_mean_accuracy": (2 / 3 + 1) / 2,
    }
    assert measure.primary_metric == "en-de_mean_accuracy"
    with (tmp_path / "translation_evaluation_en-de_results.csv").open(newline="") as file:
        head, row = csv.reader(file)
    assert head == ["epoch", "steps", "src2trg", "trg2src"]
    assert [float(value) for value in row[2:]] == [2 / 3, 1.0]


def test_a_text_that_stands_there_twice_is_right_in_both_places():
    texts = {"source_sentences": ["cat", "dog", "cat"], "target_sentences": ["Katze", "Hund", "Katze"]}
    assert TranslationEvaluator(**texts)(TableModel(TABLE))["mean_accuracy"] == 1.0


def test_wrong_matches_are_printed_where_asked_for(capsys):
    TranslationEvaluator(**TEXTS)(TableModel(TABLE))
    assert capsys.readouterr().out == ""
    TranslationEvaluator(**TEXTS, print_wrong_matches=True)(TableModel(TABLE))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "source 2: fish"
    assert "wanted" in lines[1]
    assert "target 2: Fisch" in lines[1]
    assert "found" in lines[2]
    assert "target 0: Katze" in lines[2]
    assert len(lines) == 5


def test_constant_embeddings_find_the_first_of_all():
    model = TableModel({text: [1.0, 1.0] for text in TABLE})
    assert TranslationEvaluator(**TEXTS)(model)["mean_accuracy"] == pytest.approx(1 / 3)


def test_in_parts_the_same_is_found_as_at_once():
    random = np.random.default_rng(0)
    first, second = np.float32(random.integers(-2, 3, (2, ROWS + 50, 3)))  # with many equal cosines
    forth, back = most_similar(first, second)
    unit = [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in (first, second)]
    scores = unit[0] @ unit[1].T
    np.testing.assert_allclose(scores[np.arange(len(first)), forth], scores.max(axis=1), atol=1e-6)
    np.testing.assert_allclose(scores[back, np.arange(len(second))], scores.max(axis=0), atol=1e-6)
    forth, back = most_similar(*(SparseVectors.from_dense(rows[:60]) for rows in (first, second)))
    np.testing.assert_allclose(scores[:60, :60][back, np.arange(60)], scores[:60, :60].max(axis=0), atol=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target_sentences": ["Katze"]}, "3 source sentences, 1 target sentences"),
        ({"source_sentences": [], "target_sentences": []}, "0 sentences"),
        ({"source_sentences": "cat", "target_sentences": "dog"}, "'cat', expected several texts"),
    ],
)
def test_what_cannot_be_measured_is_refused_when_made(given, message):
    with pytest.raises(ArgumentError, match=message):
        TranslationEvaluator(**(TEXTS | given))
