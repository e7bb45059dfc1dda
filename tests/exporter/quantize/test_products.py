"""Which products of a graph are found, with their weights and biases."""

import numpy as np
import onnx
import pytest
from onnxscript import ir

from airvec_exporter.quantize.products import find_sites

GRAPH = """<ir_version: 10, opset_import: ["": 23]>
g (float[batch, 2] x, float[2, 2] w) => (float[batch, 2] a, float[batch, 2] b, float[batch, 2] c, float[batch, 2] d)
<float[2, 2] one = {1, 2, 3, 4}, float[2] bias = {5, 6}, float[2, 1] column = {7, 8}>
{
  product = MatMul (x, one)
  a = Add (bias, product)
  b = Gemm <transB = 1> (x, one, bias)
  c = Gemm <alpha = 2.0> (x, one, bias)
  e = MatMul (x, w)
  d = Identity (e)
}"""


@pytest.mark.usefixtures("narrow")
def test_products_that_read_the_same_states_are_a_site():
    (site,) = find_sites(ir.from_proto(onnx.parser.parse_model(GRAPH)).graph)
    assert (site.name, site.width) == ("x", 2)
    assert [product.name for product in site.products] == ["a", "b"]  # c has a factor, d no constant
    matmul, gemm = site.products
    assert matmul.weight.tolist() == [[1, 2], [3, 4]]
    assert gemm.weight.tolist() == [[1, 3], [2, 4]]
    assert all(np.array_equal(product.offset, [5, 6]) for product in site.products)


def test_products_of_few_columns_stay():
    assert find_sites(ir.from_proto(onnx.parser.parse_model(GRAPH)).graph) == []
