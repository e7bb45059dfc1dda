"""`FewShotTrainer`: the model learns, the head is fitted, and what cannot be is told before the first step."""

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict
from transformers import TrainerCallback

import airvec
from airvec.errors import ArgumentError, InputError
from airvec_trainer import losses
from airvec_trainer.few_shot import FewShotModel, FewShotTrainer, FewShotTrainingArguments
from tests.trainer.few_shot.conftest import KINDS

pytestmark = pytest.mark.filterwarnings("ignore:'pin_memory':UserWarning")


def weights_of(model):
    return [weight.detach().clone() for weight in model.parameters()]


def changed(before, model):
    return max(float((new - old).detach().abs().max()) for old, new in zip(before, model.parameters(), strict=True))


def spread(model, texts):
    """How much nearer texts of one kind are than texts of two: mean cosine inside less that between."""
    vectors = model.encode(texts, normalize_embeddings=True)
    cosines = vectors @ vectors.T
    same = np.arange(12)[:, None] // 4 == np.arange(12) // 4
    return cosines[same].mean() - cosines[~same].mean()


@pytest.mark.slow
def test_training_brings_texts_of_a_label_together(body, rows, arguments):
    longer = arguments.update({"num_iterations": 10, "num_epochs": 3, "body_learning_rate": 5e-3})
    trainer = FewShotTrainer(FewShotModel(body), longer, rows, rows)
    before = spread(body, rows["text"])
    trainer.train()
    assert spread(body, rows["text"]) > before + 0.2
    assert trainer.evaluate() == {"accuracy": 1.0}
    assert len(trainer.model.predict_proba(["it crashed"])[0]) == 3


@pytest.mark.slow
def test_the_same_seed_gives_the_same_model(base, rows, arguments):
    from airvec_trainer import SentenceTransformer

    found = []
    for _ in range(2):
        trainer = FewShotTrainer(SentenceTransformer(base, device="cpu"), arguments, rows)
        trainer.train()
        found.append(trainer.model.predict_proba(rows["text"], as_numpy=True))
    np.testing.assert_array_equal(*found)


def test_no_epochs_fit_the_head_alone(body, rows, arguments):
    before = weights_of(body)
    trainer = FewShotTrainer(FewShotModel(body), arguments.update({"num_epochs": 0}), rows)
    trainer.train()
    assert changed(before, body) == 0
    assert trainer.body_trainer is None
    expected = airvec.Classifier.from_sklearn(body, trainer.model.model_head).predict_proba(rows["text"])
    np.testing.assert_array_equal(trainer.model.predict_proba(rows["text"], as_numpy=True), expected)


@pytest.mark.parametrize(
    "loss",
    [
        losses.BatchAllTripletLoss, losses.BatchHardSoftMarginTripletLoss, losses.BatchHardTripletLoss,
        losses.BatchSemiHardTripletLoss, losses.BatchAllTripletLoss(margin=0.5), losses.CoSENTLoss,
        losses.ContrastiveLoss(), losses.SupConLoss, losses.SupConLoss(temperature=0.1),
    ],
)  # fmt: skip
def test_other_losses(body, rows, arguments, loss):
    before = weights_of(body)
    trainer = FewShotTrainer(FewShotModel(body), arguments.update({"loss": loss, "max_steps": 2}), rows)
    trainer.train()
    assert changed(before, body) > 0
    assert trainer.body_trainer.state.global_step == 2


@pytest.mark.parametrize("head", ["linear_svc", "knn", "mlp"])
def test_other_heads(body, rows, arguments, head):
    params = {"n_neighbors": 1} if head == "knn" else {}
    model = FewShotModel(body, head, head_params=params)
    trainer = FewShotTrainer(model, arguments.update({"num_epochs": 0}), rows, rows)
    trainer.train()
    assert trainer.evaluate()["accuracy"] > 0.8


def test_the_heads_rate_is_that_of_a_perceptron_by_name(body, rows, arguments):
    from sklearn.neural_network import MLPClassifier

    given = arguments.update({"num_epochs": 0, "head_learning_rate": 0.03})
    by_name, own = FewShotModel(body, "mlp"), FewShotModel(body, MLPClassifier(max_iter=500, tol=0.1))
    for model in (by_name, own):
        FewShotTrainer(model, given, rows).train()
    assert (by_name.model_head.learning_rate_init, own.model_head.learning_rate_init) == (0.03, 0.001)


@pytest.mark.parametrize("strategy", ["one-vs-rest", "multi-output"])
def test_several_labels_a_text(body, rows, arguments, strategy, tmp_path):
    labels = [[int(place < 4), int(place < 8)] for place in range(12)]
    several = Dataset.from_dict({"text": rows["text"], "label": labels})
    model = FewShotModel(body, multi_target_strategy=strategy, labels=["broken", "about the app"])
    trainer = FewShotTrainer(model, arguments, several, several)
    trainer.train()
    found = model(rows["text"])
    assert (found.dtype, tuple(found.shape)) == (torch.int64, (12, 2))
    assert trainer.evaluate()["accuracy"] == np.mean((found.numpy() == np.array(labels)).all(axis=1))
    classifier = model.classifier()
    assert classifier.labels == ["broken", "about the app"]
    np.testing.assert_array_equal(classifier(rows["text"]), found.numpy())


def test_evaluations_measure_the_loss_on_other_pairs(body, rows, arguments):
    given = arguments.update({"eval_strategy": "steps", "eval_steps": 2, "max_steps": 4, "eval_max_steps": 2})
    trainer = FewShotTrainer(FewShotModel(body), given, rows, rows)
    trainer.train()
    measured = [entry["eval_loss"] for entry in trainer.body_trainer.state.log_history if "eval_loss" in entry]
    assert len(measured) == 2


def test_texts_as_labels_columns_by_another_name_and_callbacks(body, rows, arguments):
    class Count(TrainerCallback):
        steps = 0

        def on_step_end(self, *given, **more):
            self.steps += 1

    count = Count()
    data = Dataset.from_dict(
        {"sentence": rows["text"], "kind": [name for name in KINDS for _ in range(4)], "id": range(12)}
    )
    trainer = FewShotTrainer(
        model_init=lambda: FewShotModel(body), args=arguments, train_dataset=data, eval_dataset=data,
        metric="f1", metric_kwargs={"average": "macro"}, callbacks=[count],
        column_mapping={"sentence": "text", "kind": "label"},
    )  # fmt: skip
    trainer.train()
    assert count.steps == 12  # 2 x 2 pairs for each of 12 texts, in fours
    assert set(trainer.evaluate()) == {"f1"}
    found = trainer.model(KINDS["bug"])
    assert found.dtype.kind == "U"
    assert set(found) <= set(KINDS)
    assert trainer.model("refund") in KINDS


def test_a_function_as_metric(body, rows, arguments):
    trainer = FewShotTrainer(
        body, arguments.update({"num_epochs": 0}), rows, metric=lambda predicted, true: float((predicted == true).sum())
    )
    trainer.train()
    found = trainer.evaluate(rows)
    assert set(found) == {"metric"}
    assert found["metric"] > 6


@pytest.mark.slow
def test_an_exported_classifier_has_the_same_numbers(body, rows, arguments, tmp_path):
    trainer = FewShotTrainer(FewShotModel(body, labels=list(KINDS)), arguments, rows)
    trainer.train()
    classifier = trainer.export(tmp_path / "classifier")
    assert isinstance(classifier, airvec.Classifier)
    assert isinstance(classifier.model, airvec.SentenceTransformer)
    expected = trainer.model.predict_proba(rows["text"], as_numpy=True)
    np.testing.assert_allclose(classifier.predict_proba(rows["text"]), expected, atol=1e-5)
    assert classifier(rows["text"]) == trainer.model(rows["text"])
    again = FewShotModel.from_pretrained(tmp_path / "classifier", device="cpu")
    np.testing.assert_allclose(again.predict_proba(rows["text"], as_numpy=True), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Dataset.from_dict({"text": ["a"], "kind": [1]}), "columns text, kind, expected 'label'"),
        (Dataset.from_dict({"text": [], "label": []}), "train_dataset: 0 rows"),
        (DatasetDict({"train": Dataset.from_dict({"text": ["a"], "label": [1]})}), "a DatasetDict of train"),
        ({"text": ["a"], "label": [1]}, "train_dataset: dict, expected a datasets.Dataset"),
    ],
)
def test_wrong_data_are_told_at_once(body, data, message):
    with pytest.raises(ArgumentError, match=message):
        FewShotTrainer(body, train_dataset=data)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, None, 1], "train_dataset, row 1: label None, expected a text, a number or a row of 0 and 1"),
        ([0.0, 1.0, float("nan")], "train_dataset, row 2: label nan"),
        ([[0, 1], [1, 0], [1, None]], r"train_dataset, row 2: label \[1, None\]"),
    ],
)
def test_a_row_without_a_label_is_told(body, labels, message):
    data = Dataset.from_dict({"text": ["a", "b", "c"], "label": labels})
    with pytest.raises(ArgumentError, match=message):
        FewShotTrainer(body, train_dataset=data)


def test_a_mapped_column_that_is_not_there_is_told(body):
    data = Dataset.from_dict({"sentence": ["a"], "y": [1]})
    message = "column_mapping: 'sentenc' is no column of train_dataset, which has sentence, y"
    with pytest.raises(ArgumentError, match=message):
        FewShotTrainer(body, train_dataset=data, column_mapping={"sentenc": "text", "y": "label"})


def test_a_text_must_be_a_text(body):
    data = Dataset.from_dict({"text": ["a", None], "label": [0, 1]})
    with pytest.raises(InputError, match="text 1: None, expected a str"):
        FewShotTrainer(body, train_dataset=data)


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([1] * 12, None, "label: 1 in all 12 rows, expected two labels"),
        ([0, 1, 2] * 4, ["x", "y"], "label: from 0 to 2 with 2 names"),
        ([[0, 1]] * 12, None, r"label: rows such as \[0, 1\] for one LogisticRegression"),
    ],
)
def test_labels_that_the_head_would_refuse_are_told_before_the_training(body, rows, labels, names, message):
    data = Dataset.from_dict({"text": rows["text"], "label": labels})
    before = weights_of(body)
    with pytest.raises(ArgumentError, match=message):
        FewShotTrainer(FewShotModel(body, labels=names), train_dataset=data).train()
    assert changed(before, body) == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "model: neither of model and model_init"),
        ({"model": 1, "model_init": print}, "model: both"),
        ({"model": airvec.SentenceTransformer()}, "expected a FewShotModel or a SentenceTransformer of airvec_trainer"),
        ({"model": 1, "args": {"seed": 1}}, "args: dict, expected FewShotTrainingArguments"),
        ({"model": 1, "metric": "rouge"}, "metric: 'rouge', expected one of accuracy"),
    ],
)
def test_what_cannot_be_is_refused(given, message):
    with pytest.raises(ArgumentError, match=message):
        FewShotTrainer(**given)


def test_data_are_needed(body, rows):
    with pytest.raises(ArgumentError, match="train_dataset: None"):
        FewShotTrainer(body).train()
    with pytest.raises(ArgumentError, match="eval_dataset: NoneType"):
        FewShotTrainer(body).evaluate()
    with pytest.raises(ArgumentError, match="is not fitted.*Call trainer.train\\(\\) first"):
        FewShotTrainer(body).evaluate(rows)


def test_losses_of_triplets_take_one_label_a_text(body, rows, arguments):
    data = Dataset.from_dict({"text": rows["text"], "label": [[0, 1], [1, 0]] * 6})
    model = FewShotModel(body, multi_target_strategy="one-vs-rest")
    with pytest.raises(ArgumentError, match=r"with labels such as \[0, 1\], expected one label a text"):
        FewShotTrainer(model, arguments.update({"loss": losses.BatchAllTripletLoss}), data).train()


def test_defaults_are_setfits():
    found = FewShotTrainingArguments()
    assert (found.embedding_batch_size, found.embedding_num_epochs, found.body_embedding_learning_rate) == (16, 1, 2e-5)
