"""The body of an HTTP request: so many bytes, or chunks.

Knows nothing of what is in it.
Source: RFC 9112, sections 6 and 7.1.
"""

from collections.abc import Iterator
from email.message import Message
from io import BufferedIOBase

from airvec.serving.limits import Limits
from airvec.serving.problems import RequestError

MOST_DISCARDED = 2**26  # bytes of a body that is refused
BLOCK = 2**16
LONGEST_LINE = 4096  # bytes, of a chunk's size and extensions, or of a trailer
SIZE_DIGITS = 8  # of a chunk's size in base 16


def receive(headers: Message, stream: BufferedIOBase, limits: Limits) -> bytes:
    """The whole body. Of one that is refused the rest is read, too: a client sends all, and then reads the answer.

    Raises:
        RequestError: 400, a body that ends early or is framed as none can be; 411, framed in an unknown way; 413, more
            bytes than the limit; 415, compressed.
    """
    coding = headers.get("Content-Encoding", "identity")
    if coding.strip().lower() != "identity":
        discard(headers, stream)
        raise RequestError(415, f"Content-Encoding: {coding!r:.40}, expected none. Send the JSON uncompressed.")
    kept, size = bytearray(), 0
    for block in _blocks(headers, stream):
        size += len(block)
        if size <= limits.body_bytes:
            kept += block
        elif size > MOST_DISCARDED:
            break
    limits.check_body(max(size, _stated(headers)))
    return bytes(kept)


def discard(headers: Message, stream: BufferedIOBase) -> None:
    """Read what nobody wants: closing a connection with bytes unread would take the answer from the client."""
    size = 0
    try:
        for block in _blocks(headers, stream):
            size += len(block)
            if size > MOST_DISCARDED:
                break
    except RequestError:
        return  # the connection is refused for another reason, which the client will read


def _blocks(headers: Message, stream: BufferedIOBase) -> Iterator[bytes]:
    coding = headers.get("Transfer-Encoding")
    if coding is None:
        return _exactly(_stated(headers), stream)
    if coding.strip().lower() != "chunked":
        raise RequestError(411, f"Transfer-Encoding: {coding!r:.40}, expected chunked, or a Content-Length. Send that.")
    if "Content-Length" in headers:
        raise RequestError(
            400, f"Content-Length: {headers['Content-Length']!r:.40} beside Transfer-Encoding. Send one of the two."
        )
    return _chunks(stream)


def _stated(headers: Message) -> int:
    """The body's bytes, as the header says; 0 without one."""
    stated = headers.get("Content-Length", "0")
    if not (stated.isascii() and stated.isdecimal() and len(stated) < 16):
        raise RequestError(400, f"Content-Length: {stated!r:.40}, expected the body's bytes. Send that header.")
    return int(stated)


def _exactly(size: int, stream: BufferedIOBase) -> Iterator[bytes]:
    left = size
    while left:
        block = stream.read(min(left, BLOCK))
        if not block:
            raise RequestError(400, f"body: {size - left} bytes came, expected {size}. Send it again.")
        left -= len(block)
        yield block


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    """A line with the size in base 16, so many bytes and an empty line, until the size is 0; then trailers."""
    while True:
        line = stream.readline(LONGEST_LINE)
        digits = line.partition(b";")[0].strip()
        if not digits or len(digits) > SIZE_DIGITS or digits.strip(b"0123456789abcdefABCDEF"):
            raise RequestError(400, f"body: {line[:20]!r} where a chunk begins, expected its size in base 16.")
        size = int(digits, 16)
        if size == 0:
            break
        yield from _exactly(size, stream)
        if stream.readline(LONGEST_LINE).strip():
            raise RequestError(400, f"body: a chunk is longer than its size, {size}, expected to end there.")
    while stream.readline(LONGEST_LINE).strip():  # trailers
        pass
