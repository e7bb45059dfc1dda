"""Mirrors exporter/airvec_exporter/report.py: what people are told of graphs beyond their bound, or never run."""

from dataclasses import replace
from pathlib import Path

import pytest

from airvec_exporter.graph import Graph, read_graph
from airvec_exporter.report import make_manifest, make_report
from airvec_exporter.verify import Measured
from airvec_exporter.verify.table import NOT_RUN
from tests.folders import word_model

FP32 = Measured(1e-7, 1.0, 4, (1, 9), 4, mean_cosine=1.0)


@pytest.fixture
def portable(tmp_path: Path) -> Graph:
    return read_graph(word_model(tmp_path / "words") / "onnx" / "model.onnx")


def told(portable: Graph, measured: Measured, *variants: str) -> str:
    home = portable.path.parents[1]
    graphs = {(home, name): replace(portable, path=portable.path.with_name(f"model_{name}.onnx")) for name in variants}
    every = {(home, "fp32"): portable, **graphs}
    return str(make_report(home, "org/words", "SentenceTransformer", every, {(home, "fp32"): measured}, 1.0))


def test_one_graph_within_its_bound_needs_no_table(portable: Graph):
    assert "variant" not in told(portable, FP32)


def test_a_graph_that_was_not_run_is_told(portable: Graph):
    assert told(portable, FP32, "int8_vnni").splitlines()[-1] == f"int8_vnni: {NOT_RUN}"


def test_a_graph_beyond_its_bound_is_told_even_where_it_is_the_only_one(portable: Graph):
    assert told(portable, replace(FP32, misses=("text 1 is far",))).splitlines()[-1] == "fp32: text 1 is far"


def test_airvec_json_counts_what_is_beyond_its_bound(portable: Graph):
    home = portable.path.parents[1]
    for misses, found in (((), None), (("one", "two"), 2.0)):
        measured = {(home, "fp32"): replace(FP32, misses=misses)}
        manifest = make_manifest(("org/words", None), home, {(home, "fp32"): portable}, measured)
        assert manifest.graphs["onnx/model.onnx"].measured.get("misses") == found
