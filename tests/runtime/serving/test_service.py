"""Mirrors runtime/airvec/serving/service.py: every event gets an answer, and so does the next one."""

import json
import logging
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airvec.serving.service import Service
from tests.runtime.serving.kinds import HTTP, REQUEST_ID, Context, post, read, rest, url

KINDS = pytest.mark.parametrize("kind", [*HTTP, "direct"])
OVER_HTTP = pytest.mark.parametrize("kind", HTTP)
GOOD = {"texts": ["a cat", "a kitten"]}
SECRET = "the-words-of-a-user"


def ask(made: Service, kind, event):
    return read(kind, made.answer(event, Context()))


def still_works(made, kind):
    status, result = ask(made, kind, post(kind, GOOD))
    assert (status, result["dim"], len(result["embeddings"])) == (200, 256, 2)


@KINDS
@pytest.mark.parametrize("path", ["/encode", "/", "/v1/encode/"])
@pytest.mark.parametrize("encoded", [False, True])
def test_every_kind_of_event_gets_the_same_embeddings(static, kind, path, encoded):
    expected = ask(static, "direct", GOOD)
    assert ask(static, kind, post(kind, GOOD, path, encoded)) == expected


BAD = {
    "a wrong type": ({"texts": 5}, 422, "texts: 5, expected a text or a list of texts"),
    "a number among the texts": ({"texts": ["a", None]}, 422, "texts[1]: null, expected a text. Correct it."),
    "a list": (["a"], 422, 'body: ["a"], expected a JSON object'),
    "an unknown key": ({"texts": "a", "colour": 1}, 422, "colour: unknown key, expected texts, task"),
    "no keys": ({}, 422, "texts: missing"),
    "10,000 texts": ({"texts": ["a"] * 10_000}, 413, "texts: 10,000 texts, expected at most 512"),
    "7 MB": ({"texts": "a" * 7_000_000}, 413, "expected at most 6,291,456. Send fewer texts"),
    "too many tokens": ({"texts": ["a b c d "] * 20_000}, 413, "texts"),
    "half a character": ({"texts": ["\ud83c"]}, 422, "texts[0]: character 0 is U+D83C"),
    "half a character in a key": ({"\ud83c": 1}, 422, "unknown key"),
    "a bad value": ({"texts": "a", "truncate_dim": -1}, 422, "truncate_dim: -1"),
    "a task that it cannot do": (({"query": "a", "documents": ["b"]}, "/rerank"), 422, "rerank: needs a CrossEncoder"),
    "an unknown path": (({"texts": "a"}, "/embed"), 404, "/embed', expected one of /encode, /similarity, /health"),
}


@KINDS
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_request_gets_its_status_and_the_next_one_its_embeddings(static, kind, bad):
    given, status, message = BAD[bad]
    values, path = given if isinstance(given, tuple) else (given, "/encode")
    found, result = ask(static, kind, post(kind, values, path))
    error = result["error"]
    assert (found, error["status"], message in error["message"]) == (status, status, True), error
    assert set(error) == {"status", "type", "message"}
    assert "Traceback" not in error["message"]
    still_works(static, kind)


@OVER_HTTP
@pytest.mark.parametrize(
    ("body", "encoded", "message"),
    [(None, False, "body: 0 bytes, expected a JSON object"), ("", False, "body: 0 bytes"), ("", True, "body: 0 bytes"),
     ("%%%", True, "expected base64"), ("/w==", True, "body: byte 0 is 0xff, expected JSON in UTF-8"),
     ("{texts", False, "body: not JSON"), ("texts=a", False, "body: not JSON"), ('{"texts": NaN}', False, "not JSON"),
     ("eyJ0ZXh0cyI6ICJhIn0=", False, "body: not JSON")],
)  # fmt: skip
def test_a_bad_body_is_a_bad_request(static, kind, body, encoded, message):
    status, result = ask(static, kind, HTTP[kind]("POST", "/encode", body, encoded))
    assert (status, result["error"]["type"]) == (400, "bad_request")
    assert message in result["error"]["message"]
    still_works(static, kind)


@OVER_HTTP
def test_an_unknown_path_is_named_whole(static, kind):
    status, found = ask(static, kind, HTTP[kind]("POST", "/v1/embeddings", "{}"))
    assert (status, "/v1/embeddings', expected one of" in found["error"]["message"]) == (404, True)


@OVER_HTTP
@pytest.mark.parametrize("path", ["/", "/health"])
def test_a_head_is_a_get(static, kind, path):
    assert ask(static, kind, HTTP[kind]("HEAD", path, None)) == ask(static, kind, HTTP[kind]("GET", path, None))
    assert ask(static, kind, HTTP[kind]("HEAD", "/encode", None))[0] == 405


def test_no_event_at_all_is_no_body(static):
    assert static.answer(None)["error"]["status"] == 400
    assert static.answer({})["error"]["status"] == 422


@OVER_HTTP
@pytest.mark.parametrize("path", ["/", "/health"])
def test_health_says_what_is_here(search, kind, path):
    status, found = ask(search, kind, HTTP[kind]("GET", path, None))
    assert (status, found["status"], found["model"], found["class"]) == (200, "ok", "static-en", "SentenceTransformer")
    assert (found["tasks"], found["documents"]) == (["encode", "similarity", "search"], 4)
    assert ask(search, "direct", {"path": "/health"}) == (200, found)


@OVER_HTTP
@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("GET", "/encode", "POST"), ("PUT", "/", "GET, POST"), ("POST", "/health", "GET"), ("", "/encode", "POST")],
)
def test_a_wrong_method_is_told_the_right_one(static, kind, method, path, allow):
    made = static.answer(HTTP[kind](method, path, '{"texts": "a"}'))
    assert read(kind, made)[0] == 405
    headers = made.get("headers") or {name: value for name, [value] in made["multiValueHeaders"].items()}
    assert headers["allow"] == allow


def test_health_says_what_is_computed_with(static, ranker):
    static, ranked = (ask(made, "direct", {"path": "/health"})[1] for made in (static, ranker))
    assert (static["graph"], static["variant"]) == (None, None)
    assert (ranked["graph"], ranked["variant"]) == ("model.onnx", "fp32")


def test_a_handler_of_one_task_does_not_look_at_the_path(static):
    for path in ("/", "/anything", "/similarity"):
        assert read("url", static.answer(url("POST", path, '{"texts": "a"}'), None, "encode"))[1]["dim"] == 256
    assert read("url", static.answer(url("GET", "/anything", None), None, "encode"))[0] == 405
    assert read("url", static.answer(url("GET", "/health", None), None, "encode"))[1]["status"] == "ok"
    assert read("direct", static.answer({"query": "a"}, None, "search"))[0] == 422


@pytest.mark.parametrize("event", [{"warmup": True}, {"source": "aws.events", "detail-type": "Scheduled Event"}])
def test_a_ping_is_answered_without_the_model(static, event, monkeypatch):
    monkeypatch.setattr(static.opened.model, "encode", None)
    assert static.answer(event) == {"warmup": True, "model": "static-en"}


@KINDS
def test_an_answer_that_the_platform_would_refuse_is_a_413(static, kind):
    made = replace(static, limits=replace(static.limits, texts=10_000, tokens=10**6))
    status, result = ask(made, kind, post(kind, {"texts": ["a cat on a mat"] * 3000}))
    assert (status, "the platform's own limit" in result["error"]["message"]) == (413, True)
    status, result = ask(
        made, kind, post(kind, {"texts": ["a cat"] * 3000, "encoding_format": "base64", "truncate_dim": 32})
    )
    assert (status, len(result.get("embeddings", []))) == (200, 3000)


@KINDS
@pytest.mark.parametrize("error", [ValueError(SECRET), MemoryError(SECRET), BaseException(SECRET)])
def test_a_failure_inside_says_nothing_of_itself_but_to_the_log(static, kind, error, monkeypatch, capsys):
    def fail(*_, **__):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(static.opened.model, "encode", fail)
        status, result = ask(static, kind, post(kind, GOOD))
    message = result["error"]["message"]
    assert (status, result["error"]["type"]) == (500, "internal_error")
    assert SECRET not in message
    assert "/" not in message
    line = json.loads(capsys.readouterr().out)
    assert (line["request_id"], line["status"]) == (REQUEST_ID, 500)
    assert "Traceback" in line["traceback"]
    assert SECRET in line["traceback"]
    still_works(static, kind)


def test_the_program_can_be_stopped(static, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(static.opened.model, "encode", stop)
    with pytest.raises(KeyboardInterrupt):
        static.answer(GOOD)


def test_a_line_a_request_says_what_happened_and_nothing_of_the_texts(static, capsys):
    made = replace(static, log=True)
    made.answer({"texts": [SECRET, "b"]}, Context())
    made.answer(rest("POST", "/encode", f'{{"{SECRET}": 1}}'))
    made.answer({"texts": {SECRET: 1}})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.pop("ms") >= 0 for line in lines] == [True] * 3
    assert lines[0]["tokens"] > 2
    assert {**lines[0], "tokens": 9} == {
        "request_id": REQUEST_ID, "task": "encode", "status": 200, "texts": 2, "tokens": 9,
    }  # fmt: skip
    assert lines[1] == {
        "request_id": "rest-1", "method": "POST", "path": "/encode", "status": 422, "error": "invalid_request",
    }  # fmt: skip
    assert lines[2] == {"request_id": "", "status": 422, "error": "invalid_request"}
    static.answer(GOOD)
    assert capsys.readouterr().out == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["texts", "task", "query", "documents", "truncate_dim", "path", "precision", "httpMethod", "body", "rawPath",
     "isBase64Encoded", "requestContext", "http", "elb", "stage", "method", "texts1", "headers", "warmup", "prompt"]
)  # fmt: skip
EVENTS = JSON | st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON, max_size=3), max_size=6)
QUIET = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(event=EVENTS)
def test_any_event_gets_an_answer_with_a_status(static, event):
    made = static.answer(event)
    json.dumps(made, allow_nan=False).encode()
    status = made.get("statusCode") or made.get("error", {"status": 200})["status"]
    assert status in (200, 400, 404, 405, 413, 422)


@QUIET
@given(values=st.dictionaries(KEYS, JSON, max_size=4), kind=st.sampled_from(list(HTTP)))
def test_any_json_body_gets_an_answer_with_a_status(everything, values, kind):
    for path in ("/encode", "/similarity", "/rerank", "/search"):
        event = HTTP[kind]("POST", path, json.dumps(values))
        status, _ = read(kind, everything.answer(event))
        assert status in (200, 400, 413, 422)


def test_nothing_is_written_through_the_logging_of_python(static, caplog):
    with caplog.at_level(logging.DEBUG):
        static.answer({"texts": 5})
        replace(static, log=True).answer(GOOD)
    assert caplog.records == []
