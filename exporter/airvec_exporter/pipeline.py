"""Checkpoint → verified model folder: load, trace, write, verify, and only then put it in its place.

Everything happens in a temporary folder beside the target, which is renamed at the end: a failed or interrupted
export leaves nothing, and never harms a folder that was there.
Knows nothing of the command line.
"""

import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from airvec.errors import ArgumentError
from airvec.manifest import write_manifest
from airvec_exporter.fetch import find_checkpoint
from airvec_exporter.folder import body_home, write_folder
from airvec_exporter.graph import Graph, export_graphs
from airvec_exporter.load import KINDS, Checkpoint, load
from airvec_exporter.modules import SpladePooling
from airvec_exporter.report import ExportReport, make_manifest, name_and_revision
from airvec_exporter.verify import BOUNDS, check_texts, verify, worst

__all__ = ["ExportReport", "export"]

STEPS = ("loading", "tracing", "writing", "verifying")
MODEL_FILES = ("modules.json", "config.json", "airvec.json")  # one of them makes a folder a model's
VARIANTS = ("fp32", "fused")  # as airvec calls a body's graphs; "auto" is either


def export(
    checkpoint: str | Path,
    out: str | Path,
    *,
    kind: str | None = None,
    fused: bool = False,
    weights: bool = True,
    texts: Sequence[str] | None = None,
    overwrite: bool = False,
    max_delta: float | None = None,
    revision: str | None = None,
    show_progress_bar: bool | None = None,
) -> ExportReport:
    """Export a checkpoint and verify the result against torch.

    Args:
        checkpoint: folder of a sentence-transformers, plain transformers or model2vec model, or a name on the Hub.
        out: the folder to make; must not exist or be empty.
        kind: `"dense"`, `"sparse"` or `"rerank"`; None = as the checkpoint says. A plain transformers checkpoint says
            by its architecture whether it is a reranker (…ForSequenceClassification). One for masked words
            (…ForMaskedLM) is taken for dense, as most of them are base models: pass `"sparse"` for a SPLADE model.
        fused: for SPLADE models, add `onnx/model_fused.onnx`, which gives `sparse_embedding` instead of logits.
        weights: False leaves torch's weights out of the folder: half the size, for packages.
        texts: what to verify on; None = 240 texts of 1 to 600 tokens from Python's documentation.
        overwrite: replace `out` if it is a model folder.
        max_delta: largest |difference| that is let through: on unit vectors, or relative to the largest sparse value
            or logit (or 1); None = 1e-5 for dense models, 1e-4 for the others.
        revision: branch, tag or commit on the Hub.
        show_progress_bar: None = where stderr is a terminal.

    Raises:
        ArgumentError: `out` is there already, or lies where it cannot; or an argument of the wrong type.
        ModelNotFoundError: no such checkpoint.
        DownloadError: the Hub or the disk failed.
        ModelFolderError: a file of it is damaged or of an unknown kind, or it is another class's.
        ExportError: transformers cannot load it, or torch cannot trace it.
        VerificationError: the result does not give the checkpoint's answers.
    """
    start = time.perf_counter()
    target = _path("out", out).absolute()
    _path("checkpoint", checkpoint)
    check_texts(texts)
    _check_bound(max_delta)
    _check_kind(kind)
    check_target(Path(checkpoint), target, overwrite)  # before anything is fetched
    source = find_checkpoint(checkpoint, revision=revision)
    check_target(source, target, overwrite)
    with _progress(show_progress_bar) as step, _temporary(target) as folder:
        step("loading")
        loaded = load(source, kind)
        step("tracing")
        graphs = _graphs(loaded, folder, fused)
        step("writing")
        write_folder(loaded, folder, weights=weights)
        step("verifying")
        measured = verify(loaded, folder, texts, max_delta, VARIANTS if fused else VARIANTS[:1])
        records = {graph.path: measured[body, variant] for (body, variant), graph in graphs.items()}
        write_manifest(folder, make_manifest(name_and_revision(source), folder, list(graphs.values()), records))
        _put(folder, target)
    found, nodes = worst(list(measured.values())), Counter[str]()
    for graph in graphs.values():
        nodes.update(graph.nodes)
    return ExportReport(
        target, name_and_revision(source)[0], found.max_delta, found.min_cosine, found.texts, found.tokens,
        found.dimension, dict(nodes), time.perf_counter() - start, _size(target), loaded.kind, found.quantity,
        found.scale, tuple(graph.path.relative_to(folder).as_posix() for graph in graphs.values()),
    )  # fmt: skip


def check_target(source: Path, target: Path, overwrite: bool) -> None:
    """Refuse, before any work, a target that would destroy something.

    Raises:
        ArgumentError: it is a file, a folder with something in it, or holds the checkpoint.
    """
    if target.exists() and not target.is_dir():
        raise ArgumentError(f"{target}: is a file, expected a new folder. Choose another name.")
    if target.resolve() in (source.resolve(), *source.resolve().parents):
        raise ArgumentError(f"{target}: holds the checkpoint {source.name!r}. Choose another folder.")
    if not target.is_dir() or not any(target.iterdir()):
        return
    if not overwrite:
        raise ArgumentError(f"{target}: is there already and not empty. Choose another folder, or pass --overwrite.")
    if not any((target / name).is_file() for name in MODEL_FILES):
        raise ArgumentError(
            f"{target}: holds none of {', '.join(MODEL_FILES)}, so it is no model folder. Choose another."
        )


def _path(name: str, value: object) -> Path:
    if not isinstance(value, str | Path):
        raise ArgumentError(f"{name}: {value!r}, expected a folder's path. Give a str or a Path.")
    return Path(value)


def _check_bound(value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    if value is not None and not number:
        known = ", ".join(f"{bound:g}" for bound in dict.fromkeys(BOUNDS.values()))
        raise ArgumentError(f"max_delta: {value!r}, expected a number of at least 0. The defaults are {known}.")


def _check_kind(kind: object) -> None:
    if kind is not None and kind not in KINDS:
        raise ArgumentError(
            f"kind: {kind!r}, expected one of {', '.join(KINDS)}. Leave it out to go by the checkpoint."
        )


def _graphs(loaded: Checkpoint, folder: Path, fused: bool) -> dict[tuple[Path, str], Graph]:
    """Write the graphs of all bodies; by the body's folder in the checkpoint and by variant.

    Raises:
        ArgumentError: `fused`, and a body has no SPLADE pooling right behind it.
    """
    found: dict[tuple[Path, str], Graph] = {}
    heads = _heads(loaded) if fused else {}
    for path, body in loaded.bodies.items():
        if not body.is_table:
            home = body_home(loaded, body.spec, folder)
            made = export_graphs(body, home / "onnx", heads.get(path))
            found |= {(path, variant): graph for variant, graph in zip(VARIANTS, made, strict=False)}
    return found


def _heads(loaded: Checkpoint) -> dict[Path, SpladePooling]:
    """The SPLADE pooling behind each body with a graph."""
    found: dict[Path, SpladePooling] = {}
    for route in loaded.routes():
        if route.body.is_table:
            continue
        kinds = [type(module).__name__ for module in route.modules]
        if len(kinds) != 1 or not isinstance(route.modules[0], SpladePooling):
            raise ArgumentError(
                f"fused: {loaded.folder.name} has {', '.join(kinds) or 'nothing'} behind its body, expected "
                "SpladePooling alone. Leave it out: only SPLADE models can have their head in the graph."
            )
        found[route.body.spec.path] = route.modules[0]
    return found


@contextmanager
def _progress(show: bool | None) -> Iterator["_Step"]:
    hidden = not (sys.stderr.isatty() if show is None else show)
    with tqdm(total=len(STEPS), disable=hidden, bar_format="{desc:<10} {bar} {n_fmt}/{total_fmt} {elapsed}") as bar:
        yield _Step(bar)
        bar.update()


@dataclass
class _Step:
    """Moves the bar on: called with the name of each step as it begins."""

    bar: "tqdm[None]"

    def __call__(self, name: str) -> None:
        self.bar.update(STEPS.index(name) - self.bar.n)
        self.bar.set_description_str(name)


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """A new folder beside the target; gone afterwards, whatever happened."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    folder.chmod(0o755)  # mkdtemp makes folders for one user only
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put(folder: Path, target: Path) -> None:
    """Rename the finished folder to its place; what was there goes only once the new one is."""
    if not target.exists():
        folder.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
    target.rename(old / target.name)
    try:
        folder.rename(target)
    except BaseException:
        (old / target.name).rename(target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
