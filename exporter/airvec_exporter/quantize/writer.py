"""New nodes and constants in a graph, each in its place, with names that depend on nothing but the graph.

Knows nothing of integers.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from onnxscript import ir

CONTRIB = "com.microsoft"  # ONNX Runtime's own operators


class Writer:
    """Adds nodes in front of a node or behind a value; names begin with `prefix`."""

    def __init__(self, graph: ir.Graph, prefix: str) -> None:
        self._graph, self._prefix, self._count = graph, prefix, 0
        self._after: ir.Node | None = None
        self._before: ir.Node | None = None

    def after(self, value: ir.Value) -> "Writer":
        """From now on nodes follow what makes `value`; those of a graph input stand first."""
        self._after, self._before = value.producer(), None
        if self._after is None:
            self._before = self._graph[0]
        return self

    def before(self, node: ir.Node) -> "Writer":
        """From now on nodes stand in front of `node`."""
        self._after, self._before = None, node
        return self

    def __call__(
        self,
        operator: str,
        *inputs: ir.Value | None,
        settings: Mapping[str, int | Sequence[int]] | None = None,
        domain: str = "",
        kind: ir.DataType = ir.DataType.FLOAT,
        like: ir.Value | None = None,
    ) -> ir.Value:
        """Add a node with one output of type `kind`, in the shape of `like` if that is known; gives the output."""
        node = ir.node(operator, inputs, dict(settings or {}), domain=domain, name=self._name("node"))
        value = node.outputs[0]
        value.name, value.type = self._name("value"), ir.TensorType(kind)
        value.shape = None if like is None else like.shape
        if self._after is not None:
            self._graph.insert_after(self._after, node)
            self._after = node
        elif self._before is not None:
            self._graph.insert_before(self._before, node)
        return value

    def constant(self, array: np.ndarray, name: str | None = None) -> ir.Value:
        """Add a constant tensor."""
        tensor = ir.tensor(np.ascontiguousarray(array), name=name or self._name("constant"))
        found = ir.Value(name=tensor.name, const_value=tensor, type=ir.TensorType(tensor.dtype), shape=tensor.shape)
        self._graph.register_initializer(found)
        return found

    def _name(self, what: str) -> str:
        self._count += 1
        return f"{self._prefix}_{what}_{self._count}"
