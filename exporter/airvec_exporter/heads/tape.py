"""Appends nodes to a graph, one call a node.

Knows nothing of torch and of what is built.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from onnxscript import ir

Settings = Mapping[str, int | float | str | Sequence[int]]


class Tape:
    """Appends nodes and constants to a graph; their names begin with `prefix`, one of its own for every tape."""

    def __init__(self, graph: ir.Graph, prefix: str) -> None:
        self.graph, self.prefix, self.count = graph, prefix, 0

    def __call__(self, operator: str, *inputs: ir.Value, settings: Settings | None = None) -> ir.Value:
        """Append a node with one output, and give that; `settings` are its attributes."""
        node = ir.node(operator, inputs, settings, name=self._name("node"))
        node.outputs[0].name = self._name("value")
        self.graph.append(node)
        return node.outputs[0]

    def constant(self, value: object, kind: type = np.int64) -> ir.Value:
        """Add a constant tensor."""
        tensor = ir.tensor(np.array(value, kind), name=self._name("constant"))
        found = ir.Value(name=tensor.name, const_value=tensor, type=ir.TensorType(tensor.dtype), shape=tensor.shape)
        self.graph.register_initializer(found)
        return found

    def _name(self, what: str) -> str:
        self.count += 1
        return f"{self.prefix}_{what}_{self.count}"
