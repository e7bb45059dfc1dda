"""The parity matrix: every architecture × task × setting × graph, and every family, against the reference on torch.

A cell gives its largest |difference|, on the scale of its bound: elements of unit vectors for dense models; logits,
scores and sparse values divided by the reference's largest |value|, where that is above 1. int8 is held to a smallest
cosine instead, or to the order of the pairs, and to giving a text the same answer alone and in any batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import airvec
from airvec.errors import AirvecError
from tests import tiny
from tests.parity.answers import answers, distance, likeness, read_by_reference, reference, settings, spread
from tests.parity.graphs import GRAPHS, ONNX
from tests.parity.subjects import BODIES, DENSE, RERANK, SPARSE, Prepared, Subject, prepare
from tests.parity.variants import FAMILY_VARIANTS, VARIANTS, Variant, make_folder
from tests.tiny.families import FAMILIES

BOUNDS = {DENSE: 1e-5, SPARSE: 1e-4, RERANK: 1e-4}
# int8: the smallest cosine of a text; of a reranker, the correlation of its scores with the reference's.
LIKENESS = {DENSE: 0.99, SPARSE: 0.99, RERANK: 0.98}
NEIGHBOURS = 1e-6  # what they may move in int8
SPREAD = 0.01
TASK_OF = {body: task for task, body in BODIES.items()}
CLASSES = {DENSE: "SentenceTransformer", SPARSE: "SparseEncoder", RERANK: "CrossEncoder"}
SIZES = (None, 5)  # of batches: by token budget, and 5 that mix lengths
PASSED, FAILED, REFUSED = "passed", "failed", "refused"
# Cells that the exporter refuses on purpose, and what it names: a reranker's head that is made of modules.
REFUSALS = {"ettin reranker-rerank-as exported-fused": "Dense gives 'scores'"}
NAN = float("nan")


@dataclass(frozen=True)
class Cell:
    """One comparison."""

    subject: Subject
    variant: str
    graph: str = ONNX

    def __str__(self) -> str:
        """As a test's name."""
        return f"{self.subject.name}-{self.subject.task}-{self.variant}-{self.graph}"

    @property
    def settings(self) -> Variant:
        """What the variant changes."""
        return settings(self.subject, self.variant)


@dataclass(frozen=True)
class Outcome:
    """What became of a cell.

    `likeness` is the smallest cosine, or the correlation of scores; `moved` what neighbours in a batch change; `spread`
    says how far apart the reference's answers lie.
    """

    status: str
    delta: float = NAN
    spread: float = NAN
    likeness: float = NAN
    moved: float = NAN
    reason: str = ""


def cells() -> Iterator[Cell]:
    """All cells: first the architectures, then the families; those of one setting follow one another."""
    for task, variants in VARIANTS.items():
        for name, architecture in tiny.ARCHITECTURES.items():
            if BODIES[task] in architecture.tasks:
                for key, variant in variants.items():
                    if variant.applies(name):
                        yield from _of_graphs(Subject(name, task, variant.labels), key, variant)
    for name, family in FAMILIES.items():
        for key, variant in FAMILY_VARIANTS.items():
            yield from _of_graphs(Subject(name, TASK_OF[family.task], family=True), key, variant)


def _of_graphs(subject: Subject, key: str, variant: Variant) -> Iterator[Cell]:
    for name, graph in GRAPHS.items():
        if graph.alone or variant.exported:
            yield Cell(subject, key, name)


def measure(cell: Cell, scratch: Path) -> Outcome:
    """Compare one cell; `scratch` is a folder that is not there yet."""
    prepared, graph = prepare(cell.subject), GRAPHS[cell.graph]
    if graph.variant in prepared.failures:
        reason = prepared.failures[graph.variant]
        return Outcome(REFUSED if REFUSALS.get(str(cell), "\n") in reason else FAILED, reason=reason)
    wanted = reference(cell.subject, cell.variant)
    try:
        model = _opened_by_us(cell, prepared, scratch)
        found = [answers(model, cell.subject, cell.variant, size) for size in SIZES]
        alone = None if graph.exact else answers(model, cell.subject, cell.variant, 1)
    except AirvecError as error:
        return Outcome(FAILED, reason=f"{type(error).__name__}: {error}".replace(scratch.name, cell.subject.name))
    if cell.settings.exported and cell.graph == ONNX:  # the reference reads what we write, and gives its answers again
        found.append(read_by_reference(prepared.exported, cell.subject, cell.variant))
    return judge(cell, found, wanted, alone)


def _opened_by_us(cell: Cell, prepared: Prepared, scratch: Path) -> Any:
    exported = cell.settings.exported
    chosen = prepared.exported if exported else make_folder(cell.settings, cell.subject.name, prepared, scratch)
    return getattr(airvec, CLASSES[cell.subject.task])(str(chosen), **GRAPHS[cell.graph].arguments)


Answers = tuple[np.ndarray, ...]


def judge(cell: Cell, found: list[Answers], wanted: Answers, alone: Answers | None) -> Outcome:
    """Hold answers, given several times over, to the bounds of a cell."""
    task, exact = cell.subject.task, GRAPHS[cell.graph].exact
    apart = min(spread(task, theirs) for theirs in wanted)
    matched = [(task, ours, theirs) for given in found for ours, theirs in zip(given, wanted, strict=True)]
    delta = float(np.max([distance(*one) for one in matched]))
    if apart < SPREAD:
        return Outcome(FAILED, delta, apart, reason=f"the reference's answers spread by {apart:.1e} only")
    like = NAN if exact else float(np.min([likeness(*one) for one in matched]))
    steady = [(task, ours, single) for given in found for ours, single in zip(given, alone or given, strict=True)]
    moved = NAN if exact else float(np.max([distance(*one) for one in steady]))
    wrong = _wrong(exact, task, delta, like, moved)
    return Outcome(FAILED if wrong else PASSED, delta, apart, like, moved, wrong)


def _wrong(exact: bool, task: str, delta: float, like: float, moved: float) -> str:
    """Which bound is passed, also where a number is not a number; "" = none."""
    if exact:
        return "" if delta <= BOUNDS[task] else f"above the bound of {BOUNDS[task]:.0e}"
    if not like >= LIKENESS[task]:
        kind = "correlation" if task == RERANK else "smallest cosine"
        return f"{kind} of {like:.4f}, below {LIKENESS[task]}"
    return "" if moved <= NEIGHBOURS else f"neighbours in a batch move an answer by {moved:.1e}, above {NEIGHBOURS:.0e}"
