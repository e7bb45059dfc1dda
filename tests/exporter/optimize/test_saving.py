"""An optimised graph on disk."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnxscript import ir

from airvec_exporter.optimize import optimize, saving
from tests.exporter.optimize.graphs import answers, traced


def saved(path: Path) -> Path:
    model = traced("bert")
    optimize(model)
    saving.save(model, path)
    return path


def test_twice_gives_the_same_bytes(tmp_path: Path):
    assert saved(tmp_path / "one.onnx").read_bytes() == saved(tmp_path / "two" / "one.onnx").read_bytes()


def test_onnx_runtime_finds_nothing_more_to_do_but_its_slow_fusions(tmp_path: Path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "again.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(
        saved(tmp_path / "model.onnx"), options, providers=["CPUExecutionProvider"],
        disabled_optimizers=["SkipLayerNormFusion", "BiasGeluFusion"],
    )  # fmt: skip
    before, after = (onnx.load(tmp_path / name).graph.node for name in ("model.onnx", "again.onnx"))
    assert sorted(node.op_type for node in before) == sorted(node.op_type for node in after)


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
