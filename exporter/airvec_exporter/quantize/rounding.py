"""Weights → integers, row by row: what one row's rounding costs the product, the rows after it make good.

Source: Frantar et al. 2022, GPTQ, https://arxiv.org/abs/2210.17323, algorithm 1.
Knows nothing of graphs, and of how steps are chosen.
"""

import numpy as np
from numpy.typing import NDArray

from airvec_exporter.quantize.products import Floats

BLOCK = 128  # rows whose corrections are passed on together
DAMPING = 0.01  # of the mean: states that the samples never show count a little too
WIDEST = 4096  # rows of a weight; above, the inverse of k × k numbers would take minutes and gigabytes


def round_weights(weight: Floats, steps: Floats, limits: tuple[int, int], rows: Floats) -> NDArray[np.int32]:
    """Integers that stand for a weight.

    Args:
        weight: (k, n).
        steps: what 1 stands for, (1, n) or (k, n).
        limits: the smallest and the largest integer.
        rows: samples of the states that the weight is multiplied with, (samples, k).

    Returns:
        Int32 (k, n).
    """
    steps = np.broadcast_to(steps, weight.shape)
    if len(weight) > WIDEST or not len(rows):
        return _nearest(weight, steps, limits)
    factor = _factor(rows)
    left = weight.astype(np.float32, copy=True)
    found = np.empty(weight.shape, np.int32)
    for start in range(0, len(left), BLOCK):
        end = min(start + BLOCK, len(left))
        errors = np.empty((end - start, left.shape[1]), np.float32)
        for row in range(start, end):
            found[row] = _nearest(left[row], steps[row], limits)
            errors[row - start] = (left[row] - found[row] * steps[row]) / factor[row, row]
            left[row + 1 : end] -= np.outer(factor[row, row + 1 : end], errors[row - start])
        left[end:] -= factor[start:end, end:].T @ errors
    return found


def _nearest(weight: Floats, steps: Floats, limits: tuple[int, int]) -> NDArray[np.int32]:
    return np.clip(np.rint(weight / steps), *limits).astype(np.int32)


def _factor(rows: Floats) -> Floats:
    """The upper Cholesky factor of the inverse of the states' second moments, (k, k)."""
    states = rows.astype(np.float64)
    moments = states.T @ states / len(states)
    moments += np.eye(len(moments)) * max(DAMPING * moments.trace() / len(moments), 1e-12)
    return np.linalg.cholesky(np.linalg.inv(moments)).T.astype(np.float32)
