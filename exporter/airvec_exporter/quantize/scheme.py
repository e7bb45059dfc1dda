"""How the states of a site become integers, and what that costs, in NumPy: chosen on the calibration texts.

`static`: one step for all rows, from the range of the calibration texts. `row`: each row is divided by its own largest
magnitude first. Neither knows the neighbours of a text.
Knows nothing of graphs and of batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from airvec_exporter.quantize.families import Family
from airvec_exporter.quantize.products import Floats

SHARES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6)  # of the range that a static step keeps


@dataclass(frozen=True)
class Scheme:
    """Integer = round(state / step) + zero; for `row`, each row is divided by its largest magnitude before."""

    kind: str
    step: float
    zero: int


def row_scheme(family: Family) -> Scheme:
    """Each row by its own magnitude, symmetric about the middle."""
    return Scheme("row", 1 / 127, family.lowest + 128)


def static_scheme(rows: Floats, weights: Sequence[Floats], family: Family) -> Scheme:
    """The range that makes the error of the products smallest: outliers may be cut where that helps the rest."""
    importance = sum((weight**2).sum(axis=1) for weight in weights)
    low, high = min(0.0, float(rows.min())), max(0.0, float(rows.max()))
    candidates = [_range(share * low, share * high, family) for share in SHARES]
    return min(candidates, key=lambda scheme: _rounding(rows, scheme, family, importance))


def _range(low: float, high: float, family: Family) -> Scheme:
    step = max((high - low) / 255, 1e-12)
    return Scheme("static", step, int(np.clip(round(family.lowest - low / step), family.lowest, family.highest)))


def _rounding(rows: Floats, scheme: Scheme, family: Family, importance: Floats) -> float:
    return float((((dequantized(rows, scheme, family) - rows) ** 2).sum(axis=0) * importance).sum())


def dequantized(rows: Floats, scheme: Scheme, family: Family) -> Floats:
    """States as their integers stand for them, (n, k)."""
    size = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-12) if scheme.kind == "row" else 1
    integers = np.clip(np.rint(rows / size / scheme.step) + scheme.zero, family.lowest, family.highest)
    return (integers - scheme.zero) * np.float32(scheme.step) * size


def integer_weight(weight: Floats, family: Family) -> tuple[np.ndarray, Floats]:
    """(k, n) float32 -> int8 (k, n) and the step of each column, float32 (n,)."""
    step = np.maximum(np.abs(weight).max(axis=0) / family.largest, 1e-12).astype(np.float32)
    return np.clip(np.rint(weight / step), -family.largest, family.largest).astype(np.int8), step


def scheme_for(kind: str, rows: Floats, weights: Sequence[Floats], family: Family) -> Scheme:
    """The scheme of a kind for states (n, k) and the weights (k, n) of their products."""
    return row_scheme(family) if kind == "row" else static_scheme(rows, weights, family)


def error(rows: Floats, weights: Sequence[Floats], scheme: Scheme, family: Family) -> float:
    """Sum of squared errors of the products in integers, over that of the products themselves."""
    states = dequantized(rows, scheme, family)
    wrong = size = 0.0
    for weight in weights:
        integers, step = integer_weight(weight, family)
        exact = rows @ weight
        wrong += float(((states @ (integers * step) - exact) ** 2).sum())
        size += float((exact**2).sum())
    return wrong / max(size, 1e-30)
