"""Lambda's Runtime API on the loopback address: AWS's own runtime client asks it for events and tells it the answers.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, and `restore/next` as awslambdaric asks for it.
Knows nothing of what is in an event, or of who answers: that is function.py.
"""

import json
import queue
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

ROOT = "/2018-06-01/runtime/"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:airvec"
DEADLINE_S = 30.0


class FunctionEndedError(RuntimeError):
    """The function's process ended, or said something else than what was waited for."""


@dataclass(frozen=True)
class Told:
    """What the function told: its kind (the last part of the address, or "ended"), the body, and when (perf_counter).

    `seconds`: of an answer, from the event's last byte sent to the answer's last byte read.
    """

    kind: str
    body: bytes
    at: float
    seconds: float = 0.0

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class RuntimeApi(ThreadingHTTPServer):
    """Hands out one event at a time, and keeps what it is told in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.events: queue.Queue[bytes | None] = queue.Queue()
        self.told: queue.Queue[Told] = queue.Queue()
        self.number, self.sent = 0, 0.0

    @property
    def address(self) -> str:
        """HOST:PORT, as AWS_LAMBDA_RUNTIME_API has it."""
        return f"127.0.0.1:{self.server_address[1]}"

    def expect(self, *kinds: str, timeout: float = 60.0) -> Told:
        """The next thing that is told.

        Raises:
            FunctionEndedError: it is of another kind, or nothing came in `timeout` seconds.
        """
        try:
            told = self.told.get(timeout=timeout)
        except queue.Empty:
            raise FunctionEndedError(f"nothing in {timeout} s, expected {' or '.join(kinds)}") from None
        if told.kind not in kinds:
            raise FunctionEndedError(f"{told.kind}: {told.body[:2000]!r}, expected {' or '.join(kinds)}")
        return told

    def invoke(self, event: object, timeout: float = 60.0) -> Told:
        """Give one event (bytes as they are, anything else as JSON) to a function that asked for one; its answer.

        Raises:
            FunctionEndedError: the process ended, or gave no answer in time.
        """
        self.events.put(event if isinstance(event, bytes) else json.dumps(event).encode())
        told = self.expect("response", "error", timeout=timeout)
        self.expect("next", timeout=timeout)
        return told


@contextmanager
def runtime_api() -> Generator[RuntimeApi]:
    """Serve on a free port until the block ends."""
    with RuntimeApi() as api:
        thread = threading.Thread(target=api.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield api
        finally:
            api.events.put(None)
            api.shutdown()
            thread.join()


class _Request(BaseHTTPRequestHandler):
    """One connection of the runtime client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """`invocation/next` waits for an event; `restore/next`, of SnapStart, for the word that it was restored."""
        api, kind = self._api(), self.path.removeprefix(ROOT)
        if kind not in ("invocation/next", "restore/next"):
            return self._answer(404, b"")
        api.told.put(Told("next" if kind == "invocation/next" else kind, b"", time.perf_counter()))
        event = api.events.get()
        if event is None:
            self.close_connection = True
            return None
        if kind == "restore/next":
            return self._answer(200, b"")
        api.number += 1
        headers = {
            "Lambda-Runtime-Aws-Request-Id": f"00000000-0000-0000-0000-{api.number:012}",
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + DEADLINE_S) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
        }
        self._answer(200, event, headers)
        api.sent = time.perf_counter()
        return None

    def do_POST(self) -> None:
        """An answer, an error in place of one, or the error that ended the start."""
        api = self._api()
        body, at = self._body(), time.perf_counter()
        kind = self.path.removeprefix(ROOT)
        self._answer(202, b'{"status":"OK"}')
        if kind.startswith("invocation/"):
            kind = kind.rpartition("/")[2]
        api.told.put(Told(kind, body, at, at - api.sent))

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def _api(self) -> RuntimeApi:
        return cast("RuntimeApi", self.server)

    def _body(self) -> bytes:
        """The body, by its length or in chunks: awslambdaric's curl sends a large one in chunks."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
