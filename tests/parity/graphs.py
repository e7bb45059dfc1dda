"""The graphs that every checkpoint is exported to: what the exporter calls each, and how airvec is told to open it.

Knows nothing of checkpoints.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Graph:
    """A kind of graph.

    `arguments` open it. `alone` says that the body is alone in it, in float32, so that it can be tried with any
    settings behind the body; other graphs are tried as they were exported. `exact` graphs give torch's numbers.
    """

    variant: str
    arguments: Mapping[str, str]
    alone: bool = False
    exact: bool = True


ONNX, OPENVINO, FUSED, INT8 = "onnx", "openvino", "fused", "int8"
GRAPHS = {
    ONNX: Graph("fp32", {"variant": "fp32"}, alone=True),
    OPENVINO: Graph("openvino", {"backend": "openvino"}, alone=True),
    FUSED: Graph("fused", {"variant": "fused"}),
    INT8: Graph("int8", {"variant": "int8"}, exact=False),
}
