"""A dense model learns another's vectors: `distil_dense`, from texts to a trained student.

Knows nothing of how vectors are made and kept, and of how a training runs.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset

from airvec.errors import ArgumentError
from airvec_trainer.arguments import SentenceTransformerTrainingArguments
from airvec_trainer.distillation.given import given_texts
from airvec_trainer.distillation.labelling import labelled
from airvec_trainer.distillation.narrowing import narrowed, principal_directions
from airvec_trainer.distillation.teachers import teacher_vectors
from airvec_trainer.distillation.twins import check_in_torch
from airvec_trainer.losses import MSELoss
from airvec_trainer.sentence_transformer import SentenceTransformer
from airvec_trainer.trainer import SentenceTransformerTrainer

__all__ = ["distil_dense"]


def distil_dense(
    teacher: Any,
    student: SentenceTransformer,
    texts: Sequence[str],
    arguments: SentenceTransformerTrainingArguments,
    *,
    cache_folder: str | Path | None = None,
    loss: Any = None,
    evaluator: Any = None,
) -> SentenceTransformerTrainer:
    """Train a student on its teacher's vectors of texts; the student itself is changed.

    A teacher that is wider is brought to the student's width along its principal directions.

    Args:
        teacher: a model with `encode`, of airvec or in torch.
        student: such as `with_fewer_layers` makes, or a smaller model of another family.
        texts: like those that the student is to read; no labels are needed.
        arguments: of the training.
        cache_folder: where the teacher's vectors are kept, for the next training too; None = in memory.
        loss: None = `MSELoss()`; `EmbedDistillLoss()` is the other that reads vectors.
        evaluator: what is measured while it trains.

    Returns:
        The trainer, trained: its `model` is the student, and `state.log_history` tells how it went.

    Raises:
        ArgumentError: a student that is not in torch, that is wider than its teacher, or whose width no module tells;
            what `teacher_vectors` refuses.
    """
    check_in_torch("student", student, SentenceTransformer)
    texts = given_texts("texts", texts)
    vectors = teacher_vectors(teacher, texts, cache_folder=cache_folder)
    width, dim = vectors.shape[1], student.get_embedding_dimension()
    if dim is None or dim > width:
        raise ArgumentError(
            f"student: {dim} dimensions, expected {width} at most, the teacher's. Cut it by with_projection, or train "
            f"on with_teacher_vectors and MSELoss(projection_dim={width})."
        )
    if dim < width:
        vectors = narrowed(vectors, principal_directions(vectors, dim), cache_folder=cache_folder)
    rows = labelled(Dataset.from_dict({"text": list(texts)}), vectors)
    trainer = SentenceTransformerTrainer(
        model=student, args=arguments, train_dataset=rows, loss=loss or MSELoss(), evaluator=evaluator
    )
    trainer.train()
    return trainer
