"""SequentialEvaluator, and evaluators on the runtime's model, without torch."""

import pytest

from airvec import SentenceTransformer
from airvec_trainer.evaluation import EmbeddingSimilarityEvaluator, SequentialEvaluator, TripletEvaluator
from tests.house.probe import probe
from tests.trainer.evaluation.stand_in import TableModel

TABLE = {"x": [1.0, 0.0], "a": [2.0, 0.0], "b": [3.0, 4.0], "c": [0.0, 1.0]}


def evaluators():
    return [
        EmbeddingSimilarityEvaluator(["x"] * 3, ["a", "b", "c"], [3, 2, 1], name="sts"),
        TripletEvaluator(["x"], ["c"], ["a"], name="nli"),
    ]


def test_all_metrics_and_the_last_primary_one():
    found = SequentialEvaluator(evaluators())(TableModel(TABLE))
    assert set(found) == {"sts_pearson_cosine", "sts_spearman_cosine", "nli_cosine_accuracy", "sequential_score"}
    assert found["sequential_score"] == found["nli_cosine_accuracy"] == 0.0


def test_the_score_may_be_any_function_of_the_primary_ones():
    measure = SequentialEvaluator(evaluators(), main_score_function=lambda scores: sum(scores) / len(scores))
    assert measure(TableModel(TABLE))["sequential_score"] == pytest.approx(0.5)
    assert measure.primary_metric == "sequential_score"


def test_an_evaluator_may_give_one_number_or_metrics_without_a_primary_one(tmp_path):
    measure = SequentialEvaluator([lambda *_: 0.25, lambda *_: {"first": 0.5, "second": 1.0}], main_score_function=sum)
    assert measure(None, tmp_path, 1, 2) == {
        "evaluator_0": 0.25,
        "first": 0.5,
        "second": 1.0,
        "sequential_score": 0.75,
    }
    assert SequentialEvaluator([])(None) == {"sequential_score": 0.0}


def test_the_runtimes_model_is_measured_as_it_is():
    texts = ["a cat sleeps", "a cat is asleep", "the stock market fell"]
    measure = SequentialEvaluator(
        [
            EmbeddingSimilarityEvaluator([texts[0]] * 3, texts, [5, 4, 0], similarity_fn_names=["cosine", "dot"]),
            TripletEvaluator([texts[0]], [texts[1]], [texts[2]]),
        ]
    )
    found = measure(SentenceTransformer())
    assert found["spearman_cosine"] == pytest.approx(1.0, abs=1e-14)
    assert found["cosine_accuracy"] == 1.0


def test_evaluators_load_no_torch():
    seen = probe("import airvec_trainer.evaluation")
    assert seen.problem is None
    assert not seen.heavy()
