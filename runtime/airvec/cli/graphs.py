"""The graphs of a model folder as tables: what there is, whether it is whole, and what it was measured at.

Folders that others made are listed as well, as far as file names tell.
Knows nothing of what is in a graph, and of the program's commands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from airvec.cli.measured import columns
from airvec.cli.style import table
from airvec.folder import ONNX, OPENVINO, ModelFolder, graph_files, inside, runs_here, variant_of, variants_of
from airvec.folder.variants import family_of
from airvec.graph_weights import is_weight_of, weights_beside
from airvec.manifest import FILE_NAME, GraphRecord, sha256_of
from airvec.paths import path_inside

UNKNOWN, WHOLE, DAMAGED, MISSING = "not in airvec.json", "ok", "DAMAGED", "MISSING"
TITLES = ("variant", "graph", "MB", "opset", "precision", "CPU", "checksum")


@dataclass(frozen=True)
class GraphState:
    """A graph with the files that hold its weights: what it is called, its size in bytes, and whether it is whole.

    `record` is what airvec.json says of it, None where it says nothing; `state` the worst of its files'.
    """

    variant: str
    name: str
    bytes: int | None
    family: str | None
    state: str
    record: GraphRecord | None


def graph_states(folder: ModelFolder) -> list[GraphState]:
    """All graphs of a folder and all that its airvec.json names, by path; weights count with their graph.

    Raises:
        ModelFolderError: airvec.json names a file outside the folder.
    """
    records: Mapping[str, GraphRecord] = folder.manifest.graphs if folder.manifest else {}
    chosen = {Path(file) for body in folder.bodies() for file in variants_of(folder, body).values()}
    names = sorted({*graph_files(folder), *records})
    heads = [name for name in names if not any(is_weight_of(name, other) for other in names)]
    return [_state(folder, name, [name, *_weights(folder, name, records)], records, chosen) for name in heads]


def graph_table(states: Sequence[GraphState]) -> str:
    """A row a graph: the word for `variant`, file, size, and whether this CPU can run it."""
    rows = [
        [one.variant, one.name, "" if one.bytes is None else f"{one.bytes / 1e6:.1f}", *_said(one.record),
         _cpu(one.family), one.state]
        for one in states
    ]  # fmt: skip
    return table(TITLES, rows, right=(2, 3))


def measured_table(states: Sequence[GraphState]) -> str:
    """What each graph was measured at, against torch in float32; "" where nothing was measured."""
    known = [(one, one.record) for one in states if one.record and one.record.max_delta is not None]
    if not known:
        return ""
    several = len({_body(one.name) for one, _ in known}) > 1
    names = [f"{_body(one.name)}: {one.variant}" if several else one.variant for one, _ in known]
    titles, cells = columns([_numbers(record) for _, record in known])
    rows = [[name, *row] for name, row in zip(names, cells, strict=True)]
    notes = dict.fromkeys(_note(record) for _, record in known)
    return "\n".join((table(["measured", *titles], rows, right=range(1, len(titles) + 1)), *notes))


def _state(
    folder: ModelFolder, name: str, parts: Sequence[str], records: Mapping[str, GraphRecord], chosen: set[Path]
) -> GraphState:
    files = [Path(inside(folder.home, part, f"{folder.name}/{FILE_NAME}")) for part in parts]
    there = [file for file in files if file.is_file()]
    found = {_checked(file, records.get(part)) for file, part in zip(files, parts, strict=True)}
    worst = next(state for state in (MISSING, DAMAGED, WHOLE, UNKNOWN) if state in found)
    record = records.get(name)
    variant = variant_of(files[0].name) if files[0] in chosen or not there else f'file_name="{files[0].name}"'
    family = (record and record.family) or family_of(files[0].name)
    size = sum(file.stat().st_size for file in there) if files[0] in there else None
    return GraphState(variant, name, size, family, worst if record else UNKNOWN, record)


def _body(name: str) -> str:
    """The folder of the body that a graph is of, "" for the model's own."""
    home = PurePosixPath(name).parent
    found = str(home.parent if home.name in (ONNX, OPENVINO) else home)
    return "" if found == "." else found


def _weights(folder: ModelFolder, name: str, records: Mapping[str, GraphRecord]) -> list[str]:
    """The files beside a graph that hold its weights, as paths in the folder: on disk or in airvec.json."""
    graph = inside(folder.home, name, f"{folder.name}/{FILE_NAME}")
    names = {path_inside(folder.home, file) for file in weights_beside(graph)}
    return sorted(names | {other for other in records if is_weight_of(other, name)})


def _checked(file: Path, record: GraphRecord | None) -> str:
    if record is None:
        return UNKNOWN
    if not file.is_file():
        return MISSING
    return WHOLE if sha256_of(file) == record.sha256 else DAMAGED


def _said(record: GraphRecord | None) -> list[str]:
    return ["", ""] if record is None else [str(record.opset or ""), record.precision]


def _cpu(family: str | None) -> str:
    if family is None:
        return "any"
    return family if runs_here(family) else f"{family}, not this one"


def _numbers(record: GraphRecord) -> dict[str, float]:
    """All numbers of a record, in which the older ones have places of their own."""
    older = {"max_delta": record.max_delta, "min_cosine": record.min_cosine}
    known = {name: value for name, value in older.items() if value is not None} | dict(record.measured)
    return {name: value for name, value in known.items() if name != "megabytes"}  # the graphs' table has the size


def _note(record: GraphRecord) -> str:
    largest = "" if record.quantity == "unit vectors" else f" up to {record.scale:.3g}"
    texts = "" if record.texts is None else f", of {record.texts} texts"
    return f"against torch in float32: |Δ| of {record.quantity}{largest}{texts}; times in ms"
