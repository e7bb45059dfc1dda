"""An optimised graph on disk."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnxscript import ir

from airvec_exporter.errors import ExportError
from airvec_exporter.optimize import DEFAULT, LEVELS, optimize, saving
from tests.exporter.optimize.graphs import answers, traced

SLOW = pytest.mark.slow


def saved(path: Path, architecture: str = "bert", passes: Sequence[str] = DEFAULT) -> Path:
    model = traced(architecture)
    optimize(model, passes)
    saving.save(model, path)
    return path


def test_twice_gives_the_same_bytes(tmp_path: Path):
    assert saved(tmp_path / "one.onnx").read_bytes() == saved(tmp_path / "two" / "one.onnx").read_bytes()


@pytest.mark.parametrize(
    "architecture", ["bert", *(pytest.param(name, marks=SLOW) for name in ("distilbert", "mpnet", "modernbert", "t5"))]
)
def test_onnx_runtime_finds_nothing_more_to_do_but_its_slow_fusions(architecture: str, tmp_path: Path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "again.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(
        saved(tmp_path / "model.onnx", architecture), options, providers=["CPUExecutionProvider"],
        disabled_optimizers=["SkipLayerNormFusion", "BiasGeluFusion"],
    )  # fmt: skip
    before, after = (onnx.load(tmp_path / name).graph.node for name in ("model.onnx", "again.onnx"))
    assert sorted(node.op_type for node in before) == sorted(node.op_type for node in after)
    assert saving.is_optimized(tmp_path / "model.onnx")


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "passes"), [("deberta-v2", DEFAULT), ("mpnet", LEVELS["O1"])])
def test_a_graph_that_our_passes_leave_work_in_is_not_called_optimized(
    architecture: str, passes: tuple[str, ...], tmp_path: Path
):
    assert not saving.is_optimized(saved(tmp_path / "model.onnx", architecture, passes))
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_half_precision_is_judged_without_the_casts_of_a_cpu(tmp_path: Path):
    assert saving.is_optimized(saved(tmp_path / "model.onnx", passes=LEVELS["O4"]))


def test_a_broken_graph_is_an_export_error(tmp_path: Path):
    model = traced("bert")
    model.graph[5].op_type = "Nonesuch"
    with pytest.raises(ExportError, match=r"model\.onnx: No Op registered for Nonesuch.*Report this\."):
        saving.save(model, tmp_path / "model.onnx")


def test_a_graph_that_does_not_open_is_an_export_error(tmp_path: Path):
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ExportError, match=r"model\.onnx: ONNX Runtime [0-9.]+ cannot open it: .*Leave it out\."):
        saving.is_optimized(tmp_path / "model.onnx")


def test_only_standard_operators_are_in_the_file(tmp_path: Path):
    model = onnx.load(saved(tmp_path / "model.onnx"))
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 23)]


def test_large_weights_lie_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(saving, "LARGEST", 1000)
    path = saved(tmp_path / "model.onnx")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.onnx", "model.onnx_data"]
    assert path.stat().st_size < (tmp_path / "model.onnx_data").stat().st_size
    model = traced("bert")
    optimize(model)
    for one, two in zip(answers(ir.from_proto(onnx.load(path))), answers(model), strict=True):
        assert np.array_equal(one, two)
