"""Weights that are turned or cut from constants become constants."""

import numpy as np
import onnx
import pytest
from onnxscript import ir

from airvec_exporter.quantize.folding import fold_weights
from airvec_exporter.quantize.products import find_sites
from airvec_exporter.quantize.sessions import open_session

TIED = """<ir_version: 10, opset_import: ["": 23]>
g (float[batch, 2] x, int64[rows] ids) => (float[batch, 2] y, float[rows, 2] e, float[batch, 1] z)
<float[3, 2] table = {1, 2, 3, 4, 5, 6}, int64[1] one = {1}, int64[1] three = {3}, int64[1] last = {-1}>
{
  turned = Transpose <perm = [1, 0]> (table)
  cut = Slice (turned, one, three, one)
  y = MatMul (x, cut)
  e = Gather (table, ids)
  stays = Slice (x, one, three, last)
  z = MatMul (x, stays)
}"""


@pytest.mark.usefixtures("narrow")
def test_a_head_tied_to_the_embeddings_gets_a_weight_of_its_own():
    model = ir.from_proto(onnx.parser.parse_model(TIED.replace("z = MatMul (x, stays)", "z = Identity (stays)")))
    inputs = {"x": np.array([[1, 10]], np.float32), "ids": np.array([2])}
    assert not find_sites(model.graph)
    assert fold_weights(model.graph) == 1
    (site,) = find_sites(model.graph)
    assert site.weights[0].tolist() == [[3, 5], [4, 6]]
    found = open_session(model, 1).run(None, inputs)
    assert found[0].tolist() == [[43, 65]]
    assert found[1].tolist() == [[5, 6]]


@pytest.mark.usefixtures("narrow")
def test_a_weight_made_from_states_stays():
    model = ir.from_proto(onnx.parser.parse_model(TIED))
    assert fold_weights(model.graph) == 1  # the head's, not the slice of x
    assert len(find_sites(model.graph)) == 1
