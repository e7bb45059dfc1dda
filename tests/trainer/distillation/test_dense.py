"""Mirrors trainer/airvec_trainer/distillation/dense.py: a whole distillation."""

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec_trainer import SentenceTransformer, SentenceTransformerTrainingArguments, losses
from airvec_trainer.distillation import distil_dense, with_fewer_layers, with_projection
from tests.tiny.checkpoints import tiny_checkpoint
from tests.trainer.trainings import arguments, losses_of, words


def settings(tmp_path, **more):
    options = {"max_steps": 30, "per_device_train_batch_size": 16, "learning_rate": 3e-3} | more
    return SentenceTransformerTrainingArguments(**arguments(tmp_path / "out", **options))


def error(student, wanted, texts):
    return float(np.mean((student.encode(texts) - wanted) ** 2))


def test_a_student_with_half_the_layers_comes_near_its_teacher(teacher, texts, tmp_path):
    student = with_fewer_layers(teacher, 1)
    wanted = teacher.encode(texts)
    before = error(student, wanted, texts)
    trainer = distil_dense(teacher, student, texts, settings(tmp_path), cache_folder=tmp_path / "cache")
    assert trainer.model is student
    assert len(losses_of(trainer)) == 30
    assert error(student, wanted, texts) < 0.5 * before
    assert np.abs(teacher.encode(texts) - wanted).max() == 0


def test_a_narrower_student_learns_the_principal_directions(teacher, texts, tmp_path):
    narrow = with_projection(teacher, np.eye(8, 32, dtype=np.float32))
    trainer = distil_dense(teacher, narrow, texts, settings(tmp_path), cache_folder=tmp_path / "cache")
    assert {path.name.partition("-")[0] for path in (tmp_path / "cache").iterdir()} == {"vectors", "narrowed"}
    assert losses_of(trainer)[-1] < 0.5 * losses_of(trainer)[0]


def test_another_loss_can_be_taken(teacher, texts, tmp_path):
    student = with_fewer_layers(teacher, 1)
    loss = losses.EmbedDistillLoss(distance_metric="cosine")
    trainer = distil_dense(teacher, student, texts, settings(tmp_path, max_steps=1), loss=loss)
    assert trainer.loss is loss


def test_a_student_that_is_wider_is_refused(teacher, texts, tmp_path):
    wide = SentenceTransformer(tiny_checkpoint(tmp_path / "wide", pooling=["mean", "max"]), device="cpu")
    with pytest.raises(ArgumentError, match="student: 64 dimensions, expected 32 at most"):
        distil_dense(teacher, wide, texts, settings(tmp_path))


def test_training_goes_on_where_the_teacher_was_asked_before(teacher, tmp_path, monkeypatch):
    texts = words(10)
    distil_dense(teacher, with_fewer_layers(teacher, 1), texts, settings(tmp_path, max_steps=1), cache_folder=tmp_path)

    def unexpected(*_, **__):
        raise AssertionError("the teacher is asked again")

    monkeypatch.setattr(teacher, "encode", unexpected)
    distil_dense(teacher, with_fewer_layers(teacher, 1), texts, settings(tmp_path, max_steps=1), cache_folder=tmp_path)
