"""ONNX Runtime's own fused operators, of com.microsoft: not faster on the CPU, so that no default takes them.

They are here to be measured, on the versions and processors to come, by `benchmarks/passes.py`.
Knows nothing of the standard operators that win.
"""

import numpy as np
from onnxscript import ir

from airvec_exporter.heads.tape import Tape
from airvec_exporter.optimize.reading import MICROSOFT, attribute, dims, is_constant, maker, only_user, replace


def fuse_skip_layer_norm(model: ir.Model) -> int:
    """LayerNormalization of a sum → SkipLayerNormalization, with the bias of what is added; the number of them."""
    found = 0
    for node in list(model.graph):
        if node.op_type != "LayerNormalization" or node.domain or attribute(node, "axis", -1) not in (-1, 2):
            continue
        add = maker(node.inputs[0], "Add")
        if (
            add is None
            or len(dims(node.inputs[0])) != 3
            or not all(dims(given) == dims(node.inputs[0]) for given in add.inputs)
        ):
            continue
        one, other, bias = add.inputs[0], add.inputs[1], None
        biased = maker(one, "Add")
        if biased is not None and is_constant(biased.inputs[1], rank=1) and only_user(one, "Add") is add:
            one, bias = biased.inputs
        tape = Tape(model.graph, f"skip_{found}", node)
        beta = node.inputs[2] if len(node.inputs) > 2 else None
        settings = {"epsilon": attribute(node, "epsilon", 1e-5)}
        given = (one, other, node.inputs[1], beta, *((bias,) if bias is not None else ()))
        if only_user(add.outputs[0], "LayerNormalization") is node:
            replace(node.outputs[0], tape("SkipLayerNormalization", *given, settings=settings, domain=MICROSOFT))
        else:  # the sum goes on past the norm: it is the fourth output
            several = tape.several("SkipLayerNormalization", (*given, None)[:5], 4, settings=settings, domain=MICROSOFT)
            replace(node.outputs[0], several[0])
            replace(add.outputs[0], several[3])
        found += 1
    return found


def _is_sum_of_states(add: ir.Node) -> bool:
    size = dims(add.outputs[0])
    return len(size) == 3 and all(dims(given) == size for given in add.inputs)


def fuse_bias_gelu(model: ir.Model) -> int:
    """Gelu of a sum with a bias → BiasGelu; the number of them."""
    found = 0
    for node in list(model.graph):
        add = maker(node.inputs[0], "Add") if node.op_type == "Gelu" and node.inputs else None
        if add is None or attribute(node, "approximate", "none") != "none" or not is_constant(add.inputs[1], rank=1):
            continue
        tape = Tape(model.graph, f"bias_gelu_{found}", node)
        replace(node.outputs[0], tape("BiasGelu", *add.inputs, domain=MICROSOFT))
        found += 1
    return found


def fuse_attention(model: ir.Model) -> int:
    """Unsplit Attention → MultiHeadAttention, with its mask added to the scores; the number of them."""
    found = 0
    for node in list(model.graph):
        heads = attribute(node, "q_num_heads", 0)
        if node.op_type != "Attention" or not heads or heads != attribute(node, "kv_num_heads", 0):
            continue
        if attribute(node, "is_causal", 0) or attribute(node, "softcap", 0.0) or any(node.inputs[4:]):
            continue
        tape = Tape(model.graph, f"multi_head_{found}", node)
        mask = node.inputs[3] if len(node.inputs) > 3 else None
        if mask is not None and mask.dtype == ir.DataType.BOOL:
            zero, lowest = (tape.constant(side, np.float32) for side in (0, np.finfo(np.float32).min))
            mask = tape("Where", mask, zero, lowest)
        settings = {"num_heads": heads, "scale": attribute(node, "scale", 0.0)}
        given = (*node.inputs[:3], *((None, None, mask) if mask is not None else ()))
        replace(node.outputs[0], tape("MultiHeadAttention", *given, settings=settings, domain=MICROSOFT))
        found += 1
    return found
