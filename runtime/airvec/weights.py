"""Reads `.safetensors` files into NumPy arrays, memory-mapped, and takes the arrays that a module needs.

The format is eight bytes (length of the header, little-endian), a JSON header, then the tensors' bytes.
Source: https://github.com/huggingface/safetensors#format
Knows nothing of what the tensors are for.
"""

import json
import mmap
import os
from collections.abc import Mapping
from math import prod
from typing import Any, cast

import numpy as np

from airvec.arrays import Array, Features, Floats
from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.json_file import short_name
from airvec.paths import StrPath

DTYPES = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),  # widened to float32 on reading: NumPy has no bfloat16
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
LARGEST_HEADER = 100_000_000  # bytes; the format's own bound


def read_tensors(path: StrPath) -> dict[str, Array]:
    """All tensors of a `.safetensors` file, by name; read-only views of the mapped file.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFolderError: the file is truncated, its header is not valid, or a tensor lies outside the file.
    """
    if not os.path.isfile(path):
        hint = " Pickled weights are never read: re-export the checkpoint with airvec export."
        has_pickle = os.path.isfile(os.path.join(os.path.dirname(path), "pytorch_model.bin"))
        raise ModelNotFoundError(f"{short_name(path)}: no such file.{hint if has_pickle else ' Fetch it again.'}")
    if os.path.getsize(path) < 8:
        raise _damaged(path, f"{os.path.getsize(path)} bytes long, expected at least 8")
    with open(path, "rb") as file:  # np.memmap takes twice as long to read rows of a few tokens
        data = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    size = int.from_bytes(data[:8].tobytes(), "little")
    if size > min(LARGEST_HEADER, len(data) - 8):
        raise _damaged(path, f"header of {size} bytes in a file of {len(data)}")
    header = _header(path, data[8 : 8 + size].tobytes())
    return {name: _tensor(path, name, entry, data[8 + size :]) for name, entry in header.items()}


def need_tensor(tensors: Mapping[str, Array], file: StrPath, name: str, shape: tuple[int, ...]) -> Floats:
    """The tensor `name` as float32, which must be there and have this shape.

    Raises:
        ModelFolderError: it is not there, or has another shape.
    """
    where = short_name(file)
    if name not in tensors:
        found = ", ".join(sorted(tensors)) or "none"
        raise ModelFolderError(f"{where}: no tensor {name!r}, found {found}. Re-export the checkpoint.")
    if tensors[name].shape != shape:
        raise ModelFolderError(
            f"{where}: tensor {name!r} has shape {list(tensors[name].shape)}, expected {list(shape)} from "
            "config.json. Re-export the checkpoint."
        )
    return to_float32(tensors[name])


def need_feature(features: Features, name: str, where: str) -> Array:
    """The feature `name`, which the backend or a module before the one that reads it must have made.

    Raises:
        ModelFolderError: none has, as with a Dense before any Pooling.
    """
    if name not in features:
        raise ModelFolderError(
            f"{where}: reads {name!r}, expected one of {', '.join(sorted(features))}, which the modules before it "
            "give. Correct the name, or the order in modules.json."
        )
    return features[name]


def to_float32(array: Array) -> Floats:
    """An array as float32: (…) of any float or integer dtype -> (…)."""
    return np.asarray(array, dtype=np.float32)


def _header(path: StrPath, raw: bytes) -> dict[str, dict[str, Any]]:
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:  # ValueError: no UTF-8, no JSON, a number of over 4,300 digits
        raise _damaged(path, f"header that is not JSON ({error})") from error
    if not isinstance(header, dict):
        raise _damaged(path, f"header of type {type(header).__name__}")
    entries = cast("dict[str, dict[str, Any]]", header)
    return {name: entry for name, entry in entries.items() if name != "__metadata__"}


def _tensor(path: StrPath, name: str, entry: dict[str, Any], data: Array) -> Array:
    try:
        dtype, shape = DTYPES[entry["dtype"]], tuple(int(size) for size in entry["shape"])
        start, end = (int(offset) for offset in entry["data_offsets"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _damaged(path, f"tensor {name!r} described as {entry!r}") from error
    wanted = prod(shape) * dtype.itemsize  # Python integers: NumPy's would wrap around
    if min(shape, default=0) < 0 or not 0 <= start <= end <= len(data) or end - start != wanted:
        raise _damaged(path, f"tensor {name!r} at bytes {start} to {end} of {len(data)}, for shape {list(shape)}")
    array = data[start:end].view(dtype).reshape(shape)
    if entry["dtype"] == "BF16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array


def _damaged(path: StrPath, found: str) -> ModelFolderError:
    return ModelFolderError(f"{short_name(path)}: {found}. The file is damaged or cut short: fetch it again.")
