"""LabelAccuracyEvaluator with a classifier over a small model of the trainer."""

import csv

import pytest
import torch
from torch.utils.data import DataLoader

from airvec.errors import ArgumentError
from airvec_trainer import losses
from airvec_trainer.evaluation import LabelAccuracyEvaluator
from airvec_trainer.examples import InputExample
from tests.trainer.evaluation.stand_in import TableModel
from tests.trainer.static_models import static_model

ROWS = [("one", "two", 0), ("two", "one", 1), ("three", "one", 1)]


def loader(rows=ROWS):
    return DataLoader([InputExample(texts=[a, b], label=label) for a, b, label in rows], batch_size=2)


def softmax():
    """A classifier that holds every pair to be 1."""
    loss = losses.SoftmaxLoss(embedding_dimension=3, num_labels=2)
    torch.nn.init.zeros_(loss.classifier.weight)
    loss.classifier.bias.data = torch.tensor([0.0, 1.0])
    return loss


def test_the_share_of_classes_that_the_classifier_tells(tmp_path):
    model = static_model().train()
    measure = LabelAccuracyEvaluator(loader(), "nli", softmax())
    assert measure(model, str(tmp_path)) == {"nli_accuracy": 2 / 3}
    assert measure.primary_metric == "nli_accuracy"
    assert model.training
    with (tmp_path / "accuracy_evaluation_nli_results.csv").open(newline="") as file:
        assert next(csv.reader(file)) == ["epoch", "steps", "accuracy"]


def test_a_classifier_of_the_references_form_gives_its_logits_second():
    def classify(columns, labels):
        assert labels is None
        assert len(columns) == 2
        return None, torch.tensor([[1.0, 0.0]]).expand(len(columns[0]["input_ids"]), 2)

    def collate(batch):
        return [{"input_ids": torch.zeros(len(batch), 1)}] * 2, torch.tensor([one.label for one in batch])

    model = static_model()
    model.smart_batching_collate = collate
    assert LabelAccuracyEvaluator(loader(), softmax_model=classify)(model) == {"accuracy": 1 / 3}


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ArgumentError, match="softmax_model None"):
        LabelAccuracyEvaluator(loader())
    with pytest.raises(ArgumentError, match="TableModel, expected a model of airvec_trainer"):
        LabelAccuracyEvaluator(loader(), softmax_model=softmax())(TableModel({}))
    with pytest.raises(ArgumentError, match="0 rows in the data loader"):
        LabelAccuracyEvaluator(DataLoader([]), softmax_model=softmax())(static_model())
