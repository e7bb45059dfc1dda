"""All passes together, over the architectures."""

from itertools import pairwise

import numpy as np
import pytest
from onnxscript import ir

from airvec_exporter.errors import ExportError
from airvec_exporter.heads import splade
from airvec_exporter.heads.pooled import add_head
from airvec_exporter.modules import Pooling, SpladePooling
from airvec_exporter.optimize import DEFAULT, LEVELS, PASSES, optimize
from tests import tiny
from tests.exporter.optimize.graphs import answers, counts, distance, spread, traced

LAYERS = 2
# How often each pass matches; those not named match nowhere.
MATCHES = {
    ("bert", "dense"): {"mask": 3, "unsplit_attention": LAYERS},
    ("distilbert", "rerank"): {"mask": 3, "unsplit_attention": LAYERS, "select_early": 1},
    ("mpnet", "rerank"): {"mask": 3, "join_attention": LAYERS, "unsplit_attention": LAYERS, "select_early": 1},
    ("albert", "dense"): {"mask": 3, "unsplit_attention": LAYERS},
    ("modernbert", "rerank"): {
        "mask": 6, "separate_products": 2 * LAYERS, "unsplit_attention": LAYERS, "select_early": 1,
    },
    ("qwen3", "dense"): {"mask": 2, "unsplit_attention": LAYERS, "join_swish": LAYERS},
    ("gemma3", "dense"): {"mask": 4, "unsplit_attention": LAYERS},
    ("t5", "dense"): {"mask": 3, "join_attention": LAYERS, "unsplit_attention": LAYERS},
    ("deberta-v2", "dense"): {},
    ("bert", "sparse"): {"mask": 3, "unsplit_attention": LAYERS},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "kind"), MATCHES)
def test_the_numbers_stay_and_every_pass_matches_where_it_should(architecture: str, kind: str):
    wanted = answers(traced(architecture, kind))
    assert spread(wanted) > 0.01
    model = traced(architecture, kind)
    found = optimize(model)
    assert {name: count for name, count in found.items() if count} == MATCHES[architecture, kind]
    assert distance(answers(model), wanted) <= 2e-6
    assert distance(answers(model, optimised=True), wanted) <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "kind"), MATCHES)
def test_attention_is_not_transposed_and_no_keys_are_repeated(architecture: str, kind: str):
    model = traced(architecture, kind)
    optimize(model)
    found = counts(model)
    if architecture == "deberta-v2":  # its scores depend on queries and on keys in two more ways: nothing to join
        assert found == counts(traced(architecture, kind))
        return
    assert found["Attention"] == LAYERS
    assert "Softmax" not in found
    assert "GatherND" not in found
    # What is left is the bias by distance, and the word embeddings as a head.
    assert found["Transpose"] <= ((architecture in {"mpnet", "t5"}) or (kind == "sparse"))


def test_a_second_time_nothing_is_left_to_do():
    model = traced("distilbert", "rerank")
    optimize(model)
    before = counts(model)
    again = optimize(model, ("mask", "join_attention", "separate_products", "unsplit_attention", "join_swish"))
    assert not any(again.values())
    assert counts(model) == before


@pytest.mark.parametrize("level", LEVELS)
def test_levels_are_near_what_they_start_from(level: str):
    bounds = {"O1": 1e-6, "O2": 2e-6, "O3": 2e-3, "O4": 2e-2}
    wanted = answers(traced("bert"))
    model = traced("bert")
    found = optimize(model, LEVELS[level])
    assert all(found[name] for name in found if name in {"mask", "gelu_approximation", "float16"})
    result = answers(model)
    assert {one.dtype for one in result} == {np.dtype(np.float32)}
    assert distance(result, wanted) <= bounds[level]


def test_a_graph_with_its_head_inside_is_not_halved():
    model = traced("bert")
    add_head(model, [Pooling(tiny.HIDDEN)])
    with pytest.raises(ExportError, match="float16: the graph gives 'sentence_embedding', expected last_hidden_state"):
        optimize(model, ("float16",))


@pytest.mark.parametrize("architecture", ["modernbert", "bert"])
def test_positions_and_rotations_stay_in_float32(architecture: str):
    model = traced(architecture, "rerank") if architecture == "modernbert" else traced(architecture)
    optimize(model, ("float16",))
    kinds = {node.op_type for node in model.graph if node.outputs[0].dtype == ir.DataType.FLOAT16}
    assert {"MatMul", "Attention", "LayerNormalization"} <= kinds
    assert not {"Cos", "Sin", "Range"} & kinds


def test_the_splade_head_stays_what_it_is():
    wanted, model = (traced("bert", "sparse") for _ in range(2))
    for one in (wanted, model):
        splade.fuse(one, SpladePooling())
    optimize(model)
    assert distance(answers(model), answers(wanted)) <= 2e-6


def test_levels_hold_known_passes_and_each_adds_to_the_one_before():
    assert list(LEVELS) == ["O1", "O2", "O3", "O4"]
    sets = [set(passes) for passes in LEVELS.values()]
    assert all(small < large for small, large in pairwise(sets))
    assert sets[1] == set(DEFAULT)
    assert sets[3] <= set(PASSES)


def test_an_unknown_pass_is_an_error():
    with pytest.raises(ExportError, match="passes: 'faster', expected any of mask, "):
        optimize(traced("bert"), ("faster",))
