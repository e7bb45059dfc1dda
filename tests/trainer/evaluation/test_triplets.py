"""TripletEvaluator on a table of embeddings."""

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.evaluation import TripletEvaluator
from airvec_trainer.examples import InputExample
from tests.trainer.evaluation.stand_in import TableModel

TABLE = {"x": [1.0, 0.0], "near": [4.0, 3.0], "far": [0.0, 1.0], "same": [1.0, 0.0]}
ROWS = {"anchors": ["x", "x"], "positives": ["near", "far"], "negatives": ["far", "near"]}


def test_half_of_the_triplets_are_right_by_cosine():
    assert TripletEvaluator(**ROWS)(TableModel(TABLE)) == {"cosine_accuracy": 0.5}


def test_anchors_are_queries_and_the_others_documents():
    model = TableModel(TABLE)
    TripletEvaluator(**ROWS, batch_size=7, truncate_dim=1)(model)
    named = [(name, texts) for name, texts, _ in model.calls if name != "encode"]
    assert named == [
        ("encode_query", ["x", "x"]),
        ("encode_document", ["near", "far"]),
        ("encode_document", ["far", "near"]),
    ]
    assert all(given["batch_size"] == 7 and given["truncate_dim"] == 1 for _, _, given in model.calls)


def test_a_tie_is_no_success_and_a_margin_asks_for_more():
    rows = {"anchors": ["x"], "positives": ["near"], "negatives": ["near"]}
    assert TripletEvaluator(**rows)(TableModel(TABLE)) == {"cosine_accuracy": 0.0}
    rows |= {"negatives": ["far"]}  # cosines 0.8 and 0
    assert TripletEvaluator(**rows, margin=0.75)(TableModel(TABLE)) == {"cosine_accuracy": 1.0}
    assert TripletEvaluator(**rows, margin={"cosine": 0.85})(TableModel(TABLE)) == {"cosine_accuracy": 0.0}


def test_several_measures_give_the_largest_too():
    rows = {"anchors": ["x"], "positives": ["near"], "negatives": ["far"]}
    measure = TripletEvaluator(**rows, name="dev", similarity_fn_names=["cosine", "dot", "manhattan", "euclidean"])
    found = measure(TableModel(TABLE))
    # Manhattan: |1-4| + 3 = 6 against 2; Euclidean: sqrt(18) against sqrt(2)
    assert found == {
        "dev_cosine_accuracy": 1.0,
        "dev_dot_accuracy": 1.0,
        "dev_manhattan_accuracy": 0.0,
        "dev_euclidean_accuracy": 0.0,
        "dev_max_accuracy": 1.0,
    }
    assert measure.primary_metric == "dev_max_accuracy"


def test_the_old_name_of_the_main_measure_is_read():
    assert TripletEvaluator(**ROWS, main_distance_function="euclidean").similarity_fn_names == ("euclidean",)
    assert TripletEvaluator(["x"], ["near"], ["far"], "dot").similarity_fn_names == ("dot",)


def test_the_file_has_a_column_for_each_measure(tmp_path):
    TripletEvaluator(**ROWS, name="t", similarity_fn_names=["cosine", "dot"])(TableModel(TABLE), tmp_path, 1, 2)
    assert (tmp_path / "triplet_evaluation_t_results.csv").read_text().splitlines() == [
        "epoch,steps,accuracy_cosine,accuracy_dot",
        "1,2,0.5,0.5",
    ]


def test_the_card_names_margins_that_are_not_zero():
    assert TripletEvaluator(**ROWS).get_config_dict() == {}
    config = TripletEvaluator(**ROWS, margin=0.5, truncate_dim=3).get_config_dict()
    assert config == {"margin": dict.fromkeys(("cosine", "dot", "euclidean", "manhattan"), 0.5), "truncate_dim": 3}
    assert TripletEvaluator(**ROWS).description == "Triplet"


def test_examples_become_columns():
    measure = TripletEvaluator.from_input_examples([InputExample(texts=["x", "near", "far"])])
    assert (measure.anchors, measure.positives, measure.negatives) == (["x"], ["near"], ["far"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"negatives": ["far"]}, "2 anchors, 2 positives, 1 negatives"),
        ({"margin": {"hamming": 1}}, "'hamming'"),
        ({"margin": "0.1"}, "'0.1'"),
        ({"similarity_fn_names": ["maxsim"]}, "'maxsim'"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_value(given, message):
    with pytest.raises(ArgumentError, match=message):
        TripletEvaluator(**(ROWS | given))
