"""What is exported once and then tried in many settings: every architecture with every head, and every family's twin.

An export is kept in `.cache/parity/`, by the bytes of the checkpoint, the exporter and the libraries under it: pooling
modes, tokenizer settings and backends share one graph.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import torch
from filelock import FileLock

from airvec.cpu import families
from airvec_exporter import export
from tests import tiny
from tests.parity.graphs import GRAPHS
from tests.tiny.checkpoints import write
from tests.tiny.families import FAMILIES

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "parity"
A_DAY = 24 * 60 * 60
LIMIT = 64
DENSE, SPARSE, RERANK = "dense", "sparse", "rerank"
# What each class asks of a body.
BODIES = {DENSE: "feature-extraction", SPARSE: "fill-mask", RERANK: "sequence-classification"}
PACKAGES = ("torch", "transformers", "onnx", "onnxscript", "onnxruntime", "openvino", "tokenizers")
MADE = tuple(graph.variant for graph in GRAPHS.values())
FAILURES = "failures.json"


@dataclass(frozen=True)
class Subject:
    """A checkpoint to export once: an architecture with a head, or a family's twin."""

    name: str
    task: str
    labels: int = 1
    family: bool = False

    @property
    def slug(self) -> str:
        """A folder's name."""
        return f"{self.name}-{self.task}-{self.labels}".replace(" ", "-").replace("'", "")

    def build(self, folder: Path) -> Path:
        """Write its checkpoint."""
        if self.family:
            return FAMILIES[self.name].build(folder)
        side = tiny.ARCHITECTURES[self.name].padding_side
        if self.task == DENSE:
            return tiny.tiny_checkpoint(folder, self.name, padding_side=side, max_seq_length=LIMIT)
        if self.task == SPARSE:
            return tiny.sparse_checkpoint(folder, self.name, padding_side=side, max_seq_length=LIMIT)
        return tiny.reranker_checkpoint(folder, self.name, labels=self.labels, padding_side=side, max_seq_length=LIMIT)


@dataclass(frozen=True)
class Prepared:
    """A subject on disk: its checkpoint, what the exporter made of it, and why it made no graph of some variants."""

    checkpoint: Path
    exported: Path
    failures: Mapping[str, str]


@cache
def prepare(subject: Subject) -> Prepared:
    """Build a subject and export it, unless that is in the cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=".new-") as scratch:
        made = subject.build(Path(scratch) / subject.slug)
        home = CACHE / f"{subject.slug}-{state(made)}"
        with FileLock(CACHE / f"{subject.slug}.lock"):
            if not home.is_dir():
                _forget(subject)
                _export(made, Path(scratch))
                Path(scratch).rename(home)
                Path(scratch).mkdir()  # the context manager wants to remove it
    failures = json.loads((home / FAILURES).read_text(encoding="utf-8"))
    return Prepared(home / subject.slug, home / "out", failures)


def prepare_all(subjects: Sequence[Subject]) -> None:
    """Export those that are not in the cache, a process a CPU."""
    if min(workers(), len(subjects)) < 2:
        return
    with ProcessPoolExecutor(min(workers(), len(subjects)), get_context("spawn"), one_thread) as pool:
        list(pool.map(prepare, subjects))


def workers() -> int:
    """How many processes to share the work among: one a CPU."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def one_thread() -> None:
    """To be called first in each such process."""
    torch.set_num_threads(1)


def state(folder: Path) -> str:
    """Twelve digits that change with any byte of the checkpoint or the exporter, a library under it, or the CPU."""
    digest = hashlib.sha256(repr((MADE, families())).encode())
    sources = [*(ROOT / "exporter").rglob("*.py"), *(ROOT / "exporter").rglob("*.txt")]
    sources.append(ROOT / "runtime" / "airvec" / "manifest.py")
    for file in sorted([*sources, *(path for path in folder.rglob("*") if path.is_file())]):
        digest.update(file.name.encode() + file.read_bytes())
    for package in PACKAGES:
        digest.update(f"{package} {version(package)}".encode())
    return digest.hexdigest()[:12]


def _export(made: Path, home: Path) -> None:
    """Export to `home/out` all variants that can be made, and write down why the others cannot."""
    failures: dict[str, str] = {}
    if _failure(made, home / "out", MADE):
        alone = {name: _failure(made, home / "alone" / name, (name,)) for name in MADE}
        failures = {name: reason for name, reason in alone.items() if reason}
        reason = _failure(made, home / "out", [name for name in MADE if name not in failures])
        failures |= dict.fromkeys(MADE, reason) if reason else {}
    write(home / FAILURES, failures)


def _failure(made: Path, out: Path, variants: Sequence[str]) -> str:
    """Why an export fails; "" = it does not. The matrix measures by itself, so any difference is let through."""
    out.parent.mkdir(exist_ok=True)
    try:
        export(made, out, variants=variants, texts=tiny.texts(8), accept_worse=True, speed=False,
               show_progress_bar=False)  # fmt: skip
    except Exception as error:  # noqa: BLE001 - what is no AirvecError is a defect, to be shown as well
        return f"{type(error).__name__}: {error}".replace("\n", " ").replace(str(made), made.name)
    return ""


def _forget(subject: Subject) -> None:
    for old in CACHE.glob(f"{subject.slug}-*"):
        if old.is_dir() and time.time() - old.stat().st_mtime > A_DAY:  # a younger one may be in use by another run
            shutil.rmtree(old)
