"""float32 → float16, from the embeddings on: half the file, for processors that compute in it.

What leads to positions, masks and rotations stays in float32: a place above 2,048 is no float16. The result is cast
back, so that a graph gives what it gave before.
Knows nothing of accuracy: it is measured afterwards.
"""

import numpy as np
from onnxscript import ir

from airvec_exporter.errors import ExportError
from airvec_exporter.heads.tape import Tape

FLOAT, HALF = ir.DataType.FLOAT, ir.DataType.FLOAT16
BODIES = ("last_hidden_state", "logits")
LARGEST = float(np.finfo(np.float16).max)
SAME_TYPE = (
    "Add", "Attention", "Concat", "Cos", "Div", "Expand", "GatherND", "Gelu", "Gemm", "Identity", "LayerNormalization",
    "Log", "MatMul", "Max", "Mul", "QuickGelu", "RMSNormalization", "ReduceL2", "ReduceMax", "ReduceSum", "Relu",
    "Reshape", "RotaryEmbedding", "Sigmoid", "Sin", "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Tanh", "Transpose",
    "Unsqueeze", "Where",
)  # fmt: skip


def to_float16(model: ir.Model) -> int:
    """Compute what follows from embeddings in float16; the number of nodes that do.

    Raises:
        ExportError: the graph holds a head, whose least divisors of 1e-12 are 0 in float16.
    """
    graph = model.graph
    _check(graph)
    chosen = _downstream(graph)
    made: dict[ir.Value, ir.Value] = {}
    for node in chosen:
        tape = Tape(graph, f"half_{node.name}", node)
        for place, given in enumerate(node.inputs):
            if _is_float(given) and given.producer() not in chosen:
                node.replace_input_with(place, _halved(tape, given, made))
        if node.op_type == "Cast" and node.attributes["to"].value == FLOAT.value:
            node.attributes["to"] = ir.AttrInt64("to", HALF.value)
    for node in chosen:
        for value in node.outputs:
            if _is_float(value):
                value.type = ir.TensorType(HALF)
    for place, value in enumerate(graph.outputs):
        if value.dtype == HALF:
            _cast_back(graph, place, value)
    return len(chosen)


def _check(graph: ir.Graph) -> None:
    for value in graph.outputs:
        if value.name not in BODIES:
            raise ExportError(
                f"float16: the graph gives {value.name!r}, expected {' or '.join(BODIES)}. Put its head behind it "
                "afterwards."
            )


def _downstream(graph: ir.Graph) -> dict[ir.Node, None]:
    """Nodes that give floats and follow from a table of floats that is read by number, in order."""
    found: dict[ir.Node, None] = {}
    for node in graph:
        table = node.inputs[0] if node.op_type == "Gather" else None
        begins = table is not None and table.const_value is not None and table.dtype == FLOAT
        follows = any(given is not None and given.producer() in found for given in node.inputs)
        gives = _is_float(node.outputs[0])
        if (begins or follows) and gives:
            found[node] = None
    return found


def _is_float(value: ir.Value | None) -> bool:
    """Whether a value is float32; where a value's type is not stated, it is that of what it was made from."""
    if value is None or value.dtype is not None:
        return value is not None and value.dtype == FLOAT
    node = value.producer()
    if node is None or node.op_type not in SAME_TYPE:
        return False
    return _is_float(node.inputs[1 if node.op_type == "Where" else 0])


def _halved(tape: Tape, value: ir.Value, made: dict[ir.Value, ir.Value]) -> ir.Value:
    if value not in made:
        if value.const_value is None:
            made[value] = tape("Cast", value, settings={"to": HALF.value})
        else:
            numbers = np.clip(value.const_value.numpy(), -LARGEST, LARGEST)
            made[value] = tape.constant(numbers, np.float16)
        made[value].type, made[value].shape = ir.TensorType(HALF), value.shape
    return made[value]


def _cast_back(graph: ir.Graph, place: int, value: ir.Value) -> None:
    name, value.name = value.name, f"{value.name}_half"
    result = Tape(graph, "half_output")("Cast", value, settings={"to": FLOAT.value})
    result.name, result.type, result.shape = name, ir.TensorType(FLOAT), value.shape
    graph.outputs[place] = result
