"""benchmarks/operators.py: what is read from a profile, on a real one and on numbers that can be checked by hand."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from operators import PRODUCTS, REST, Case, by_kind, product_flops, profile, table


def kernel(operator: str, microseconds: float, inputs=(), output=()) -> dict:
    """An event of a node, as ONNX Runtime writes it."""
    sizes = {
        "input_type_shape": [{"float": list(one)} for one in inputs],
        "output_type_shape": [{"float": list(output)}],
    }
    return {"cat": "Node", "name": "n_kernel_time", "dur": microseconds, "args": {"op_name": operator, **sizes}}


EVENTS = [
    kernel("MatMul", 3000, [(2, 5, 4), (4, 8)], (2, 5, 8)),
    kernel("MatMul", 1000, [(2, 5, 8), (8, 4)], (2, 5, 4)),
    kernel("ReduceMax", 500),
    kernel("Shape", 100),
    {"cat": "Session", "name": "model_run", "dur": 4600},
    {"cat": "Node", "name": "n_fence_before", "dur": 7, "args": {"op_name": "MatMul"}},
]


def test_operators_are_summed_by_kind_and_run():
    fp32 = by_kind(EVENTS, Case("fp32", Path(), (2, 5)).kinds, runs=2)
    assert fp32 == {PRODUCTS: 2.0, "largest logit of each word": 0.25, REST: 0.05}
    assert by_kind(EVENTS, Case("int8, all", Path(), (2, 5)).kinds, runs=2)["to integers and back"] == 0.25


def test_products_count_two_flops_a_weight_and_token():
    assert product_flops(EVENTS, runs=2) == 2 * (2 * 5 * 4 * 8) * 2 / 2
    text = table({"fp32": (by_kind(EVENTS, Case("fp32", Path(), (2, 5)).kinds, 1), 8e9)})
    assert "| products with weights      | 4.0 ms, 87 % |" in text
    assert "| products, GFLOP/s          |        2,000 |" in text


@pytest.fixture
def graph(tmp_path):
    """ids → a row of a table → one product."""
    weights = {"table": np.ones((20_000, 4), np.float32), "weight": np.ones((4, 8), np.float32)}
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
             helper.make_node("MatMul", ["rows", "weight"], ["out"])]  # fmt: skip
    made = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", "tokens", 8])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "g.onnx")
    return tmp_path / "g.onnx"


def test_a_real_profile_has_the_runs_that_were_asked_for(graph):
    case = Case("fp32", graph, (3, 5))
    events = profile(case, runs=4)
    assert sum(event["name"] == "model_run" for event in events) == 4
    assert product_flops(events, runs=4) == 2 * 3 * 5 * 4 * 8
    assert PRODUCTS in by_kind(events, case.kinds, runs=4)
