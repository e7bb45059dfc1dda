"""A static student of a tiny teacher: it learns from texts, comes out the same, and is a model like any other."""

import doctest
from itertools import pairwise

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

import airvec
from airvec.errors import ArgumentError
from airvec_trainer.distillation import static, static_training
from airvec_trainer.distillation.static import StaticSettings, distil_static, principal_axes, token_texts
from airvec_trainer.distillation.static_training import TokenRows, train_table
from airvec_trainer.errors import TrainingError

WORDS = [f"w{number}" for number in range(60)]
FEW = {"batch_size": 64, "epochs": 4, "learning_rate": 0.03}


def tokenizer() -> Tokenizer:
    """Words at white space; [PAD] is special, and an unknown word is read as the known word w0."""
    made = Tokenizer(models.WordLevel({"[PAD]": 0} | {word: i for i, word in enumerate(WORDS, 1)}, unk_token="w0"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens(["[PAD]"])
    return made


class Teacher:
    """A sum of random vectors by word, in which some words count ten times as much: alone, none shows that it does."""

    def __init__(self) -> None:
        generator = np.random.default_rng(0)
        self.vectors = generator.normal(size=(61, 16))
        self.vectors[1:] *= (
            np.where(np.arange(60) % 3, 1.0, 10.0)[:, None] / np.linalg.norm(self.vectors[1:], axis=1)[:, None]
        )
        self.tokenizer = tokenizer()

    def encode(self, texts, **_):
        found = np.stack([self.vectors[self.tokenizer.encode(text).ids].sum(axis=0) for text in texts])
        return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def texts():
    generator = np.random.default_rng(1)
    return [" ".join(generator.choice(WORDS, generator.integers(1, 8))) for _ in range(2000)]


@pytest.fixture(scope="module")
def learnt(texts):
    return distil_static(Teacher(), texts, dimensions=16, settings=StaticSettings(**FEW))


@pytest.mark.parametrize("module", [static, static_training], ids=lambda module: module.__name__)
def test_the_examples_in_docstrings_hold(module):
    assert not doctest.testmod(module).failed


def test_it_learns_what_no_token_alone_shows(learnt):
    before, after = learnt.losses[0], learnt.losses[-1]
    assert before["cosine_distance"] > 0.05
    assert after["cosine_distance"] < before["cosine_distance"] / 5
    assert after["similarity_error"] < before["similarity_error"] / 5
    assert len(learnt.losses) == FEW["epochs"] + 1


def test_words_that_count_more_get_longer_vectors(learnt):
    lengths = np.linalg.norm(learnt.vectors[1:], axis=1)
    assert lengths[::3].min() > 2 * np.median(lengths[1::3])


def test_the_same_seed_gives_the_same_table_and_another_seed_another(texts, learnt):
    again = distil_static(Teacher(), texts, dimensions=16, settings=StaticSettings(**FEW))
    other = distil_static(Teacher(), texts, dimensions=16, settings=StaticSettings(**FEW, seed=1))
    np.testing.assert_array_equal(again.vectors, learnt.vectors)
    assert not np.array_equal(other.vectors, learnt.vectors)


def test_vectors_that_are_there_are_not_asked_for_again(texts, learnt):
    teacher = Teacher()
    made = teacher.encode(texts)
    asked: list[str] = []
    teacher.encode = lambda some, **_: asked.extend(some) or Teacher().encode(some)
    found = distil_static(teacher, texts, dimensions=16, vectors=made, settings=StaticSettings(**FEW))
    assert asked == WORDS
    np.testing.assert_allclose(found.vectors, learnt.vectors, atol=1e-6)


def test_special_tokens_say_nothing(learnt):
    assert not learnt.vectors[0].any()
    np.testing.assert_array_equal(learnt.model().encode(["[PAD]"])[0], np.zeros(16, np.float32))


def test_the_model_is_saved_and_opened_by_the_runtime(learnt, tmp_path):
    learnt.model().save_pretrained(str(tmp_path / "model"))
    asked = ["w3 w4", "w5"]
    opened = airvec.SentenceTransformer(str(tmp_path / "model"))
    np.testing.assert_allclose(opened.encode(asked), learnt.model().encode(asked), atol=1e-6)


def test_fewer_dimensions_keep_most(texts, learnt):
    narrow = distil_static(Teacher(), texts, dimensions=8, settings=StaticSettings(**FEW))
    assert narrow.vectors.shape == (61, 8)
    assert narrow.losses[-1]["similarity_error"] > learnt.losses[-1]["similarity_error"]


def test_no_epoch_gives_the_start(texts):
    found = distil_static(Teacher(), texts, dimensions=16, settings=StaticSettings(epochs=0))
    assert len(found.losses) == 1


def test_int8_rows_are_half_a_step_from_the_truth_at_most(learnt):
    numbers, scales = learnt.int8()
    assert numbers.dtype == np.int8
    assert scales.dtype == np.float32
    assert np.all(np.abs(numbers * scales[:, None].astype(float) - learnt.vectors) <= 0.5001 * scales[:, None])


def test_axes_fall_in_variance_and_do_not_depend_on_the_solvers_sign():
    states = torch.from_numpy(np.random.default_rng(0).normal(size=(500, 3)) * [1.0, 5.0, 2.0] + 7).float()
    mean, axes = principal_axes(states, 3, 0.0)
    made = (states - mean) @ axes
    assert all(left > right for left, right in pairwise(made.var(dim=0).tolist()))
    torch.testing.assert_close((made[0] - made[1]).norm(), (states[0] - states[1]).norm())
    assert (axes.gather(0, axes.abs().argmax(dim=0, keepdim=True)) > 0).all()
    whitened = ((states - mean) @ principal_axes(states, 3, -1.0)[1]).var(dim=0)
    torch.testing.assert_close(whitened, whitened[:1].expand(3))


def test_rows_of_texts_are_cut_and_leave_out_what_says_nothing():
    rows = TokenRows.of(tokenizer(), ["w0 w1 w2", "", "[PAD] w5"], torch.tensor([False] + [True] * 60), 2)
    assert len(rows) == 3
    ids, starts = rows.batch(torch.tensor([2, 0, 1]))
    assert (ids.tolist(), starts.tolist()) == ([6, 1, 2], [0, 1, 3])


def test_rare_tokens_weigh_more():
    rows = TokenRows(torch.tensor([1, 1, 1, 2]), torch.tensor([0, 4]))
    assert rows.inverse_frequency(3, 0.25).tolist() == [1.0, 0.25, 0.5]


def test_a_token_is_read_without_the_sign_that_it_goes_on():
    made = Tokenizer(models.WordPiece({"[UNK]": 0, "play": 1, "##ing": 2}, unk_token="[UNK]"))
    made.add_special_tokens(["[UNK]"])
    assert token_texts(made) == ["", "play", "ing"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"texts": ["w1"] * 19}, "texts: 19, expected at least 20"),
        ({"dimensions": 17}, "dimensions: 17, expected 1 to 16"),
        ({"dimensions": 0}, "dimensions: 0, expected 1 to 16"),
        ({"vectors": np.ones((3, 16))}, r"vectors: \[3, 16\], expected the teacher's embeddings of the 40 texts"),
        ({"tokenizer": object()}, "tokenizer: object, expected a tokenizers.Tokenizer"),
    ],
)
def test_wrong_arguments_are_told(given, message):
    texts = given.pop("texts", ["w1 w2", "w3"] * 20)
    with pytest.raises(ArgumentError, match=message):
        distil_static(Teacher(), texts, **{"dimensions": 4} | given)


def test_a_text_in_place_of_texts_is_told():
    with pytest.raises(ArgumentError, match="texts: str 'w1 w2', expected a list of texts"):
        distil_static(Teacher(), "w1 w2")


def test_a_text_that_is_none_is_named_by_its_place():
    with pytest.raises(ArgumentError, match="texts, row 3: None, expected a text"):
        distil_static(Teacher(), ["w1", "w2", "w3", None] * 10)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": -1}, "epochs: -1, expected at least 0"),
        ({"neighbours": 9, "batch_size": 8}, "neighbours: 9, expected at most batch_size 8"),
        ({"learning_rate": 0.0}, "learning_rate: 0.0, expected a number above 0"),
    ],
)
def test_settings_out_of_range_are_told(given, message):
    with pytest.raises(ArgumentError, match=message):
        StaticSettings(**given)


def test_a_loss_that_is_no_number_stops_the_training():
    rows = TokenRows(torch.ones(40, dtype=torch.int64), torch.arange(41))
    bad = torch.full((40, 4), float("nan"))
    with pytest.raises(TrainingError, match="step 0: loss nan, expected a finite number"):
        train_table(torch.ones(2, 4), rows, bad, bad, StaticSettings(batch_size=8))
