"""A graph more for a model: written beside the others, in the model's folder, in another one, or on the Hub.

Whole or not at all: a graph is renamed to its place, a new folder too, and airvec.json says last what has come.
Knows nothing of how a graph is made.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder import ONNX, ModelFolder, ModuleSpec, find_graph, read_folder
from airvec.hub.files import MODEL_FILES
from airvec.manifest import GraphRecord, Manifest, read_manifest, sha256_of, write_manifest
from airvec.model import Model
from airvec_exporter.graph import Graph
from airvec_exporter.pushing import MESSAGE, check_name, exists, push, upload
from airvec_exporter.report import make_record, weights_of

# Writes the graph of a body to a file: the body, its float32 graph, the file.
Write = Callable[[ModuleSpec, Path, Path], Graph]


@dataclass(frozen=True)
class Addition:
    """A graph to add: the function that was called, the graph's place below a body's folder, and how it is written."""

    function: str
    place: str
    write: Write


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
        PushError: the Hub refuses it, or cannot be reached.
    """
    opened = _checked(model, addition.function)
    if place.push_to_hub:
        _add_on_hub(opened, addition, str(place.name), place.create_pr)
        return
    target = Path(place.name)
    if target.is_dir() and any((target / name).is_file() for name in MODEL_FILES):
        _check_same(opened, target)
        _add_in(target, opened.kind, addition)
        return
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ArgumentError(
            f"model_name_or_path: {str(target)!r} exists and is no model folder. Give another path, or empty it."
        )
    target.absolute().parent.mkdir(parents=True, exist_ok=True)
    with _scratch(target.absolute().parent) as work:
        opened.save_pretrained(work / "model")
        _add_in(work / "model", opened.kind, addition)
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
                found[spec.path] = (spec, find_graph(folder, "fp32", body=spec))
            except ModelFolderError:  # this route has none
                continue
    return found


def _check_same(model: Model, target: Path) -> None:
    """Refuse to put a graph into the folder of another model, and give one without graphs the float32 graph."""
    own = graphs(read_folder(model.folder, model.kind))
    there = graphs(read_folder(target, model.kind))
    for path, (_, graph) in own.items():
        home = target / path.relative_to(model.folder)
        if home not in there:
            (home / ONNX).mkdir(parents=True, exist_ok=True)
            for file in (*weights_of(graph), graph):
                shutil.copyfile(file, home / ONNX / file.name)
        elif sha256_of(there[home][1]) != sha256_of(graph):
            raise ArgumentError(
                f"model_name_or_path: {str(target)!r} holds another model than {model.folder.name}: its "
                f"{graph.name} differs, expected the same. Give another path."
            )


def _add_in(home: Path, kind: str, addition: Addition) -> list[Path]:
    """Add the graph inside a model folder; the files that have come."""
    folder = read_folder(home, kind)
    written: list[Path] = []
    for spec, portable in graphs(folder).values():
        target = spec.path / addition.place
        target.parent.mkdir(exist_ok=True)
        with _scratch(target.parent) as work:
            made = addition.write(spec, portable, work / target.name)
            files = [*weights_of(made.path), made.path]
            moved = [file.replace(target.parent / file.name) for file in files]  # the graph last, once it is whole
        _record(home, replace(made, path=moved[-1]), moved)
        written += moved
    return written


def _record(home: Path, made: Graph, files: list[Path]) -> None:
    """Say in airvec.json what has come, in one step."""
    manifest = read_manifest(home) or Manifest()
    records = {file.relative_to(home).as_posix(): GraphRecord(sha256_of(file), file.stat().st_size) for file in files}
    records[made.path.relative_to(home).as_posix()] = make_record(made, None)
    with _scratch(home) as work:
        write_manifest(work, replace(manifest, graphs={**manifest.graphs, **records}))
        (work / "airvec.json").replace(home / "airvec.json")


def _add_on_hub(model: Model, addition: Addition, name: str, create_pr: bool) -> None:
    """As the reference does, upload the graph alone; a repository that is not there gets the whole model."""
    check_name(name)
    with _scratch(None) as work:
        model.save_pretrained(work / "model")
        files = _add_in(work / "model", model.kind, addition)
        graph = Path(addition.place)
        message = f"Add exported {graph.parent.name} model {graph.name!r}"
        if exists(name):
            contents: dict[str, Path | bytes] = {file.relative_to(work / "model").as_posix(): file for file in files}
            upload(contents, name, commit_message=message, create_pr=create_pr)
        else:
            push(work / "model", name, commit_message=MESSAGE)


@contextmanager
def _scratch(parent: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".airvec-", dir=parent) as work:
        yield Path(work)
