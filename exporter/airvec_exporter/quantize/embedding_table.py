"""Tables that are looked up by Gather, in int8: one step a row, so a row is right to half a step of its own.

A table that a product reads as well keeps its float32 for that product.
Knows nothing of products.
"""

import numpy as np
from onnxscript import ir

from airvec_exporter.quantize.operators import put_in_place
from airvec_exporter.quantize.products import constant, is_constant
from airvec_exporter.quantize.writer import Writer

SMALLEST = 2**16  # numbers in a table; smaller ones save nothing


def quantize_tables(model: ir.Model, smallest: int = SMALLEST) -> int:
    """Change every table of float32 rows with at least `smallest` numbers; gives how many there were."""
    graph, found = model.graph, 0
    tables: dict[int, tuple[ir.Value, ir.Value]] = {}
    for node in list(graph):
        table = node.inputs[0] if node.op_type == "Gather" and node.domain == "" else None
        axis = node.attributes.get("axis")
        if table is None or not is_constant(table, 2) or (axis is not None and axis.value != 0):
            continue
        if constant(table).size < smallest:
            continue
        if id(table) not in tables:
            tables[id(table)] = _integers(graph, table)
            found += 1
        _replace(graph, node, *tables[id(table)])
    return found


def _integers(graph: ir.Graph, table: ir.Value) -> tuple[ir.Value, ir.Value]:
    """A table as int8 rows, and their steps (rows, 1)."""
    rows = constant(table)
    step = np.maximum(np.abs(rows).max(axis=1, keepdims=True) / 127, 1e-12).astype(np.float32)
    integers = np.clip(np.rint(rows / step), -127, 127).astype(np.int8)
    writer = Writer(graph, f"{table.name}_rows")
    return writer.constant(integers), writer.constant(step)


def _replace(graph: ir.Graph, node: ir.Node, integers: ir.Value, steps: ir.Value) -> None:
    output = node.outputs[0]
    writer = Writer(graph, f"{output.name}_row").before(node)
    settings = {"axis": 0}
    rows = writer("Gather", integers, node.inputs[1], settings=settings, kind=ir.DataType.INT8, like=output)
    numbers = writer("Cast", rows, settings={"to": ir.DataType.FLOAT.value}, like=output)
    step = writer("Gather", steps, node.inputs[1], settings=settings)
    put_in_place(graph, node, writer("Mul", numbers, step, like=output))
