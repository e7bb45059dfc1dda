"""CrossEncoderCorrelationEvaluator on given scores."""

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.evaluation import CrossEncoderCorrelationEvaluator
from airvec_trainer.examples import InputExample
from tests.trainer.evaluation.stand_in import TableModel

PAIRS = [("a", "b"), ("a", "c"), ("a", "d"), ("a", "e")]


def test_scores_are_compared_with_those_given(tmp_path):
    measure = CrossEncoderCorrelationEvaluator(PAIRS, [1, 2, 3, 4], name="dev", prompt_name="p", batch_size=5)
    model = TableModel({}, scores=[0.1, 0.3, 0.2, 0.4])
    found = measure(model, tmp_path, 1, 2)
    assert found == {"dev_pearson": pytest.approx(0.8, abs=1e-12), "dev_spearman": pytest.approx(0.8, abs=1e-12)}
    assert measure.primary_metric == "dev_spearman"
    head, row = (tmp_path / "CrossEncoderCorrelationEvaluator_dev_results.csv").read_text().splitlines()
    assert head == "epoch,steps,Pearson_Correlation,Spearman_Correlation"
    assert row.startswith("1,2,0.8")
    ((_, pairs, given),) = model.calls
    assert pairs == [list(pair) for pair in PAIRS]
    assert (given["prompt_name"], given["batch_size"]) == ("p", 5)


def test_a_second_call_gives_the_same_names():
    measure = CrossEncoderCorrelationEvaluator(PAIRS, [1, 2, 3, 4], name="spearman")
    model = TableModel({}, scores=[1, 2, 3, 4])
    assert measure(model) == measure(model)
    assert measure.primary_metric == "spearman_spearman"
    assert measure.description == "Cross Encoder Correlation"


def test_examples_become_pairs():
    measure = CrossEncoderCorrelationEvaluator.from_input_examples([InputExample(texts=["a", "b"], label=1)])
    assert (measure.sentence_pairs, measure.scores) == ([["a", "b"]], [1])


def test_a_model_of_several_labels_and_missing_scores_are_refused():
    with pytest.raises(ArgumentError, match="4 pairs, 1 scores"):
        CrossEncoderCorrelationEvaluator(PAIRS, [1])
    with pytest.raises(ArgumentError, match="the score of pair 2 is nan, expected a finite number"):
        CrossEncoderCorrelationEvaluator(PAIRS, [1, 2, 3, 4])(TableModel({}, scores=[1, 2, float("nan"), 4]))
    with pytest.raises(ArgumentError, match=r"shapes \[4\] and \[4, 2\]"):
        CrossEncoderCorrelationEvaluator(PAIRS, [1, 2, 3, 4])(TableModel({}, scores=[[1, 2]] * 4))
