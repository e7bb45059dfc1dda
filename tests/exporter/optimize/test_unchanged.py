"""What looks like a match and is none stays as it is."""

from collections.abc import Sequence

import numpy as np
import pytest
from onnxscript import ir

from airvec_exporter.heads.tape import Tape
from airvec_exporter.optimize import PASSES
from tests.exporter.optimize.graphs import counts

FLOAT = ir.TensorType(ir.DataType.FLOAT)


class _Sketch:
    """A graph under construction: each value gets its sizes."""

    def __init__(self) -> None:
        self.states = ir.Value(name="x", type=FLOAT, shape=ir.Shape(["batch", "sequence", 8]))
        graph = ir.Graph([self.states], [], nodes=[], opset_imports={"": 23}, name="sketch")
        self.model, self.tape = ir.Model(graph, ir_version=10), Tape(graph, "sketch")

    def __call__(self, operator: str, *inputs: ir.Value, sizes: Sequence[int | str], **settings: object) -> ir.Value:
        result = self.tape(operator, *inputs, settings=settings)
        result.type, result.shape = FLOAT, ir.Shape(sizes)
        return result

    def weight(self, *sizes: int) -> ir.Value:
        return self.tape.constant(np.ones(sizes), np.float32)

    def unchanged(self, name: str, *outputs: ir.Value) -> bool:
        """Whether a pass leaves the graph with these outputs alone."""
        self.model.graph.outputs.extend(outputs)
        before = counts(self.model)
        return PASSES[name](self.model) == 0 and counts(self.model) == before


@pytest.fixture
def sketch() -> _Sketch:
    return _Sketch()


def test_a_product_that_is_read_as_a_whole_too_is_not_separated(sketch: _Sketch):
    product = sketch("MatMul", sketch.states, sketch.weight(8, 12), sizes=["batch", "sequence", 12])
    parts = sketch.tape.several("Split", [product], 2, settings={"axis": 2, "num_outputs": 2})
    for part in parts:
        part.type, part.shape = FLOAT, ir.Shape(["batch", "sequence", 6])
    assert sketch.unchanged("separate_products", *parts, sketch("Tanh", product, sizes=["batch", "sequence", 12]))


def test_a_split_along_the_tokens_is_not_separated(sketch: _Sketch):
    product = sketch("MatMul", sketch.states, sketch.weight(8, 12), sizes=["batch", 4, 12])
    parts = sketch.tape.several("Split", [product], 2, settings={"axis": 1, "num_outputs": 2})
    for part in parts:
        part.type, part.shape = FLOAT, ir.Shape(["batch", 2, 12])
    assert sketch.unchanged("separate_products", *parts)


def test_attention_over_heads_of_unknown_origin_stays(sketch: _Sketch):
    heads = ["batch", 2, "sequence", 4]
    turned = sketch("Transpose", sketch.states, sizes=heads, perm=(0, 2, 1))  # another permutation
    found = sketch("Attention", turned, turned, turned, sizes=heads)
    back = sketch("Transpose", found, sizes=["batch", "sequence", 2, 4], perm=(0, 2, 1, 3))
    joined = sketch("Reshape", back, sketch.tape.constant([0, 0, 8]), sizes=["batch", "sequence", 8])
    assert sketch.unchanged("unsplit_attention", joined)


def test_scores_with_a_softmax_over_the_queries_are_not_joined(sketch: _Sketch):
    heads, scores = ["batch", 2, "sequence", 4], ["batch", 2, "sequence", "sequence"]
    split = sketch("Reshape", sketch.states, sketch.tape.constant([0, 0, 2, 4]), sizes=["batch", "sequence", 2, 4])
    query = sketch("Transpose", split, sizes=heads, perm=(0, 2, 1, 3))
    turned = sketch("Transpose", split, sizes=["batch", 2, 4, "sequence"], perm=(0, 2, 3, 1))
    product = sketch("MatMul", query, turned, sizes=scores)
    shares = sketch("Softmax", product, sizes=scores, axis=2)
    assert sketch.unchanged("join_attention", sketch("MatMul", shares, query, sizes=heads))


def test_a_sigmoid_of_something_else_is_no_swish(sketch: _Sketch):
    size = ["batch", "sequence", 8]
    gate = sketch("Sigmoid", sketch("Tanh", sketch.states, sizes=size), sizes=size)
    assert sketch.unchanged("join_swish", sketch("Mul", sketch.states, gate, sizes=size))


def test_a_token_taken_from_no_attention_stays(sketch: _Sketch):
    size = ["batch", "sequence", 8]
    states = sketch("Tanh", sketch.states, sizes=size)
    first = sketch("Gather", states, sketch.tape.constant(0), sizes=["batch", 8], axis=1)
    assert sketch.unchanged("select_early", first)
