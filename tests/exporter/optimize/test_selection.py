"""One token's last layer."""

import numpy as np
import pytest
from onnxscript import ir

from airvec_exporter.heads.pooled import add_head
from airvec_exporter.modules import Normalize, Pooling
from airvec_exporter.optimize import DEFAULT, optimize
from tests import tiny
from tests.exporter.optimize.graphs import answers, counts, distance, spread, traced

WITHOUT = tuple(name for name in DEFAULT if name != "select_early")


def pooled(mode: str | tuple[str, ...]):
    model = traced("bert")
    add_head(model, [Pooling(tiny.HIDDEN, (mode,) if isinstance(mode, str) else mode), Normalize()])
    return model


@pytest.mark.parametrize("mode", ["cls", "lasttoken"])
def test_the_last_layer_of_a_pooled_model_is_that_of_its_token(mode: str):
    wanted = answers(pooled(mode))
    assert spread(wanted) > 0.05
    model = pooled(mode)
    assert optimize(model)["select_early"] == 1
    assert distance(answers(model), wanted) <= 2e-6


@pytest.mark.parametrize("mode", ["mean", "max", "weightedmean"])
def test_a_model_that_pools_all_tokens_stays(mode: str):
    model, other = pooled(mode), pooled(mode)
    optimize(other, WITHOUT)
    assert optimize(model)["select_early"] == 0
    assert counts(model) == counts(other)


def test_where_all_tokens_are_pooled_too_no_layer_is_computed_twice():
    wanted = answers(pooled(("cls", "mean")))
    model, other = pooled(("cls", "mean")), pooled(("cls", "mean"))
    optimize(other, WITHOUT)
    assert optimize(model)["select_early"] == 0
    assert counts(model) == counts(other)
    assert distance(answers(model), wanted) <= 2e-6


def test_the_products_of_the_last_layer_are_of_one_token_a_text():
    model = pooled("cls")
    optimize(model)
    sizes = [node.outputs[0].shape[1] for node in model.graph if node.op_type == "MatMul" and node.outputs[0].shape]
    # Queries, what joins the heads, and the two of the feed-forward layer; keys and values are of all tokens.
    assert sizes.count(1) == 4
    assert len(sizes) - sizes.count(1) == 8


def test_attention_that_looks_back_only_stays():
    model = pooled("cls")
    optimize(model, WITHOUT)
    for node in model.graph:
        if node.op_type == "Attention":
            node.attributes["is_causal"] = ir.AttrInt64("is_causal", 1)
    assert optimize(model, ("select_early",))["select_early"] == 0
    assert np.isfinite(np.concatenate(answers(model))).all()
