"""Attention over (batch, tokens, d) in place of (batch, heads, tokens, d of a head): no transposed copies.

The dynamo graph splits queries, keys and values into heads, transposes each, and transposes the result back. The
operator takes them unsplit too (opset 23). Where keys and values are repeated for several heads of queries, it takes
them as they were before. Rotations and norms of the heads stay where they are. Attention is still the standard
operator: ONNX Runtime's own fused ones, MultiHeadAttention and Attention of com.microsoft, are slower on the CPU.
Knows nothing of masks.
"""

from onnxscript import ir

from airvec_exporter.heads.tape import Tape
from airvec_exporter.optimize.reading import array, attribute, dims, maker, only_user, permutation, replace

HEADS_FIRST = (0, 2, 1, 3)


def unsplit_attention(model: ir.Model) -> int:
    """Rewrite each Attention whose three inputs are heads of (batch, tokens, d); the number of them."""
    found = 0
    for node in list(model.graph):
        if node.op_type == "Attention" and node.domain == "" and _rewrite(model.graph, node, found):
            found += 1
    return found


def _rewrite(graph: ir.Graph, node: ir.Node, count: int) -> bool:
    query, key, value = (node.inputs[place] for place in range(3))
    back = only_user(node.outputs[0], "Transpose")
    joined = only_user(back.outputs[0], "Reshape") if back is not None else None
    if joined is None or permutation(back.outputs[0]) != HEADS_FIRST or len(dims(joined.outputs[0])) != 3:
        return False
    if len(node.outputs) != 1 or any(later is not None for later in node.inputs[4:]):
        return False
    heads = [_heads(value) for value in (query, _unrepeated(key), _unrepeated(value))]
    if any(found is None for found in heads) or heads[1] != heads[2] or dims(joined.outputs[0])[2] is None:
        return False
    sources = (query, _unrepeated(key), _unrepeated(value))
    if not all(_can_join(source) for source in sources):
        return False
    tape = Tape(graph, f"attention_{count}", node)
    given = [_joined(tape, source) for source in sources]
    kept = {name: found.value for name, found in node.attributes.items() if name in ("scale", "is_causal", "softcap")}
    settings = {**kept, "q_num_heads": heads[0], "kv_num_heads": heads[1]}
    result = tape("Attention", *given, *node.inputs[3:4], settings=settings)
    replace(joined.outputs[0], result)
    return True


def _heads(value: ir.Value | None) -> int | None:
    """How many heads a value (batch, heads, tokens, d of a head) has."""
    found = dims(value)
    return found[1] if len(found) == 4 and isinstance(found[1], int) and isinstance(found[3], int) else None


def _unrepeated(value: ir.Value | None) -> ir.Value | None:
    """Keys or values before each of their heads was repeated for several heads of queries: Unsqueeze, Expand, Reshape.

    The operator then pairs them as the repetition did: heads of queries in groups of neighbours.
    """
    reshape = maker(value, "Reshape")
    expand = maker(reshape.inputs[0], "Expand") if reshape is not None else None
    unsqueeze = maker(expand.inputs[0], "Unsqueeze") if expand is not None else None
    if unsqueeze is None or reshape is None or expand is None:
        return value
    before, after, spread = dims(unsqueeze.inputs[0]), dims(value), dims(expand.outputs[0])
    axes = array(unsqueeze.inputs[1])
    fits = len(before) == len(after) == 4 and len(spread) == 5 and axes is not None and axes.tolist() == [2]
    if not fits or (before[0], before[2:]) != (after[0], after[2:]) or spread != (*before[:2], spread[2], *before[2:]):
        return value
    if not isinstance(before[1], int) or not isinstance(spread[2], int) or after[1] != before[1] * spread[2]:
        return value
    return unsqueeze.inputs[0]


def _can_join(value: ir.Value | None) -> bool:
    if _heads(value) is None:
        return False
    rotary = maker(value, "RotaryEmbedding")
    if rotary is not None:
        # With position ids the tables are (positions, d); a rotation of a part of the head is left alone as well.
        whole = attribute(rotary, "rotary_embedding_dim", 0) == 0 and len(rotary.inputs) == 3
        return whole and _can_join(rotary.inputs[0])
    norm = _norm(value)
    return permutation(value if norm is None else norm.inputs[0]) == HEADS_FIRST


def _norm(value: ir.Value | None) -> ir.Node | None:
    """The norm of each head's numbers that made a value, behind the transposition."""
    node = maker(value, "RMSNormalization", "LayerNormalization")
    return node if node is not None and attribute(node, "axis", -1) in (-1, 3) else None


def _joined(tape: Tape, value: ir.Value) -> ir.Value:
    """(batch, heads, tokens, d of a head) → (batch, tokens, d), without the transposition that made it."""
    batch, heads, tokens, width = dims(value)
    wanted = (batch, tokens, heads * width)
    rotary = maker(value, "RotaryEmbedding")
    if rotary is not None:
        settings = {"num_heads": heads, "interleaved": attribute(rotary, "interleaved", 0)}
        result = tape("RotaryEmbedding", _joined(tape, rotary.inputs[0]), *rotary.inputs[1:], settings=settings)
    else:
        split = _split(tape, value)
        reshape = maker(split, "Reshape")
        if reshape is not None and dims(reshape.inputs[0]) == wanted:
            return reshape.inputs[0]
        result = tape("Reshape", split, tape.constant([0, 0, heads * width]))
    result.type, result.shape = value.type, ir.Shape(wanted)
    return result


def _split(tape: Tape, value: ir.Value) -> ir.Value:
    """(batch, heads, tokens, d of a head) → (batch, tokens, heads, d of a head): what was transposed, normed."""
    norm = _norm(value)
    before = maker(value if norm is None else norm.inputs[0], "Transpose").inputs[0]
    if norm is None:
        return before
    settings = {name: found.value for name, found in norm.attributes.items()}
    result = tape(norm.op_type, before, *norm.inputs[1:], settings=settings)
    result.type, result.shape = value.type, before.shape
    return result
