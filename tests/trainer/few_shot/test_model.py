"""`FewShotModel`: SetFit's types of answers, folders without pickle, heads by name, rows by label."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

import airvec
from airvec.errors import ArgumentError, ModelNotFoundError
from airvec_trainer.few_shot import FewShotModel, FewShotTrainer, FewShotTrainingArguments, sample_dataset
from airvec_trainer.few_shot.heads import new_head
from tests.trainer.few_shot.conftest import KINDS

NAMES = list(KINDS)
ARGUMENTS = FewShotTrainingArguments(num_epochs=0, show_progress_bar=False)


@pytest.fixture
def fitted(body, rows):
    def made(labels=None, **given):
        model = FewShotModel(body, labels=labels, **given)
        model.fit(rows["text"], rows["label"])
        return model

    return made


def test_names_come_as_a_list_and_numbers_as_a_tensor(fitted, rows):
    named, numbered = fitted(NAMES), fitted()
    assert named(rows["text"][:2]) == [NAMES[place] for place in numbered(rows["text"][:2]).tolist()]
    assert named("dark mode") in NAMES
    found = numbered(rows["text"])
    assert (found.dtype, tuple(found.shape)) == (torch.int64, (12,))
    torch.testing.assert_close(named.predict(rows["text"], use_labels=False), found)
    np.testing.assert_array_equal(numbered.predict(rows["text"], as_numpy=True), found.numpy())
    assert numbered("dark mode").shape == ()
    assert numbered(["dark mode"]).shape == (1,)


def test_probabilities_are_a_tensor(fitted, rows):
    model = fitted(NAMES)
    found = model.predict_proba(rows["text"])
    assert tuple(found.shape) == (12, 3)
    np.testing.assert_allclose(found.sum(dim=1), np.ones(12), atol=1e-6)
    np.testing.assert_array_equal(model.predict_proba(rows["text"], as_numpy=True), found.numpy())
    assert tuple(model.predict_proba("dark mode").shape) == (3,)


@pytest.mark.parametrize("normalize", [False, True])
def test_the_numbers_are_scikit_learns(fitted, rows, normalize):
    model = fitted(normalize_embeddings=normalize)
    expected = model.model_head.predict_proba(model.encode(rows["text"]))
    np.testing.assert_allclose(model.predict_proba(rows["text"], as_numpy=True), expected, atol=1e-6)


@pytest.mark.parametrize("labels", [NAMES, None])
def test_a_saved_model_predicts_alike_and_holds_no_pickle(fitted, rows, labels, tmp_path):
    model = fitted(labels)
    model.save_pretrained(tmp_path / "saved")
    again = FewShotModel.from_pretrained(tmp_path / "saved", device="cpu")
    np.testing.assert_array_equal(again.predict_proba(rows["text"]), model.predict_proba(rows["text"]))
    assert list(again(rows["text"])) == list(model(rows["text"]))
    assert not [path.name for path in (tmp_path / "saved").rglob("*") if path.suffix in (".pkl", ".joblib", ".bin")]


@pytest.mark.parametrize(
    ("values", "names"),
    [("abc", None), ([2, 5, 7], None), ([0.0, 1.0, 2.0], None), ([0, 1, 2], NAMES)],
    ids=["texts", "numbers", "floats", "names"],
)
def test_a_saved_model_is_evaluated_and_answers_as_before(body, rows, values, names, tmp_path):
    data = Dataset.from_dict({"text": rows["text"], "label": [values[place] for place in rows["label"]]})
    model = FewShotModel(body, labels=names)
    model.fit(data["text"][:], data["label"][:])
    model.save_pretrained(tmp_path / "saved")
    again = FewShotModel.from_pretrained(tmp_path / "saved", device="cpu")
    before, after = (FewShotTrainer(one, ARGUMENTS, eval_dataset=data).evaluate() for one in (model, again))
    assert before == after
    assert before["accuracy"] > 0.6  # by chance 0.33
    for texts in (rows["text"][:2], rows["text"][0]):
        for given in ({}, {"as_numpy": True}, {"use_labels": False}):
            one, other = (chosen.predict(texts, **given) for chosen in (model, again))
            assert (type(one), getattr(one, "dtype", None)) == (type(other), getattr(other, "dtype", None))
            np.testing.assert_array_equal(one, other)
    if names:
        named = data.remove_columns("label").add_column("label", [names[place] for place in rows["label"]])
        assert FewShotTrainer(again, ARGUMENTS, eval_dataset=named).evaluate() == before
    other = data.remove_columns("label").add_column("label", [9 if values == "abc" else "x"] * len(data))
    if not names:
        with pytest.raises(ArgumentError, match="label: .*, expected labels such as the model's"):
            FewShotTrainer(again, ARGUMENTS, eval_dataset=other).evaluate()


def test_a_classifier_with_a_prompt_of_its_own_is_refused(fitted, tmp_path):
    classifier = fitted().classifier()
    other = airvec.Classifier(classifier.model, classifier.head, classifier.labels, prompt="query: ")
    classifier.model.save_pretrained(tmp_path / "model")
    other.save_pretrained(tmp_path / "saved", copy_model=tmp_path / "model")
    with pytest.raises(
        ArgumentError, match="saved: a classifier with the prompt 'query: ', expected the model's own, ''"
    ):
        FewShotModel.from_pretrained(tmp_path / "saved", device="cpu")


def test_the_length_limit_is_kept(fitted, tmp_path):
    model = fitted()
    model.model_body.max_seq_length = 5
    model.save_pretrained(tmp_path / "saved")
    assert FewShotModel.from_pretrained(tmp_path / "saved", device="cpu").model_body.max_seq_length == 5


def test_a_head_from_a_folder_is_not_fitted_again(fitted, rows, tmp_path):
    fitted().save_pretrained(tmp_path / "saved")
    again = FewShotModel.from_pretrained(tmp_path / "saved", device="cpu")
    with pytest.raises(ArgumentError, match="model_head: Linear, read from a folder"):
        again.fit(rows["text"], list(rows["label"]))
    fresh = FewShotModel(again.model_body)
    fresh.fit(rows["text"], list(rows["label"]))
    assert fresh(rows["text"]).shape == (12,)


def test_a_folder_or_name_of_a_plain_model_gets_a_new_head(base):
    model = FewShotModel.from_pretrained(base, head="knn", head_params={"n_neighbors": 3}, device="cpu")
    assert (model.model_head.n_neighbors, model.model_head.metric) == (3, "cosine")
    with pytest.raises(ModelNotFoundError):
        FewShotModel.from_pretrained(base + "-gone")


@pytest.mark.parametrize(
    ("name", "strategy", "kind"),
    [
        ("logistic_regression", None, LogisticRegression),
        ("linear_svc", None, LinearSVC),
        ("linear_svc", "one-vs-rest", OneVsRestClassifier),
        ("knn", "multi-output", KNeighborsClassifier),
    ],
)
def test_heads_by_name(name, strategy, kind):
    assert type(new_head(name, None, strategy)) is kind


def test_an_estimator_of_your_own_is_taken_as_it_is(body):
    head = LinearSVC(C=0.5)
    assert FewShotModel(body, head).model_head is head


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda body: FewShotModel(airvec.SentenceTransformer()), "model_body: .* expected airvec_trainer.Sentence"),
        (lambda body: FewShotModel(body, "forest"), "head: 'forest', expected one of logistic_regression"),
        (lambda body: FewShotModel(body, head_params={"D": 1}), "head_params: {'D': 1} for LogisticRegression"),
        (lambda body: FewShotModel(body, LinearSVC(), head_params={"C": 1}), "head_params: {'C': 1} beside LinearSVC"),
        (lambda body: FewShotModel(body, multi_target_strategy="chain"), "multi_target_strategy: 'chain'"),
        (
            lambda body: FewShotModel(body).predict(["a"]),
            r"LogisticRegression.* is not fitted.*Call trainer.train\(\) first",
        ),
    ],
)
def test_what_cannot_be_is_refused(body, make, message):
    with pytest.raises(ArgumentError, match=message):
        make(body)


def test_a_few_rows_of_each_label():
    data = Dataset.from_dict({"text": [str(row) for row in range(60)], "label": [row % 3 for row in range(60)]})
    found = sample_dataset(data, num_samples=8, seed=1)
    assert sorted(found["label"]) == sorted([0, 1, 2] * 8)
    assert all(int(row["text"]) % 3 == row["label"] for row in found)
    assert found["text"] != sample_dataset(data, num_samples=8, seed=2)["text"]
    assert found["text"] == sample_dataset(data, num_samples=8, seed=1)["text"]
    assert len(sample_dataset(data, num_samples=100)) == 60
