"""What a graph says about a value: who made it, what it holds, how large it is.

Knows nothing of what is rewritten.
"""

import numpy as np
from onnxscript import ir
from onnxscript.ir.convenience import replace_all_uses_with

Dims = tuple[int | str | None, ...]
MICROSOFT = "com.microsoft"


def maker(value: ir.Value | None, *operators: str) -> ir.Node | None:
    """The node that made a value, if it is a standard operator of one of these kinds."""
    node = value.producer() if value is not None else None
    return node if node is not None and node.domain == "" and node.op_type in operators else None


def array(value: ir.Value | None) -> np.ndarray | None:
    """What a constant holds; None for everything else."""
    return None if value is None or value.const_value is None else value.const_value.numpy()


def number(value: ir.Value | None) -> float | None:
    """The one element of a constant; None for everything else."""
    found = array(value)
    return float(found.reshape(())) if found is not None and found.size == 1 else None


def is_constant(value: ir.Value | None, rank: int | None = None) -> bool:
    """Whether a value is a constant of this rank; None = of any."""
    found = None if value is None or value.const_value is None else value.const_value.shape
    return found is not None and (rank is None or len(found) == rank)


def dims(value: ir.Value | None) -> Dims:
    """Sizes, each a number, a name or None; () where nothing is known."""
    if value is None or value.shape is None:
        return ()
    return tuple(dim if isinstance(dim, int) else dim.value for dim in value.shape)


def attribute(node: ir.Node, name: str, default: object) -> object:
    """An attribute of a node, or the operator's default."""
    found = node.attributes.get(name)
    return default if found is None else found.value


def permutation(value: ir.Value | None) -> tuple[int, ...]:
    """The permutation of the Transpose that made a value; () where none did."""
    node = maker(value, "Transpose")
    return tuple(attribute(node, "perm", ())) if node is not None else ()  # type: ignore[arg-type]


def only_user(value: ir.Value, *operators: str) -> ir.Node | None:
    """The one node that reads a value, if it is of one of these kinds and nothing else reads it."""
    users = [usage.node for usage in value.uses()]
    if len(users) != 1 or value.is_graph_output() or users[0].domain != "" or users[0].op_type not in operators:
        return None
    return users[0]


def replace(old: ir.Value, new: ir.Value) -> None:
    """Let every reader of `old` read `new`, which takes over its type and sizes, and its name where that is public."""
    new.type, new.shape = old.type, old.shape
    name, public = old.name, old.is_graph_output()
    replace_all_uses_with(old, new, replace_graph_outputs=True)
    if public:
        old.name, new.name = f"{name}_before", name
