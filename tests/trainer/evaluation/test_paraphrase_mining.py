"""ParaphraseMiningEvaluator on a table of embeddings."""

import csv

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.evaluation import ParaphraseMiningEvaluator
from tests.trainer.evaluation.stand_in import TableModel

# Cosines: ab 0.8, ac 0.6, ad 0, bc 0.96, bd 0.6, cd 0.8
TABLE = {"a": [1.0, 0.0], "b": [0.8, 0.6], "c": [0.6, 0.8], "d": [0.0, 1.0]}
TEXTS = {1: "a", 2: "b", 3: "c", 4: "d"}


def test_the_best_pairs_against_those_that_are_paraphrases(tmp_path):
    measure = ParaphraseMiningEvaluator(TEXTS, [(2, 3), (1, 4)], name="dev", write_csv=True)
    found = measure(TableModel(TABLE), str(tmp_path))
    assert found == pytest.approx(
        {
            # bc first of all: 1/2 * 1; ad last, after six pairs: 1/2 * 2/6
            "dev_average_precision": 1 / 2 + 1 / 2 * 2 / 6,
            "dev_f1": 2 / 3,
            "dev_precision": 1.0,
            "dev_recall": 0.5,
            "dev_threshold": 0.88,
        }
    )
    assert measure.primary_metric == "dev_average_precision"
    with (tmp_path / "paraphrase_mining_evaluation_dev_results.csv").open(newline="") as file:
        head, _ = csv.reader(file)
    assert head == ["epoch", "steps", "precision", "recall", "f1", "threshold", "average_precision"]


def test_paraphrases_that_are_not_mined_lower_recall():
    found = ParaphraseMiningEvaluator(TEXTS, [(2, 3), (1, 4)], max_pairs=1)(TableModel(TABLE))
    assert (found["recall"], found["average_precision"]) == (0.5, 0.5)


def test_paraphrases_of_paraphrases_where_asked_for():
    chain = [(1, 2), (2, 3), (3, 99)]
    assert ParaphraseMiningEvaluator(TEXTS, chain).total_num_duplicates == 2
    assert ParaphraseMiningEvaluator(TEXTS, chain, add_transitive_closure=True).total_num_duplicates == 3
    # 99 is no text: the list leaves it out, and in a dict it connects
    through = {3: {99: True}, 99: {4: True}}
    assert ParaphraseMiningEvaluator(TEXTS, duplicates_dict=through).total_num_duplicates == 0
    closed = ParaphraseMiningEvaluator(TEXTS, duplicates_dict=through, add_transitive_closure=True)
    assert closed.total_num_duplicates == 1


def test_what_is_given_stays_as_it_is():
    given = {1: {2: True, 3: False}, 2: {3: True}}
    made = ParaphraseMiningEvaluator(TEXTS, duplicates_dict=given, add_transitive_closure=True)
    assert given == {1: {2: True, 3: False}, 2: {3: True}}
    assert made.total_num_duplicates == 3


def test_without_paraphrases_everything_is_0():
    assert set(ParaphraseMiningEvaluator(TEXTS)(TableModel(TABLE)).values()) == {0.0}


def test_one_text_has_no_pairs():
    assert set(ParaphraseMiningEvaluator({1: "a"})(TableModel(TABLE)).values()) == {0.0}


def test_the_card_has_what_decides_which_pairs_are_mined():
    assert ParaphraseMiningEvaluator(TEXTS, top_k=3, truncate_dim=1).get_config_dict() == {
        "add_transitive_closure": False, "max_pairs": 500000, "top_k": 3, "truncate_dim": 1,
    }  # fmt: skip


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ArgumentError, match="0 texts"):
        ParaphraseMiningEvaluator({})
    with pytest.raises(ArgumentError, match="row 0: 7, expected a text"):
        ParaphraseMiningEvaluator({1: 7})
    with pytest.raises(ArgumentError, match="top_k"):
        ParaphraseMiningEvaluator(TEXTS, top_k=0)(TableModel(TABLE))
