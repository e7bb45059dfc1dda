"""The products of a graph that int8 can take over: states × a constant matrix, perhaps plus a constant bias.

Products that read the same states form a site: their states are quantised once.
Knows nothing of integers and of architectures.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnxscript import ir

Floats = NDArray[np.float32]
NARROWEST = 16  # columns of a weight; narrower ones, a classifier's, save no time, and their error is the answer's
# The least that an activation gives, rounded down.
BOTTOMS = {"Relu": 0.0, "Gelu": -0.171, "FastGelu": -0.171, "BiasGelu": -0.171}


@dataclass(frozen=True)
class Product:
    """`source` (…, k) × `weight` (k, n) + `bias` (n,): a MatMul or Gemm, and the Add behind it if there is one."""

    node: ir.Node
    last: ir.Node
    source: ir.Value
    matrix: ir.Value
    bias: ir.Value | None
    transposed: bool

    @property
    def name(self) -> str:
        """That of its output."""
        return self.last.outputs[0].name or ""

    @property
    def weight(self) -> Floats:
        """Float32 (k, n)."""
        found = constant(self.matrix)
        return found.T if self.transposed else found

    @property
    def offset(self) -> Floats | None:
        """The bias, float32 (n,)."""
        return None if self.bias is None else constant(self.bias).reshape(-1)


@dataclass(frozen=True)
class Site:
    """States (…, k) and the products that read them."""

    source: ir.Value
    products: tuple[Product, ...]

    @property
    def name(self) -> str:
        """That of the states."""
        return self.source.name or ""

    @property
    def width(self) -> int:
        """K."""
        return self.products[0].weight.shape[0]

    @property
    def weights(self) -> list[Floats]:
        """Of each product, float32 (k, n)."""
        return [product.weight for product in self.products]

    @property
    def bottom(self) -> float | None:
        """The least that a state can be, where what makes the states has such a bound."""
        node = self.source.producer()
        return None if node is None else BOTTOMS.get(node.op_type)

    @property
    def is_alone(self) -> bool:
        """Whether nothing but these products reads the states."""
        nodes = [product.node for product in self.products]
        return not self.source.is_graph_output() and all(use.node in nodes for use in self.source.uses())


def find_sites(graph: ir.Graph) -> list[Site]:
    """Every site of a graph, in the order of its nodes."""
    found: dict[int, list[Product]] = {}
    for product in _products(graph):
        found.setdefault(id(product.source), []).append(product)
    return [Site(products[0].source, tuple(products)) for products in found.values()]


def constant(value: ir.Value) -> Floats:
    """The array of a constant."""
    if value.const_value is None:
        raise ValueError(f"{value.name}: no constant, expected one.")
    return value.const_value.numpy()


def is_constant(value: ir.Value | None, rank: int) -> bool:
    """Whether a value is a float32 constant with that many dimensions."""
    if value is None or value.const_value is None or value.is_graph_input():
        return False
    return value.const_value.dtype == ir.DataType.FLOAT and len(value.const_value.shape) == rank


def _products(graph: ir.Graph) -> Iterator[Product]:
    for node in graph:
        plain = node.op_type == "MatMul" and node.domain == ""
        if not (plain or _is_plain_gemm(node)):
            continue
        source, matrix = node.inputs[0], node.inputs[1]
        if source is None or source.const_value is not None or matrix is None or not is_constant(matrix, 2):
            continue
        transposed = bool(_integer(node, "transB", 0))
        width = constant(matrix).shape[0 if transposed else 1]
        if width < NARROWEST:
            continue
        if plain:
            last, bias = _added(node, width)
        else:
            last, bias = node, node.inputs[2] if len(node.inputs) > 2 else None
        yield Product(node, last, source, matrix, bias, transposed)


def _is_plain_gemm(node: ir.Node) -> bool:
    """Whether it is x × W + b, without factors and with a bias as wide as W."""
    if node.op_type != "Gemm" or node.domain != "" or _integer(node, "transA", 0):
        return False
    factors = [node.attributes[name].value for name in ("alpha", "beta") if name in node.attributes]
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    return all(factor == 1 for factor in factors) and (bias is None or is_constant(bias, 1))


def _added(node: ir.Node, width: int) -> tuple[ir.Node, ir.Value | None]:
    """The only reader of a product, if it adds a bias, and that bias."""
    output = node.outputs[0]
    users = output.uses()
    if len(users) != 1 or output.is_graph_output():
        return node, None
    reader = users[0].node
    if reader.op_type != "Add" or reader.domain != "":
        return node, None
    other = reader.inputs[1 - users[0].idx]
    if other is not None and is_constant(other, 1) and constant(other).shape == (width,):
        return reader, other
    return node, None


def _integer(node: ir.Node, name: str, default: int) -> int:
    found = node.attributes.get(name)
    return default if found is None else int(found.value)
