"""Mirrors runtime/airvec/backends/protobuf.py."""

import mmap

import pytest

from airvec.backends.protobuf import fields, message, varints


def read(data):
    with mmap.mmap(-1, len(data)) as memory:
        memory[:] = data
        return [(number, bytes(memory[first:last])) for number, first, last in fields(memory, 0, len(data))]


def test_fields_with_a_length_are_given_and_numbers_stepped_over():
    number, eight, text, four = b"\x08\x96\x01", b"\x11" + b"\0" * 8, b"\x1a\x03abc", b"\x25" + b"\0" * 4
    assert read(number + eight + text + four + b"\x82\x01\x01z") == [(3, b"abc"), (16, b"z")]


@pytest.mark.parametrize(("data", "found"), [
    (b"\x1a\x05abc", "field 3 of 5 bytes ends 2 bytes behind the end"), (b"\x0b", "field of unknown kind 3"),
    (b"\x80\x80", "has no end"), (b"\x08" + b"\xff" * 20, "has no end"),
    (b"\xba\x80\x80\x80\x10\x01a", "key at byte 0 has more than 32 bits"),  # field 7 to who cuts it to 32
])  # fmt: skip
def test_what_is_no_message_is_an_error(data, found):
    with pytest.raises(ValueError, match=found):
        read(data)


def numbers(data, packed=False):
    with mmap.mmap(-1, len(data)) as memory:
        memory[:] = data
        return list(varints(memory, 0, len(data), packed=packed))


def test_numbers_are_given_and_all_else_is_stepped_over():
    number, eight, text, four = b"\x08\x96\x01", b"\x11" + b"\0" * 8, b"\x1a\x03abc", b"\x25" + b"\0" * 4
    assert numbers(number + eight + text + four + b"\x10\x07") == [(1, 150), (2, 7)]
    assert numbers(b"\x96\x01\x07", packed=True) == [(0, 150), (0, 7)]
    with pytest.raises(ValueError, match="unknown kind 3"):
        numbers(b"\x0b")
    with pytest.raises(ValueError, match="more than 32 bits"):
        numbers(b"\xb8\x80\x80\x80\x10\x01")


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384])
def test_a_written_field_is_read_back(size):
    content = b"x" * size
    assert read(message(7, content)) == [(7, content)]
    assert message(7, b"", size) + content == message(7, content)
