"""A small HTTP server around `airvec.serverless`, for containers: `python -m airvec.http_server`.

A thread a request, JSON in and out, the paths and limits of `airvec.serverless`, GET /health. No TLS, no accounts: it
stands behind a proxy that has both. `AIRVEC_HOST` and `AIRVEC_PORT` say where it listens (all addresses, 8080).
SIGTERM ends it: running requests are answered first. `--check` asks a server that runs, and exits with 0 if it is well.
Knows nothing of models and tasks.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from airvec.errors import AirvecError, ArgumentError
from airvec.serving.limits import Limits
from airvec.serving.problems import RequestError

SECONDS_TO_SEND = 30  # what a client may take between two of its bytes
SECONDS_TO_CHECK = 4
MOST_AT_ONCE = 64  # requests; more wait for their turn before their body is read
MOST_DISCARDED = 2**26  # bytes of a body that is refused
BLOCK = 2**16
Handle = Callable[[dict[str, Any]], dict[str, Any]]


class Server(ThreadingHTTPServer):
    """Listens; hands each request to a function that answers events of API Gateway, payload format 2.0."""

    daemon_threads = True  # an idle connection does not keep the process; `wait` is for the others
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handle: Handle, limits: Limits) -> None:
        super().__init__(address, Exchange)
        self.handle, self.limits = handle, limits
        self.turns = threading.BoundedSemaphore(MOST_AT_ONCE)

    def wait(self) -> None:
        """Until all requests that have their turn are answered; none gets one afterwards."""
        for _ in range(MOST_AT_ONCE):
            self.turns.acquire()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no error of ours; anything else is written to stderr."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer; then the connection is closed."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "airvec", ""
    error_message_format, error_content_type = "%(code)d %(message)s\n", "text/plain"  # of what is no HTTP at all
    timeout = SECONDS_TO_SEND

    @property
    def listener(self) -> Server:
        """The server, which the parent knows as any server."""
        return cast("Server", self.server)

    def do_GET(self) -> None:
        """Answer a request of any method: the service says which a path has."""
        self.close_connection = True
        with self.listener.turns:
            try:
                answer = self.listener.handle(self._event())
                self._send(answer["statusCode"], answer["headers"], answer["body"])
            except RequestError as error:
                self._send(error.status, {}, json.dumps(error.as_json()))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 (the parent looks for these)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the parent's name)
        """Nothing: the service writes a line for each request."""

    def _event(self) -> dict[str, Any]:
        """The request as an event.

        Raises:
            RequestError: 400, a length that is none, fewer bytes than it says, no UTF-8; 413, more than the limit.
        """
        stated = self.headers.get("Content-Length", "0")
        if not (stated.isascii() and stated.isdecimal() and len(stated) < 16) or "Transfer-Encoding" in self.headers:
            raise RequestError(400, f"Content-Length: {stated!r:.40}, expected the body's bytes. Send that header.")
        try:
            self.listener.limits.check_body(int(stated))
        except RequestError:
            self._discard(min(int(stated), MOST_DISCARDED))
            raise
        body = self.rfile.read(int(stated))
        if len(body) < int(stated):
            raise RequestError(400, f"body: {len(body)} bytes came, expected {stated}. Send it again.")
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            raise RequestError(400, f"body: no UTF-8 ({error.reason} at byte {error.start}). Encode it so.") from None
        path = self.path.partition("?")[0]
        context = {"http": {"method": self.command, "path": path}}
        return {"version": "2.0", "rawPath": path, "body": text, "requestContext": context}

    def _discard(self, left: int) -> None:
        """Read what nobody wants: closing a connection with bytes unread would take the answer from the client."""
        while left > 0 and (block := self.rfile.read(min(left, BLOCK))):
            left -= len(block)

    def _send(self, status: int, headers: dict[str, str], body: str) -> None:
        content = body.encode()
        self.send_response(status)
        fixed = {"content-type": "application/json", "content-length": str(len(content)), "connection": "close"}
        for name, value in (headers | fixed).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def stated_port() -> int:
    """The port that `AIRVEC_PORT` says.

    Raises:
        ArgumentError: it is no number of a port.
    """
    stated = os.environ.get("AIRVEC_PORT") or "8080"
    if not (stated.isascii() and stated.isdecimal() and len(stated) < 6 and int(stated) < 2**16):
        raise ArgumentError(f"AIRVEC_PORT: {stated!r:.20}, expected a number below 65,536. Correct or unset it.")
    return int(stated)


def is_well(port: int) -> bool:
    """Whether the server at a port of this machine answers that it is well; no proxy is asked."""
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_CHECK)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT, or check a server; answer the exit code."""
    if list(arguments) == ["--check"]:
        return 0 if is_well(stated_port()) else 1
    if arguments:
        raise ArgumentError(f"http_server: {' '.join(arguments)!r:.60}, expected nothing or --check. Leave it out.")
    from airvec.serverless import handler  # opens the model: nobody is served before

    with Server((os.environ.get("AIRVEC_HOST", ""), stated_port()), handler, Limits.of(os.environ)) as server:

        def stop(*_: object) -> None:
            # serve_forever runs in this very thread, and would wait for itself: another one tells it to end.
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        sys.stdout.write(f"airvec listens on port {server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()
        server.wait()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except AirvecError as problem:
        sys.exit(f"airvec: error: {problem}")
