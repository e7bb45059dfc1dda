"""Arrays → what JSON holds: numbers in as few digits as give the same float32 again, or base64 of their bytes.

Knows nothing of requests and models.
"""

from binascii import b2a_base64
from typing import Any, cast

import numpy as np

from airvec.arrays import Array, Floats

# Nine digits tell any two float32 apart, and some need no more than seven.
DIGITS = (7, 8, 9)
# Powers of ten that a float64 holds exactly, so that the quotient below is the float64 nearest to the decimal.
EXACT_POWER = 22


def plain(array: Array) -> Any:
    """A list of numbers for one dimension, of lists for two; a number for none. float32 values come out short.

    Python writes a float64 in as few digits as give it again: 17 for one that was a float32. Rounded to the nearest
    decimal that gives the same float32 it has half of them: half the bytes, and less time to write.

    Raises:
        FloatingPointError: a value is not finite, which JSON cannot say.

    >>> plain(np.array([0.1, -3.0], np.float32))
    [0.1, -3.0]
    """
    if array.dtype != np.float32:
        return array.tolist()
    if not np.isfinite(array).all():
        place = np.argwhere(~np.isfinite(np.atleast_1d(array)))[0].tolist()
        raise FloatingPointError(f"result: the value at {place} is not finite, expected numbers")
    return _short(array).tolist()


def packed(array: Array) -> str:
    """Base64 of an array's bytes, numbers in little-endian order; read by `np.frombuffer(base64.b64decode(…), dtype)`.

    >>> packed(np.array([1.0], np.float32))
    'AACAPw=='
    """
    ordered = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return b2a_base64(ordered.tobytes(), newline=False).decode("ascii")


def number(value: float) -> float:
    """One float32 value, short."""
    return cast(float, plain(np.asarray(value, np.float32)))


def _short(array: Floats) -> Array:
    """float64 of the same shape, each the decimal of fewest digits that is the same number as float32."""
    values = array.astype(np.float64).ravel()
    single, left = array.ravel(), np.flatnonzero(array)
    for digits in DIGITS:
        wide = array.astype(np.float64).ravel()[left]
        decimals = digits - 1 - np.floor(np.log10(np.abs(wide)))
        powers = np.power(10.0, np.minimum(np.abs(decimals), EXACT_POWER))
        rounded = np.where(decimals >= 0, np.rint(wide * powers) / powers, np.rint(wide / powers) * powers)
        same = rounded.astype(np.float32) == single[left]
        values[left[same]] = rounded[same]
        left = left[~same]
    return values.reshape(array.shape)
