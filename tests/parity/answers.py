"""What both libraries answer in one setting, and how far apart the answers are.

Knows nothing of graphs and exports.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from sentence_transformers import CrossEncoder as ReferenceCrossEncoder
from sentence_transformers import SentenceTransformer as Reference
from sentence_transformers import SparseEncoder as ReferenceSparseEncoder

from airvec.sparse_vectors import SparseVectors
from tests import tiny
from tests.parity.subjects import DENSE, RERANK, SPARSE, Subject, prepare
from tests.parity.variants import FAMILY_VARIANTS, OTHER_SIDE, VARIANTS, Variant, make_folder, padding_moves_it

CLASSES = {DENSE: Reference, SPARSE: ReferenceSparseEncoder, RERANK: ReferenceCrossEncoder}
TEXTS, PAIRS = tiny.texts(20, 100), tiny.pairs(16)
METHODS = ("encode", "encode_query", "encode_document")


def settings(subject: Subject, variant: str) -> Variant:
    """What a variant of this name changes."""
    return (FAMILY_VARIANTS if subject.family else VARIANTS[subject.task])[variant]


@cache
def reference(subject: Subject, variant: str) -> tuple[np.ndarray, ...]:
    """The reference's answers in a setting; text by text where padding would move them."""
    with TemporaryDirectory() as scratch:
        folder = make_folder(settings(subject, variant), subject.name, prepare(subject), Path(scratch) / "model")
        alone = variant == OTHER_SIDE and padding_moves_it(subject)
        return read_by_reference(folder, subject, variant, batch_size=1 if alone else 8)


def read_by_reference(folder: Path, subject: Subject, variant: str, batch_size: int = 8) -> tuple[np.ndarray, ...]:
    """What the reference answers with the torch weights of a folder."""
    return answers(CLASSES[subject.task](str(folder), device="cpu"), subject, variant, batch_size)


def answers(model: Any, subject: Subject, variant: str, batch_size: int | None) -> tuple[np.ndarray, ...]:
    """What a model of either library answers, by each of its methods."""
    call = {**settings(subject, variant).call, "batch_size": batch_size}
    if subject.task == RERANK:
        return (model.predict(PAIRS, **call),)
    if isinstance(model, ReferenceSparseEncoder):
        call["convert_to_sparse_tensor"] = False
    methods = METHODS if subject.family else METHODS[:1]
    return tuple(_dense(getattr(model, method)(TEXTS, **call)) for method in methods)


def _dense(answer: Any) -> np.ndarray:
    if isinstance(answer, SparseVectors):
        return answer.to_dense()
    return answer.numpy() if isinstance(answer, torch.Tensor) else answer


def distance(task: str, ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest |difference| on the scale of its bound; not a number where the shapes differ."""
    if ours.shape != theirs.shape:
        return float("nan")
    if task != DENSE:
        return float(np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max()))
    lengths = [np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (ours, theirs)]
    directions = np.abs(ours / lengths[0] - theirs / lengths[1]).max()
    return float(max(directions, np.abs(lengths[0] / lengths[1] - 1).max()))


def likeness(task: str, ours: np.ndarray, theirs: np.ndarray) -> float:
    """The smallest cosine of a text's two vectors; of scores, which have none, the correlation of both."""
    if ours.shape != theirs.shape:
        return float("nan")
    if task == RERANK:
        columns = zip(_columns(ours), _columns(theirs), strict=True)
        return float(min(np.corrcoef(mine, their)[0, 1] for mine, their in columns))
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return float(np.min((ours.astype(np.float64) * theirs).sum(axis=1) / lengths))


def _columns(scores: np.ndarray) -> Iterator[np.ndarray]:
    yield from scores.reshape(len(scores), -1).T


def spread(task: str, theirs: np.ndarray) -> float:
    """The standard deviation over texts, of unit vectors where they are dense."""
    if task == DENSE:
        theirs = theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
    return float(theirs.std(axis=0).mean())
