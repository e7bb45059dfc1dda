"""A small HTTP server around `airvec.serverless`, for containers: `python -m airvec.http_server`.

A thread a request, JSON in and out, the paths and limits of `airvec.serverless`. Some requests are computed at once,
some wait for their turn, more are refused; GET /health does not wait. No TLS, no accounts: it stands behind a proxy
that has both. SIGTERM ends it: running requests are answered first. `HELP` has the variables.
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
from airvec.serving.bodies import discard, receive
from airvec.serving.limits import Limits
from airvec.serving.log import SHOWN, wants_log, write_line
from airvec.serving.problems import RequestError
from airvec.serving.turns import Turns, at_once_of

HELP = """\
usage: python -m airvec.http_server [--check | --help]

Serves the model that AIRVEC_MODEL names, else the one inside airvec, as JSON over HTTP: POST /encode, /similarity,
/sparse, /rerank, /search; GET /health. Ends on SIGTERM, after the requests that run.

  --check   ask the server that runs here whether it is well: exit code 0 or 1

AIRVEC_MODEL, AIRVEC_INDEX, AIRVEC_RERANKER    folders to serve
AIRVEC_HOST, AIRVEC_PORT                       where to listen (all addresses of IPv4, 8080)
AIRVEC_THREADS                                 threads that compute (the CPUs that this process may use)
AIRVEC_MAX_AT_ONCE                             requests that are computed at once (as many as threads)
AIRVEC_MAX_BODY_BYTES, AIRVEC_MAX_TEXTS, AIRVEC_MAX_TOKENS    limits of a request (6291456, 512, 65536)
AIRVEC_LOG                                     on, or off: a line for each request
"""
SECONDS_TO_SEND = 30  # what a client may take between two of its bytes
SECONDS_TO_CHECK = 4
SECONDS_TO_RETRY = 1
Handle = Callable[[dict[str, Any]], dict[str, Any]]


class Server(ThreadingHTTPServer):
    """Listens; hands each request to a function that answers events of API Gateway, payload format 2.0."""

    daemon_threads = True  # an idle connection does not keep the process; `Turns.wait` is for the others
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], handle: Handle, limits: Limits, turns: Turns, log: bool = False
    ) -> None:
        try:
            super().__init__(address, Exchange)
        except OSError as error:
            raise ArgumentError(
                f"AIRVEC_HOST, AIRVEC_PORT: cannot listen on {address[0] or 'all addresses'}, port {address[1]} "
                f"({error.strerror or error}), expected an address of this machine and a free port. Set them so."
            ) from None
        self.handle, self.limits, self.turns, self.log = handle, limits, turns, log

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
        turns = self.listener.turns
        if self._asks_health():
            discard(self.headers, self.rfile)
            self._send(self.listener.handle(self._event(b"")))
            return
        try:
            turns.enter()
        except RequestError as error:
            discard(self.headers, self.rfile)
            self._refuse(error)
            return
        try:
            body = receive(self.headers, self.rfile, self.listener.limits)  # before its turn: a client may be slow
            with turns.turn():
                answer = self.listener.handle(self._event(body))
            self._send(answer)
        except RequestError as error:
            self._refuse(error)
        finally:
            turns.leave()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 (the parent looks for these)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the parent's name)
        """Nothing: the service writes a line for each request."""

    def _asks_health(self) -> bool:
        """Whether nothing has to be computed, so that a server with much to do still says that it is well."""
        last = self.path.partition("?")[0].rstrip("/").rpartition("/")[2]
        return self.command in ("GET", "HEAD") and last in ("", "health")

    def _event(self, body: bytes) -> dict[str, Any]:
        """The request as an event.

        Raises:
            RequestError: 400, no UTF-8.
        """
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            raise RequestError(400, f"body: no UTF-8 ({error.reason} at byte {error.start}). Encode it so.") from None
        path = self.path.partition("?")[0]
        context = {
            "http": {"method": self.command, "path": path},
            "requestId": self._request_id(),
        }
        return {"version": "2.0", "rawPath": path, "body": text, "requestContext": context}

    def _request_id(self) -> str:
        return self.headers.get("X-Request-Id", "")[:SHOWN]

    def _refuse(self, error: RequestError) -> None:
        """Answer what the service does not get to see."""
        if self.listener.log:
            line = {
                "request_id": self._request_id(),
                "method": self.command,
                "path": self.path.partition("?")[0][:SHOWN],
            }
            write_line(line | {"status": error.status, "error": error.kind})
        headers = {"retry-after": str(SECONDS_TO_RETRY)} if error.status == 503 else {}
        self._send({"statusCode": error.status, "headers": headers, "body": json.dumps(error.as_json())})

    def _send(self, answer: dict[str, Any]) -> None:
        content = answer["body"].encode()
        self.send_response(answer["statusCode"])
        fixed = {"content-type": "application/json", "content-length": str(len(content)), "connection": "close"}
        for name, value in (answer["headers"] | fixed).items():
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


def serve() -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        AirvecError: a variable that is wrong, a model that cannot be opened, an address that cannot be listened on.
    """
    address = (os.environ.get("AIRVEC_HOST", ""), stated_port())
    turns, limits, log = Turns(at_once_of(os.environ)), Limits.of(os.environ), wants_log(os.environ)
    from airvec.serverless import handler  # opens the model: nobody is served before

    with Server(address, handler, limits, turns, log) as server:

        def end() -> None:
            turns.close()
            server.shutdown()

        def stop(*_: object) -> None:
            # serve_forever runs in this very thread, and would wait for itself: another one tells it to end.
            threading.Thread(target=end).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        sys.stdout.write(f"airvec listens on port {server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()
        turns.wait()


def main(arguments: Sequence[str]) -> int:
    """Serve, check a server or print the help; answer the exit code."""
    if list(arguments) == ["--check"]:
        return 0 if is_well(stated_port()) else 1
    if list(arguments) in (["--help"], ["-h"]):
        sys.stdout.write(HELP)
        return 0
    if arguments:
        raise ArgumentError(
            f"http_server: {' '.join(arguments)!r:.60}, expected nothing, --check or --help. Variables set the rest."
        )
    serve()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except AirvecError as problem:
        sys.exit(f"airvec: error: {problem}")
