"""Which graph file of a model folder is run.

Knows nothing of what is in a graph.
"""

from pathlib import Path

from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder.modules import FILL_MASK, RERANKER, SPARSE, ModuleSpec, inside
from airvec.folder.settings import ModelFolder
from airvec.json_file import short_name
from airvec.manifest import check_size

FP32_VARIANTS = ("auto", "fp32")
# What airvec export is told of a checkpoint that does not say it itself: BERT's own have a language model's head, too.
EXPORT_AS = {SPARSE: " --as sparse", RERANKER: " --as rerank"}
# The graph with SPLADE pooling inside: the same numbers in less memory.
FUSED = "fused"


def find_graph(
    folder: ModelFolder, variant: str = "auto", file_name: str | None = None, body: ModuleSpec | None = None
) -> Path:
    """The ONNX graph to run: a file that exists, and that is as long as the manifest says.

    Args:
        folder: the model.
        variant: `"auto"` or `"fp32"` for `onnx/model.onnx`, else NAME for `onnx/model_NAME.onnx`. `"auto"` takes
            `onnx/model_fused.onnx` for logits over the vocabulary, where there is one.
        file_name: a file of the folder or of its `onnx/` folder; wins over `variant`.
        body: the module that the graph is of; None = the first module.

    Raises:
        ModelFolderError: no such graph (the message lists those there are), or one cut short.
        ArgumentError: `file_name` leaves the folder.
    """
    body = body or folder.modules[0]
    home = body.path
    if variant == "auto" and body.task == FILL_MASK and (home / "onnx" / graph_name(FUSED)).is_file():
        variant = FUSED
    name = file_name or graph_name(variant)
    try:
        places = [inside(home, name, "file_name"), inside(home, f"onnx/{name}", "file_name")]
    except ModelFolderError as error:
        raise ArgumentError(f"{error} Graph files lie in the model folder or in its onnx/ folder.") from None
    if file_name is None:
        places.reverse()
    for place in places:
        if place.is_file():
            _check_record(folder, place)
            return place
    raise _no_graph(folder, home, name)


def graph_name(variant: str) -> str:
    """The file name of a variant's graph."""
    return "model.onnx" if variant in FP32_VARIANTS else f"model_{variant}.onnx"


def graph_files(folder: ModelFolder) -> tuple[str, ...]:
    """All ONNX graphs of a folder, as sorted paths inside it."""
    return tuple(sorted(file.relative_to(folder.path).as_posix() for file in folder.path.rglob("*.onnx")))


def _check_record(folder: ModelFolder, graph: Path) -> None:
    records = folder.manifest.graphs if folder.manifest else {}
    record = records.get(graph.relative_to(folder.path).as_posix())
    if record:
        check_size(graph, record)


def _no_graph(folder: ModelFolder, home: Path, name: str) -> ModelFolderError:
    found = graph_files(folder)
    if found:
        return ModelFolderError(
            f"{folder.name}: no graph {name!r}, expected one of {', '.join(found)}. "
            'Choose it with variant="NAME" or model_kwargs={"file_name": "…"}.'
        )
    return ModelFolderError(
        f"{short_name(home / 'onnx' / name)}: no such graph, and no other in the folder. "
        f"Make one (needs torch, once): airvec export {_source(folder)} "
        f"{folder.name.rpartition('/')[2]}-onnx{EXPORT_AS.get(folder.model_type, '')}"
    )


def _source(folder: ModelFolder) -> str:
    """What to export: a model's name on the Hub, or the folder's path."""
    return folder.name if "/" in folder.name else str(folder.path)
