"""The fields of a protobuf message, as far as finding things in an ONNX file needs them.

A field is a key (number and kind), then a varint, 4 or 8 bytes, or a length and as many bytes. Large tensors are
stepped over, so that a look through a graph costs a millisecond a thousand nodes.
Source: https://protobuf.dev/programming-guides/encoding
Knows nothing of ONNX.
"""

import mmap
from collections.abc import Iterator

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5


def fields(data: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Field number, start and end of each length-delimited field between two places; the others are skipped.

    Raises:
        ValueError: a field is of an unknown kind, has a key of more than 32 bits, or ends behind `end`.
        IndexError: the data ends within a number.
    """
    while at < end:
        key = data[at]
        key, at = (key, at + 1) if key < 0x80 else _key(data, at, end)  # nearly all numbers are of one byte
        number, wire = key >> 3, key & 7
        if wire == BYTES:
            length = data[at] if at < end else 0x80
            length, at = (length, at + 1) if length < 0x80 else _varint(data, at, end)
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


def varints(data: mmap.mmap, at: int, end: int, *, packed: bool = False) -> Iterator[tuple[int, int]]:
    """Field number and value of each number between two places; `packed` = numbers without keys, as field 0.

    Raises:
        ValueError: a field is of an unknown kind, has a key of more than 32 bits, or ends behind `end`.
        IndexError: the data ends within a number.
    """
    while at < end:
        key, at = (VARINT, at) if packed else _key(data, at, end)
        wire = key & 7
        if wire == VARINT:
            value, at = _varint(data, at, end)
            yield key >> 3, value
        elif wire == BYTES:
            length, at = _varint(data, at, end)
            at += length
        elif wire in (EIGHT_BYTES, FOUR_BYTES):
            at += 8 if wire == EIGHT_BYTES else 4
        else:
            raise ValueError(f"byte {at} starts a field of unknown kind {wire}")


def message(number: int, content: bytes, length: int | None = None) -> bytes:
    """A length-delimited field; with `length`, that of its content, the bytes in front of content that is not given.

    >>> message(9, b"abc").hex(), message(9, b"", 300).hex()
    ('4a03616263', '4aac02')
    """
    return _bytes_of(number << 3 | BYTES) + _bytes_of(len(content) if length is None else length) + content


def _bytes_of(value: int) -> bytes:
    """A number of seven bits a byte, lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _key(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """A field's key and the place behind it; other readers cut a longer one to 32 bits, and so see another field."""
    key, behind = _varint(data, at, end)
    if key >> 32:
        raise ValueError(f"key at byte {at} has more than 32 bits")
    return key, behind


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
