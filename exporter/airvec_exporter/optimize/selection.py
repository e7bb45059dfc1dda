"""One token's vector is all that is asked for: the last layer is computed for that token alone.

Rerankers and models with cls or last-token pooling keep one token of the last layer. Everything behind that layer's
keys and values works token by token, so that the token can be taken before it: a layer's products but two become as
small as the number of texts.
Knows nothing of heads and of modules.
"""

from dataclasses import dataclass, field

from onnxscript import ir

from airvec_exporter.heads.tape import Tape
from airvec_exporter.optimize.reading import attribute, dims, is_constant, maker, number, replace

ELEMENTWISE = ("Add", "Sub", "Mul", "Div", "Gelu", "Erf", "Tanh", "Relu", "Sigmoid", "Identity", "QuickGelu")


@dataclass
class Token:
    """The token to take of each text: `place` for all, or `rows`, int64 (batch, 1)."""

    tape: Tape
    place: int | None = None
    rows: ir.Value | None = None
    taken: dict[ir.Value, ir.Value] = field(default_factory=dict)
    whole: set[ir.Value] = field(default_factory=set)  # values that are needed for all tokens anyway

    def take(self, value: ir.Value) -> ir.Value:
        """(batch, tokens, …) → (batch, 1, …)."""
        tape = self.tape
        if self.place is not None:
            bounds = tape.constant([self.place]), tape.constant([self.place + 1])
            result = tape("Slice", value, *bounds, tape.constant([1]))
        else:
            found = tape("GatherND", value, self.rows, settings={"batch_dims": 1})
            result = tape("Unsqueeze", found, tape.constant([1]))
        return _shaped(result, value, 1)


def select_early(model: ir.Model) -> int:
    """Move each selection of a token up to its layer's attention; the number of those moved."""
    found = 0
    for node in list(model.graph):
        token = _selection(model.graph, node, found)
        if token is None or not _reaches_attention(node.inputs[0], token.whole):
            continue
        early = _early(node.inputs[0], token)
        replace(node.outputs[0], token.tape("Squeeze", early, token.tape.constant([1])))
        found += 1
    return found


def _selection(graph: ir.Graph, node: ir.Node, count: int) -> Token | None:
    """What a Gather or GatherND takes, if that is one token of each text."""
    states = node.inputs[0] if node.inputs else None
    if len(dims(states)) != 3 or is_constant(states) or node.domain or not _is_alone(node):
        return None
    tape = Tape(graph, f"selected_{count}", node)
    if node.op_type == "Gather" and attribute(node, "axis", 0) == 1 and dims(node.inputs[1]) == ():
        place = number(node.inputs[1])
        return Token(tape, place=int(place)) if place is not None and place >= 0 else None
    if node.op_type == "GatherND" and attribute(node, "batch_dims", 0) == 1 and len(dims(node.outputs[0])) in (0, 2):
        return Token(tape, rows=node.inputs[1]) if _is_place(node.inputs[1]) else None
    return None


def _is_alone(node: ir.Node) -> bool:
    """Whether nothing else reads the states: if they are made for all tokens anyway, one would be made twice.

    In int8 the two would differ: SPLADE pooling fills padding with the first token, which must change no maximum.
    """
    states = node.inputs[0]
    return states is not None and not states.is_graph_output() and all(use.node is node for use in states.uses())


def _is_place(value: ir.Value | None) -> bool:
    """Whether a value is one place a text, (batch, 1): an ArgMax of the mask that keeps its axis."""
    node = maker(value, "ArgMax")
    return node is not None and attribute(node, "keepdims", 1) == 1 and attribute(node, "axis", 0) == 1


def _reaches_attention(value: ir.Value, whole: set[ir.Value]) -> bool:
    """Whether the way up, token by token, ends at an Attention; what its keys and values need goes to `whole`."""
    node, seen, todo, found = None, set[ir.Value](), [value], False
    while todo:
        current = todo.pop()
        if current in seen:
            continue
        seen.add(current)
        node = current.producer()
        if node is None:
            continue
        if node.op_type == "Attention" and _can_select(node):
            found = True
            for given in node.inputs[1:3]:
                _add_ancestors(given, whole)
        else:
            todo += _states(node) or []
    return found


def _add_ancestors(value: ir.Value | None, found: set[ir.Value]) -> None:
    todo = [value]
    while todo:
        current = todo.pop()
        if current is None or current in found:
            continue
        found.add(current)
        node = current.producer()
        todo += list(node.inputs) if node is not None else []


def _states(node: ir.Node) -> list[ir.Value] | None:
    """The inputs that a node reads token by token, if all others are the same for all tokens; None if it mixes them."""
    result = dims(node.outputs[0])
    if len(result) < 3 or None in result[:2] or len(node.outputs) != 1 or node.domain not in ("", "com.microsoft"):
        return None
    first, rest = node.inputs[0], node.inputs[1:]
    if node.op_type in ELEMENTWISE:
        states = [given for given in node.inputs if dims(given)[:2] == result[:2] and len(dims(given)) == len(result)]
        others = [given for given in node.inputs if given not in states]
        return states if all(is_constant(given) and len(dims(given)) <= 1 for given in others) else None
    if node.op_type == "RotaryEmbedding":
        tables = len(result) == 3 and len(rest) == 2 and all(dims(given)[:2] == result[:2] for given in rest)
        return list(node.inputs) if tables else None
    alone = {
        "LayerNormalization": attribute(node, "axis", -1) in (-1, len(result) - 1),
        "RMSNormalization": attribute(node, "axis", -1) in (-1, len(result) - 1),
        "MatMul": len(result) == 3 and bool(rest) and is_constant(rest[0], rank=2),
        "Reshape": dims(first)[:2] == result[:2] and None not in (*dims(first), *result),
    }
    return [first] if alone.get(node.op_type) else None


def _can_select(node: ir.Node) -> bool:
    """Whether queries of an Attention can be left out: (batch, tokens, d), a mask a query or none, no cache."""
    later = any(given is not None for given in node.inputs[4:])
    causal = attribute(node, "is_causal", 0) != 0
    unsplit = attribute(node, "q_num_heads", 0) != 0 and len(dims(node.inputs[0])) == 3
    mask = node.inputs[3] if len(node.inputs) > 3 else None
    return unsplit and not later and not causal and (mask is None or len(dims(mask)) == 4)


def _early(value: ir.Value, token: Token) -> ir.Value:
    """A value (batch, tokens, …) for the one token: (batch, 1, …)."""
    if value in token.taken:
        return token.taken[value]
    node = None if value in token.whole else value.producer()
    if node is not None and node.op_type == "Attention" and node.domain == "" and _can_select(node):
        result = _early_attention(node, token)
    elif node is None or _states(node) is None:
        result = token.take(value)
    else:
        result = _copied(node, token)
    token.taken[value] = result
    return result


def _copied(node: ir.Node, token: Token) -> ir.Value:
    """The same operator over the one token."""
    tape, result = token.tape, node.outputs[0]
    if node.op_type == "Reshape":
        sizes = tape.constant([0, 1, *dims(result)[2:]])
        return _shaped(tape("Reshape", _early(node.inputs[0], token), sizes), result, 1)
    states = _states(node) or []
    given = [_early(value, token) if value in states else value for value in node.inputs]
    settings = {name: found.value for name, found in node.attributes.items()}
    return _shaped(tape(node.op_type, *given, settings=settings, domain=node.domain), result, 1)


def _early_attention(node: ir.Node, token: Token) -> ir.Value:
    query, key, value = (node.inputs[place] for place in range(3))
    mask = node.inputs[3] if len(node.inputs) > 3 else None
    if mask is not None:
        if token.place is None and dims(mask)[0] == 1:
            return token.take(node.outputs[0])  # no row of a mask for all texts fits the places of each
        mask = _early_mask(mask, token)
    given = (_early(query, token), key, value, *((mask,) if mask is not None else ()))
    settings = {name: found.value for name, found in node.attributes.items()}
    return _shaped(token.tape("Attention", *given, settings=settings), node.outputs[0], 1)


def _early_mask(mask: ir.Value, token: Token) -> ir.Value:
    """The row of the query: (batch, heads, tokens, tokens) → (batch, heads, 1, tokens)."""
    tape = token.tape
    if token.place is not None:
        bounds = tape.constant([token.place]), tape.constant([token.place + 1])
        return _shaped(tape("Slice", mask, *bounds, tape.constant([2])), mask, 2)
    turned = tape("Transpose", mask, settings={"perm": (0, 2, 1, 3)})
    rows = tape("GatherND", turned, token.rows, settings={"batch_dims": 1})  # (batch, heads, tokens)
    return _shaped(tape("Unsqueeze", rows, tape.constant([2])), mask, 2)


def _shaped(result: ir.Value, like: ir.Value, axis: int) -> ir.Value:
    """The result with its type and sizes: those of another value, and 1 along an axis."""
    result.type = like.type
    result.shape = ir.Shape([1 if place == axis else size for place, size in enumerate(dims(like))])
    return result
