"""Several products in place of one that is cut up: no copies of its parts.

Where a model keeps the weights of queries, keys and values, or of the two halves of a gated layer, in one matrix, the
graph multiplies once and then copies the parts out. Cutting the weight instead costs nothing when the graph runs.
Knows nothing of attention.
"""

import numpy as np
from onnxscript import ir

from airvec_exporter.heads.tape import Tape
from airvec_exporter.optimize.reading import array, attribute, dims, number, only_user, replace


def separate_products(model: ir.Model) -> int:
    """Cut the weights of each product whose result is only cut up; the number of products."""
    found = 0
    for node in list(model.graph):
        if node.op_type == "MatMul" and node.domain == "" and _separate(model.graph, node, found):
            found += 1
    return found


def _separate(graph: ir.Graph, product: ir.Node, count: int) -> bool:
    weight, bias = product.inputs[1], None
    last = product
    add = only_user(product.outputs[0], "Add")
    if add is not None and array(add.inputs[1]) is not None and len(dims(add.inputs[1])) == 1:
        last, bias = add, add.inputs[1]
    if array(weight) is None or len(dims(weight)) != 2:
        return False
    parts = _split(last.outputs[0]) or _sliced(last.outputs[0])
    if not parts:
        return False
    tape = Tape(graph, f"part_{count}", product)
    batch, tokens, _ = dims(last.outputs[0])
    start = 0
    for part, width in parts:
        tape.before = product
        result = _product(tape, product.inputs[0], weight, bias, slice(start, start + width))
        result.type, result.shape = part.type, ir.Shape((batch, tokens, width))
        if len(dims(part)) == 4:  # (batch, tokens, heads, d of a head)
            result = tape("Reshape", result, tape.constant([0, 0, *dims(part)[2:]]))
        replace(part, result)
        start += width
    return True


def _product(tape: Tape, states: ir.Value, weight: ir.Value, bias: ir.Value | None, columns: slice) -> ir.Value:
    cut = np.ascontiguousarray(array(weight)[:, columns])
    result = tape("MatMul", states, tape.constant(cut, cut.dtype.type))
    if bias is None:
        return result
    part = array(bias)[columns]
    return tape("Add", result, tape.constant(part, part.dtype.type))


def _split(value: ir.Value) -> list[tuple[ir.Value, int]]:
    """The parts of a Split of the last axis, with their widths."""
    split = only_user(value, "Split")
    shape = dims(value)
    if split is None or len(shape) != 3 or attribute(split, "axis", 0) not in (2, -1):
        return []
    widths = [dims(part)[-1] for part in split.outputs if dims(part)]
    whole = all(isinstance(width, int) for width in widths) and sum(widths) == shape[2]
    return list(zip(split.outputs, widths, strict=True)) if whole and len(widths) == len(split.outputs) else []


def _sliced(value: ir.Value) -> list[tuple[ir.Value, int]]:
    """The parts of a Reshape to (batch, tokens, parts, heads, d of a head), sliced by part, with their widths."""
    reshape, shape = only_user(value, "Reshape"), dims(value)
    if reshape is None or len(shape) != 3:
        return []
    after = dims(reshape.outputs[0])
    if len(after) != 5 or after[:2] != shape[:2] or not all(isinstance(size, int) for size in after[2:]):
        return []
    parts: dict[int, ir.Value] = {}
    for usage in reshape.outputs[0].uses():
        place, part = _slice_of(usage.node)
        if part is None or place in parts:
            return []
        parts[place] = part
    if sorted(parts) != list(range(after[2])):
        return []
    return [(parts[place], after[3] * after[4]) for place in range(after[2])]


def _slice_of(node: ir.Node) -> tuple[int, ir.Value | None]:
    """Which part a Slice and Squeeze, or a Gather, of axis 2 takes, and what comes of it."""
    if node.op_type == "Gather" and attribute(node, "axis", 0) in (2, -3) and dims(node.inputs[1]) == ():
        place = number(node.inputs[1])
        return (int(place), node.outputs[0]) if place is not None and place >= 0 else (-1, None)
    if node.op_type != "Slice" or len(node.inputs) != 4:
        return -1, None
    start, end, axis = (number(given) for given in node.inputs[1:])
    squeeze = only_user(node.outputs[0], "Squeeze")
    if squeeze is None or start is None or end != start + 1 or axis not in (2, -3) or len(squeeze.inputs) != 2:
        return -1, None
    return (int(start), squeeze.outputs[0]) if number(squeeze.inputs[1]) in (2, -3) else (-1, None)
