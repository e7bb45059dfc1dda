"""Checkpoint → verified model folder: load, trace, write, verify, and only then put it in its place.

Everything happens in a temporary folder beside the target, which is renamed at the end: a failed or interrupted
export leaves nothing, and never harms a folder that was there.
Knows nothing of the command line.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tqdm.auto import tqdm

from airvec import __version__ as airvec_version
from airvec.errors import ArgumentError
from airvec.manifest import GraphRecord, Manifest, sha256_of, write_manifest
from airvec_exporter.folder import write_folder
from airvec_exporter.graph import Graph, export_graph
from airvec_exporter.load import Checkpoint, load
from airvec_exporter.verify import BOUND, Measured, check_texts, verify

STEPS = ("loading", "tracing", "writing", "verifying")
MODEL_FILES = ("modules.json", "config.json", "airvec.json")  # one of them makes a folder a model's
PACKAGES = ("torch", "transformers", "onnx", "onnxscript")


@dataclass(frozen=True)
class ExportReport:
    """What was written, and how far airvec is from torch on it.

    `max_delta` is the largest |difference| of any element of unit vectors and `min_cosine` the smallest cosine, over
    `texts` texts of `tokens` (shortest, longest) tokens before truncation; `bytes` is the size of the whole folder;
    `nodes` counts the graph's nodes by kind, and is empty for a static model.
    """

    path: Path
    source: str
    max_delta: float
    min_cosine: float
    texts: int
    tokens: tuple[int, int]
    dimension: int
    nodes: dict[str, int]
    seconds: float
    bytes: int

    def __str__(self) -> str:
        """The report as a small table."""
        rows = {
            "texts": f"{self.texts}, of {self.tokens[0]} to {self.tokens[1]} tokens",
            "max |Δ|": f"{self.max_delta:.1e} on unit vectors of {self.dimension} dimensions",
            "min cosine": f"{self.min_cosine:.8f}",
            "attention": f"{self.nodes.get('Attention', 0)} nodes of {sum(self.nodes.values())}",
            "size": f"{self.bytes / 1e6:.1f} MB",
            "time": f"{self.seconds:.1f} s",
        }
        lines = (f"  {name:<10}  {value}" for name, value in rows.items())
        return "\n".join((f"{self.source} → {self.path}", *lines))


def export(
    checkpoint: str | Path,
    out: str | Path,
    *,
    weights: bool = True,
    texts: Sequence[str] | None = None,
    overwrite: bool = False,
    max_delta: float = BOUND,
    show_progress_bar: bool | None = None,
) -> ExportReport:
    """Export a checkpoint folder and verify the result against torch.

    Args:
        checkpoint: folder of a sentence-transformers, plain transformers or model2vec model.
        out: the folder to make; must not exist or be empty.
        weights: False leaves torch's weights out of the folder: half the size, for packages.
        texts: what to verify on; None = 240 texts of 1 to 600 tokens from Python's documentation.
        overwrite: replace `out` if it is a model folder.
        max_delta: largest |difference| on unit vectors that is let through.
        show_progress_bar: None = where stderr is a terminal.

    Raises:
        ArgumentError: `out` is there already, or lies where it cannot; or an argument of the wrong type.
        ModelNotFoundError: no such checkpoint.
        ModelFolderError: a file of it is damaged or of an unknown kind.
        ExportError: transformers cannot load it, or torch cannot trace it.
        VerificationError: the result does not give the checkpoint's vectors.
    """
    start = time.perf_counter()
    source, target = _path("checkpoint", checkpoint), _path("out", out).absolute()
    check_texts(texts)
    _check_bound(max_delta)
    check_target(source, target, overwrite)
    with _progress(show_progress_bar) as step, _temporary(target) as folder:
        step("loading")
        loaded = load(source)
        step("tracing")
        graph = None if loaded.is_static else export_graph(loaded, folder / "onnx" / "model.onnx")
        step("writing")
        write_folder(loaded, folder, weights=weights)
        step("verifying")
        measured = verify(loaded, folder, texts, max_delta)
        write_manifest(folder, _manifest(loaded, folder, graph, measured))
        _put(folder, target)
    return ExportReport(
        target, _source(source)[0], measured.max_delta, measured.min_cosine, measured.texts, measured.tokens,
        measured.dimension, graph.nodes if graph else {}, time.perf_counter() - start, _size(target),
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
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ArgumentError(f"max_delta: {value!r}, expected a number of at least 0. The default is {BOUND:g}.")


def _manifest(loaded: Checkpoint, folder: Path, graph: Graph | None, measured: Measured) -> Manifest:
    name, revision = _source(loaded.folder.path)
    graphs: dict[str, GraphRecord] = {}
    if graph:
        graphs = {file.relative_to(folder).as_posix(): GraphRecord(sha256_of(file), file.stat().st_size)
                  for file in sorted(graph.path.parent.iterdir())}  # fmt: skip
        graphs["onnx/model.onnx"] = GraphRecord(
            sha256_of(graph.path), graph.path.stat().st_size, graph.inputs, graph.outputs, graph.opset,
            max_delta=measured.max_delta, min_cosine=measured.min_cosine, texts=measured.texts,
        )  # fmt: skip
    versions = {"airvec": airvec_version} | {package: version(package) for package in PACKAGES}
    return Manifest(source=name, revision=revision, versions=versions, graphs=graphs)


def _source(path: Path) -> tuple[str, str | None]:
    """Name and revision: those on the Hub for a folder of its cache, else the folder's own name."""
    parts = path.resolve().parts
    if len(parts) > 3 and parts[-2] == "snapshots" and parts[-3].startswith("models--"):
        return parts[-3].removeprefix("models--").replace("--", "/"), parts[-1]
    return parts[-1], None


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
