"""`Classifier`, on the model inside airvec and on one of ten words that can be worked out by hand."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from airvec import ArgumentError, Classifier, InputError, ModelFolderError, ModelNotFoundError, SentenceTransformer
from airvec.heads import Linear, Neighbors, Prototypes
from tests.folders import WORDS, word_model
from tests.house.probe import HEAVY, probe

DIM = 4
DESCRIPTIONS = {
    "billing": "billing issue, wrong charge, invoice, payment",
    "bug": "crash, error, broken, not working, app fails",
    "feature": "request, add, would be nice, improve, suggestion",
    "account": "login, password, cannot access, locked out",
}


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A folder whose prompts are `query` and `document`."""
    return word_model(tmp_path_factory.mktemp("words") / "words")


@pytest.fixture(scope="module")
def model(words):
    return SentenceTransformer(words)


@pytest.fixture
def nearest(model):
    """A classifier whose labels are the ten words: a text is its nearest word."""
    vectors = model.encode(list(WORDS))
    return Classifier(model, Neighbors(vectors, np.arange(10), 10, 1, "euclidean"), list(WORDS))


def linear(model, labels, **given):
    head = Linear(np.random.default_rng(0).normal(size=(len(labels), DIM)), np.zeros(len(labels)), **given)
    return Classifier(model, head, labels)


def test_many_texts_give_a_list_and_one_gives_its_label(nearest):
    assert nearest.predict(["c", "a", "c"]) == ["c", "a", "c"]
    assert nearest(np.array(["d"])) == ["d"]
    assert nearest("j") == nearest.predict("j") == "j"
    assert nearest([]) == []


def test_probabilities_are_in_the_order_of_the_labels(nearest):
    found = nearest.predict_proba(["c", "a"])
    assert (found.dtype, found.shape) == (np.float32, (2, 10))
    np.testing.assert_array_equal(found, np.eye(10)[[2, 0]])
    assert nearest.predict_proba("b").tolist() == np.eye(10)[1].tolist()
    assert nearest.predict_proba([]).shape == (0, 10)


def test_several_labels_a_text(model):
    classifier = linear(model, ["x", "y", "z"], link="sigmoid", multi_label=True)
    texts = [*WORDS]
    found = classifier(texts)
    assert classifier.multi_label
    assert (found.dtype, found.shape) == (np.int64, (10, 3))
    np.testing.assert_array_equal(found, classifier.predict_proba(texts) > 0.5)
    assert 0 < found.mean() < 1
    np.testing.assert_array_equal(classifier("c"), found[2])
    assert classifier([]).shape == (0, 3)


@pytest.mark.parametrize(
    "labels", [["a", "b"], [7, -1], [True, False], [0.5, 1.0], ["1", 1], [1, True], [None, "a"], ["ä\n", "\ud800"]]
)
def test_labels_come_back_with_their_type(model, labels, tmp_path):
    classifier = linear(model, labels)
    classifier.save_pretrained(tmp_path / "saved")
    for one in (classifier, Classifier.from_pretrained(tmp_path / "saved")):
        found = {(type(label), label) for label in one([*WORDS])}
        assert found == {(type(label), label) for label in labels}


def test_numpy_labels_become_plain_ones(model):
    labels = linear(model, np.array([3, 4])).labels
    assert [(type(label), label) for label in labels] == [(int, 3), (int, 4)]


def test_descriptions_are_enough():
    classifier = Classifier.from_descriptions(SentenceTransformer(), DESCRIPTIONS)
    assert classifier.labels == list(DESCRIPTIONS)
    assert classifier("can't log in to my account") == "account"
    assert classifier(["app crashes when I open it", "please add dark mode"]) == ["bug", "feature"]
    found = classifier.predict_proba(["the invoice is wrong", ""])
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert found[0].argmax() == 0


def test_the_nearest_description_is_that_of_the_highest_cosine(model):
    classifier = Classifier.from_descriptions(model, {"first": "a b", "second": ["c", "d e"]})
    vectors = model.encode(["a b", "c", "d e"], normalize_embeddings=True)
    second = vectors[1] + vectors[2]
    texts = model.encode([*WORDS], normalize_embeddings=True)
    cosines = np.stack([texts @ vectors[0], texts @ second / np.linalg.norm(second)], axis=1)
    assert classifier([*WORDS]) == [classifier.labels[place] for place in cosines.argmax(axis=1)]
    expected = np.exp(20 * cosines) / np.exp(20 * cosines).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classifier.predict_proba([*WORDS]), expected, atol=1e-5)


def test_the_temperature_changes_no_label(model):
    sharp, flat = (Classifier.from_descriptions(model, {1: "a b", 2: "c"}, temperature=value) for value in (0.01, 10.0))
    assert sharp([*WORDS]) == flat([*WORDS])
    assert sharp.predict_proba([*WORDS]).max() > 0.99
    assert flat.predict_proba([*WORDS]).max() < 0.6


def test_normalising_and_a_prompt_are_done_as_in_training(model):
    head = Linear(np.eye(4), np.zeros(4))
    plain, unit = (
        Classifier(model, head, range(4), normalize_embeddings=on, prompt="a b ").predict_proba("c") for on in (0, 1)
    )
    vector = model.encode("a b c").astype(float)
    for found, scores in ((plain, vector), (unit, vector / np.linalg.norm(vector))):
        np.testing.assert_allclose(found, np.exp(scores) / np.exp(scores).sum(), atol=1e-6)


def test_a_model_may_be_a_folder(words, nearest):
    assert Classifier(words, nearest.head, nearest.labels)("c") == "c"
    assert Classifier(str(words), nearest.head, nearest.labels)("c") == "c"


def test_what_is_printed_says_what_it_is(nearest):
    assert repr(nearest).startswith("Classifier(SentenceTransformer(")
    assert repr(nearest).endswith("Neighbors, labels=10)")


@pytest.mark.parametrize("copy_model", [True, False])
def test_a_saved_classifier_has_the_same_numbers(model, nearest, copy_model, tmp_path):
    classifier = linear(model, ["ä", "b", "c"])
    classifier.save_pretrained(tmp_path / "saved", copy_model=copy_model)
    again = Classifier.from_pretrained(tmp_path / "saved", model=None if copy_model else model)
    assert again.labels == classifier.labels
    np.testing.assert_array_equal(again.predict_proba([*WORDS]), classifier.predict_proba([*WORDS]))


def test_a_folder_holds_no_pickle_and_opens_as_a_model(model, nearest, tmp_path):
    nearest.save_pretrained(tmp_path / "saved")
    with np.load(tmp_path / "saved" / "classifier.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["probe", "targets", "vectors"]
    np.testing.assert_array_equal(SentenceTransformer(tmp_path / "saved").encode("a b"), model.encode("a b"))


def test_the_models_settings_are_kept(words, tmp_path):
    made = SentenceTransformer(words, truncate_dim=3, max_seq_length=4, prompts={"q": "a "}, default_prompt_name="q")
    classifier = Classifier(made, Neighbors(made.encode([*WORDS]), np.arange(10), 10, 1, "euclidean"), list(WORDS))
    classifier.save_pretrained(tmp_path / "saved")
    again = Classifier.from_pretrained(tmp_path / "saved")
    assert (again.model.truncate_dim, again.model.max_seq_length, again.reading.prompt) == (3, 4, "a ")
    np.testing.assert_array_equal(again.predict_proba(["b c d e f"]), classifier.predict_proba(["b c d e f"]))
    assert again([*WORDS]) == list(WORDS)


def test_saving_replaces_a_classifier_and_nothing_else(nearest, tmp_path):
    nearest.save_pretrained(tmp_path / "saved")
    again = Classifier.from_pretrained(tmp_path / "saved")
    again.save_pretrained(tmp_path / "saved")  # over the folder that it was opened from
    assert Classifier.from_pretrained(tmp_path / "saved")("c") == "c"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    with pytest.raises(ArgumentError, match="exists and has no classifier.json"):
        nearest.save_pretrained(tmp_path / "other")
    with pytest.raises(ArgumentError, match="lie in one another"):
        nearest.save_pretrained(nearest.model.folder / "inside")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "saved"]


def test_a_failed_save_leaves_what_was_there(nearest, tmp_path, monkeypatch):
    nearest.save_pretrained(tmp_path / "saved")
    before = {path.name: path.read_bytes() for path in (tmp_path / "saved").rglob("*") if path.is_file()}
    monkeypatch.setattr("airvec.classifier_file.sha256_of", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        nearest.save_pretrained(tmp_path / "saved")
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "saved").rglob("*") if path.is_file()} == before


class Torch:
    """Stands for a model in training, which has no exported folder."""

    def encode(self, inputs, prompt_name=None, prompt=None, batch_size=None, show_progress_bar=None, **more):
        return np.ones((len(inputs), DIM), np.float32)


def test_a_model_without_a_folder_is_saved_without_it(tmp_path):
    classifier = Classifier(Torch(), Prototypes(np.eye(DIM)), list("abcd"))
    with pytest.raises(ArgumentError, match="copy_model: True, but Torch is no exported model"):
        classifier.save_pretrained(tmp_path / "saved")
    classifier.save_pretrained(tmp_path / "saved", copy_model=False)
    assert Classifier.from_pretrained(tmp_path / "saved", model=Torch())("x") == "a"


def test_without_the_model_in_the_folder_it_must_be_given_and_be_the_same(model, nearest, tmp_path):
    nearest.save_pretrained(tmp_path / "saved", copy_model=False)
    assert sorted(path.name for path in (tmp_path / "saved").iterdir()) == ["classifier.json", "classifier.npz"]
    with pytest.raises(ArgumentError, match="model is None, and the folder holds none"):
        Classifier.from_pretrained(tmp_path / "saved")
    with pytest.raises(ModelFolderError, match="made with another model.*Give the model"):
        Classifier.from_pretrained(tmp_path / "saved", model=Torch())
    with pytest.raises(
        ModelFolderError, match="saved: model: its vectors have 256 dimensions, expected 4, .*Give that model"
    ):
        Classifier.from_pretrained(tmp_path / "saved", model=SentenceTransformer())
    assert Classifier.from_pretrained(tmp_path / "saved", model=model.folder)("c") == "c"


def test_a_folder_that_cannot_be_made_is_told_by_its_name(nearest, tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(ArgumentError, match="path: '.*notes/saved' cannot be written .*Give another"):
        nearest.save_pretrained(tmp_path / "notes" / "saved")
    assert (tmp_path / "notes").read_text() == "mine"


def test_another_model_in_place_of_the_folders_copy_is_refused(model, nearest, tmp_path):
    nearest.save_pretrained(tmp_path / "saved")
    with pytest.raises(ModelFolderError, match="made with another model"):
        Classifier.from_pretrained(tmp_path / "saved", model=Torch())
    assert Classifier.from_pretrained(tmp_path / "saved", model=model)("c") == "c"


def test_what_names_stand_for_is_kept(model, tmp_path):
    head = Prototypes(np.eye(DIM))
    named = Classifier(model, head, list("abcd"), classes=[0, 1, 2, 5])
    named.save_pretrained(tmp_path / "saved")
    again = Classifier.from_pretrained(tmp_path / "saved")
    assert (again.labels, again.classes) == (list("abcd"), [0, 1, 2, 5])
    plain = Classifier(model, head, list("abcd"))
    assert plain.classes == plain.labels
    with pytest.raises(ArgumentError, match="1 for a head with 4 outputs"):
        Classifier(model, head, list("abcd"), classes=[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": "2.0"}, "format version '2.0', expected '1.0'"),
        ({"head": {"type": "forest"}}, "type 'forest'"),
        ({"head": {}}, "no 'type'"),
        ({"labels": ["a"]}, "labels: 1 for a head with 10 outputs"),
        ({"labels": "a"}, "'labels' is 'a', expected a list"),
        ({"labels": ["a"] * 10}, "has one of them twice"),
        ({"sha256": "0"}, "SHA-256 .* classifier.json says 0"),
        ({"arrays": ["vectors", "probe"]}, "no 'targets'"),
        ({"arrays": ["vectors", "targets"]}, "'arrays' holds no 'probe'"),
        ({"classes": [1, 2]}, "2 for a head with 10 outputs"),
        ({"arrays": ["vectors", "targets", "probe", "more"]}, "holds no more"),
        ({"truncate_dim": 3}, "vectors have 3 dimensions, expected 4"),
        ({"normalize_embeddings": 1}, "'normalize_embeddings' is 1, expected true or false"),
        ({"truncate_dim": -1}, "truncate_dim: -1"),
    ],
)
def test_a_wrong_file_is_told(nearest, change, message, tmp_path):
    nearest.save_pretrained(tmp_path / "saved")
    path = tmp_path / "saved" / "classifier.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises((ModelFolderError, ArgumentError), match=message):
        Classifier.from_pretrained(tmp_path / "saved")


def test_unknown_keys_are_left_to_later_versions(nearest, tmp_path):
    nearest.save_pretrained(tmp_path / "saved")
    path = tmp_path / "saved" / "classifier.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": "1.7", "later": 1}))
    assert Classifier.from_pretrained(tmp_path / "saved")("c") == "c"


@pytest.mark.parametrize("name", ["classifier.json", "classifier.npz"])
@pytest.mark.parametrize("keep", [0, 40, -1])
def test_a_file_that_is_cut_short_is_told(nearest, name, keep, tmp_path):
    nearest.save_pretrained(tmp_path / "saved")
    path = tmp_path / "saved" / name
    path.write_bytes(path.read_bytes().rstrip()[:keep])
    with pytest.raises(ModelFolderError, match=name):
        Classifier.from_pretrained(tmp_path / "saved")


def test_pickled_objects_are_not_read(nearest, tmp_path):
    nearest.save_pretrained(tmp_path / "saved")
    folder = tmp_path / "saved"
    np.savez(folder / "classifier.npz", vectors=np.array([print], object), targets=np.zeros(1))
    said = json.loads((folder / "classifier.json").read_text())
    from airvec.manifest import sha256_of

    said["sha256"] = sha256_of(folder / "classifier.npz")
    (folder / "classifier.json").write_text(json.dumps(said))
    with pytest.raises(ModelFolderError, match="pickled objects"):
        Classifier.from_pretrained(folder)


def test_missing_files_are_told(nearest, tmp_path):
    with pytest.raises(ModelNotFoundError, match="no such folder"):
        Classifier.from_pretrained(tmp_path / "nowhere")
    with pytest.raises(ModelNotFoundError, match="no classifier.json there"):
        Classifier.from_pretrained(tmp_path)
    nearest.save_pretrained(tmp_path / "saved")
    (tmp_path / "saved" / "classifier.npz").unlink()
    with pytest.raises(ModelNotFoundError, match="classifier.npz: no such file"):
        Classifier.from_pretrained(tmp_path / "saved")


def test_a_copy_is_whole(nearest, tmp_path):
    nearest.save_pretrained(tmp_path / "saved")
    shutil.move(tmp_path / "saved", tmp_path / "moved")
    assert Classifier.from_pretrained(str(tmp_path / "moved"))("c") == "c"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda model: Classifier(model, Prototypes(np.eye(4)), ["a"]), "labels: 1 for a head with 4 outputs"),
        (lambda model: Classifier(model, Prototypes(np.eye(4)), list("abca")), "one of them twice"),
        (lambda model: Classifier(model, Prototypes(np.eye(4)), [1, 2, 3, (4,)]), r"labels: \(4,\), expected str"),
        (lambda model: Classifier(model, Prototypes(np.eye(4)), [1, 2, 3, float("nan")]), "labels: nan, expected str"),
        (lambda model: Classifier(model, Prototypes(np.eye(3)), [1, 2, 3]), "have 4 dimensions, expected 3"),
        (lambda model: Classifier(Torch(), Prototypes(np.eye(3)), [1, 2, 3])("x"), "have 4 dimensions, expected 3"),
        (lambda model: Classifier(5, Prototypes(np.eye(4)), range(4)), "model: 5, expected a SentenceTransformer"),
        (
            lambda model: Classifier.from_descriptions(SentenceTransformer, {"a": "b"}),
            "model: the class SentenceTransformer, expected a model. Add parentheses",
        ),
        (lambda model: Classifier(model, Prototypes(np.eye(4)), range(4), prompt=5), "prompt: 5, expected a str"),
        (lambda model: Classifier.from_descriptions(model, {}), "descriptions: {}, expected a dict"),
        (lambda model: Classifier.from_descriptions(model, ["a"]), r"descriptions: \['a'\], expected a dict"),
        (lambda model: Classifier.from_descriptions(model, {"a": " "}), "descriptions: 'a' has ' '"),
        (lambda model: Classifier.from_descriptions(model, {"a": []}), r"descriptions: 'a' has \[\]"),
        (lambda model: Classifier.from_descriptions(model, {"a": "b"}, temperature=-1), "temperature: -1"),
        (lambda model: Classifier.from_sklearn(model, object()), "fitted: <object"),
    ],
)
def test_what_cannot_be_is_refused(model, make, message):
    with pytest.raises(ArgumentError, match=message):
        make(model)


def test_a_description_must_be_a_text(model):
    with pytest.raises(InputError, match="texts: int 5, expected a str"):
        Classifier.from_descriptions(model, {"a": 5})


@pytest.mark.parametrize("texts", [None, ["a", 5], b"a"])
def test_texts_must_be_texts(nearest, texts):
    with pytest.raises(InputError):
        nearest(texts)


def test_a_fitted_estimator_gives_its_numbers(tmp_path):
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn comes with airvec[train]")
    model = SentenceTransformer()
    texts = [f"{word} {number}" for word in ("cat", "invoice", "rain") for number in range(4)]
    places = np.arange(12) // 4
    fitted = linear_model.LogisticRegression().fit(model.encode(texts, normalize_embeddings=True), places)
    named = Classifier.from_sklearn(model, fitted, labels=["pets", "money", "weather"], normalize_embeddings=True)
    unseen = ["a kitten", "the bill", "it is wet outside", ""]
    expected = fitted.predict_proba(model.encode(unseen, normalize_embeddings=True))
    np.testing.assert_allclose(named.predict_proba(unseen), expected, atol=1e-6)
    assert named(unseen[:3]) == ["pets", "money", "weather"]
    assert Classifier.from_sklearn(model, fitted, normalize_embeddings=True)(unseen[:3]) == [0, 1, 2]
    assert (named.classes, named.labels) == ([0, 1, 2], ["pets", "money", "weather"])
    floats = linear_model.LogisticRegression().fit(model.encode(texts), places.astype(float))
    assert Classifier.from_sklearn(model, floats, labels=named.labels)(unseen[:3]) == named(unseen[:3])
    halves = linear_model.LogisticRegression().fit(model.encode(texts), [f"{place / 2}" for place in places])
    with pytest.raises(ArgumentError, match="expected classes from 0 to 2"):
        Classifier.from_sklearn(model, halves, labels=named.labels)
    with pytest.raises(ArgumentError, match=r"labels: \['a'\] for the classes \[0, 1, 2\]"):
        Classifier.from_sklearn(model, fitted, labels=["a"])


def test_it_runs_without_torch_and_scikit_learn(nearest, tmp_path):
    nearest.save_pretrained(tmp_path / "saved")
    code = (
        "from airvec import Classifier\n"
        f"classifier = Classifier.from_pretrained({str(tmp_path / 'saved')!r})\n"
        "assert classifier(['c', 'a']) == ['c', 'a']\n"
        "assert classifier.predict_proba('c').shape == (10,)\n"
        "assert Classifier.from_descriptions(None, {'pet': 'a cat', 'rain': 'wet weather'})('a kitten') == 'pet'\n"
    )
    seen = probe(code, absent=HEAVY)
    assert seen.problem is None
    assert not seen.heavy()


def test_the_path_may_be_a_str_or_a_path(nearest, tmp_path):
    nearest.save_pretrained(str(tmp_path / "a" / "b"))
    assert Classifier.from_pretrained(Path(tmp_path / "a" / "b"))("c") == "c"
