"""SentenceEvaluator, from which users derive, and the names of the package."""

import pytest
import torch
from datasets import Dataset

from airvec_trainer import SentenceTransformerTrainer, SentenceTransformerTrainingArguments, losses
from airvec_trainer.evaluation import BaseEvaluator, Evaluator, SentenceEvaluator, SequentialEvaluator
from tests.trainer.evaluation.stand_in import Card, TableModel
from tests.trainer.static_models import static_model


class Width(SentenceEvaluator):
    """As old code has it: `__call__`, a primary metric, and the two functions that it is given."""

    def __init__(self, name=""):
        super().__init__()
        self.name = name
        self.primary_metric = "width"

    def __call__(self, model, output_path=None, epoch=-1, steps=-1):
        found = self.prefix_name_to_metrics({"width": torch.tensor(model.encode(["x"]).shape[1])}, self.name)
        self.store_metrics_in_model_card_data(model, found, epoch, steps)
        return found


class Alone(BaseEvaluator):
    """Without a call of the constructor it derives from."""

    def __init__(self):
        self.calls = []

    def __call__(self, model, output_path, epoch, steps):
        self.calls.append((output_path, epoch, steps))
        return 0.25


def test_metrics_get_the_name_once():
    model, measure = TableModel({"x": [1.0, 0.0]}), Width("dev")
    model.model_card_data = Card()
    for _ in range(2):
        assert measure(model, epoch=1, steps=2) == {"dev_width": 2.0}
        assert measure.primary_metric == "dev_width"
    assert model.model_card_data.stored[0] == (measure, {"dev_width": 2.0}, 1, 2)
    assert measure.prefix_name_to_metrics({"dev_width": 3, "mode": "a"}, "") == {"dev_width": 3.0, "mode": "a"}


def test_what_is_not_set_has_a_value():
    measure = Alone()
    assert (measure.name, measure.primary_metric, measure.greater_is_better) == ("", None, True)
    assert (measure.description, measure.get_config_dict()) == ("Alone", {})
    assert SequentialEvaluator([measure, Width()])(TableModel({"x": [1.0]})) == {
        "evaluator_0": 0.25, "width": 1.0, "sequential_score": 1.0,
    }  # fmt: skip
    assert measure.calls == [(None, -1, -1)]


def test_all_are_of_one_kind():
    assert issubclass(Evaluator, SentenceEvaluator)
    assert issubclass(SequentialEvaluator, BaseEvaluator)
    with pytest.raises(TypeError, match="__call__"):
        SentenceEvaluator()


@pytest.mark.parametrize("measure", [Width("dev"), Alone()], ids=["by name", "a number"])
def test_a_trainer_takes_them(measure, tmp_path):
    args = SentenceTransformerTrainingArguments(
        output_dir=str(tmp_path), max_steps=1, eval_strategy="steps", eval_steps=1, report_to="none", use_cpu=True
    )
    rows = Dataset.from_dict({"first": ["a b", "c d"], "second": ["b a", "d c"]})
    model = static_model()
    loss = losses.MultipleNegativesRankingLoss()
    trainer = SentenceTransformerTrainer(model, args, train_dataset=rows, loss=loss, evaluator=measure)
    trainer.train()
    seen = {key for entry in trainer.state.log_history for key in entry}
    assert {"eval_dev_width", "eval_evaluator"} & seen
