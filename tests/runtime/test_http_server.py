"""Mirrors runtime/airvec/http_server.py."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest

from airvec.errors import ArgumentError
from airvec.http_server import Server, is_well, main, stated_port
from airvec.serving.limits import Limits
from airvec.serving.turns import Turns

HOST = "127.0.0.1"


def echo(event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}


@contextmanager
def serving(handle: Callable = echo, turns: Turns | None = None, log: bool = False) -> Generator[Server]:
    with Server((HOST, 0), handle, Limits(body_bytes=100), turns or Turns(4), log) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def ask(server: Server, method: str = "POST", path: str = "/encode", body: Any = None, headers: Any = None):
    connection = HTTPConnection(HOST, server.server_port, timeout=20)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, json.loads(content) if content else None


def raw(server: Server, sent: bytes) -> bytes:
    with socket.create_connection((HOST, server.server_port), timeout=20) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1000), b""))


def test_a_request_becomes_an_event_and_its_answer_the_response():
    with serving() as server:
        status, headers, event = ask(server, "POST", "/stage/encode?x=1", '{"texts": "é"}'.encode())
    assert status == 200
    assert (headers["content-type"], headers["connection"]) == ("application/json", "close")
    assert event == {
        "version": "2.0",
        "rawPath": "/stage/encode",
        "body": '{"texts": "é"}',
        "requestContext": {"http": {"method": "POST", "path": "/stage/encode"}, "requestId": ""},
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_is_left_to_the_service(method):
    with serving() as server:
        assert ask(server, method)[2]["requestContext"]["http"]["method"] == method


def test_a_head_has_no_body():
    with serving() as server:
        status, headers, content = ask(server, "HEAD")
    assert (status, content) == (200, None)
    assert int(headers["content-length"]) > 0


def test_a_body_above_the_limit_is_refused_and_the_client_can_read_why():
    with serving() as server:
        status, _, answer = ask(server, body=b"x" * 7_000_000)
        assert status == answer["error"]["status"] == 413
        assert "7,000,000 bytes, expected at most 100" in answer["error"]["message"]
        assert ask(server, body=b"x" * 100)[0] == 200


@pytest.mark.parametrize("length", ["-1", "1.5", "", "9" * 20, "²"])
def test_a_length_that_is_none_is_refused(length):
    with serving() as server:
        answer = raw(server, f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode("latin-1"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"expected the body's bytes" in answer


def test_a_body_in_chunks_is_read():
    with serving() as server:
        assert ask(server, body=iter([b'{"texts":', b' "a"}']))[2]["body"] == '{"texts": "a"}'
        status, _, answer = ask(server, body=iter([b"x" * 70, b"y" * 70]))
    assert (status, "140 bytes, expected at most 100" in answer["error"]["message"]) == (413, True)


def test_a_compressed_body_is_refused():
    with serving() as server:
        assert ask(server, body=b"{}", headers={"Content-Encoding": "gzip"})[0] == 415


def test_the_id_of_a_request_goes_to_the_service_and_into_the_log(capsys):
    named = {"X-Request-Id": "id-1"}
    with serving(log=True) as server:
        assert ask(server, headers=named)[2]["requestContext"]["requestId"] == "id-1"
        ask(server, path="/encode?secret", body=b"\xff", headers=named)
    line = {"request_id": "id-1", "method": "POST", "path": "/encode", "status": 400, "error": "bad_request"}
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [line]


def test_a_body_that_ends_early_or_is_no_text_is_refused():
    with serving() as server:
        assert b"2 bytes came, expected 5" in raw(server, b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab")
        assert ask(server, body=b"\xff")[2]["error"]["message"].startswith(
            "body: no UTF-8 (invalid start byte at byte 0)"
        )


def test_what_is_no_http_is_answered_in_plain_text():
    with serving() as server:
        answer = raw(server, b"BREW pot HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 501 ")
    assert b"<" not in answer


def test_requests_are_answered_side_by_side():
    both = threading.Barrier(2, timeout=20)

    def together(event: dict[str, Any]) -> dict[str, Any]:
        both.wait()
        return echo(event)

    with serving(together) as server:
        seen: list[int] = []
        threads = [threading.Thread(target=lambda: seen.append(ask(server)[0])) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [200, 200]


class Slow:
    """Answers nothing but questions after its health until it may."""

    def __init__(self) -> None:
        self.started, self.go = threading.Semaphore(0), threading.Event()

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        if event["rawPath"] != "/health":
            self.started.release()
            assert self.go.wait(20)
        return echo(event)


def asking(server: Server, seen: list[int]) -> threading.Thread:
    thread = threading.Thread(target=lambda: seen.append(ask(server)[0]))
    thread.start()
    return thread


def test_a_server_with_much_to_do_says_that_it_is_well_and_refuses_more():
    slow, seen = Slow(), []
    with serving(slow, Turns(1, waiting=0)) as server:
        client = asking(server, seen)
        assert slow.started.acquire(timeout=20)
        assert is_well(server.server_port)
        assert ask(server, "HEAD", "/health")[0] == 200
        status, headers, answer = ask(server, body=b"x" * 100_000)
        assert (status, headers["retry-after"], answer["error"]["type"]) == (503, "1", "busy")
        slow.go.set()
        client.join(20)
    assert seen == [200]


def test_at_the_end_running_requests_are_answered_and_idle_connections_not_waited_for():
    slow, turns, seen = Slow(), Turns(1), []
    with serving(slow, turns) as server, socket.create_connection((HOST, server.server_port)):
        client = asking(server, seen)
        assert slow.started.acquire(timeout=20)
        turns.close()
        assert ask(server)[0] == 503
        waiting = threading.Thread(target=turns.wait)
        waiting.start()
        assert waiting.is_alive()
        slow.go.set()
        waiting.join(20)
        assert not waiting.is_alive()
        client.join(20)
    assert seen == [200]


def test_an_address_that_cannot_be_listened_on_is_said():
    with serving() as server:
        for host, port in ((HOST, server.server_port), ("::1", 0)):
            with pytest.raises(ArgumentError, match=f"cannot listen on {host}, port {port} [(].+, expected an address"):
                Server((host, port), echo, Limits(), Turns(1))


def test_the_help_names_every_variable(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in ("MODEL", "HOST", "PORT", "THREADS", "MAX_AT_ONCE", "MAX_BODY_BYTES", "MAX_TEXTS", "MAX_TOKENS", "LOG"):
        assert f"AIRVEC_{name}" in shown


@pytest.mark.parametrize(("kind", "told"), [(ConnectionResetError, False), (ValueError, True)])
def test_a_client_that_goes_away_is_no_error_of_ours(capsys, kind, told):
    def failing(event: dict[str, Any]) -> dict[str, Any]:
        raise kind(f"{event['rawPath']} failed")

    with serving(failing) as server:
        assert raw(server, b"GET /it HTTP/1.1\r\n\r\n") == b""
    assert ("/it failed" in capsys.readouterr().err) == told


def test_a_check_says_whether_a_server_answers_that_it_is_well(monkeypatch):
    sick = {"statusCode": 500, "headers": {}, "body": "{}"}
    with serving() as server, serving(lambda _: sick) as other:
        port = server.server_port
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        assert is_well(port)
        assert not is_well(other.server_port)
        monkeypatch.setenv("AIRVEC_PORT", str(port))
        assert main(["--check"]) == 0
    assert main(["--check"]) == 1


def test_other_arguments_are_refused():
    with pytest.raises(ArgumentError, match="'--chek', expected nothing, --check or --help"):
        main(["--chek"])


@pytest.mark.parametrize("stated", ["x", "-1", "65536", "8080.0", "²"])
def test_a_port_that_is_none_is_refused(monkeypatch, stated):
    monkeypatch.setenv("AIRVEC_PORT", stated)
    with pytest.raises(ArgumentError, match="AIRVEC_PORT: "):
        stated_port()


@pytest.mark.skipif(os.name != "posix", reason="ends it by a signal")
def test_a_process_serves_the_model_and_ends_with_0_on_sigterm():
    environment = os.environ | {"AIRVEC_HOST": HOST, "AIRVEC_PORT": "0", "AIRVEC_LOG": "off", "AIRVEC_MODEL": ""}
    with subprocess.Popen(
        [sys.executable, "-m", "airvec.http_server"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        port = int(process.stdout.readline().rsplit(" ", 1)[1])
        connection = HTTPConnection(HOST, port, timeout=60)
        connection.request("POST", "/encode", '{"texts": ["a boat"]}')
        assert json.loads(connection.getresponse().read())["dim"] == 256
        assert is_well(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not is_well(port)


def test_a_process_that_cannot_start_says_why_in_one_line():
    command = [sys.executable, "-m", "airvec.http_server", "--port"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.startswith("airvec: error: http_server: '--port', expected")
    assert ran.stderr.count("\n") == 1
