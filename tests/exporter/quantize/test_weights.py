"""Weights of four bits: what MatMulNBits is given, distance, invariance."""

from collections.abc import Callable

import numpy as np
import pytest
from onnxscript import ir

from airvec_exporter.errors import ExportError
from airvec_exporter.quantize import quantize_weights
from airvec_exporter.quantize.distance import answers
from airvec_exporter.quantize.sessions import Batch, open_session
from airvec_exporter.quantize.weights import blocks
from tests.exporter.quantize.conftest import pad_to


@pytest.fixture(scope="module")
def small(portable: Callable[[], ir.Model], calibration: list[Batch]) -> ir.Model:
    model = portable()
    recipe = quantize_weights(model, calibration)
    assert (recipe.bits, recipe.products) == (4, 12)
    assert recipe.record()["distance"] == recipe.distance > 0
    return model


def unpacked(weight: np.ndarray) -> np.ndarray:
    packed, steps, zeros = blocks(weight, np.zeros((0, len(weight)), np.float32))
    halves = [np.stack([array & 15, array >> 4], -1).reshape(*array.shape[:-1], -1) for array in (packed, zeros)]
    integers, points = halves[0], halves[1][:, : steps.shape[1]]
    found = (integers.astype(np.float32) - points[:, :, None]) * steps[:, :, None]
    return found.reshape(len(found), -1)[:, : len(weight)].T


@pytest.mark.parametrize("rows", [32, 48, 96])
def test_blocks_hold_the_weight_to_half_a_step(rows: int):
    weight = np.random.default_rng(0).standard_normal((rows, 5)).astype(np.float32)
    steps = blocks(weight, np.zeros((0, rows), np.float32))[1]
    wide = np.repeat(steps.T, 32, axis=0)[:rows]
    assert (np.abs(unpacked(weight) - weight) <= wide * 1.001).all()


def test_answers_stay_near_and_neighbours_move_little(
    small: ir.Model, portable: Callable[[], ir.Model], tokens: list[list[int]]
):
    together = [pad_to(tokens)]
    reference, found = answers(portable(), together), answers(small, together)
    cosine = (reference * found).sum(1) / np.linalg.norm(reference, axis=1) / np.linalg.norm(found, axis=1)
    assert 0.9 < cosine.min() < 0.9999
    alone = answers(small, [pad_to([row]) for row in tokens])
    assert np.abs(alone - found).max() <= 1e-5 * np.abs(found).max()  # float32 states, not integers
    assert open_session(small, 1).get_outputs()[0].name == "last_hidden_state"


def test_no_texts_are_an_error(portable: Callable[[], ir.Model]):
    with pytest.raises(ExportError, match=r"calibration: 0 batches of texts, expected some"):
        quantize_weights(portable(), [])
