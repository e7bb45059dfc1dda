"""`onnx/model.onnx`: the passes that stay within standard operators, and what is still made of it afterwards."""

import tempfile
from functools import cache
from pathlib import Path

import onnx
import pytest
from onnxscript import ir

from airvec_exporter.graph import write_portable
from airvec_exporter.heads import splade
from airvec_exporter.heads.pooled import add_head
from airvec_exporter.load import load
from airvec_exporter.modules import Normalize, Pooling, SpladePooling
from airvec_exporter.optimize import DEFAULT, LEVELS, PORTABLE, optimize
from airvec_exporter.optimize.saving import save
from airvec_exporter.quantize.products import find_sites
from airvec_exporter.writing import write_optimized
from tests import tiny
from tests.exporter.optimize.graphs import MAKERS, answers, counts, distance, spread, traced

SLOW = pytest.mark.slow
CASES = [
    ("bert", "dense"), ("bert", "rerank"),
    *(pytest.param(*case, marks=SLOW) for case in (
        ("bert", "sparse"), ("mpnet", "rerank"), ("modernbert", "rerank"), ("qwen3", "dense"), ("t5", "dense"),
        ("deberta-v2", "dense"),
    )),
]  # fmt: skip


@cache
def _written(architecture: str, kind: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        body = load(MAKERS[kind](Path(folder) / "checkpoint", architecture)).body
        return write_portable(body, Path(folder) / "onnx").path.read_bytes()


def portable(architecture: str, kind: str = "dense") -> ir.Model:
    """The graph in the file that an export writes; one of its own, to be changed."""
    return ir.from_proto(onnx.load_from_string(_written(architecture, kind)))


@pytest.mark.parametrize("kind", ["dense", "rerank"])
def test_no_transposition_is_around_attention_and_every_operator_is_standard(kind: str):
    model = portable("bert", kind)
    found = counts(model)
    assert found["Attention"] == tiny.LAYERS
    assert not found["Transpose"]
    assert {node.domain for node in model.graph.all_nodes()} == {""}
    assert model.opset_imports == {"": 23}


def test_a_reranker_computes_its_last_layer_for_one_token():
    model = portable("bert", "rerank")
    queries = [node.inputs[0] for node in model.graph if node.op_type == "Attention"]
    assert [value.shape[1] == 1 for value in queries] == [False, True]


@pytest.mark.parametrize(("architecture", "kind"), CASES)
def test_its_numbers_are_those_of_the_traced_graph(architecture: str, kind: str):
    model, wanted = portable(architecture, kind), answers(traced(architecture, kind))
    assert spread(wanted) > 0.01
    assert distance(answers(model), wanted) <= 2e-6
    assert distance(answers(model, optimised=True), wanted) <= 1e-5


@pytest.mark.parametrize(("architecture", "kind"), CASES)
def test_what_is_made_of_it_is_what_is_made_of_the_traced_graph(architecture: str, kind: str):
    model, plain = portable(architecture, kind), traced(architecture, kind)
    found, matches = optimize(model), optimize(plain)
    assert {name: count for name, count in found.items() if name in PORTABLE and count} == {}
    assert found["join_swish"] == matches["join_swish"]
    assert counts(model) == counts(plain)
    assert products(model) == products(plain)


def products(model: ir.Model) -> list[tuple[int, list[tuple[int, ...]]]]:
    """What int8 turns into integers: each site's width, and the sizes of the weights that read it."""
    return [(site.width, [weight.shape for weight in site.weights]) for site in find_sites(model.graph)]


@pytest.mark.parametrize("mode", ["cls", "lasttoken", "mean"])
def test_a_head_behind_it_is_selected_for_as_behind_the_traced_graph(mode: str):
    model, plain = portable("bert"), traced("bert")
    for one in (model, plain):
        add_head(one, [Pooling(tiny.HIDDEN, (mode,)), Normalize()])
    wanted = answers(plain)
    assert optimize(model)["select_early"] == optimize(plain)["select_early"] == (mode != "mean")
    assert counts(model) == counts(plain)
    assert spread(wanted) > 0.05
    assert distance(answers(model), wanted) <= 2e-6


def test_a_file_of_torch_s_own_graph_gets_the_same_passes_by_the_reference_s_level(tmp_path: Path):
    save(traced("bert", "rerank"), tmp_path / "model.onnx")  # as exports left it before, and as others do
    assert write_optimized(tmp_path / "model.onnx", tmp_path / "o2.onnx", LEVELS["O2"]).optimized
    assert counts(ir.load(tmp_path / "o2.onnx")) == counts(portable("bert", "rerank"))


@pytest.mark.slow
def test_splade_pooling_goes_behind_it_too():
    model, plain = portable("bert", "sparse"), traced("bert", "sparse")
    for one in (model, plain):
        splade.fuse(one, SpladePooling())
    wanted = answers(plain)
    optimize(model)
    optimize(plain)
    assert counts(model) == counts(plain)
    assert distance(answers(model), wanted) <= 2e-6


def test_the_default_adds_to_it_only_what_onnx_runtime_alone_has():
    assert (*PORTABLE, "join_swish") == DEFAULT
