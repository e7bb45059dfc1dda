"""EmbeddingSimilarityEvaluator on a table of embeddings."""

import csv

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec_trainer.evaluation import EmbeddingSimilarityEvaluator
from airvec_trainer.evaluation.scoring import MEASURES, ROWS, pair_scores
from airvec_trainer.examples import InputExample
from tests.trainer.evaluation.stand_in import Card, TableModel

# Cosines with "x": a 1, b 0.6, c 0, d -1.
TABLE = {"x": [1.0, 0.0], "a": [2.0, 0.0], "b": [3.0, 4.0], "c": [0.0, 1.0], "d": [-1.0, 0.0]}
PAIRS = {"sentences1": ["x"] * 4, "sentences2": ["a", "b", "c", "d"]}


def evaluator(**given):
    return EmbeddingSimilarityEvaluator(**({"scores": [5, 4, 2, 1]} | PAIRS | given))


def test_a_model_that_ranks_as_people_do_has_rank_correlation_1():
    measured = evaluator()(TableModel(TABLE))
    assert measured["spearman_cosine"] == pytest.approx(1.0, abs=1e-14)
    # deviations of 1, .6, 0, -1 from .15 with 2, 1, -1, -2: 4.6 / sqrt(2.27 * 10)
    assert measured["pearson_cosine"] == pytest.approx(4.6 / np.sqrt(2.27 * 10), abs=1e-12)


def test_by_distance_and_by_product_the_order_is_another_one():
    measured = evaluator(similarity_fn_names=["cosine", "dot", "euclidean", "manhattan"])(TableModel(TABLE))
    # dot 2, 3, 0, -1: ranks 3, 4, 2, 1 against 4, 3, 2, 1
    assert measured["spearman_dot"] == pytest.approx(0.8, abs=1e-12)
    # distances 1, sqrt(20), sqrt(2), 2: ranks 4, 1, 3, 2 against 4, 3, 2, 1
    assert measured["spearman_euclidean"] == pytest.approx(0.4, abs=1e-12)
    assert measured["spearman_max"] == pytest.approx(1.0, abs=1e-12)


def test_the_primary_metric_is_the_main_measure_else_the_largest_else_the_only_one():
    model = TableModel(TABLE)
    for given, expected in [
        ({}, "spearman_cosine"),
        ({"name": "dev"}, "dev_spearman_cosine"),
        ({"name": "spearman"}, "spearman_spearman_cosine"),
        ({"similarity_fn_names": ["dot", "cosine"]}, "spearman_max"),
        ({"similarity_fn_names": ["dot", "cosine"], "main_similarity": "dot"}, "spearman_dot"),
        ({"main_similarity": "manhattan"}, "spearman_manhattan"),
    ]:
        measure = evaluator(**given)
        for _ in range(2):  # a second call must not put the name in front again
            assert measure.primary_metric in {None, expected}
            assert measure(model)[measure.primary_metric] is not None
        assert measure.primary_metric == expected


def test_the_models_own_measure_is_taken_where_none_is_named():
    model = TableModel(TABLE)
    model.similarity_fn_name = "dot"
    assert set(evaluator()(model)) == {"pearson_dot", "spearman_dot"}


def test_each_call_adds_a_row_below_one_head(tmp_path):
    measure = evaluator(name="dev")
    measure(TableModel(TABLE), str(tmp_path / "new"), 0.5, 10)
    measure(TableModel(TABLE), str(tmp_path / "new"))
    with (tmp_path / "new" / "similarity_evaluation_dev_results.csv").open(newline="") as file:
        head, first, second = csv.reader(file)
    assert head == ["epoch", "steps", "cosine_pearson", "cosine_spearman"]
    assert first[:2] == ["0.5", "10"]
    assert second[:2] == ["-1", "-1"]
    assert float(first[2]) == pytest.approx(4.6 / np.sqrt(2.27 * 10))


def test_no_file_is_written_where_none_is_wanted(tmp_path):
    evaluator(write_csv=False)(TableModel(TABLE), str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_a_precision_says_so():
    assert evaluator(name="dev", precision="int8").csv_file == "similarity_evaluation_dev_int8_results.csv"
    assert evaluator().csv_file == "similarity_evaluation_results.csv"


def test_both_sides_are_quantized_in_one_call_and_bits_are_unpacked():
    model = TableModel({"x": np.int8([127, 0]), "a": np.int8([100, 0]), "b": np.int8([3, 4])})
    evaluator(sentences1=["x"] * 2, sentences2=["a", "b"], scores=[1, 0], precision="int8")(model)
    ((_, texts, given),) = model.calls
    assert texts == ["x", "x", "a", "b"]
    assert given["precision"] == "int8"
    assert given["normalize_embeddings"] is True
    # ubinary 0b11110000 and 0b11110001 differ in one bit of 8, 0b00001111 in all
    bits = TableModel({"x": np.uint8([240]), "a": np.uint8([241]), "b": np.uint8([15])})
    pairs = {"sentences1": ["x"] * 2, "sentences2": ["a", "b"], "scores": [1, 0]}
    assert evaluator(**pairs, precision="ubinary", main_similarity="manhattan")(bits) == pytest.approx(
        {"pearson_manhattan": 1.0, "spearman_manhattan": 1.0}, abs=1e-14
    )
    signed = TableModel({text: (row.astype(int) - 128).astype(np.int8) for text, row in bits.table.items()})
    for name in ("cosine", "manhattan"):
        found = evaluator(**pairs, precision="binary", main_similarity=name)(signed)
        assert found == evaluator(**pairs, precision="ubinary", main_similarity=name)(bits)


def test_the_result_goes_into_the_models_card():
    model = TableModel(TABLE)
    model.model_card_data = Card()
    measure = evaluator(name="dev")
    found = measure(model, epoch=1, steps=7)
    assert model.model_card_data.stored == [(measure, found, 1, 7)]


def test_the_card_calls_it_semantic_similarity_and_names_what_is_not_default():
    assert evaluator().description == "Semantic Similarity"
    assert evaluator().get_config_dict() == {}
    assert evaluator(truncate_dim=1, precision="int8").get_config_dict() == {"truncate_dim": 1, "precision": "int8"}


def test_examples_become_columns():
    measure = EmbeddingSimilarityEvaluator.from_input_examples([InputExample(texts=["x", "a"], label=0.5)], name="dev")
    assert (measure.sentences1, measure.sentences2, measure.scores) == (["x"], ["a"], [0.5])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scores": [1, 2]}, "4 first sentences, 4 second sentences, 2 scores"),
        ({"main_similarity": "hamming"}, "'hamming', expected one of cosine"),
        ({"similarity_fn_names": ["cosine", "maxsim"]}, "'maxsim'"),
        ({"precision": "int4"}, "precision 'int4'"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_value(given, message):
    with pytest.raises(ArgumentError, match=message):
        evaluator(**given)


def test_many_pairs_are_compared_in_parts_as_they_would_be_at_once():
    random = np.random.default_rng(0)
    first, second = np.float32(random.normal(size=(2, ROWS + 5, 3)))
    for name, measure in MEASURES.items():
        found = pair_scores(name, first, second)
        assert found.tolist() == measure(first.astype(np.float64), second.astype(np.float64)).tolist()
        assert pair_scores(name, first[:0], second[:0]).shape == (0,)
