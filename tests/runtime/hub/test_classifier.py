"""Classifiers by name: the head and the model beside it come from one commit, and nothing else is fetched."""

import shutil

import numpy as np
import pytest

from airvec import Classifier, SentenceTransformer
from airvec.heads import Prototypes

PREDICT = """from airvec import Classifier
        result = Classifier.from_pretrained({}).predict(['a b', 'c d'])"""


@pytest.fixture
def labelled(hub, words, tmp_path):
    """A repository with a classifier and its model."""
    vectors = SentenceTransformer(str(words)).encode(["a b", "c d"], normalize_embeddings=True)
    found = Classifier(str(words), Prototypes(np.asarray(vectors, np.float64)), ["first", "second"])
    found.save_pretrained(tmp_path / "repositories" / "labelled")
    found.save_pretrained(tmp_path / "repositories" / "head", copy_model=False)
    hub.repositories |= {f"org/{name}": tmp_path / "repositories" / name for name in ("labelled", "head")}
    hub.repositories["sentence-transformers/labelled"] = tmp_path / "repositories" / "labelled"
    return tmp_path / "repositories" / "labelled"


def test_a_classifier_by_name_and_again_without_network(hub, client, labelled):
    found = client.attempt(PREDICT.format("'org/labelled'"))
    assert (found.problem, found.result) == (None, ["first", "second"])
    assert {name for name in hub.fetched if not name.endswith(".json")} == {"classifier.npz", "onnx/model.onnx"}
    asked = len(hub.asked)
    again = client.attempt(PREDICT.format("'org/labelled', local_files_only=True"))
    assert (again.problem, again.result, len(hub.asked)) == (None, found.result, asked)
    assert client.attempt(PREDICT.format("'labelled'")).result == found.result


def test_a_head_by_name_with_a_model_from_elsewhere(hub, client, labelled, words):
    found = client.attempt(PREDICT.format("'org/head', model='org/words'"))
    assert (found.problem, found.result) == (None, ["first", "second"])
    assert client.attempt(PREDICT.format("'org/head'")).message.startswith("'org/head': model is None")
    shutil.rmtree(client.snapshot("org/words"))
    assert client.attempt(PREDICT.format(f"'org/head', model={str(words)!r}")).result == found.result


def test_a_model_from_elsewhere_is_looked_for_as_the_classifier_is(hub, client, labelled):
    client.attempt(PREDICT.format("'org/head', model='org/words'"))
    asked = len(hub.asked)
    offline = client.attempt(PREDICT.format("'org/head', model='org/words', local_files_only=True"))
    assert (offline.problem, offline.result, len(hub.asked)) == (None, ["first", "second"], asked)
    elsewhere = client.home / "elsewhere"
    found = client.attempt(PREDICT.format(f"'org/head', model='org/words', cache_folder={str(elsewhere)!r}"))
    assert found.result == ["first", "second"]
    assert {path.name for path in elsewhere.glob("models--*")} == {"models--org--head", "models--org--words"}


def test_a_damaged_classifier_is_told_by_its_name(hub, client, labelled):
    file = labelled / "classifier.json"
    file.write_text(file.read_text().replace('"first",', ""))
    found = client.attempt(PREDICT.format("'org/labelled'"))
    assert found.message.startswith("labelled: labels: 1 for a head with 2 outputs")


def test_a_repository_without_a_classifier_is_told_before_anything_large_comes(hub, client):
    found = client.attempt(PREDICT.format("'org/words'"))
    assert found.message == (
        "org/words: no classifier.json there, expected what Classifier.save_pretrained wrote. Check the name."
    )
    assert hub.fetched == []
    missing = client.attempt(PREDICT.format("'./nowhere'"))
    assert missing.message.startswith("./nowhere: no such folder")
