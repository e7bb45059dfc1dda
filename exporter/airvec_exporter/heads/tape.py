"""Puts nodes into a graph, one call a node.

Knows nothing of torch and of what is built.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from onnxscript import ir

Settings = Mapping[str, int | float | str | Sequence[int]]


class Tape:
    """Appends nodes and constants to a graph.

    Args:
        graph: the graph.
        prefix: what the names of new nodes, values and constants begin with.
        before: the node that new ones come before; None = they come last.
    """

    def __init__(self, graph: ir.Graph, prefix: str, before: ir.Node | None = None) -> None:
        self.graph, self.prefix, self.before, self.count = graph, prefix, before, 0

    def __call__(
        self, operator: str, *inputs: ir.Value | None, settings: Settings | None = None, domain: str = ""
    ) -> ir.Value:
        """Add a node with one output, and give that; `settings` are its attributes, None an input left out."""
        return self.several(operator, inputs, 1, settings=settings, domain=domain)[0]

    def several(
        self, operator: str, inputs: Sequence[ir.Value | None], outputs: int, *, settings: Settings | None = None,
        domain: str = "",
    ) -> Sequence[ir.Value]:  # fmt: skip
        """Add a node with several outputs, and give them."""
        node = ir.node(operator, inputs, settings, domain=domain, num_outputs=outputs, name=self._name("node"))
        for output in node.outputs:
            output.name = self._name("value")
        if self.before is None:
            self.graph.append(node)
        else:
            self.graph.insert_before(self.before, node)
        return node.outputs

    def constant(self, value: object, kind: type = np.int64) -> ir.Value:
        """Add a constant tensor."""
        tensor = ir.tensor(np.array(value, kind), name=self._name("constant"))
        found = ir.Value(name=tensor.name, const_value=tensor, type=ir.TensorType(tensor.dtype), shape=tensor.shape)
        self.graph.register_initializer(found)
        return found

    def _name(self, what: str) -> str:
        self.count += 1
        return f"{self.prefix}_{what}_{self.count}"
