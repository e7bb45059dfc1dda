"""Smaller embeddings: int8 and uint8 codes, packed bits, fewer dimensions, unit length.

The codes are those of sentence-transformers 6.2, bit for bit.
Knows nothing of texts and models.
"""

import warnings

import numpy as np

from airvec.arrays import Array, Floats, Vectors
from airvec.checks import whole_number
from airvec.errors import AirvecWarning, ArgumentError
from airvec.modules.normalize import unit

PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")
LEVELS = 255
FEW_ROWS = 100  # fewer than this make poor ranges


def quantize_embeddings(
    embeddings: Vectors, precision: str, ranges: Array | None = None, calibration_embeddings: Array | None = None
) -> Array:
    """Embeddings in fewer bytes.

    Args:
        embeddings: (n, dim) or (dim,), float.
        precision: `"float32"`; `"uint8"` or `"int8"`, 256 levels a dimension between the ends of `ranges`; `"ubinary"`
            or `"binary"`, one bit a dimension (is it above 0), eight to a byte, as uint8 or int8.
        ranges: (2, dim), smallest and largest value of each dimension; for int8 and uint8.
        calibration_embeddings: (m, dim) to take the ranges from; without them, those of `embeddings` itself.

    Returns:
        float32, uint8 or int8 (n, dim), or (n, ceil(dim / 8)) for bits.

    Raises:
        ArgumentError: unknown precision, integer embeddings, or ranges from a single vector; for int8 and uint8 also a
            value that is not finite.
    """
    check_precision(precision)
    array = _numbers("embeddings", embeddings)
    if array.dtype.kind != "f":
        raise ArgumentError(f"embeddings: dtype {array.dtype}, expected float. Quantise the float embeddings.")
    if precision == "float32":
        return array.astype(np.float32)
    if precision in ("binary", "ubinary"):
        bits = np.packbits(array > 0, axis=-1)
        return bits if precision == "ubinary" else (bits.astype(np.int16) - 128).astype(np.int8)
    codes = _levels(array, ranges, calibration_embeddings)
    return codes.astype(np.uint8) if precision == "uint8" else (codes - 128).astype(np.int8)


def normalize_embeddings(embeddings: Vectors) -> Floats:
    """Vectors (…, dim) scaled to length 1; zero vectors stay zero.

    Raises:
        ArgumentError: rows of different lengths, or no numbers.

    >>> normalize_embeddings([0.0, 5.0]).tolist()
    [0.0, 1.0]
    """
    return unit(_numbers("embeddings", embeddings).astype(np.float32, copy=False))


def truncate_embeddings(embeddings: Vectors, truncate_dim: int | None) -> Array:
    """The first `truncate_dim` dimensions of (…, dim); None = all. Lengths change: normalise afterwards.

    Raises:
        ArgumentError: `truncate_dim` is no whole number, or below 1; or `embeddings` are no rows of numbers.
    """
    dim = None if truncate_dim is None else whole_number("truncate_dim", truncate_dim)
    return _numbers("embeddings", embeddings)[..., :dim]


def check_precision(precision: str | None) -> str:
    """The precision itself, if there is such a one; None = float32.

    Raises:
        ArgumentError: there is none.
    """
    if precision is None:
        return "float32"
    if precision not in PRECISIONS:
        raise ArgumentError(f"precision: {precision!r}, expected one of {', '.join(PRECISIONS)}. Correct it.")
    return precision


def _levels(array: Array, ranges: Array | None, calibration: Array | None) -> Array:
    """Level 0 to 255 of each value, as float: values outside the ranges go to the nearest end."""
    if array.ndim == 2 and not len(array):
        return array
    check_finite("embeddings", array)
    if ranges is None:
        data = array if calibration is None else check_finite("calibration_embeddings", calibration)
        ranges = _ranges(np.atleast_2d(data), array.shape[-1])
    limits = check_finite("ranges", ranges).astype(np.float32, copy=False)
    if limits.shape != (2, array.shape[-1]):
        raise ArgumentError(
            f"ranges: shape {list(limits.shape)}, expected [2, {array.shape[-1]}]: smallest and largest by dimension."
        )
    steps = (limits[1] - limits[0]) / LEVELS
    steps = np.where(steps == 0, 1, steps)
    return np.clip(np.floor((array - limits[0]) / steps), 0, LEVELS)


def _numbers(name: str, values: Vectors) -> Array:
    """An array of at least one dimension."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ArgumentError(f"{name}: {error}. Expected rows of one length.") from None
    if array.ndim == 0 or array.dtype.kind not in "fiub":
        raise ArgumentError(
            f"{name}: shape {list(array.shape)} of {array.dtype}, expected numbers of shape [dim] or [n, dim]."
        )
    return array


def check_finite(name: str, values: Vectors, first: int = 0) -> Array:
    """An array without NaN and infinity, which have no level and would spoil the ranges of all rows.

    Args:
        name: of the values, for the message.
        values: (dim,) or (n, dim).
        first: the number of the first row.

    Raises:
        ArgumentError: there is one; or no numbers.
    """
    array = _numbers(name, values)
    bad = np.argwhere(~np.isfinite(np.atleast_2d(array)))
    if len(bad):
        raise ArgumentError(
            f"{name}: row {first + bad[0][0]} holds a value that is no number, expected finite ones. Mend it."
        )
    return array


def _ranges(data: Array, dim: int) -> Array:
    if len(data) < 2:
        raise ArgumentError(
            f"precision: int8 and uint8 need ranges, and {len(data)} vector of {dim} dimensions gives none. "
            "Pass ranges or calibration_embeddings to quantize_embeddings."
        )
    if len(data) < FEW_ROWS:
        warnings.warn(
            f"precision: ranges taken from {len(data)} vectors, better from {FEW_ROWS} or more. "
            "Pass ranges or calibration_embeddings to quantize_embeddings.",
            AirvecWarning,
            stacklevel=5,
        )
    return np.vstack([data.min(axis=0), data.max(axis=0)])
