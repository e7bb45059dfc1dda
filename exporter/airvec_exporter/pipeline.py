"""Checkpoint → verified model folder: load, trace, write, verify, and only then put it in its place.

Everything happens in a temporary folder beside the target, which is renamed at the end: a failed or interrupted
export leaves nothing, and never harms a folder that was there.
Knows nothing of the command line.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import nn
from tqdm.auto import tqdm

from airvec.errors import ArgumentError
from airvec.manifest import write_manifest
from airvec_exporter.fetch import find_checkpoint
from airvec_exporter.folder import body_home, write_folder
from airvec_exporter.graph import Graph, write_portable
from airvec_exporter.load import KINDS, Checkpoint, load
from airvec_exporter.merging import whole_checkpoint
from airvec_exporter.placing import put, temporary_beside
from airvec_exporter.report import ExportReport, Graphs, make_manifest, make_report, name_and_revision
from airvec_exporter.settings import LoadSettings
from airvec_exporter.token_heads import read_token_heads, verify_token_heads, with_measured
from airvec_exporter.variants import FP32, Source, check_model, check_variants, make_variant
from airvec_exporter.verify import BOUNDS, Checks, check_texts, verify

__all__ = ["ExportReport", "export"]

STEPS = ("loading", "tracing", "writing", "verifying")
TOKEN_STATES = ("last_hidden_state",)  # what a graph gives that BGE-M3's heads can read
MODEL_FILES = ("modules.json", "config.json", "airvec.json")  # one of them makes a folder a model's


def export(
    checkpoint: str | Path,
    out: str | Path,
    *,
    kind: str | None = None,
    base: str | Path | None = None,
    variants: Sequence[str] = (FP32,),
    fused: bool = False,
    weights: bool = True,
    dtype: str | None = None,
    max_seq_length: int | None = None,
    calibration: Sequence[str] | None = None,
    texts: Sequence[str] | None = None,
    labels: str | Path | None = None,
    max_delta: float | None = None,
    accept_worse: bool = False,
    speed: bool = True,
    overwrite: bool = False,
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
        base: of an adapter, the model that it changes, a folder or a name on the Hub; None = the one that it names,
            on the Hub or inside its folder.
        variants: the graphs to make, of `airvec_exporter.variants`: `"fp32"` (always made), `"fused"`, `"int8"`,
            `"int8-dynamic"`, `"int4"`, `"openvino"`, `"openvino-int8"`, `"O1"` to `"O4"`; airvec's models take one by
            `variant=`.
        fused: the same as `"fused"` among the variants.
        weights: False leaves torch's weights out of the folder: half the size, for packages.
        dtype: `"float16"` or `"bfloat16"` rounds the weights when they are loaded, and keeps them so in the folder;
            None = as saved. Graphs compute in float32.
        max_seq_length: the longest text in tokens, in place of the checkpoint's limit.
        calibration: texts to calibrate int8 on; None = our own sample.
        texts: what to verify on; None = 240 texts of 1 to 600 tokens from Python's documentation.
        labels: file or folder with people's judgements, to score each graph on: see `airvec_exporter.verify.labels`.
        max_delta: largest |difference| that is let through in graphs in float32: on unit vectors, or relative to the
            largest sparse value or logit (or 1); None = 1e-5 for dense models, 1e-4 for the others.
        accept_worse: write graphs beyond their bound all the same; airvec.json says what they were measured at.
        speed: whether to measure it, a few seconds a graph at most.
        overwrite: replace `out` if it is a model folder.
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
    _check_bound(max_delta)
    _check_kind(kind)
    wanted = check_variants((*variants, "fused") if fused else variants, accept_worse=accept_worse)
    checks = Checks(texts, max_delta, accept_worse, labels, speed)
    settings = LoadSettings(dtype, max_seq_length)
    if calibration is not None:
        check_texts(calibration)
    check_target(Path(checkpoint), target, overwrite)  # before anything is fetched
    source = find_checkpoint(checkpoint, revision=revision)
    check_target(source, target, overwrite)
    with (
        _progress(show_progress_bar) as step,
        temporary_beside(target) as folder,
        whole_checkpoint(source, kind, base) as whole,
    ):
        step("loading")
        loaded = load(whole, kind, settings=settings)
        check_model(wanted, loaded.folder.name, [(body, _behind(loaded, path)) for path, body in loaded.bodies.items()])
        heads = read_token_heads(loaded)
        step("tracing")
        graphs = _graphs(loaded, folder, wanted, calibration)
        step("writing")
        write_folder(loaded, folder, weights=weights)
        if heads is not None:
            heads.write(folder)
        # With what the graphs hold, which airvec asks for; the measurements come when they are known.
        stated = partial(make_manifest, name_and_revision(source), folder, graphs)
        windows = any(body.has_windows for body in loaded.bodies.values() if not body.is_table)
        write_manifest(folder, stated({}, windows))
        step("verifying")
        measured = verify(loaded, folder, variants=_ways(graphs), checks=checks)
        manifest = stated(measured, windows)
        for (body, name), graph in graphs.items() if heads is not None else ():
            if graph.outputs == TOKEN_STATES and (body, name) in measured:
                found = verify_token_heads(loaded, heads, folder, checks, name)
                manifest = with_measured(manifest, found, graph.path.relative_to(folder).as_posix())
        write_manifest(folder, manifest)
        put(folder, target)
    return make_report(target, name_and_revision(source)[0], loaded.kind, graphs, measured, time.perf_counter() - start)


def _ways(graphs: Graphs) -> tuple[str, ...]:
    """The variants to open, each by its own name: int8 graphs by their family's."""
    return tuple(dict.fromkeys(name for _, name in graphs)) or (FP32,)


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


def _graphs(loaded: Checkpoint, folder: Path, variants: Sequence[str], texts: Sequence[str] | None) -> Graphs:
    """Write the graphs of all bodies; by the body's folder in the checkpoint and by variant."""
    found: dict[tuple[Path, str], Graph] = {}
    for path, body in loaded.bodies.items():
        if body.is_table:
            continue
        home = body_home(loaded, body.spec, folder)
        portable = write_portable(body, home / "onnx")
        found[path, FP32] = portable
        source = Source(loaded.folder.name, body, _behind(loaded, path), portable.path, home, texts)
        found |= {(path, name): make_variant(name, source) for name in variants if name != FP32}
    return found


def _behind(loaded: Checkpoint, path: Path) -> nn.Sequential | None:
    """The modules behind a body; None where routes share the body and differ behind it."""
    ways = [route.modules for route in loaded.routes() if route.body.spec.path == path]
    return ways[0] if len(ways) == 1 else None


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
