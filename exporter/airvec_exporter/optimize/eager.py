"""Attention that is written out, product, softmax, product, → one Attention node.

So are the layers of models whose scores get a bias by distance (MPNet, T5). What is added to the scores, mask and bias,
is summed once where all layers add the same.
Knows nothing of how queries, keys and values are made.
"""

from dataclasses import dataclass, field

from onnxscript import ir

from airvec_exporter.heads.tape import Tape
from airvec_exporter.optimize.reading import attribute, dims, is_constant, maker, number, permutation, replace


@dataclass
class Scores:
    """scale · q kᵀ + added …; `turned` is kᵀ."""

    query: ir.Value
    turned: ir.Value
    scale: float = 1.0
    added: list[ir.Value] = field(default_factory=list)


def join_attention(model: ir.Model) -> int:
    """Make one Attention of each softmax between two products; the number of them."""
    sums: dict[tuple[ir.Value, ...], ir.Value] = {}
    found = 0
    for node in list(model.graph):
        if node.op_type == "MatMul" and node.domain == "" and _join(model.graph, node, sums, found):
            found += 1
    return found


def _join(graph: ir.Graph, product: ir.Node, sums: dict[tuple[ir.Value, ...], ir.Value], count: int) -> bool:
    softmax = maker(product.inputs[0], "Softmax")
    if softmax is None or attribute(softmax, "axis", -1) not in (-1, 3):
        return False
    scores = _scores(softmax.inputs[0])
    if scores is None or permutation(scores.turned) not in ((0, 2, 3, 1), (0, 1, 3, 2)):
        return False
    query, value, turned = dims(scores.query), dims(product.inputs[1]), dims(scores.turned)
    wanted = (query[0], query[1], value[2], value[3]) if len(query) == len(value) == 4 else ()
    if value != wanted or turned != (query[0], query[1], query[3], value[2]) or not isinstance(query[1], int):
        return False
    if not all(_fits(mask, (*query[:3], value[2])) for mask in scores.added):
        return False
    # Right behind the last thing that is added, so that the sum is there for all layers.
    mask = _sum(graph, tuple(scores.added), sums, softmax)
    tape = Tape(graph, f"joined_{count}", product)
    source = maker(scores.turned, "Transpose").inputs[0]
    key = source
    if permutation(scores.turned) == (0, 2, 3, 1):
        key = tape("Transpose", source, settings={"perm": (0, 2, 1, 3)})
        key.type, key.shape = source.type, ir.Shape((query[0], query[1], value[2], query[3]))
    given = (scores.query, key, product.inputs[1], *((mask,) if mask is not None else ()))
    replace(product.outputs[0], tape("Attention", *given, settings={"scale": scores.scale}))
    return True


def _scores(value: ir.Value | None) -> Scores | None:
    """Take scores apart; None where they are not scale · q kᵀ + added."""
    node = maker(value, "MatMul", "Mul", "Div", "Add")
    if node is None:
        return None
    left, right = node.inputs
    if node.op_type == "MatMul":
        constant = is_constant(left) or is_constant(right)
        return None if constant or left is None or right is None else Scores(left, right)
    if node.op_type == "Add":
        for inner, other in ((left, right), (right, left)):
            found = _scores(inner)
            if found is not None and other is not None and _scores(other) is None:
                found.added.append(other)
                return found
        return None
    factor, found = number(right), _scores(left)
    if found is None or factor is None or found.added or (node.op_type == "Div" and factor == 0):
        return None
    found.scale = found.scale * factor if node.op_type == "Mul" else found.scale / factor
    return found


def _fits(mask: ir.Value, scores: tuple[int | str | None, ...]) -> bool:
    """Whether the operator can spread it over the scores: over texts and heads, not over queries and keys."""
    found = dims(mask)
    if len(found) != 4 or found[2:] != scores[2:] or None in found:
        return False
    return all(size in (1, full) for size, full in zip(found[:2], scores[:2], strict=True))


def _sum(
    graph: ir.Graph, added: tuple[ir.Value, ...], sums: dict[tuple[ir.Value, ...], ir.Value], before: ir.Node
) -> ir.Value | None:
    if len(added) < 2:
        return added[0] if added else None
    if added not in sums:
        total, tape = added[0], Tape(graph, f"mask_sum_{len(sums)}", before)
        for other in added[1:]:
            shape = [large if small == 1 else small for small, large in zip(dims(total), dims(other), strict=True)]
            kind = total.type
            total = tape("Add", total, other)
            total.type, total.shape = kind, ir.Shape(shape)
        sums[added] = total
    return sums[added]
