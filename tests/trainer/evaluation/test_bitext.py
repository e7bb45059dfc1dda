"""BitextEvaluator on a table of embeddings."""

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.bitext import BitextEvaluator
from airvec_trainer.evaluation.embedding import EncodeOptions
from tests.trainer.evaluation.stand_in import TableModel

TABLE = {"eins": [1, 0], "zwei": [0.1, 2], "drei": [0.2, 1], "one": [3, 0], "two": [0, 3], "three": [-1, 1]}


def test_a_sentence_that_is_the_nearest_of_two_lowers_precision(tmp_path):
    measure = BitextEvaluator(["eins", "zwei", "drei"], ["one", "two", "three"], "deu")
    found = measure(TableModel(TABLE), tmp_path)  # one, two, two
    assert found["deu_accuracy"] == found["deu_recall"] == pytest.approx(2 / 3)
    assert found["deu_precision"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert found["deu_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert measure.primary_metric == "deu_f1"
    assert (tmp_path / "bitext_evaluation_deu_results.csv").read_text().startswith("epoch,steps,f1,precision,recall")


def test_many_rows_are_compared_in_parts(monkeypatch):
    monkeypatch.setattr("airvec_trainer.evaluation.bitext.AT_ONCE", 2)
    measure = BitextEvaluator(["eins", "zwei", "drei"], ["one", "two", "three"])
    assert measure(TableModel(TABLE))["accuracy"] == pytest.approx(2 / 3)


def test_options_are_passed_to_the_model():
    asked = TableModel(TABLE)
    BitextEvaluator(["eins"], ["one"], options=EncodeOptions(prompt="p: "))(asked)
    assert [given["prompt"] for _, _, given in asked.calls] == ["p: ", "p: "]


def test_what_cannot_be_measured_is_told():
    with pytest.raises(ArgumentError, match="1 first sentences, 2 second sentences"):
        BitextEvaluator(["a"], ["b", "c"])
    with pytest.raises(ArgumentError, match="0 pairs, expected some"):
        BitextEvaluator([], [])
