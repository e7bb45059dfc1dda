"""Mirrors runtime/airvec/hub/client.py: downloads that go well in the end, whatever happens on the way."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event

import pytest

from tests.hub_process import FIND, TRY, Client
from tests.hub_server import answering

GRAPH, DATA = "onnx/model.onnx", "onnx/model.onnx_data"
LISTED = "GET /api/models/org/words"
CHUNK = 10 * 2**20  # the client writes so much at once, and resumes there


def test_a_busy_hub_is_asked_again(hub, client):
    hub.busy = [429, 503, 500]
    assert client.find().result == str(client.snapshot())
    assert hub.asked.count(LISTED) == 4


def test_a_hub_that_stumbles_over_a_file_is_asked_again(hub, client):
    stumbled = []

    def stumble():
        if not stumbled:
            stumbled.append(hub.busy.append(500))

    hub.midway["config.json"] = stumble  # the next request, whichever it is, fails
    assert client.find().result == str(client.snapshot())
    assert stumbled


def test_a_connection_cut_in_the_middle_is_resumed_where_it_broke(hub, client, words):
    (words / DATA).write_bytes(bytes(CHUNK + 2_000_000))
    hub.cuts[DATA] = [CHUNK + 1_000_000]
    found = client.find()
    assert (Path(found.result) / DATA).stat().st_size == CHUNK + 2_000_000
    assert hub.sent[DATA] == CHUNK + 1_000_000 + 2_000_000
    assert client.leftovers() == []


def test_two_processes_at_once_both_succeed_and_fetch_a_large_file_once(hub, client):
    hub.midway[GRAPH] = lambda: hub.wait_for(f"HEAD {GRAPH}", 2)
    code = TRY.format(before="", code=FIND.format(repr("org/words"), ""))
    running = [client.start(code), client.start(code)]
    found = [json.loads(process.communicate()[0].splitlines()[-1]) for process in running]
    assert found == [[str(client.snapshot()), None, []]] * 2
    assert hub.fetched.count(GRAPH) == 1


def test_an_interrupt_leaves_nothing_half_and_ends_at_once(hub, client, words):
    (words / DATA).write_bytes(bytes(CHUNK))
    half, over = Event(), Event()
    hub.midway[DATA] = lambda: (half.set(), over.wait(60))
    running = client.start(TRY.format(before="", code=FIND.format(repr("org/words"), "")))
    assert half.wait(60)
    running.send_signal(signal.SIGINT)
    stderr = running.communicate(timeout=30)[1]
    over.set()
    assert "KeyboardInterrupt" in stderr
    assert client.leftovers() == []
    assert not (client.snapshot() / DATA).exists()
    hub.midway.clear()
    assert client.find().problem is None


def test_the_proxy_of_the_environment_is_used(words, tmp_path):
    seen = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.path)
            self.send_response(502)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Stay silent."""

    with answering(Proxy) as address:
        client = Client(tmp_path / "home", "http://hub.invalid")
        found = client.find(HTTP_PROXY=address)
    assert seen == ["http://hub.invalid/api/models/org/words?blobs=true"] * 4
    assert found.message.startswith("org/words: the Hub answers 502, again and again")


@pytest.mark.parametrize("revision", ["''", "3", "'../main'"])
def test_what_can_be_no_revision_is_refused(hub, client, revision):
    found = client.find(options=f"revision={revision}")
    assert found.problem == (
        "ArgumentError", f"revision: {revision}, expected a branch, a tag or a commit. Correct it."
    )  # fmt: skip
    assert hub.asked == []


@pytest.mark.parametrize(
    ("terminal", "variables", "bars"),
    [(False, {}, False), (True, {}, True), (True, {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}, False)],
)
def test_a_bar_is_drawn_for_a_large_file_and_only_where_a_person_watches(client, words, terminal, variables, bars):
    (words / DATA).write_bytes(bytes(6_000_000))
    code = TRY.format(before="", code=FIND.format(repr("org/words"), ""))
    shown = on_terminal(client, code, **variables) if terminal else client.run("-c", code, **variables).stderr
    assert ("6.00M/6.00M" in shown) == bars
    assert shown == "" or bars
    assert "json" not in shown


def on_terminal(client: Client, code: str, **variables: str) -> str:
    """What a process writes to a stderr that is a terminal."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env=client.environment(**variables), stdout=subprocess.DEVNULL, stderr=theirs):
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # Linux reports the end of a terminal so
            pass
    os.close(ours)
    return shown.decode()
