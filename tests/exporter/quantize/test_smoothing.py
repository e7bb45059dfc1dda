"""Smoothing is exact in float32, and makes outliers cheaper."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnxscript import ir

from airvec_exporter.quantize.families import FAMILIES
from airvec_exporter.quantize.products import find_sites
from airvec_exporter.quantize.scheme import error, scheme_for
from airvec_exporter.quantize.sessions import Batch, open_session
from airvec_exporter.quantize.smoothing import best_scale, smooth
from airvec_exporter.quantize.statistics import States, observe
from airvec_exporter.quantize.writer import Writer
from tests import tiny
from tests.exporter.quantize.conftest import pad_to


def test_the_function_stays_and_the_weights_change(
    portable: Callable[[], ir.Model], calibration: list[Batch], tokens: list[list[int]]
):
    model, batch = portable(), dict(pad_to(tokens))
    louder = Writer(model.graph, "louder").constant(np.where(np.arange(tiny.HIDDEN) == 5, 60, 1).astype(np.float32))
    for node in model.graph:
        if node.op_type == "LayerNormalization":
            node.replace_input_with(1, louder)  # what trained models have and random ones do not
    before = open_session(model, 1).run(None, batch)[0]
    sites = find_sites(model.graph)
    states = observe(model, sites, calibration)
    old = [site.weights[0] for site in sites]
    found, seen = smooth(model, sites, states, {site.name: "static" for site in sites}, FAMILIES["vnni"])
    after = open_session(model, 1).run(None, batch)[0]
    assert np.abs(after - before).max() <= 1e-5 * max(1, np.abs(before).max())
    assert any(not np.array_equal(one, site.weights[0]) for one, site in zip(old, found, strict=True))
    assert all(site.name in seen for site in found)


NORMALISED = """<ir_version: 10, opset_import: ["": 23]>
g (float[batch, 4] x) => (float[batch, 3] y)
<float[4] gain = {1, 2, 3, 4}, float[4] offset = {1, 0, 1, 0}, float[4, 3] w = {1,2,3,4,5,6,7,8,9,1,2,3}>
{ states = LayerNormalization (x, gain, offset)  y = MatMul (states, w) }"""


@pytest.mark.usefixtures("narrow")
def test_where_nothing_else_reads_the_states_smoothing_goes_into_the_gain_and_offset():
    model = ir.from_proto(onnx.parser.parse_model(NORMALISED))
    (site,) = find_sites(model.graph)
    rows = np.random.default_rng(0).standard_normal((64, 4)).astype(np.float32) * [100, 1, 1, 1]
    states = States(rows.astype(np.float32), rows.min(0), rows.max(0))
    inputs = {"x": rows.astype(np.float32)}
    before = open_session(model, 1).run(None, inputs)[0]
    (smoothed,), seen = smooth(model, [site], {"states": states}, {"states": "row"}, FAMILIES["vnni"])
    assert [node.op_type for node in model.graph] == ["LayerNormalization", "MatMul"]
    assert smoothed.weights[0][0, 0] > 1
    assert seen["states"].high[0] < states.high[0]
    assert np.allclose(open_session(model, 1).run(None, inputs)[0], before, rtol=0, atol=1e-5)


def outliers() -> tuple[States, np.ndarray]:
    random = np.random.default_rng(0)
    rows = random.standard_normal((300, 16)).astype(np.float32)
    rows[:, 3] *= 60
    weight = random.standard_normal((16, 8)).astype(np.float32)
    return States(rows, rows.min(0), rows.max(0)), weight


def test_an_outlier_moves_into_the_weights():
    states, weight = outliers()
    family = FAMILIES["vnni"]
    scale = best_scale(states, [weight], family, ("static", None), free=False)
    assert scale is not None
    assert scale[3] == scale.max() > 4 * np.median(scale)
    assert np.array_equal(np.exp2(np.rint(np.log2(scale))), scale)  # powers of two: dividing by them is exact
    plain = error(states.rows, [weight], scheme_for("static", states.rows, [weight], family), family)
    less, more = states.rows / scale, [weight * scale[:, None]]
    assert error(less, more, scheme_for("static", less, more, family), family) < plain / 4


def test_states_without_outliers_are_left():
    random = np.random.default_rng(0)
    rows = random.uniform(-1, 1, (300, 16)).astype(np.float32)
    weight = random.uniform(-1, 1, (16, 8)).astype(np.float32)
    states = States(rows, rows.min(0), rows.max(0))
    assert best_scale(states, [weight], FAMILIES["vnni"], ("static", None), free=False) is None
