"""Looks through an ONNX file for weights stored in other files, and refuses those outside the file's folder.

Newer versions of ONNX Runtime check this themselves; 1.23 reads `../secret.bin` (tried). The file is read as
protobuf fields without the onnx package: a field is a key (number and kind), then a varint, 4 or 8 bytes, or a
length and as many bytes. Large tensors are stepped over, so this costs a millisecond a thousand nodes.
Source: https://protobuf.dev/programming-guides/encoding and onnx.proto
Knows nothing of what the graph computes.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

from airvec.errors import ModelFolderError
from airvec.folder import inside
from airvec.json_file import short_name

# For each kind of message, the fields that lead to tensors, by number.
CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {},
}
KEY_FIELD, VALUE_FIELD = 1, 2
VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5


def check_external_data(file: Path) -> None:
    """Refuse a graph whose weights lie outside its own folder.

    Raises:
        ModelFolderError: a stated location leaves the folder or does not exist, or the file is damaged.
    """
    for location in external_locations(file):
        if not inside(file.parent, location, short_name(file)).is_file():
            raise ModelFolderError(
                f"{short_name(file)}: its weights are in {location!r}, which does not exist. The download is "
                "incomplete: fetch the folder again."
            )


def external_locations(file: Path) -> set[str]:
    """The files that the tensors of an ONNX graph are stored in, besides the graph itself.

    Raises:
        ModelFolderError: the file is empty, cut short or not protobuf, or nests graphs some hundred deep.
    """
    try:
        with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return set(_locations(data, 0, len(data), "model"))
    except (ValueError, IndexError, RecursionError) as error:
        raise ModelFolderError(
            f"{short_name(file)}: not a whole ONNX file ({error}). It is damaged or cut short: fetch it again."
        ) from error


def _locations(data: mmap.mmap, start: int, end: int, kind: str) -> Iterator[str]:
    key, value = "", ""
    for number, first, last in _fields(data, start, end):
        if kind == "entry" and number in (KEY_FIELD, VALUE_FIELD):
            text = data[first:last].decode()
            key, value = (text, value) if number == KEY_FIELD else (key, text)
        elif number in CHILDREN[kind]:
            yield from _locations(data, first, last, CHILDREN[kind][number])
    if key == "location":
        yield value


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Field number, start and end of each length-delimited field between two places; the others are skipped."""
    while at < end:
        key, at = _varint(data, at, end)
        number, wire = key >> 3, key & 7
        if wire == BYTES:
            length, at = _varint(data, at, end)
            if at + length > end:
                raise ValueError(f"field {number} of {length} bytes ends {at + length - end} bytes behind the end")
            yield number, at, at + length
            at += length
        elif wire == VARINT:
            _, at = _varint(data, at, end)
        elif wire in (EIGHT_BYTES, FOUR_BYTES):
            at += 8 if wire == EIGHT_BYTES else 4
        else:
            raise ValueError(f"byte {at} starts a field of unknown kind {wire}")


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and the place behind it."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError(f"number at byte {at} has no end")
