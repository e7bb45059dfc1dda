"""int8 that does not depend on the batch: invariance bit for bit, distance to float32, what the file holds."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnxscript import ir

from airvec_exporter.errors import ExportError
from airvec_exporter.quantize import FAMILIES, quantize_rows
from airvec_exporter.quantize.distance import answers
from airvec_exporter.quantize.products import find_sites
from airvec_exporter.quantize.sessions import Batch, open_session
from tests.exporter.quantize.conftest import pad_to

Portable = Callable[[], ir.Model]
WAYS = ("mixed", "static", "row")


@pytest.fixture(scope="module", params=WAYS)
def quantised(request: pytest.FixtureRequest, portable: Portable, calibration: list[Batch]) -> ir.Model:
    model = portable()
    quantize_rows(model, calibration, "vnni", activations=request.param, bound=9)
    return model


def run(model: ir.Model, batch: Batch, threads: int = 1) -> np.ndarray:
    return open_session(model, threads).run(None, dict(batch))[0]


def test_neighbours_and_padding_move_nothing(quantised: ir.Model, tokens: list[list[int]]):
    session = open_session(quantised, 1)
    together = session.run(None, dict(pad_to(tokens)))[0]
    wide = session.run(None, dict(pad_to(tokens, 140)))[0]
    for place, row in enumerate(tokens):
        alone = session.run(None, dict(pad_to([row])))[0][0]
        assert np.array_equal(together[place, : len(row)], alone)
        assert np.array_equal(wide[place, : len(row)], alone)


def test_one_row_is_computed_as_five_hundred_are(quantised: ir.Model):
    row = [7]
    alone = run(quantised, pad_to([row]))
    for threads in (1, 2):
        assert np.array_equal(run(quantised, pad_to([row] * 500), threads), np.repeat(alone, 500, axis=0))


def test_answers_stay_near_those_of_float32(quantised: ir.Model, portable: Portable, tokens: list[list[int]]):
    batch = [pad_to(tokens)]
    reference, found = answers(portable(), batch), answers(quantised, batch)
    cosine = (reference * found).sum(1) / np.linalg.norm(reference, axis=1) / np.linalg.norm(found, axis=1)
    assert cosine.min() > 0.99
    assert not np.allclose(reference, found, atol=1e-5)  # it is not float32 any more


def test_no_product_with_a_weight_is_left(quantised: ir.Model):
    assert not find_sites(quantised.graph)
    kinds = [node.op_type for node in quantised.graph]
    assert kinds.count("MatMulIntegerToFloat") == 2 * 6
    # ONNX Runtime would join these into a node with one step for all rows.
    assert "MatMulInteger" not in kinds


@pytest.mark.parametrize("name", FAMILIES)
def test_weights_and_activations_are_of_the_family(name: str, portable: Portable, calibration: list[Batch]):
    model, family = portable(), FAMILIES[name]
    recipe = quantize_rows(model, calibration[:8], name, bound=9)
    largest = 0
    for node in model.graph:
        if node.op_type == "MatMulIntegerToFloat":
            weight, zero = (node.inputs[place].const_value.numpy() for place in (1, 4))
            assert weight.dtype == np.int8
            assert zero.dtype == family.kind
            largest = max(largest, int(np.abs(weight.astype(int)).max()))
    assert largest == family.largest
    assert (recipe.family, recipe.bits) == (name, {"x86": 7, "vnni": 8, "arm64": 8}[name])


def test_the_sum_of_two_products_fits_sixteen_bits_on_x86():
    family = FAMILIES["x86"]
    assert 2 * family.highest * family.largest <= np.iinfo(np.int16).max
    assert 2 * family.highest * (family.largest + 1) > np.iinfo(np.int16).max


def test_two_runs_give_the_same_bytes(portable: Portable, calibration: list[Batch]):
    files = []
    for _ in range(2):
        model = portable()
        quantize_rows(model, calibration[:8], "x86", bound=9)
        files.append(ir.to_proto(model).SerializeToString(deterministic=True))
    assert files[0] == files[1]


def test_the_costliest_sites_stay_in_float32_until_the_bound_holds(portable: Portable, calibration: list[Batch]):
    free, kept = portable(), portable()
    loose = quantize_rows(free, calibration[:12], "x86", bound=9)
    tight = quantize_rows(kept, calibration[:12], "x86", bound=loose.distance / 2)
    assert not loose.kept
    assert tight.kept
    assert tight.distance <= loose.distance / 2
    assert {product.name for site in find_sites(kept.graph) for product in site.products} == set(tight.kept)
    assert tight.record()["kept"] == list(tight.kept)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"family": "sse"}, r"family: 'sse', expected one of x86, vnni, arm64"),
        ({"activations": "token"}, r"activations: 'token', expected one of mixed, static, row"),
        ({"batches": []}, r"calibration: 0 batches of texts, expected some"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict, message: str, portable: Portable, calibration: list[Batch]):
    given = {"batches": calibration, "family": "x86", **arguments}
    with pytest.raises(ExportError, match=message):
        quantize_rows(portable(), given.pop("batches"), given.pop("family"), **given)


def test_a_graph_is_quantised_only_once(quantised: ir.Model, calibration: list[Batch]):
    with pytest.raises(ExportError, match=r"graph: no product with a constant float32 matrix .*only once"):
        quantize_rows(quantised.clone(), calibration, "vnni")


CHAIN = """<ir_version: 10, opset_import: ["": 23]>
g (int64[batch, tokens] input_ids, int64[batch, tokens] attention_mask) => (float[batch, tokens, 2] y)
<float[3, 2] table = {1, 2, 3, 4, 5, 6}, float[2, 2] a = {1, 2, 3, 4}, float[2, 2] b = {1, -1, 2, 1}>
{ x = Gather (table, input_ids)  middle = MatMul (x, a)  y = MatMul (middle, b) }"""


@pytest.mark.usefixtures("narrow")
def test_a_product_of_a_product_is_quantised_too():
    model = ir.from_proto(onnx.parser.parse_model(CHAIN))
    batch = [{"input_ids": np.array([[0, 1, 2]]), "attention_mask": np.ones((1, 3), np.int64)}]
    reference = answers(model, batch)
    recipe = quantize_rows(model, batch, "x86", bound=9)
    assert [node.op_type for node in model.graph].count("MatMulIntegerToFloat") == 2
    assert recipe.row == 2
    assert np.abs(answers(model, batch) - reference).max() < 0.05 * np.abs(reference).max()
