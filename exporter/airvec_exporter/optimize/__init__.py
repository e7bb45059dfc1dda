"""Passes over a graph as `airvec_exporter.graph.trace` gives it: the same numbers, faster.

Each pass rewrites what it can prove to be equal, and leaves all else alone; none knows an architecture. `DEFAULT` holds
those that helped where they were measured (docs/optimising.md), `PORTABLE` those of them that keep to standard
operators: every exported graph goes through these. The others are there to be measured again.
Knows nothing of files and of torch.
"""

from collections.abc import Callable, Mapping, Sequence

from onnxscript import ir
from onnxscript.ir.passes.common import CommonSubexpressionEliminationPass, RemoveUnusedNodesPass

from airvec_exporter.errors import ExportError
from airvec_exporter.optimize.attention import unsplit_attention
from airvec_exporter.optimize.eager import join_attention
from airvec_exporter.optimize.fusions import fuse_attention, fuse_bias_gelu, fuse_skip_layer_norm
from airvec_exporter.optimize.gelu import approximate_gelu, join_swish
from airvec_exporter.optimize.half import to_float16
from airvec_exporter.optimize.mask import simplify_mask
from airvec_exporter.optimize.packed import pack_products
from airvec_exporter.optimize.selection import select_early
from airvec_exporter.optimize.separate import separate_products

__all__ = ["DEFAULT", "LEVELS", "PASSES", "PORTABLE", "optimize"]

PASSES: Mapping[str, Callable[[ir.Model], int]] = {
    "mask": simplify_mask,
    "join_attention": join_attention,
    "separate_products": separate_products,
    "unsplit_attention": unsplit_attention,
    "select_early": select_early,
    "join_swish": join_swish,
    "pack_products": pack_products,
    "fuse_attention": fuse_attention,
    "skip_layer_norm": fuse_skip_layer_norm,
    "bias_gelu": fuse_bias_gelu,
    "gelu_approximation": approximate_gelu,
    "float16": to_float16,
}
PORTABLE = ("mask", "join_attention", "separate_products", "unsplit_attention", "select_early")
DEFAULT = (*PORTABLE, "join_swish")
# The reference's names: basic, fusions, GELU by tanh, half precision.
LEVELS: Mapping[str, tuple[str, ...]] = {
    "O1": ("mask",),
    "O2": DEFAULT,
    "O3": (*DEFAULT, "gelu_approximation"),
    "O4": (*DEFAULT, "gelu_approximation", "float16"),
}


def optimize(model: ir.Model, passes: Sequence[str] = DEFAULT) -> dict[str, int]:
    """Rewrite a graph in place.

    Args:
        model: the graph, with its heads, if it is to have any: `select_early` looks at what they read.
        passes: names from `PASSES`, in this order.

    Returns:
        How often each pass matched.

    Raises:
        ExportError: there is no such pass.
    """
    found: dict[str, int] = {}
    for name in passes:
        if name not in PASSES:
            raise ExportError(f"passes: {name!r}, expected any of {', '.join(PASSES)}. Choose among them.")
        found[name] = PASSES[name](model)
        RemoveUnusedNodesPass()(model)
    CommonSubexpressionEliminationPass()(model)
    if any(node.domain == "com.microsoft" for node in model.graph):
        model.opset_imports["com.microsoft"] = 1
    return found
