"""How far answers moved is measured on what the model makes of its states."""

from collections.abc import Callable

import numpy as np
import pytest
from onnxscript import ir

from airvec_exporter.quantize import quantize_rows
from airvec_exporter.quantize.distance import answers, distances
from airvec_exporter.quantize.sessions import Batch

Portable = Callable[[], ir.Model]


def first(states: np.ndarray, _mask: np.ndarray) -> np.ndarray:
    return states[:, 0]


def test_a_text_is_the_mean_of_its_states_or_what_pooling_makes_of_them(portable: Portable, calibration: list[Batch]):
    one = calibration[:1]
    kept: list[np.ndarray] = []

    def whole(states: np.ndarray, _mask: np.ndarray) -> np.ndarray:
        kept.append(states)
        return states[:, 0]

    pooled, means = answers(portable(), one, whole), answers(portable(), one)
    assert np.array_equal(pooled, kept[0][:, 0])
    np.testing.assert_allclose(means, kept[0].mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("bound", [0.02, 0.03])
def test_the_bound_holds_for_the_token_that_is_taken(bound: float, portable: Portable, calibration: list[Batch]):
    model, plain = portable(), portable()
    recipe = quantize_rows(model, calibration, "vnni", bound=bound, pool=first)
    other = quantize_rows(plain, calibration, "vnni", bound=bound)
    reference = answers(portable(), calibration, first)
    assert recipe.distance == pytest.approx(distances(reference, answers(model, calibration, first)).max())
    assert recipe.distance <= bound
    # Held for the mean of the tokens, it is passed for one of them.
    assert other.distance <= bound < distances(reference, answers(plain, calibration, first)).max()
