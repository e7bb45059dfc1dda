"""A site in integers: QuantizeLinear on its states, one MatMulIntegerToFloat a product.

Measured on 512 × 384 × 1536, one thread with VNNI and AMX, in µs: the products 460, QuantizeLinear 42, each pass over
the result (a row's magnitude, a bias) 205; so a bias goes inside wherever all rows have one step. MatMulInteger, Cast
and Mul by both steps would be joined by ONNX Runtime 1.31 into one node with one step for all rows: never write it.
Knows nothing of how schemes are chosen.
"""

import numpy as np
from numpy.typing import NDArray
from onnxscript import ir

from airvec_exporter.quantize.families import Family
from airvec_exporter.quantize.products import Floats, Product, Site
from airvec_exporter.quantize.rounding import round_weights
from airvec_exporter.quantize.scheme import TINY, Scheme, column_steps
from airvec_exporter.quantize.writer import CONTRIB, Writer

Integers = NDArray[np.int8]
INTEGERS = {np.uint8: ir.DataType.UINT8, np.int8: ir.DataType.INT8}


def replace_site(graph: ir.Graph, site: Site, scheme: Scheme, family: Family, rows: Floats) -> None:
    """Put integers in the place of a site's products.

    Args:
        graph: changed in place.
        site: of this graph.
        scheme: how its states become integers.
        family: the CPU's.
        rows: samples of the states, (n, k), that the rounding of the weights goes by.
    """
    writer = Writer(graph, f"{site.name}_states").after(site.source)
    step = writer.constant(np.float32(scheme.step))
    zero = writer.constant(np.array(scheme.zero, family.kind))
    states, size = site.source, None
    if scheme.kind == "row":
        states, size = _divided(writer, states, scheme)
    integers = writer(
        "QuantizeLinear", states, step, zero, kind=INTEGERS[family.kind], like=site.source, domain=CONTRIB
    )  # in its older form: ONNX Runtime 1.23 has no kernel for that of opset 23
    for product in site.products:
        _replace(graph, product, weights_of(product, family, rows), (integers, step, zero), size)


def weights_of(product: Product, family: Family, rows: Floats) -> tuple[Integers, Floats]:
    """A product's weight as int8 (k, n), with the step of each column (n,)."""
    steps = column_steps(product.weight, family)
    limits = -family.largest, family.largest
    return round_weights(product.weight, steps[None], limits, rows).astype(np.int8), steps


def _divided(writer: Writer, states: ir.Value, scheme: Scheme) -> tuple[ir.Value, ir.Value]:
    """Each row over its size, and that: (…, k) and (…, 1)."""
    axis, keep = writer.constant(np.array([-1])), {"keepdims": 1}
    high = writer("ReduceMax", states, axis, settings=keep)
    if scheme.floor is None:
        low = writer("Neg", writer("ReduceMin", states, axis, settings=keep))  # Abs would write all states once more
        size = writer("Max", high, low, writer.constant(TINY))
    else:
        size = writer("Max", high, writer.constant(np.float32(scheme.floor)))
    return writer("Div", states, size, like=states), size


def _replace(
    graph: ir.Graph,
    product: Product,
    weight: tuple[Integers, Floats],
    states: tuple[ir.Value, ir.Value, ir.Value],
    size: ir.Value | None,
) -> None:
    """One product; `weight` is its integers with the step of each column, `states` integers with step and zero."""
    writer = Writer(graph, f"{product.name}_product").before(product.last)
    matrix, step = (writer.constant(array) for array in weight)
    bias = None if product.offset is None else writer.constant(product.offset)
    source, scale, zero = states
    output = product.last.outputs[0]
    inside = bias if size is None else None
    found = writer("MatMulIntegerToFloat", source, matrix, scale, step, zero, None, inside, domain=CONTRIB, like=output)
    if size is not None:
        found = writer("Mul", found, size, like=output)
        found = found if bias is None else writer("Add", found, bias, like=output)
    put_in_place(graph, product.last, found)


def put_in_place(graph: ir.Graph, node: ir.Node, value: ir.Value) -> None:
    """`value` takes over name, readers and place as an output of what a node gave; the node goes."""
    old = node.outputs[0]
    ir.convenience.replace_all_uses_with(old, value, replace_graph_outputs=True)
    name, value.type, value.shape = old.name, old.type, old.shape
    old.name = f"{name}_float"
    value.name = name
    graph.remove(node, safe=True)
