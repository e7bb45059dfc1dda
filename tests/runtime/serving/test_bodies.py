"""Mirrors runtime/airvec/serving/bodies.py."""

from email.message import Message
from io import BytesIO

import pytest

from airvec.serving import bodies
from airvec.serving.bodies import discard, receive
from airvec.serving.limits import Limits
from airvec.serving.problems import RequestError

CHUNKED = {"Transfer-Encoding": "chunked"}


def message(headers):
    made = Message()
    for name, value in headers.items():
        made[name] = value
    return made


def read(headers, sent, most=100):
    return receive(message(headers), BytesIO(sent), Limits(body_bytes=most))


def refused(headers, sent, most=100):
    with pytest.raises(RequestError) as caught:
        read(headers, sent, most)
    return caught.value.status, str(caught.value)


def test_as_many_bytes_are_read_as_the_length_says():
    assert read({"Content-Length": "3"}, b"abcdef") == b"abc"
    assert read({}, b"abc") == b""
    assert read({"Content-Length": "3", "Content-Encoding": "Identity"}, b"abc") == b"abc"


def test_chunks_are_put_together_and_extensions_and_trailers_left_out():
    assert read(CHUNKED, b"3;name=x\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nnext") == b"abc0123456789"
    assert read({"Transfer-Encoding": "Chunked"}, b"0\r\n\r\n") == b""


@pytest.mark.parametrize(
    ("headers", "sent", "status", "said"),
    [({"Content-Length": "-1"}, b"", 400, "Content-Length: '-1', expected the body's bytes"),
     ({"Content-Length": "5"}, b"ab", 400, "body: 2 bytes came, expected 5"),
     ({"Content-Length": "5", **CHUNKED}, b"", 400, "Content-Length: '5' beside Transfer-Encoding"),
     ({"Transfer-Encoding": "gzip, chunked"}, b"", 411, "Transfer-Encoding: 'gzip, chunked', expected chunked, or"),
     ({"Content-Encoding": "gzip", "Content-Length": "2"}, b"ab", 415, "Content-Encoding: 'gzip', expected none"),
     (CHUNKED, b"", 400, "body: b'' where a chunk begins"),
     (CHUNKED, b"-3\r\nabc", 400, "where a chunk begins, expected its size in base 16"),
     (CHUNKED, b"123456789\r\nabc", 400, "where a chunk begins"),
     (CHUNKED, b"3\r\nab", 400, "body: 2 bytes came, expected 3"),
     (CHUNKED, b"1\r\nabc\r\n", 400, "body: a chunk is longer than its size, 1")],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_refused(headers, sent, status, said):
    found, message = refused(headers, sent)
    assert (found, said in message) == (status, True), message


@pytest.mark.parametrize(
    ("headers", "sent"),
    [({"Content-Length": "300"}, b"x" * 300), (CHUNKED, b"12C\r\n" + b"x" * 300 + b"\r\n0\r\n\r\n")],
)
def test_a_body_above_the_limit_is_refused_and_read_to_its_end(headers, sent):
    stream = BytesIO(sent)
    with pytest.raises(RequestError, match="body: 300 bytes, expected at most 299"):
        receive(message(headers), stream, Limits(body_bytes=299))
    assert stream.read() == b""
    assert read(headers, sent, most=300) == b"x" * 300


def test_what_nobody_wants_is_read_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(bodies, "MOST_DISCARDED", 2**16)
    stream = BytesIO(b"x" * 2**20)
    discard(message({"Content-Length": str(2**20)}), stream)
    assert stream.tell() == 2**17
    discard(message({"Content-Length": "none"}), stream)
