"""The parity matrix: every architecture × task × setting × backend, and every family, against the reference on torch.

A cell gives its largest |difference|, on the scale of its bound: elements of unit vectors for dense models; logits,
scores and sparse values divided by the reference's largest |value|, where that is above 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import CrossEncoder as ReferenceCrossEncoder
from sentence_transformers import SentenceTransformer as Reference
from sentence_transformers import SparseEncoder as ReferenceSparseEncoder

import airvec
from airvec.errors import AirvecError
from airvec.sparse_vectors import SparseVectors
from tests import tiny
from tests.parity.subjects import BODIES, DENSE, RERANK, SPARSE, Prepared, Subject, prepare
from tests.parity.variants import OTHER_SIDE, VARIANTS, Variant, make_folder, padding_moves_it
from tests.tiny.families import FAMILIES

BACKENDS = ("onnx",)
BOUNDS = {DENSE: 1e-5, SPARSE: 1e-4, RERANK: 1e-4}
SPREAD = 0.01
TASK_OF = {body: task for task, body in BODIES.items()}
FAMILY_VARIANTS = {"as published": Variant(), "as exported": Variant(exported=True)}
PASSED, FAILED, REFUSED = "passed", "failed", "refused"
TEXTS, PAIRS = tiny.texts(20, 100), tiny.pairs(16)
METHODS = ("encode", "encode_query", "encode_document")


@dataclass(frozen=True)
class Cell:
    """One comparison."""

    subject: Subject
    variant: str
    backend: str = "onnx"

    def __str__(self) -> str:
        """As a test's name."""
        return f"{self.subject.name}-{self.subject.task}-{self.variant}-{self.backend}"

    @property
    def settings(self) -> Variant:
        """What the variant changes."""
        return (FAMILY_VARIANTS if self.subject.family else VARIANTS[self.subject.task])[self.variant]


@dataclass(frozen=True)
class Outcome:
    """What became of a cell; `spread` says how far apart the reference's answers lie."""

    status: str
    delta: float = float("nan")
    spread: float = float("nan")
    reason: str = ""


def cells() -> Iterator[Cell]:
    """All cells: first the architectures, then the families."""
    for backend in BACKENDS:
        for task, variants in VARIANTS.items():
            for name, architecture in tiny.ARCHITECTURES.items():
                if BODIES[task] in architecture.tasks:
                    chosen = {key: value for key, value in variants.items() if value.applies(name)}
                    yield from (Cell(Subject(name, task, one.labels), key, backend) for key, one in chosen.items())
        for name, family in FAMILIES.items():
            subject = Subject(name, TASK_OF[family.task], family=True)
            yield from (Cell(subject, variant, backend) for variant in FAMILY_VARIANTS)


def measure(cell: Cell, scratch: Path) -> Outcome:
    """Compare one cell; `scratch` is a folder that is not there yet."""
    prepared = prepare(cell.subject)
    if prepared.failure is not None:
        return Outcome(FAILED, reason=prepared.failure)
    folder = make_folder(cell.settings, cell.subject.name, prepared, scratch)
    try:
        found = list(_ours(cell, _opened_by_us(cell, prepared, folder)))
    except AirvecError as error:
        return Outcome(FAILED, reason=f"{type(error).__name__}: {error}".replace(scratch.name, cell.subject.name))
    wanted = list(_theirs(cell, folder)) * 2  # ours come twice
    if cell.settings.exported:  # the reference reads what we write, and gives its own answers again
        found, wanted = [*found, *_theirs(cell, prepared.exported)], [*wanted, *wanted[: len(wanted) // 2]]
    delta = max(_delta(cell.subject.task, ours, theirs) for ours, theirs in zip(found, wanted, strict=True))
    spread = float(min(_spread(cell.subject.task, theirs) for theirs in wanted))
    bound = BOUNDS[cell.subject.task]
    if spread < SPREAD:
        return Outcome(FAILED, delta, spread, f"the reference's answers spread by {spread:.1e} only")
    if not delta <= bound:  # also where it is not a number
        return Outcome(FAILED, delta, spread, f"above the bound of {bound:.0e}")
    return Outcome(PASSED, delta, spread)


def _opened_by_us(cell: Cell, prepared: Prepared, folder: Path) -> Any:
    classes = {DENSE: "SentenceTransformer", SPARSE: "SparseEncoder", RERANK: "CrossEncoder"}
    chosen = prepared.exported if cell.settings.exported else folder
    return getattr(airvec, classes[cell.subject.task])(str(chosen), backend=cell.backend)


def _ours(cell: Cell, model: Any) -> Iterator[np.ndarray]:
    """Our answers: by token budget, and in batches of 5 that mix lengths."""
    for size in (None, 5):
        yield from _answers(cell, model, batch_size=size)


def _theirs(cell: Cell, folder: Path) -> Iterator[np.ndarray]:
    """The reference's answers; text by text where padding would move them."""
    classes = {DENSE: Reference, SPARSE: ReferenceSparseEncoder, RERANK: ReferenceCrossEncoder}
    model = classes[cell.subject.task](str(folder), device="cpu")
    alone = cell.variant == OTHER_SIDE and padding_moves_it(cell.subject)
    return _answers(cell, model, batch_size=1 if alone else 8)


def _answers(cell: Cell, model: Any, batch_size: int | None) -> Iterator[np.ndarray]:
    call = {**cell.settings.call, "batch_size": batch_size}
    if cell.subject.task == RERANK:
        yield model.predict(PAIRS, **call)
        return
    if isinstance(model, ReferenceSparseEncoder):
        call["convert_to_sparse_tensor"] = False
    for method in METHODS if cell.subject.family else METHODS[:1]:
        yield _dense(getattr(model, method)(TEXTS, **call))


def _dense(answer: Any) -> np.ndarray:
    if isinstance(answer, SparseVectors):
        return answer.to_dense()
    return answer.numpy() if isinstance(answer, torch.Tensor) else answer


def _delta(task: str, ours: np.ndarray, theirs: np.ndarray) -> float:
    if ours.shape != theirs.shape:
        return float("nan")
    if task != DENSE:
        return float(np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max()))
    lengths = [np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (ours, theirs)]
    directions = np.abs(ours / lengths[0] - theirs / lengths[1]).max()
    return float(max(directions, np.abs(lengths[0] / lengths[1] - 1).max()))


def _spread(task: str, theirs: np.ndarray) -> float:
    """The standard deviation over texts, of unit vectors where they are dense."""
    if task == DENSE:
        theirs = theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
    return float(theirs.std(axis=0).mean())
