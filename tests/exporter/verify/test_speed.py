"""Mirrors exporter/airvec_exporter/verify/speed.py."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from airvec_exporter.verify import speed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], None]]:
    """Makes a run that takes the given seconds, in turns, of a clock that stands still otherwise."""
    now = [0.0]
    monkeypatch.setattr(speed, "perf_counter", lambda: now[0])

    def make(*seconds: float) -> Callable[[], None]:
        left = list(seconds)

        def run() -> None:
            now[0] += left.pop(0)

        return run

    return make


def test_it_is_the_median_of_the_runs_that_fit(clock):
    assert speed.seconds_of(clock(0.5, 0.1, 0.2, 0.3, 9), seconds=1) == pytest.approx(0.25)


def test_one_run_is_made_however_long_it_takes(clock):
    assert speed.seconds_of(clock(70), seconds=1) == 70


def test_no_more_runs_are_made_than_asked_for(clock):
    assert speed.seconds_of(clock(0.1, 0.2, 0.3), most=3) == pytest.approx(0.2)


def test_weights_beside_a_graph_count(tmp_path: Path):
    weight = numpy_helper.from_array(np.arange(3000, dtype=np.float32), "w")
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [3000])
    graph = helper.make_graph([helper.make_node("Identity", ["w"], ["y"])], "g", [], [out], [weight])
    inside, beside = tmp_path / "model.onnx", tmp_path / "model_beside.onnx"
    onnx.save(helper.make_model(graph), inside)
    onnx.save(
        helper.make_model(graph),
        beside,
        save_as_external_data=True,
        location="model_beside.onnx_data",
        size_threshold=0,
    )
    assert speed.graph_bytes(inside) == inside.stat().st_size > 12_000
    assert beside.stat().st_size < 1_000
    assert speed.graph_bytes(beside) == beside.stat().st_size + 12_000


def test_the_weights_of_openvino_count(tmp_path: Path):
    (tmp_path / "openvino_model.xml").write_text("<net/>")
    (tmp_path / "openvino_model.bin").write_bytes(bytes(100))
    assert speed.graph_bytes(tmp_path / "openvino_model.xml") == 106
