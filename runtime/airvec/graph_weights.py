"""Which files beside a graph hold its weights, by their names: `model.onnx_data`, `openvino_model.bin`.

Knows nothing of what is in them.
"""

import os

from airvec.paths import StrPath, names_in

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


def weights_beside(file: StrPath) -> list[str]:
    """The files on disk that hold a graph's weights, sorted; none where they are inside the graph."""
    folder, graph = os.path.split(file)
    files = [os.path.join(folder, name) for name in names_in(folder) if is_weight_of(name, graph)]
    return sorted(file for file in files if os.path.isfile(file))
