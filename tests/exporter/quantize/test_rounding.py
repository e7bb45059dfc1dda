"""Rounding that goes by the states: a smaller error of the product than that of the nearest integers."""

import numpy as np

from airvec_exporter.quantize.rounding import round_weights


def correlated(samples: int = 400, width: int = 200) -> np.ndarray:
    random = np.random.default_rng(0)
    mixing = random.standard_normal((20, width))
    rows = random.standard_normal((samples, 20)) @ mixing + 0.1 * random.standard_normal((samples, width))
    return rows.astype(np.float32)


def test_the_product_is_nearer_than_with_the_nearest_integers():
    rows = correlated()
    weight = np.random.default_rng(1).standard_normal((200, 30)).astype(np.float32)
    step = (np.abs(weight).max(axis=0) / 64)[None]
    nearest = np.clip(np.rint(weight / step), -64, 64)
    found = round_weights(weight, step, (-64, 64), rows)
    assert found.dtype == np.int32
    assert np.abs(found).max() == 64
    error = [np.linalg.norm(rows @ (integers * step - weight)) for integers in (nearest, found)]
    assert error[1] < error[0] / 2


def test_limits_hold_and_integers_stay_near_the_weight():
    weight = np.random.default_rng(1).standard_normal((200, 8)).astype(np.float32)
    steps = np.full((200, 8), 0.1, np.float32)
    found = round_weights(weight, steps, (-7, 7), correlated())
    assert (found.min(), found.max()) == (-7, 7)


def test_without_samples_each_weight_gets_its_nearest_integer():
    weight = np.array([[0.26, -0.9], [0.5, 3.0]], np.float32)
    found = round_weights(weight, np.array([[0.25, 1.0]], np.float32), (-2, 2), np.zeros((0, 2), np.float32))
    assert found.tolist() == [[1, -1], [2, 2]]


def test_states_that_are_always_zero_do_no_harm():
    rows = correlated()
    rows[:, 5] = 0
    weight = np.random.default_rng(1).standard_normal((200, 3)).astype(np.float32)
    found = round_weights(weight, np.full((1, 3), 0.05, np.float32), (-127, 127), rows)
    assert np.abs(found[5] * 0.05 - weight[5]).max() <= 0.0251
