"""Passes over a graph as `airvec_exporter.graph.trace` gives it: the same numbers, faster.

Each pass rewrites what it can prove to be equal, and leaves all else alone; none knows an architecture.
Knows nothing of files and of torch.
"""

from collections.abc import Callable, Mapping, Sequence

from onnxscript import ir
from onnxscript.ir.passes.common import (
    CommonSubexpressionEliminationPass,
    RemoveUnusedNodesPass,
    TopologicalSortPass,
)

from airvec_exporter.errors import ExportError
from airvec_exporter.optimize.attention import unsplit_attention
from airvec_exporter.optimize.eager import join_attention
from airvec_exporter.optimize.mask import simplify_mask
from airvec_exporter.optimize.separate import separate_products

__all__ = ["DEFAULT", "PASSES", "optimize"]

Pass = Callable[[ir.Model], int]
PASSES: Mapping[str, Pass] = {
    "mask": simplify_mask,
    "join_attention": join_attention,
    "separate_products": separate_products,
    "unsplit_attention": unsplit_attention,
}
DEFAULT = ("mask", "join_attention", "separate_products", "unsplit_attention")


def optimize(model: ir.Model, passes: Sequence[str] = DEFAULT) -> dict[str, int]:
    """Rewrite a graph in place.

    Args:
        model: the graph.
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
    TopologicalSortPass()(model)
    return found
