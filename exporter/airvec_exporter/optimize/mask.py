"""The mask of attention, made once and by as few nodes as it takes.

transformers builds it by indexing with two ranges and by comparing positions that are always 0 or more; dynamo writes
every step. Nineteen small nodes become six: no more speed in large batches, but a share of one short text.
Knows nothing of attention.
"""

import numpy as np
from onnxscript import ir

from airvec_exporter.heads.tape import Tape
from airvec_exporter.optimize.reading import array, dims, maker, number, replace


def simplify_mask(model: ir.Model) -> int:
    """Rewrite what is taken by ranges, and what is compared without need; the number of nodes rewritten."""
    found = 0
    for node in list(model.graph):
        rewrite = {"GatherND": _indexed, "And": _both}.get(node.op_type)
        if rewrite is not None and node.domain == "":
            found += rewrite(Tape(model.graph, f"mask_{found}", node), node)
    return found


def _indexed(tape: Tape, node: ir.Node) -> bool:
    """`x[all rows, all columns]` of (batch, tokens) as (batch, 1, 1, tokens) is x with two more axes."""
    source, places = node.inputs
    joined = maker(places, "Concat")
    wanted = (*dims(source)[:1], 1, 1, *dims(source)[1:])
    if joined is None or len(joined.inputs) != 2 or len(wanted) != 4 or dims(node.outputs[0]) != wanted:
        return False
    if not all(_counts(value, axis) for value, axis in zip(joined.inputs, (0, 3), strict=True)):
        return False
    replace(node.outputs[0], tape("Unsqueeze", source, tape.constant([1, 2])))
    return True


def _counts(value: ir.Value | None, axis: int) -> bool:
    """Whether a value holds, at each place, that place's number along `axis` of four: a range, spread."""
    outer = maker(value, "Unsqueeze")  # the last axis, that of GatherND's coordinates
    if outer is None or array(outer.inputs[1]) is None or array(outer.inputs[1]).tolist() not in ([-1], [4]):
        return False
    spread = maker(outer.inputs[0], "Expand")
    value = spread.inputs[0] if spread is not None else outer.inputs[0]
    shape = dims(value)
    one_axis = len(shape) == 4 and all(size == 1 for place, size in enumerate(shape) if place != axis)
    return one_axis and _range(value) is not None


def _range(value: ir.Value | None) -> ir.Node | None:
    """The Range from 0 in steps of 1 that is behind some new axes; None where there is none."""
    while (node := maker(value, "Unsqueeze")) is not None:
        value = node.inputs[0]
    found = maker(value, "Range")
    return found if found is not None and number(found.inputs[0]) == 0 and number(found.inputs[2]) == 1 else None


def _both(tape: Tape, node: ir.Node) -> bool:
    """`true and x` is x, spread to the size of both."""
    for one, other in (node.inputs, node.inputs[::-1]):
        if one is None or other is None or not _always_true(one):
            continue
        wanted, found = dims(node.outputs[0]), dims(other)
        if not wanted or len(wanted) != len(found):
            return False
        result = other if wanted == found else _spread(tape, other, one)
        if result is other:
            _take_over(node, other)
        else:
            replace(node.outputs[0], result)
        return True
    return False


def _take_over(node: ir.Node, value: ir.Value) -> None:
    ir.convenience.replace_all_uses_with(node.outputs[0], value)


def _always_true(value: ir.Value | None) -> bool:
    constant = array(value)
    if constant is not None:
        return constant.dtype == np.bool_ and bool(constant.all())
    node = maker(value, "GreaterOrEqual", "And")
    if node is None:
        return False
    if node.op_type == "And":
        return all(_always_true(given) for given in node.inputs)
    return _range(node.inputs[0]) is not None and number(node.inputs[1]) == 0


def _spread(tape: Tape, value: ir.Value, like: ir.Value) -> ir.Value:
    """(batch, 1, 1, tokens) → (batch, 1, tokens, tokens): spread by what `like` would have spread it."""
    counted = maker(like, "GreaterOrEqual", "And")
    while counted is not None and counted.op_type == "And":
        made = [maker(given, "GreaterOrEqual", "And") for given in counted.inputs]
        counted = next((node for node in made if node is not None), None)
    if counted is None:
        return tape("And", like, value)
    return tape("Expand", value, tape("Shape", counted.inputs[0]))
