"""A graph more for a model: written beside the others, in the model's folder, in another one, or on the Hub.

Each graph is measured against the float32 graph of the same folder. Whole or not at all: all is made in a folder of its
own and then renamed to its place, and airvec.json says last what has come.
Knows nothing of how a graph is made.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder import ModelFolder, ModuleSpec, find_graph, read_folder, runs_here, weights_beside
from airvec.folder.variants import family_of
from airvec.graph_weights import is_weight_of
from airvec.hub.files import MODEL_FILES
from airvec.manifest import FILE_NAME, GraphRecord, Manifest, read_manifest, sha256_of, write_manifest
from airvec.model import Model
from airvec.paths import path_inside
from airvec_exporter.graph import Graph
from airvec_exporter.pushing import MESSAGE, check_name, fetch_file, files_of, push, upload
from airvec_exporter.report import make_record
from airvec_exporter.verify import Measured
from airvec_exporter.verify.comparison import compare

# Writes the graph of a body to a file: the body, its float32 graph, the file.
Write = Callable[[ModuleSpec, Path, Path], Graph]
SCRATCH = ".airvec-"  # begins the names of folders to work in


@dataclass(frozen=True)
class Addition:
    """A graph to add: the function that was called, the graph's place below a body's folder, and how it is written.

    `variant` is the one whose bounds say what is counted as a miss.
    """

    function: str
    place: str
    write: Write
    variant: str


@dataclass(frozen=True)
class Place:
    """Where it goes: a folder's path or, with `push_to_hub`, a repository's name."""

    name: str | os.PathLike[str]
    push_to_hub: bool = False
    create_pr: bool = False


def add(model: object, addition: Addition, place: Place) -> None:
    """Add a graph for every body of a model that has one in float32.

    Args:
        model: a SentenceTransformer, SparseEncoder or CrossEncoder of airvec.
        addition: what to add.
        place: where.

    Raises:
        ArgumentError: no such model, or none with a graph; or a place that holds something else.
        ExportError: the graph cannot be made.
        VerificationError: what it gives is not a number.
        PushError: the Hub refuses it, or cannot be reached.
    """
    opened = _checked(model, addition.function)
    if place.push_to_hub:
        _add_on_hub(opened, addition, str(place.name), place.create_pr)
        return
    target = Path(place.name)
    if target.is_dir() and any((target / name).is_file() for name in MODEL_FILES):
        _add_in(target, opened, addition)
        return
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ArgumentError(
            f"model_name_or_path: {str(target)!r} exists and is no model folder. Give another path, or empty it."
        )
    target.absolute().parent.mkdir(parents=True, exist_ok=True)
    with _scratch(target.absolute().parent) as work:
        opened.save_pretrained(work / "model")
        _make(work / "model", opened.kind, addition)
        if target.is_dir():
            target.rmdir()
        (work / "model").rename(target)


def _checked(model: object, function: str) -> Model:
    if not isinstance(model, Model):
        raise ArgumentError(
            f"{function}: model is a {type(model).__name__}, expected airvec's SentenceTransformer, SparseEncoder or "
            "CrossEncoder. Open the folder with one of them."
        )
    if not graphs(read_folder(model.folder, model.kind)):
        raise ArgumentError(
            f"{function}: {model.folder.name} has no onnx/model.onnx, expected a Transformer-based model with one. "
            "Make one with airvec export; static models run without."
        )
    return model


def graphs(folder: ModelFolder) -> dict[Path, tuple[ModuleSpec, Path]]:
    """The bodies of a folder that have a graph in float32, with it, by their own folders."""
    found: dict[Path, tuple[ModuleSpec, Path]] = {}
    for spec in folder.bodies():
        if spec.type == "Transformer":
            try:
                found[spec.path] = (spec, Path(find_graph(folder, "fp32", body=spec)))
            except ModelFolderError:  # this route has none
                continue
    return found


def _missing(model: Model, target: Path) -> list[Path]:
    """The files of the float32 graphs that a folder of the same model lacks, as paths inside it.

    Raises:
        ArgumentError: it is another model's folder.
    """
    there = graphs(read_folder(target, model.kind))
    found: list[Path] = []
    for path, (_, graph) in graphs(read_folder(model.folder, model.kind)).items():
        home = target / path.relative_to(model.folder)
        if home not in there:
            found += [Path(path_inside(model.folder, file)) for file in (*weights_beside(graph), graph)]
        elif sha256_of(there[home][1]) != sha256_of(graph):
            raise _other_model(str(target), model, graph)
    return found


def _other_model(name: str, model: Model, graph: Path) -> ArgumentError:
    return ArgumentError(
        f"model_name_or_path: {name!r} holds another model than {model.folder.name}: its {graph.name} differs, "
        "expected the same. Give another."
    )


def _add_in(home: Path, model: Model, addition: Addition) -> None:
    """Add the graph inside a model folder: made and measured in a copy, renamed once all is whole, recorded last."""
    missing = _missing(model, home)
    with _scratch(home) as work:
        shutil.copytree(home, work / "model", ignore=_left_out(addition), copy_function=_link)
        for file in missing:
            (work / "model" / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(model.folder / file, work / "model" / file)
        records = _make(work / "model", model.kind, addition)
        places = [*missing, *map(Path, records), Path(FILE_NAME)]
        for place in places:
            (home / place).parent.mkdir(parents=True, exist_ok=True)
        for place in places:
            (work / "model" / place).replace(home / place)


def _left_out(addition: Addition) -> Callable[[str, list[str]], list[str]]:
    """What a copy to work in has no use for: our own scratch folders, and a graph that is to be replaced."""
    name = Path(addition.place).name
    return lambda _, names: [one for one in names if one.startswith(SCRATCH) or _belongs(one, name)]


def _belongs(file: str, graph: str) -> bool:
    """Whether a file is a graph or holds its weights."""
    return file == graph or is_weight_of(file, graph)


def _link(source: str, target: str) -> None:
    """A second name for a file, or a copy where the disk has none; airvec.json, which changes, is always copied."""
    if Path(source).name != FILE_NAME:
        with suppress(OSError):
            os.link(os.path.realpath(source), target)
            return
    shutil.copyfile(source, target)


def _make(home: Path, kind: str, addition: Addition) -> dict[str, GraphRecord]:
    """Write the graph of every body into a model folder that nobody else uses, measure and record it.

    Returns:
        The records of the files that have come, by their paths in the folder, a graph after its weights.
    """
    manifest = read_manifest(home) or Manifest()
    made: dict[Path, Graph] = {}
    for spec, portable in graphs(read_folder(home, kind)).values():
        place = spec.path / addition.place
        place.parent.mkdir(exist_ok=True)
        made[spec.path] = addition.write(spec, portable, place)
    write_manifest(home, _with(manifest, _records(home, made, {})))  # with what the graphs hold, which airvec asks for
    families = {graph.family or family_of(graph.path.name) for graph in made.values()}
    measured = compare(home, kind, addition.place, addition.variant) if all(map(runs_here, families)) else {}
    records = _records(home, made, measured)
    write_manifest(home, _with(manifest, records))
    return records


def _records(home: Path, made: Mapping[Path, Graph], measured: Mapping[Path, Measured]) -> dict[str, GraphRecord]:
    found: dict[str, GraphRecord] = {}
    for body, graph in made.items():
        for file in weights_beside(graph.path):
            found[path_inside(home, file)] = GraphRecord(sha256_of(file), Path(file).stat().st_size)
        found[graph.path.relative_to(home).as_posix()] = make_record(graph, measured.get(body))
    return found


def _with(manifest: Manifest, records: Mapping[str, GraphRecord]) -> Manifest:
    """A manifest with these records, and without those of graphs that they replace and of their weights."""
    kept = {
        name: record for name, record in manifest.graphs.items()
        if not any(_belongs(name, graph) for graph in records)
    }  # fmt: skip
    return manifest._replace(graphs={**kept, **records})


def _add_on_hub(model: Model, addition: Addition, name: str, create_pr: bool) -> None:
    """As the reference does, upload the graph alone, and airvec.json; where no model is, the whole of it."""
    check_name(name)
    with _scratch(None) as work:
        home = work / "model"
        model.save_pretrained(home)
        there = files_of(name)
        if not any(file in there for file in MODEL_FILES):
            _make(home, model.kind, addition)
            push(home, name, commit_message=MESSAGE, create_pr=create_pr)
            return
        missing = _missing_on_hub(model, name, there)
        manifest = Manifest()
        if FILE_NAME in there:
            fetch_file(name, FILE_NAME, work / "theirs")
            manifest = read_manifest(work / "theirs") or manifest
        records = _make(home, model.kind, addition)
        write_manifest(home, _with(manifest, records))
        graph = Path(addition.place)
        upload(
            {path: home / path for path in (*missing, *records, FILE_NAME)}, name, create_pr=create_pr,
            commit_message=f"Add exported {graph.parent.name} model {graph.name!r}",
        )  # fmt: skip


def _missing_on_hub(model: Model, name: str, there: Mapping[str, str | None]) -> list[str]:
    """The files of the float32 graphs that a repository lacks.

    Raises:
        ArgumentError: it holds another model.
    """
    found: list[str] = []
    for _, graph in graphs(read_folder(model.folder, model.kind)).values():
        path = graph.relative_to(model.folder).as_posix()
        if path not in there:
            found += [path_inside(model.folder, file) for file in (*weights_beside(graph), graph)]
        elif there[path] not in (None, sha256_of(graph)):
            raise _other_model(name, model, graph)
    return found


@contextmanager
def _scratch(parent: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=parent) as work:
        yield Path(work)
