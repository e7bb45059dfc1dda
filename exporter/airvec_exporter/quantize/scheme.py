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

ROWS = 1024  # samples that a choice is made on
BELOW = (16, 32, 64)  # integers below zero that are tried for states with a bottom
TINY = np.float32(1e-12)  # what a row of zeros is divided by


@dataclass(frozen=True)
class Scheme:
    """Integer = round(state / step) + zero; for `row`, each row is divided by its largest magnitude before.

    With a `floor`, by its largest value instead, or by the floor if that is larger: then no state is too negative.
    """

    kind: str
    step: float
    zero: int
    floor: float | None = None


def row_scheme(rows: Floats, weights: Sequence[Floats], family: Family, bottom: float | None) -> Scheme:
    """Each row by its own magnitude; where states have a bottom, perhaps more integers above zero than below."""
    candidates = [Scheme("row", 1 / 127, family.lowest + 128)]
    for below in () if bottom is None else (1,) if bottom == 0 else BELOW:
        above = 255 - below
        candidates.append(Scheme("row", 1 / above, family.lowest + below, max(TINY, -bottom * above / below)))
    importance = sum((weight**2).sum(axis=1) for weight in weights)
    return min(candidates, key=lambda scheme: _rounding(rows, scheme, family, importance))


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
    size = _size(rows, scheme) if scheme.kind == "row" else np.float32(1)
    integers = np.clip(np.rint(rows / size / scheme.step) + scheme.zero, family.lowest, family.highest)
    return (integers - scheme.zero) * np.float32(scheme.step) * size


def _size(rows: Floats, scheme: Scheme) -> Floats:
    if scheme.floor is None:
        return np.maximum(np.abs(rows).max(axis=1, keepdims=True), TINY)
    return np.maximum(rows.max(axis=1, keepdims=True), np.float32(scheme.floor))


def column_steps(weight: Floats, family: Family) -> Floats:
    """What 1 stands for in each column of a weight (k, n), float32 (n,)."""
    return np.maximum(np.abs(weight).max(axis=0) / family.largest, 1e-12).astype(np.float32)


def scheme_for(
    kind: str, rows: Floats, weights: Sequence[Floats], family: Family, bottom: float | None = None
) -> Scheme:
    """The scheme of a kind for states (n, k), none below `bottom`, and the weights (k, n) of their products."""
    chosen = rows[:: max(1, len(rows) // ROWS)]
    if kind == "row":
        return row_scheme(chosen, weights, family, bottom)
    return static_scheme(chosen, weights, family)


def error(rows: Floats, weights: Sequence[Floats], scheme: Scheme, family: Family) -> float:
    """Sum of squared errors of the products in integers, over that of the products themselves."""
    states = dequantized(rows, scheme, family)
    wrong = size = 0.0
    for weight in weights:
        step = column_steps(weight, family)
        exact = rows @ weight
        wrong += float(((states @ (np.rint(weight / step) * step) - exact) ** 2).sum())
        size += float((exact**2).sum())
    return wrong / max(size, 1e-30)
