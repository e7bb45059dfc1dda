"""Classification code as tutorials have it, with nothing but the import and the name of the model changed."""

import numpy as np
import pytest
from datasets import Dataset
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

TRAIN_TEXTS = [
    "can't log in", "password reset broken", "locked out of my account",
    "app crashes on startup", "gets an error when saving", "broken feature",
    "please add dark mode", "would love export to PDF", "could you add search?",
]  # fmt: skip
TRAIN_LABELS = ["account", "account", "account", "bug", "bug", "bug", "feature", "feature", "feature"]


def test_labels_described_and_compared_by_hand():
    from airvec import Classifier, SentenceTransformer, util

    model = SentenceTransformer()
    labels = {
        "billing": "billing issue, wrong charge, invoice, payment",
        "bug": "crash, error, broken, not working, app fails",
        "feature": "request, add, would be nice, improve, suggestion",
        "account": "login, password, cannot access, locked out",
    }
    label_names = list(labels.keys())
    label_embeddings = model.encode(list(labels.values()), normalize_embeddings=True)

    def classify(text: str) -> str:
        emb = model.encode(text, normalize_embeddings=True)
        scores = util.dot_score(emb, label_embeddings)[0]
        return label_names[scores.argmax().item()]

    assert classify("can't log in to my account") == "account"
    assert classify("app crashes when I open it") == "bug"
    ours = Classifier.from_descriptions(model, labels)  # the same in one line
    texts = [*TRAIN_TEXTS, "where is my money"]
    assert ours(texts) == [classify(text) for text in texts]


@pytest.mark.parametrize(
    "clf",
    [
        LogisticRegression(max_iter=500, C=1.0), LinearSVC(C=1.0, max_iter=2000),
        KNeighborsClassifier(n_neighbors=5, metric="cosine"), MLPClassifier(hidden_layer_sizes=(256,), max_iter=500),
    ],
    ids=lambda clf: type(clf).__name__,
)  # fmt: skip
def test_an_estimator_on_embeddings(clf, tmp_path):
    from airvec import Classifier, SentenceTransformer

    model = SentenceTransformer()
    train_emb = model.encode(TRAIN_TEXTS, normalize_embeddings=True)
    clf.fit(train_emb, TRAIN_LABELS)
    test_texts = ["I keep getting 404 errors", "add keyboard shortcuts please"]
    test_emb = model.encode(test_texts, normalize_embeddings=True)
    predictions = clf.predict(test_emb)
    classifier = Classifier.from_sklearn(model, clf, normalize_embeddings=True)
    assert classifier(test_texts) == predictions.tolist()
    if hasattr(clf, "predict_proba"):
        np.testing.assert_allclose(classifier.predict_proba(test_texts), clf.predict_proba(test_emb), atol=1e-6)


@pytest.fixture
def train_data():
    return Dataset.from_dict({
        "text": [
            "app won't start", "keeps crashing", "runtime error on open",
            "add CSV export", "dark mode please", "need bulk actions",
            "charged twice", "wrong amount billed", "invoice is wrong",
        ],
        "label": [0, 0, 0, 1, 1, 1, 2, 2, 2],
    })  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:'pin_memory':UserWarning")
def test_setfits_pipeline(base, train_data, tmp_path, monkeypatch):
    from airvec_trainer.few_shot import SetFitModel, Trainer, TrainingArguments

    monkeypatch.chdir(tmp_path)
    model = SetFitModel.from_pretrained(base, labels=["bug", "feature", "billing"])
    args = TrainingArguments(
        num_epochs=1,
        batch_size=16,
        num_iterations=20,
        body_learning_rate=1e-5,
        head_learning_rate=1e-2,
    )
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=train_data,
    )
    trainer.train()
    preds = model(["can't log in", "please add search"])
    assert len(preds) == 2
    assert set(preds) <= {"bug", "feature", "billing"}
    assert trainer.body_trainer.state.global_step == -(-2 * 20 * 9 // 16)


def test_setfits_custom_heads(base, train_data):
    from airvec_trainer import SentenceTransformer
    from airvec_trainer.few_shot import SetFitModel

    body = SentenceTransformer(base, device="cpu")
    head = LinearSVC(C=0.5)
    model = SetFitModel(body, head)
    model.fit(train_data["text"], train_data["label"])
    assert model("add search").shape == ()
    model = SetFitModel.from_pretrained(base, head_params={"solver": "lbfgs", "max_iter": 500, "C": 0.5})
    assert (model.model_head.max_iter, model.model_head.C) == (500, 0.5)


def test_the_complete_pipeline_without_pickle(tmp_path, monkeypatch):
    """`multi_class="multinomial"`, which tutorials give, is what scikit-learn does; since 1.8 it takes it no longer."""
    from airvec import Classifier, SentenceTransformer

    monkeypatch.chdir(tmp_path)
    model = SentenceTransformer()
    train_emb = model.encode(TRAIN_TEXTS, normalize_embeddings=True, batch_size=64, show_progress_bar=True)
    clf = LogisticRegression(max_iter=500, C=1.0, solver="lbfgs")
    clf.fit(train_emb, TRAIN_LABELS)

    Classifier.from_sklearn(model, clf, normalize_embeddings=True).save_pretrained("classifier")  # not pickle.dump
    classifier = Classifier.from_pretrained("classifier")

    def predict(texts: list[str]) -> list[str]:
        emb = model.encode(texts, normalize_embeddings=True)
        return clf.predict(emb).tolist()

    def predict_with_confidence(texts: list[str]) -> list[tuple[str, float]]:
        labels = classifier.predict(texts)
        confidences = classifier.predict_proba(texts).max(axis=1)
        return list(zip(labels, confidences, strict=True))

    texts = ["it crashed", "add a button", "my password does not work"]
    found = predict_with_confidence(texts)
    assert [label for label, _ in found] == predict(texts)
    expected = clf.predict_proba(model.encode(texts, normalize_embeddings=True)).max(axis=1)
    np.testing.assert_allclose([confidence for _, confidence in found], expected, atol=1e-6)
