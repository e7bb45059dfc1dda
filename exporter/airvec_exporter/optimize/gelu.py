"""GELU by tanh in place of erf, and x · sigmoid(x) as one node.

The first changes numbers (by up to 5e-4 a value of a GELU), so no level below O3 has it; the second does not.
Knows nothing of what comes before and behind.
"""

from onnxscript import ir

from airvec_exporter.heads.tape import Tape
from airvec_exporter.optimize.reading import MICROSOFT, attribute, maker, only_user, replace


def approximate_gelu(model: ir.Model) -> int:
    """Let each Gelu be computed by tanh; the number of them."""
    found = 0
    for node in model.graph:
        if node.op_type == "Gelu" and node.domain == "" and attribute(node, "approximate", "none") == "none":
            node.attributes["approximate"] = ir.AttrString("approximate", "tanh")
            found += 1
    return found


def join_swish(model: ir.Model) -> int:
    """Make `x · sigmoid(x)` one QuickGelu of com.microsoft, whose alpha is 1 then; the number of them."""
    found = 0
    for node in list(model.graph):
        if node.op_type != "Mul" or node.domain:
            continue
        for one, other in (node.inputs, node.inputs[::-1]):
            sigmoid = maker(other, "Sigmoid")
            if sigmoid is not None and sigmoid.inputs[0] is one and only_user(sigmoid.outputs[0], "Mul") is node:
                tape = Tape(model.graph, f"swish_{found}", node)
                replace(node.outputs[0], tape("QuickGelu", one, settings={"alpha": 1.0}, domain=MICROSOFT))
                found += 1
                break
    return found
