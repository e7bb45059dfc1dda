"""Passes that no default takes: they match, and the numbers stay."""

import pytest

from airvec_exporter.optimize import DEFAULT, optimize
from tests.exporter.optimize.graphs import answers, counts, distance, traced

LAYERS = 2
NORMS = 2 * LAYERS
CASES = {
    ("bert", "skip_layer_norm"): ("SkipLayerNormalization", NORMS),
    ("bert", "bias_gelu"): ("BiasGelu", LAYERS),
    ("bert", "fuse_attention"): ("MultiHeadAttention", LAYERS),
    ("bert", "pack_products"): ("Split", LAYERS),
    ("bert", "gelu_approximation"): ("Gelu", LAYERS),
}


@pytest.mark.parametrize(("architecture", "name"), CASES)
def test_it_matches_and_the_numbers_stay(architecture: str, name: str):
    wanted = answers(traced(architecture))
    model = traced(architecture)
    operator, times = CASES[architecture, name]
    assert optimize(model, (*DEFAULT, name))[name] == times
    assert counts(model)[operator] == times
    assert distance(answers(model), wanted) <= (2e-3 if name == "gelu_approximation" else 1e-5)


def test_packing_and_separating_are_opposites():
    model = traced("bert")
    optimize(model)
    before = counts(model)
    optimize(model, ("pack_products",))
    assert counts(model)["MatMul"] == before["MatMul"] - 2 * LAYERS
    optimize(model, ("separate_products",))
    assert counts(model) == before


def test_a_norm_s_sum_that_goes_on_is_given_by_the_fused_operator():
    wanted = answers(traced("modernbert", "rerank"))
    model = traced("modernbert", "rerank")
    found = optimize(model, ("skip_layer_norm",))
    assert found["skip_layer_norm"] == 2 * LAYERS
    assert any(len(node.outputs) == 4 for node in model.graph if node.op_type == "SkipLayerNormalization")
    assert distance(answers(model), wanted) <= 1e-5
