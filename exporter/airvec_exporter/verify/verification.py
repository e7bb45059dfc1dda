"""Torch's answers once, then each graph of a folder against them: opened by airvec, measured, judged.

Knows nothing of how graph and folder were made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from airvec.arrays import Floats
from airvec.cross_encoder import CrossEncoder
from airvec.folder import DENSE, RERANKER, SPARSE, ModelFolder, graph_names, read_folder, runs_here
from airvec.folder.variants import family_of
from airvec.sentence_transformer import SentenceTransformer
from airvec.sparse_encoder import SparseEncoder
from airvec_exporter.errors import VerificationError
from airvec_exporter.load import Checkpoint
from airvec_exporter.verify import metrics
from airvec_exporter.verify.answers import Trial, answer, answers, make_trial
from airvec_exporter.verify.bounds import bound_of
from airvec_exporter.verify.invariance import batch_moves
from airvec_exporter.verify.judgement import judge
from airvec_exporter.verify.labels import read_labels, score
from airvec_exporter.verify.measured import Measured, worst
from airvec_exporter.verify.settings import Checks
from airvec_exporter.verify.speed import graph_bytes, graph_file, seconds_of

CLASSES: dict[str, Any] = {DENSE: SentenceTransformer, SPARSE: SparseEncoder, RERANKER: CrossEncoder}
QUANTITIES = {DENSE: "unit vectors", SPARSE: "sparse values", RERANKER: "logits"}
MOST = 500  # texts that are compared with one another; all are compared with torch
SHORT = "How do I sort a list of words?"
OPENINGS = 3
USUAL = Checks()


@dataclass(frozen=True)
class Opened:
    """A variant of a folder, opened by airvec."""

    folder: ModelFolder
    variant: str
    model: Any

    @classmethod
    def of(cls, folder: Path, kind: str, variant: str) -> "Opened":
        """Open it with the class of its kind."""
        return cls(read_folder(folder, kind), variant, CLASSES[kind](str(folder), variant=variant))


def verify(
    checkpoint: Checkpoint,
    folder: Path,
    *,
    variants: Sequence[str] = ("fp32",),
    checks: Checks = USUAL,
) -> dict[tuple[Path, str], Measured]:
    """Compare what `folder` gives in airvec with what `checkpoint` gives in torch, and measure each graph.

    Args:
        checkpoint: the model in torch.
        folder: what was exported from it.
        variants: the graphs to measure; each is refused beyond its own bound (see `airvec_exporter.verify.bounds`).
        checks: what to measure on, and what to let through.

    Returns:
        The worst of all routes, by the folder of the body in the checkpoint and by variant. Tables, which have no
        graph, are measured once, under the first variant. Graphs that this CPU cannot run are left out.

    Raises:
        ArgumentError: fewer than two texts, or no such labels.
        ModelFolderError: a graph is not there.
        VerificationError: a bound is passed, or a value is not finite, or this CPU cannot run a graph and
            `accept_worse` does not say to write it unseen; names the variant and the worst text.
    """
    labels = None if checks.labels is None else read_labels(checks.labels)
    routes = [(route, make_trial(checkpoint, route, checks.texts)) for route in checkpoint.routes()]
    found: dict[tuple[Path, str], Measured] = {}
    for variant in variants:
        if not _can_run(checkpoint, variant, accept_worse=checks.accept_worse):
            continue
        opened = Opened.of(folder, checkpoint.kind, variant)
        asked = [pair for pair in routes if variant == variants[0] or not pair[0].body.is_table]
        measured = [measure(trial, opened, checks) for _, trial in asked]  # all, before what takes longer
        scores: dict[str, Any] = {} if labels is None else score(checkpoint.kind, opened.model, labels)
        for (route, trial), one in zip(asked, measured, strict=True):
            speed = _speed(trial, opened) if checks.speed else {}
            whole = replace(one, megabytes=_megabytes(trial, opened), **scores, **speed)
            name = route.body.spec.path, variant
            found[name] = worst([*([found[name]] if name in found else []), whole])
    return found


def _can_run(checkpoint: Checkpoint, variant: str, *, accept_worse: bool) -> bool:
    """Whether this CPU gives a variant's right numbers; an error where nobody said to do without them."""
    family = family_of(graph_names(variant)[0])
    if runs_here(family) or accept_worse:
        return runs_here(family)
    raise VerificationError(
        f"{checkpoint.folder.name}: variant {variant!r} is for CPUs with {family}, which this one has not, so nobody "
        "knows what it gives. Nothing was written. Export on such a machine, or pass accept_worse=True "
        "(--accept-worse)."
    )


def measure(trial: Trial, opened: Opened, checks: Checks) -> Measured:
    """What a graph's answers are worth, judged.

    Raises:
        VerificationError: they are too far.
    """
    found = answers(trial, opened.model)
    deltas = np.abs(found - trial.wanted).max(axis=1)
    rows = {"max_delta": int(np.argmax(np.where(np.isnan(deltas), np.inf, deltas)))}
    measured = Measured(
        float(deltas[rows["max_delta"]]), None, len(trial.inputs), (min(trial.counts), max(trial.counts)),
        found.shape[1], QUANTITIES[trial.kind], trial.scale,
    )  # fmt: skip
    bound = bound_of(opened.variant, trial.kind, checks.max_delta)
    if np.isfinite(found).all():
        cosines = metrics.cosines(found, trial.wanted)
        moved, moves = batch_moves(trial, opened.model)
        rows |= {"min_cosine": int(np.argmin(cosines)), "batch_delta": moved[int(np.argmax(moves))]}
        measured = replace(measured, batch_delta=float(moves.max()), **_likeness(trial, found, cosines))
    return judge(trial, opened.variant, measured, rows, bound, accept_worse=checks.accept_worse)


def _likeness(trial: Trial, found: Floats, cosines: Floats) -> dict[str, float | None]:
    """What callers see of a difference: order, neighbours, words."""
    if trial.kind == RERANKER:
        columns = [metrics.spearman(mine, theirs) for mine, theirs in zip(found.T, trial.wanted.T, strict=True)]
        return {"rank_correlation": min((one for one in columns if one is not None), default=None)}
    rows = np.linspace(0, len(found) - 1, min(MOST, len(found))).astype(int)
    mine, theirs = metrics.similarities(found[rows]), metrics.similarities(trial.wanted[rows])
    near = metrics.neighbours(mine), metrics.neighbours(theirs)
    numbers = {
        "min_cosine": float(cosines.min()),
        "mean_cosine": float(cosines.mean()),
        "rank_correlation": metrics.spearman(metrics.above_diagonal(mine), metrics.above_diagonal(theirs)),
        "top10_overlap": metrics.overlap(*near),
        "top10_equal": metrics.equal_rows(*near),
    }
    return numbers | ({"top_words": metrics.top_words(found, trial.wanted)} if trial.kind == SPARSE else {})


def _megabytes(trial: Trial, opened: Opened) -> float | None:
    graph = graph_file(opened.folder, opened.folder.chain(trial.task)[0], opened.variant)
    return None if graph is None else graph_bytes(graph) / 1e6


def _speed(trial: Trial, opened: Opened) -> dict[str, Any]:
    """Times of a route."""
    short: Any = [(SHORT, SHORT)] if trial.kind == RERANKER else [SHORT]

    def open_and_answer() -> None:
        answer(trial, Opened.of(opened.folder.path, trial.kind, opened.variant).model, short)

    bulk = seconds_of(lambda: answers(trial, opened.model))
    return {
        "load_ms": 1000 * seconds_of(open_and_answer, most=OPENINGS),
        "one_text_ms": 1000 * seconds_of(lambda: answer(trial, opened.model, short)),
        "texts_per_second": len(trial.inputs) / bulk,
    }
