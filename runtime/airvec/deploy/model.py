"""A model → a folder with just what runs: settings, tokenizer, heads, tables, and one graph for each of its bodies.

The graph is saved ready to open, and the packed folder is run beside the original before it takes its place. It is a
model folder like any other: airvec's classes open it without being told which graph it holds.
Knows nothing of wheels, layers and images.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from airvec import __version__
from airvec.array_file import new_folder
from airvec.deploy.comparing import distance
from airvec.deploy.variant import names_for
from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder import (
    DENSE,
    FP32_VARIANTS,
    KINDS,
    RERANKER,
    SPARSE,
    ModelFolder,
    check_kind,
    graph_names,
    graph_record,
    read_folder,
    runs_here,
    variant_of,
)
from airvec.folder.graphs import auto_names, look_up_graph
from airvec.folder.settings import COLBERT_HEAD, SPARSE_HEAD
from airvec.folder.variants import family_of
from airvec.graph_weights import is_weight_of, weights_beside
from airvec.hub import EXPORT_AS, HubOptions, locate
from airvec.hub.files import GRAPHS, RuntimeFiles, read_modules
from airvec.manifest import FILE_NAME, GraphRecord, Manifest, read_manifest, sha256_of, write_manifest

ORGANISATIONS = {DENSE: "sentence-transformers", SPARSE: "sparse-encoder", RERANKER: "cross-encoder"}
# Files beside config.json to take along where they are there.
BESIDE = (SPARSE_HEAD, COLBERT_HEAD, "README.md", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE")


@dataclass(frozen=True)
class Packed:
    """A model folder that was packed.

    `source` is the model's name; `kind` the class that opens it; `variant` the graph in it, "" where there is none, as
    in static models; `files` all paths in it with their bytes; `max_delta` the largest |difference| of any number from
    what the original gives for a few texts, None where this machine cannot run the graph.
    """

    path: Path
    source: str
    kind: str
    variant: str
    files: Mapping[str, int]
    max_delta: float | None

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(self.files.values())

    @property
    def needs_onnxruntime(self) -> bool:
        """Whether it has a graph, which only onnxruntime runs."""
        return bool(self.variant)


def pack_model(
    model: str | PathLike[str],
    out: str | PathLike[str],
    *,
    variant: str = "auto",
    arch: str = "x86_64",
    kind: str | None = None,
    hub: HubOptions | None = None,
) -> Packed:
    """Write a model folder with one graph, whole or not at all; a packed folder that lies there is replaced.

    Args:
        model: a model folder, or a name on the Hub.
        out: the folder to write.
        variant: `"auto"` = fp32, with a sparse model's pooling inside the graph where there is such a graph; `"int8"` =
            `"int8-x86"` for x86_64, which is right on each of its CPUs, and `"int8-arm64"` for arm64; or any other
            that the folder has.
        arch: `"x86_64"` or `"arm64"`.
        kind: the class that a bare name on the Hub, or a folder that does not say it, is taken for:
            `"SentenceTransformer"`, `"SparseEncoder"` or `"CrossEncoder"`; None = what the folder looks like.
        hub: where and how to look for a name on the Hub.

    Raises:
        ArgumentError: a variant that cannot be packed; or `out` is the model, or holds something else than a package.
        ModelNotFoundError, DownloadError, MissingPackageError: no such folder or name, or it cannot be fetched.
        ModelFolderError: the folder is damaged or has no such graph, or the packed graph gives other numbers.
        OSError: the disk is full, or cannot be written to.
    """
    if kind is not None and kind not in KINDS:
        raise ArgumentError(f"kind: {kind!r}, expected one of {', '.join(KINDS)}, or None. Correct it.")
    names = names_for(variant, arch)
    source = read_folder(_found(model, names, variant, kind or DENSE, hub or HubOptions()), kind)
    check_kind(source, kind or (source.model_type if source.model_type in KINDS else DENSE))
    target = Path(out)
    _check_place(source.path, target)
    graphs = _graphs(source, names, variant)
    manifest = replace(source.manifest or Manifest(source.name), variant=None, graphs={}, packed=_facts(arch))
    with new_folder(target, FILE_NAME) as fresh:
        _copy(source.path, fresh)
        for graph in graphs:
            manifest = _save(source, graph, fresh, manifest, arch)
        packed = {variant_of(graph.name) for graph in graphs}
        manifest = replace(manifest, variant=next(iter(packed - {"fp32"}), None))
        write_manifest(fresh, manifest)
        moved = _compared(source, fresh, graphs, variant)
    files = {file.relative_to(target).as_posix(): file.stat().st_size for file in target.rglob("*") if file.is_file()}
    return Packed(target, source.name, source.model_type, ", ".join(sorted(packed)), dict(sorted(files.items())), moved)


def _found(model: str | PathLike[str], names: tuple[str, ...], variant: str, kind: str, hub: HubOptions) -> Path:
    found = locate(model, ORGANISATIONS[kind])
    if isinstance(found, Path):
        return found
    from airvec.hub.client import fetch

    fused = names_for("fused", "x86_64") if variant == "auto" else ()
    wanted = RuntimeFiles(names, EXPORT_AS.get(ORGANISATIONS[kind], ""), fused=fused, if_there=BESIDE)
    return fetch(found, wanted, hub)


def _check_place(source: Path, target: Path) -> None:
    there, here = target.resolve(), source.resolve()
    if there == here or there in here.parents or here in there.parents:
        raise ArgumentError(f"out: {str(target)!r} and the model folder {str(source)!r} lie in one another. Move one.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())) and not _is_packed(target):
        raise ArgumentError(f"out: {str(target)!r} exists and is no packed model. Give another path, or empty it.")


def _is_packed(folder: Path) -> bool:
    manifest = read_manifest(folder) if folder.is_dir() else None
    return manifest is not None and bool(manifest.packed)


def _graphs(source: ModelFolder, names: tuple[str, ...], variant: str) -> list[Path]:
    """The graph of each body that has one.

    Raises:
        ModelFolderError: no such graph; the message says which there are.
    """
    bodies = [body for body in source.bodies() if body.type == "Transformer"]
    if not bodies and variant not in FP32_VARIANTS:
        raise ArgumentError(f"variant: {variant!r}, but {source.name} has no graph. Leave the argument out.")
    found: list[Path] = []
    for body in bodies:
        try:
            found.append(look_up_graph(source, auto_names(source, body) if variant == "auto" else names, body))
        except ModelFolderError as error:
            vnni = body.path / "onnx" / "model_int8_vnni.onnx"
            if variant == "int8" and names == names_for("int8", "x86_64") and vnni.is_file():
                raise ModelFolderError(
                    f"{source.name}: its int8 graph is int8-vnni, which x86 CPUs without VNNI refuse (Intel's before "
                    "Cascade Lake, AMD's before Zen 4), and a package does not choose its CPU; expected int8-x86, "
                    'right on all. Make one with airvec export --variants int8-x86, or pass variant="int8-vnni".'
                ) from error
            raise
    return found


def _copy(source: Path, fresh: Path) -> None:
    """All files that run but the graphs; what the graphs replace is torch's weights."""
    names = frozenset(file.relative_to(source).as_posix() for file in source.rglob("*") if file.is_file())
    graphs = [name for name in names if name.endswith(GRAPHS)]
    wanted = RuntimeFiles(graph_names("fp32"), if_there=BESIDE).needed(source, names)
    for name in wanted:
        if name == FILE_NAME or name.endswith(GRAPHS) or any(is_weight_of(name, graph) for graph in graphs):
            continue
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, fresh / name)
    for module in read_modules(source, names):  # those without settings have an empty folder
        (fresh / module.home).mkdir(parents=True, exist_ok=True)


def _save(source: ModelFolder, graph: Path, fresh: Path, manifest: Manifest, arch: str) -> Manifest:
    """Save one graph, and say in the manifest what it is."""
    from airvec.backends.onnx_saving import save_graph

    record = graph_record(source, graph)
    target = fresh / graph.relative_to(source.path)
    target.parent.mkdir(parents=True, exist_ok=True)
    saved = save_graph(graph, target, optimized=record is not None and record.optimized, arch=arch)
    said = replace(
        record or GraphRecord("", 0), sha256=sha256_of(target), size=target.stat().st_size, inputs=saved.inputs,
        outputs=saved.outputs, optimized=True,
    )  # fmt: skip
    records = {file.relative_to(fresh).as_posix(): GraphRecord(sha256_of(file), file.stat().st_size)
               for file in weights_beside(target)}  # fmt: skip
    return replace(
        manifest, graphs={**manifest.graphs, target.relative_to(fresh).as_posix(): said, **records},
        min_onnxruntime=saved.min_onnxruntime or manifest.min_onnxruntime,
    )  # fmt: skip


def _compared(source: ModelFolder, fresh: Path, graphs: Sequence[Path], variant: str) -> float | None:
    """The largest difference from the original; None where a graph is for other CPUs than this machine's."""
    for graph in graphs:
        record = graph_record(source, graph)
        if not runs_here((record and record.family) or family_of(graph.name)):
            return None
    name = "auto" if variant == "auto" or not graphs else variant_of(graphs[0].name)
    return distance(source, read_folder(fresh, source.model_type), name)


def _facts(arch: str) -> dict[str, str]:
    return {"airvec": __version__, "arch": arch}
