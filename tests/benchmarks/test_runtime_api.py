"""benchmarks/measure/runtime_api.py: what a runtime client asks and tells, over HTTP by hand."""

import http.client
import json
import threading

import pytest
from measure.runtime_api import ROOT, FunctionEndedError, runtime_api


def ask(api, method: str, path: str, body=None, **headers: str):
    connection = http.client.HTTPConnection(api.address, timeout=10)
    connection.request(method, ROOT + path, body, headers, encode_chunked="Transfer-Encoding" in headers)
    answer = connection.getresponse()
    found = answer.status, answer.read(), dict(answer.headers)
    connection.close()
    return found


def answer_one(api, kind: str) -> None:
    """Take one event, send it back, and wait to be restored, as a function of SnapStart does."""
    _, body, headers = ask(api, "GET", "invocation/next")
    request = headers["Lambda-Runtime-Aws-Request-Id"]
    ask(api, "POST", f"invocation/{request}/{kind}", iter([body[:3], body[3:]]), **{"Transfer-Encoding": "chunked"})
    ask(api, "GET", "restore/next")


@pytest.mark.parametrize("kind", ["response", "error"])
def test_an_event_comes_back_with_its_kind_and_time(kind):
    with runtime_api() as api:
        function = threading.Thread(target=answer_one, args=(api, kind))
        function.start()
        api.expect("next", timeout=10)
        api.events.put(json.dumps({"text": "é"}).encode())
        told = api.expect("response", "error", timeout=10)
        assert (told.kind, told.json()) == (kind, {"text": "é"})
        assert 0 < told.seconds < 10
        assert api.expect("restore/next", timeout=10).body == b""
        api.events.put(b"")
        function.join(timeout=10)


def test_an_error_of_the_start_is_told():
    with runtime_api() as api:
        status, *_ = ask(api, "POST", "init/error", json.dumps({"errorMessage": "no model"}).encode())
        assert status == 202
        assert api.expect("init/error").json() == {"errorMessage": "no model"}


def test_an_unknown_address_is_not_found():
    with runtime_api() as api:
        assert ask(api, "GET", "invocation/last")[0] == 404


def test_what_was_not_expected_is_an_error_that_shows_it():
    with runtime_api() as api:
        ask(api, "POST", "init/error", b"the model is damaged")
        with pytest.raises(FunctionEndedError, match="init/error: b'the model is damaged', expected next"):
            api.expect("next")


def test_a_function_that_says_nothing_is_an_error_in_time():
    with runtime_api() as api, pytest.raises(FunctionEndedError, match=r"nothing in 0.01 s, expected next"):
        api.expect("next", timeout=0.01)
