"""Weights that a graph makes from constants each time it runs, made once: a transposed table, a slice of it.

Heads over the vocabulary use the table of embeddings so; a product in integers needs a constant.
Knows nothing of integers.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from onnxscript import ir

from airvec_exporter.quantize.writer import Writer


def fold_weights(graph: ir.Graph) -> int:
    """Give every product a constant weight where that is only turned or cut from one; how many there were."""
    found = 0
    for node in list(graph):
        if node.op_type not in ("MatMul", "Gemm") or len(node.inputs) < 2:
            continue
        value = node.inputs[1]
        array = None if value is None or value.const_value is not None else _array(value)
        if value is not None and array is not None:
            folded = Writer(graph, f"{node.outputs[0].name}_weight").constant(array)
            node.replace_input_with(1, folded)
            found += 1
    return found


def _array(value: ir.Value | None) -> np.ndarray | None:
    """What a value holds, if it comes from constants by Transpose and Slice alone."""
    if value is None or value.is_graph_input():
        return None
    if value.const_value is not None:
        return value.const_value.numpy()
    node = value.producer()
    if node is None or node.domain != "" or node.op_type not in FOLDS:
        return None
    arrays = [_array(given) for given in node.inputs]
    if any(array is None for array in arrays):
        return None
    return FOLDS[node.op_type](node, [array for array in arrays if array is not None])


def _transpose(node: ir.Node, arrays: Sequence[np.ndarray]) -> np.ndarray:
    order = node.attributes.get("perm")
    return arrays[0].transpose(None if order is None else order.as_ints())


def _slice(_node: ir.Node, arrays: Sequence[np.ndarray]) -> np.ndarray:
    data, starts, ends, *rest = arrays
    axes = rest[0].tolist() if rest else range(len(starts))
    steps = rest[1].tolist() if len(rest) > 1 else [1] * len(starts)
    cuts = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes, starts.tolist(), ends.tolist(), steps, strict=True):
        cuts[axis] = slice(start, end, step)
    return data[tuple(cuts)]


Fold = Callable[[ir.Node, Sequence[np.ndarray]], np.ndarray]
FOLDS: Mapping[str, Fold] = {"Transpose": _transpose, "Slice": _slice}
