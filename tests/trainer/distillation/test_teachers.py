"""Mirrors trainer/airvec_trainer/distillation/teachers.py."""

import numpy as np
import pytest
import torch

import airvec
from airvec.errors import ArgumentError, ModelNotFoundError
from airvec_trainer import SentenceTransformer
from airvec_trainer.distillation import open_teacher, teacher_scores, teacher_vectors
from tests.trainer.static_models import static_model


class Counting:
    """A teacher that says how many letters a text has, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def encode(self, texts, **settings):
        self.asked.append(texts)
        return np.array([[len(text), settings.get("truncate_dim") or 0] for text in texts], np.float32)

    def predict(self, pairs, **settings):
        self.asked.append(pairs)
        return np.array([len(query) - len(document) for query, document in pairs], np.float32)


def test_vectors_are_those_of_the_teacher_in_the_order_of_the_texts():
    teacher = Counting()
    found = teacher_vectors(teacher, ["abc", "a", "abc"], encode_kwargs={"truncate_dim": 7})
    assert found.tolist() == [[3, 7], [1, 7], [3, 7]]
    assert teacher.asked == [["abc", "a"]]  # what stands twice is asked once


def test_scores_are_those_of_the_teacher():
    assert teacher_scores(Counting(), [("abc", "a"), ["a", "ab"]], shard_size=1).tolist() == [2, -1]


def test_vectors_from_the_cache_are_the_teachers(teacher, texts, tmp_path):
    made = teacher_vectors(teacher, texts, cache_folder=tmp_path, shard_size=8)
    again = teacher_vectors(teacher, texts, cache_folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert np.array_equal(made, again)
    assert np.abs(again - teacher.encode(texts)).max() < 1e-6


def test_a_teacher_that_was_trained_further_is_asked_again(teacher, texts, tmp_path):
    old = teacher_vectors(teacher, texts, cache_folder=tmp_path)
    with torch.no_grad():
        for weight in teacher.parameters():
            weight.mul_(0.9)
    new = teacher_vectors(teacher, texts, cache_folder=tmp_path)
    assert np.abs(new - teacher.encode(texts)).max() < 1e-6
    assert np.abs(new - old).max() > 1e-3


@pytest.mark.parametrize("settings", [{"prompt_name": "query"}, {"truncate_dim": 8}, {"prompt": "about: "}])
def test_other_settings_are_other_vectors(teacher, texts, tmp_path, settings):
    plain = teacher_vectors(teacher, texts, cache_folder=tmp_path)
    found = teacher_vectors(teacher, texts, cache_folder=tmp_path, encode_kwargs=settings)
    assert np.abs(found - teacher.encode(texts, **settings)).max() < 1e-6
    assert found.shape != plain.shape or np.abs(found - plain).max() > 1e-3


def test_the_size_of_batches_makes_no_other_vectors(teacher, texts, tmp_path):
    for size in (2, 16):
        teacher_vectors(teacher, texts, cache_folder=tmp_path, encode_kwargs={"batch_size": size})
    assert len(list(tmp_path.glob("*.npy"))) == 1


def test_scores_are_logits_unless_asked_otherwise(reranker, tmp_path):
    pairs = [("one", "two"), ("three words here", "four")]
    logits = teacher_scores(reranker, pairs, cache_folder=tmp_path)
    shares = teacher_scores(reranker, pairs, cache_folder=tmp_path, predict_kwargs={"activation_fn": "Sigmoid"})
    assert np.abs(logits - reranker.predict(pairs, activation_fn="Identity")).max() < 1e-6
    assert np.allclose(shares, 1 / (1 + np.exp(-logits)), atol=1e-6)
    assert len(list(tmp_path.glob("scores-*.npy"))) == 2


@pytest.mark.parametrize("name", ["convert_to_tensor", "output_value", "precision"])
def test_a_setting_that_would_give_something_else_is_refused(teacher, name):
    with pytest.raises(ArgumentError, match=f"encode_kwargs: '{name}', expected one of prompt"):
        teacher_vectors(teacher, ["a"], encode_kwargs={name: True})


def test_what_cannot_be_is_refused(teacher, reranker):
    with pytest.raises(ArgumentError, match="dtype: 'int8'"):
        teacher_vectors(teacher, ["a"], dtype="int8")
    with pytest.raises(ArgumentError, match="shard_size: 0"):
        teacher_vectors(teacher, ["a"], shard_size=0)
    with pytest.raises(ArgumentError, match="expected a name such as 'Sigmoid'"):
        teacher_scores(reranker, [("a", "b")], predict_kwargs={"activation_fn": torch.nn.Sigmoid()})


def test_a_sparse_teacher_has_no_rows_of_numbers():
    class Sparse:
        def encode(self, texts, **_):
            return [{"a": 1.0} for _ in texts]

    with pytest.raises(ArgumentError, match="Give a dense model"):
        teacher_vectors(Sparse(), ["a"])


def test_a_folder_with_graphs_is_opened_without_torch_and_others_in_torch(folder, tmp_path, monkeypatch):
    assert isinstance(open_teacher(folder), SentenceTransformer)
    with pytest.raises(ArgumentError, match="kind: 'sparse'"):
        open_teacher(folder, "sparse")
    static_model().save_pretrained(tmp_path / "static")
    (tmp_path / "static" / "onnx").mkdir()
    assert isinstance(open_teacher(tmp_path / "static"), airvec.SentenceTransformer)
    with pytest.raises(ModelNotFoundError):
        open_teacher(tmp_path / "nowhere")


@pytest.mark.parametrize("place", ["a file", "a file/cache"])
def test_a_cache_that_cannot_be_written_is_told_before_the_teacher_is_asked(place, teacher, tmp_path, monkeypatch):
    (tmp_path / "a file").write_text("")
    folder = tmp_path / place
    monkeypatch.setattr(teacher, "encode", lambda *_, **__: pytest.fail("the teacher was asked"), raising=False)
    with pytest.raises(ArgumentError, match=f"cache_folder: '{folder}' cannot be written .*, expected a folder"):
        teacher_vectors(teacher, ["a"], cache_folder=folder)


@pytest.mark.slow
def test_an_exported_teacher_says_what_its_checkpoint_says(folder, teacher, texts, tmp_path):
    teacher.export(tmp_path / "exported", speed=False)
    found = teacher_vectors(open_teacher(tmp_path / "exported"), texts, cache_folder=tmp_path / "cache")
    assert np.abs(found - teacher_vectors(teacher, texts, cache_folder=tmp_path / "cache")).max() < 1e-5
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2
