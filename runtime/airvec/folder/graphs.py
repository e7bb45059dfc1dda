"""Which graph file of a model folder is run, and which there are.

Knows nothing of what is in a graph.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from airvec.errors import AirvecWarning, ArgumentError, ModelFolderError
from airvec.folder.modules import FILL_MASK, RERANKER, SPARSE, ModuleSpec, inside
from airvec.folder.settings import ModelFolder
from airvec.folder.variants import (
    FASTEST,
    FUSED,
    ONNX,
    OPENVINO,
    family_of,
    graph_names,
    is_dynamic,
    runs_here,
    settle,
    variant_of,
)
from airvec.graph_weights import weights_beside
from airvec.json_file import short_name
from airvec.paths import StrPath, names_in, path_inside

if TYPE_CHECKING:
    from airvec.manifest import GraphRecord

# What airvec export is told of a checkpoint that does not say it itself: BERT's own have a language model's head, too.
EXPORT_AS = {SPARSE: " --as sparse", RERANKER: " --as rerank"}
SUFFIX = {ONNX: ".onnx", OPENVINO: ".xml"}
# What a text's neighbours may move of its numbers, in a graph that gives the same in any batch.
SAME_IN_ANY_BATCH = 1e-5
# From the check of a graph up to the line that opens the model.
STACK = 11


def find_graph(
    folder: ModelFolder,
    variant: str = "auto",
    file_name: str | None = None,
    body: ModuleSpec | None = None,
    backend: str = ONNX,
) -> str:
    """The graph to run: a file that exists, that this CPU can run, and that is as long as the manifest says.

    Args:
        folder: the model.
        variant: its name, see `airvec.folder.variants`. `"auto"` is `"fp32"`, but for logits over the vocabulary the
            graph with SPLADE pooling inside, where there is one: the same numbers in less memory. A folder that was
            packed without an fp32 graph says in airvec.json what `"auto"` is instead.
        file_name: a file of the folder or of its `onnx/` or `openvino/` folder; wins over `variant`.
        body: the module that the graph is of; None = the first module.
        backend: `"onnx"` or `"openvino"`, which is also the name of the graphs' folder.

    Raises:
        ModelFolderError: no such graph (the message lists those there are), one cut short, or one for other CPUs.
        ArgumentError: `file_name` leaves the folder.
    """
    body = body or folder.modules[0]
    name, backend = settle(variant, backend)
    if file_name and file_name.endswith(".xml") and backend != OPENVINO:
        raise ArgumentError(
            f'file_name: {file_name!r}, but the backend is {backend!r}. Pass backend="openvino" with it.'
        )
    names = (file_name,) if file_name else graph_names(name, backend)
    if not file_name and name == "auto":
        names = auto_names(folder, body, backend)
    graph = look_up_graph(folder, names, body, backend, named=bool(file_name))
    _check_cpu(folder, graph)
    return graph


def auto_names(folder: ModelFolder, body: ModuleSpec, backend: str = ONNX) -> tuple[str, ...]:
    """File names of the graph that `variant="auto"` stands for, best first."""
    fused = graph_names(FUSED, backend) if body.task == FILL_MASK else ()
    packed = folder.manifest.variant if folder.manifest and backend == ONNX else None
    return (*fused, *graph_names("auto", backend), *(graph_names(packed) if packed else ()))


def look_up_graph(
    folder: ModelFolder, names: Sequence[str], body: ModuleSpec, backend: str = ONNX, *, named: bool = False
) -> str:
    """The first graph of a body that exists under one of some file names, for whatever CPU it was made.

    Args:
        folder: the model.
        names: best first.
        body: the module that the graph is of.
        backend: `"onnx"` or `"openvino"`.
        named: whether the caller named the file, which is then looked for in the folder itself first.

    Raises:
        ModelFolderError: no such graph, or one that is cut short.
        ArgumentError: a name leaves the folder.
    """
    for place in (place for one in names for place in _places(body.home, one, backend, named=named)):
        if os.path.isfile(place):
            _check_sizes(folder, place)
            return place
    raise _no_graph(folder, body.home, names[-1], backend)


def fastest(folder: ModelFolder, body: ModuleSpec | None = None, backend: str = ONNX) -> str:
    """The graph of a backend that airvec.json says gave most texts a second, among those that this machine can run.

    Args:
        folder: the model.
        body: the module that the graph is of; None = the first module.
        backend: `"onnx"` or `"openvino"`.

    Raises:
        ModelFolderError: no graph of the backend has a measured speed.
    """
    speeds: dict[str, float] = {}
    for file in variants_of(folder, body).values():
        record = graph_record(folder, file)
        speed = record.measured.get("texts_per_second") if record else None
        if record and speed and file.endswith(SUFFIX[backend]) and _runs_here(record, file) and _sound(record):
            speeds[file] = speed
    if not speeds:
        raise ModelFolderError(
            f"{folder.name}: variant {FASTEST!r}, but airvec.json has no graph of backend {backend!r} with a measured "
            'speed that runs here. Export the folder with airvec export, or pass variant="fp32".'
        )
    return max(speeds, key=lambda file: speeds[file])


def variants_of(folder: ModelFolder, body: ModuleSpec | None = None) -> dict[str, str]:
    """The graphs of a body by variant, fp32 first: the words for `variant`, or file names where they follow no rule."""
    home = (body or folder.modules[0]).home
    files = sorted(file for place in ("", ONNX, OPENVINO) for file in _graphs_in(os.path.join(home, place)))
    found = {variant_of(os.path.basename(file)): file for file in files}
    return dict(sorted(found.items(), key=lambda item: (item[0] != "fp32", item[0])))


def graph_files(folder: ModelFolder) -> tuple[str, ...]:
    """All graphs of a folder, ONNX and OpenVINO, as sorted paths inside it."""
    files = (os.path.join(place, name) for place, _, names in os.walk(folder.home) for name in names)
    return tuple(sorted(path_inside(folder.home, file) for file in files if file.endswith(tuple(SUFFIX.values()))))


def graph_record(folder: ModelFolder, file: StrPath) -> "GraphRecord | None":
    """What airvec.json says of a graph of the folder; None where it says nothing."""
    return folder.manifest.graphs.get(path_inside(folder.home, file)) if folder.manifest else None


def _places(home: StrPath, name: str, backend: str, *, named: bool) -> Iterator[str]:
    """Where a graph may lie: its own folder first, but for files that the caller named."""
    try:
        places = [inside(home, name, "file_name"), inside(home, f"{backend}/{name}", "file_name")]
    except ModelFolderError as error:
        raise ArgumentError(
            f"{error} Graph files lie in the model folder or in its onnx/ or openvino/ folder."
        ) from None
    yield from places if named else reversed(places)


def _graphs_in(place: str) -> list[str]:
    return [os.path.join(place, name) for name in names_in(place) if name.endswith(tuple(SUFFIX.values()))]


def _sound(record: "GraphRecord") -> bool:
    """Whether a text gets the same numbers in any batch, and the graph holds the bounds it was measured against."""
    moved = record.measured.get("batch_delta", 0.0)
    return moved <= SAME_IN_ANY_BATCH * record.scale and not record.measured.get("misses")


def _runs_here(record: "GraphRecord | None", file: str) -> bool:
    return runs_here((record and record.family) or family_of(os.path.basename(file)))


def _check_sizes(folder: ModelFolder, graph: str) -> None:
    for file in (graph, *weights_beside(graph)):
        if said := graph_record(folder, file):
            from airvec.manifest import check_size

            check_size(file, said)


def _check_cpu(folder: ModelFolder, graph: str) -> None:
    if _runs_here(graph_record(folder, graph), graph):
        return
    problem = f"{short_name(graph)}: made for CPUs with vnni, which this one has not: its products"
    remedy = 'Use variant="int8-x86" (airvec export makes it with --variants int8-x86)'
    if not is_dynamic(os.path.basename(graph)):
        raise ModelFolderError(f"{problem} would saturate. {remedy}.")
    # sentence-transformers runs these on any CPU, and folders have often no other int8 graph.
    message = f'{problem} saturate, so vectors are worse than elsewhere. {remedy}, or variant="quint8_avx2".'
    warnings.warn(message, AirvecWarning, stacklevel=STACK)


def _no_graph(folder: ModelFolder, home: StrPath, name: str, backend: str) -> ModelFolderError:
    found = graph_files(folder)
    if found:
        return ModelFolderError(
            f"{folder.name}: no graph {name!r}, expected one of {', '.join(found)}. "
            'Choose it with variant="NAME" or model_kwargs={"file_name": "…"}; airvec export --variants makes more.'
        )
    return ModelFolderError(
        f"{short_name(os.path.join(home, backend, name))}: no such graph, and no other in the folder. "
        f"Make one (needs torch, once): airvec export {_source(folder)} "
        f"{folder.name.rpartition('/')[2]}-onnx{EXPORT_AS.get(folder.model_type, '')}"
    )


def _source(folder: ModelFolder) -> str:
    """What to export: a model's name on the Hub, or the folder's path."""
    return folder.name if "/" in folder.name else os.fspath(folder.home)
