"""Which files beside a graph hold its weights, by their names: `model.onnx_data`, `openvino_model.bin`.

Knows nothing of what is in them.
"""

from pathlib import Path

# What follows the whole name of an ONNX graph: `_data` as Optimum and airvec write it, `.data` as torch does; several
# files are numbered: `_data_1`.
ONNX_ENDINGS = ("_data", ".data")


def is_weight_of(name: str, graph: str) -> bool:
    """Whether the file of a name or path holds weights of a graph in the same folder.

    >>> [is_weight_of(name, "model.onnx") for name in ("model.onnx_data_1", "model.onnx.data", "model.onnx.md")]
    [True, True, False]
    """
    if graph.endswith(".xml"):
        return name == f"{graph.removesuffix('.xml')}.bin"
    return graph.endswith(".onnx") and name.startswith(tuple(graph + ending for ending in ONNX_ENDINGS))


def weights_beside(file: Path) -> list[Path]:
    """The files on disk that hold a graph's weights, sorted; none where they are inside the graph."""
    return sorted(other for other in file.parent.glob("*") if is_weight_of(other.name, file.name) and other.is_file())
