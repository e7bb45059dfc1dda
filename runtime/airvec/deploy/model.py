"""A model → a folder with just what runs: settings, tokenizer, heads, tables, and one graph for each of its bodies.

The graph is saved ready to open, and the packed folder is run beside the original before it takes its place. It is a
model folder like any other: airvec's classes open it without being told which graph it holds.
Knows nothing of wheels, layers and images.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from airvec import __version__
from airvec.array_file import new_folder
from airvec.compact_tokenizer import SETTINGS
from airvec.deploy.comparing import distance
from airvec.deploy.graphs import check_sums, choose_graphs, runnable, save_graphs
from airvec.deploy.tokenizer import write_compact
from airvec.deploy.variant import names_for
from airvec.errors import ArgumentError
from airvec.folder import DENSE, KINDS, RERANKER, SPARSE, ModelFolder, check_kind, graph_names, read_folder, variant_of
from airvec.folder.settings import COLBERT_HEAD, SPARSE_HEAD
from airvec.graph_weights import is_weight_of
from airvec.hub import EXPORT_AS, HubOptions, locate
from airvec.hub.files import GRAPHS, RuntimeFiles, read_modules
from airvec.manifest import FILE_NAME, read_manifest, write_manifest

ORGANISATIONS = {DENSE: "sentence-transformers", SPARSE: "sparse-encoder", RERANKER: "cross-encoder"}
# Files beside config.json to take along where they are there.
BESIDE = (SPARSE_HEAD, COLBERT_HEAD, "README.md", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE")


@dataclass(frozen=True)
class Packed:
    """A model folder that was packed.

    `source` is the model's name; `kind` the class that opens it; `variant` the graph in it, "" where there is none, as
    in static models; `files` all paths in it with their bytes; `max_delta` the largest |difference| of any number from
    what the original gives for a few texts, None where this machine cannot run the graph; `min_onnxruntime` the oldest
    onnxruntime that opens it.
    """

    path: Path
    source: str
    kind: str
    variant: str
    files: Mapping[str, int]
    max_delta: float | None
    min_onnxruntime: str

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
    name: str | None = None,
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
        name: what answers call the model, kept in airvec.json; None = its name on the Hub, else that of its folder.

    Raises:
        ArgumentError: a variant that cannot be packed; or `out` is the model, or holds something else than a package.
        ModelNotFoundError, DownloadError, MissingPackageError: no such folder or name, or it cannot be fetched.
        ModelFolderError: the folder is damaged or has no such graph, or the packed graph gives other numbers.
        OSError: the disk is full, or cannot be written to.
    """
    if kind is not None and kind not in KINDS:
        raise ArgumentError(f"kind: {kind!r}, expected one of {', '.join(KINDS)}, or None. Correct it.")
    source = read_folder(_found(model, names_for(variant, arch), variant, kind or DENSE, hub or HubOptions()), kind)
    check_kind(source, kind or (source.model_type if source.model_type in KINDS else DENSE))
    target, moved = Path(out), None
    _check_place(source.path, target)
    graphs = choose_graphs(source, variant, arch)
    check_sums(source, graphs)
    with new_folder(target, FILE_NAME) as fresh:
        _copy(source.path, fresh)
        manifest = save_graphs(source, graphs, fresh, arch)
        called = name or _name_of(source)
        write_manifest(fresh, manifest._replace(packed={"airvec": __version__, "arch": arch, "name": called}))
        if runnable(source, graphs):
            graph = "auto" if variant == "auto" or not graphs else variant_of(graphs[0].name)
            moved = distance(source, read_folder(fresh, source.model_type), graph)
    return Packed(
        target, called, source.model_type, ", ".join(sorted({variant_of(graph.name) for graph in graphs})),
        {name: (target / name).stat().st_size for name in _files(target)}, moved, manifest.min_onnxruntime,
    )  # fmt: skip


def _name_of(source: ModelFolder) -> str:
    """What a model is called if nobody says: a folder that is just called `model` may know better."""
    manifest = source.manifest
    packed = manifest.packed.get("name") if manifest else None
    known = manifest.source if manifest and source.name == "model" else ""
    return packed or known or source.name


def _found(model: str | PathLike[str], names: tuple[str, ...], variant: str, kind: str, hub: HubOptions) -> Path:
    """The model's folder; from the Hub, with all that may be packed."""
    found = locate(model, ORGANISATIONS[kind])
    if isinstance(found, Path):
        return found
    from airvec.hub.client import fetch

    fused = graph_names("fused") if variant == "auto" else ()
    return fetch(found, RuntimeFiles(names, EXPORT_AS.get(ORGANISATIONS[kind], ""), fused=fused, if_there=BESIDE), hub)


def _check_place(source: Path, target: Path) -> None:
    there, here = target.resolve(), source.resolve()
    if there == here or there in here.parents or here in there.parents:
        raise ArgumentError(f"out: {str(target)!r} and the model folder {str(source)!r} lie in one another. Move one.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())) and not _is_packed(target):
        raise ArgumentError(f"out: {str(target)!r} exists and is no packed model. Give another path, or empty it.")


def _is_packed(folder: Path) -> bool:
    manifest = read_manifest(folder) if folder.is_dir() else None
    return manifest is not None and bool(manifest.packed)


def _copy(source: Path, fresh: Path) -> None:
    """All files that run but the graphs, which take the place of torch's weights."""
    names = _files(source)
    graphs = [name for name in names if name.endswith(GRAPHS)]
    for name in RuntimeFiles(graph_names("fp32"), if_there=BESIDE).needed(source, names):
        mine = name.endswith((*GRAPHS, FILE_NAME, SETTINGS)) or any(is_weight_of(name, graph) for graph in graphs)
        if name in names and not mine:
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, fresh / name)
    for file in list(fresh.rglob("tokenizer.json")):
        write_compact(file)
    for module in read_modules(source, names):  # those without settings have an empty folder
        (fresh / module.home).mkdir(parents=True, exist_ok=True)


def _files(folder: Path) -> tuple[str, ...]:
    """All files in a folder, as sorted paths inside it."""
    return tuple(sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()))
