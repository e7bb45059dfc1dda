"""Mirrors runtime/airvec/serving/events.py."""

import json

import pytest

from airvec.serving.events import Answer, Form, form_of, is_ping, read_request, request_id_of, response
from airvec.serving.limits import Limits
from airvec.serving.problems import RequestError
from tests.runtime.serving.kinds import HTTP, REQUEST_ID, Context, balancer_many, http, post, read, rest, url

EVERY = pytest.mark.parametrize("kind", HTTP)
BODY = '{"texts": "grün 🍎"}'


def read_event(event, limits=Limits()):  # noqa: B008 - frozen
    return read_request(event, form_of(event), limits)


def refused(event, limits=Limits()):  # noqa: B008 - frozen
    with pytest.raises(RequestError) as caught:
        read_event(event, limits)
    return caught.value.status, str(caught.value)


@EVERY
@pytest.mark.parametrize("encoded", [False, True])
def test_every_kind_of_event_gives_the_same_request(kind, encoded):
    event = post(kind, json.loads(BODY), "/v1/encode/", encoded)
    found = read_event(event)
    assert (found.method, found.path, found.is_http) == ("POST", "encode", True)
    assert json.loads(found.body) == json.loads(BODY)


@pytest.mark.parametrize(
    ("event", "name"),
    [(rest("GET", "/", None), "v1"), (http("GET", "/", None), "v2"), (url("GET", "/", None), "v2"),
     (balancer_many("GET", "/", None), "alb"), ({"texts": "a"}, "direct"), ([], "direct"), (None, "direct"),
     ({"requestContext": 5, "httpMethod": None}, "direct")],
)  # fmt: skip
def test_events_are_told_apart(event, name):
    assert form_of(event).name == name


@EVERY
def test_the_root_is_no_path_whatever_the_stage(kind):
    assert read_event(HTTP[kind]("get", "/", None))[:4] == read_event(url("GET", "/", ""))[:4] == ("GET", "", b"", True)


@pytest.mark.parametrize("raw", ["/prod", "/prod/", "/", ""])
def test_a_stage_alone_is_the_root(raw):
    assert read_event({**http("GET", "/", None), "rawPath": raw}).path == ""


def test_utf8_is_kept_and_a_lower_case_method_is_one():
    found = read_event(url("post", "/encode", BODY))
    assert (found.body.decode(), found.method) == (BODY, "POST")


def test_a_direct_event_is_its_own_body_but_for_the_path():
    found = read_event({"path": "/rerank", "query": "grün", "half": "\ud83c"})
    assert (found.path, found.method, found.is_http) == ("rerank", "", False)
    assert json.loads(found.body.decode("utf-8", "surrogatepass")) == {"query": "grün", "half": "\ud83c"}
    assert read_event(["a"]).body == b'["a"]'


@EVERY
@pytest.mark.parametrize("body", ["!!!!", "YQ", "YQ==YQ==", "Yé==", "YQ=\n="])
def test_bad_base64_is_refused(kind, body):
    status, message = refused(HTTP[kind]("POST", "/encode", body, True))
    assert status == 400
    assert "body: " in message
    assert "expected base64, since isBase64Encoded is true" in message


@EVERY
@pytest.mark.parametrize("encoded", [False, True])
def test_a_body_may_have_as_many_bytes_as_the_limit_and_no_more(kind, encoded):
    event = post(kind, {"texts": "é" * 50}, encoded=encoded)
    size = len(read_event(event).body)
    assert read_event(event, Limits(body_bytes=size)).body
    status, message = refused(event, Limits(body_bytes=size - 1))
    assert status == 413
    assert f"body: {size} bytes, expected at most {size - 1}. Send fewer" in message
    assert "set AIRVEC_MAX_BODY_BYTES higher" in message


def test_the_limit_holds_for_direct_events_too():
    assert refused({"texts": "a" * 100}, Limits(body_bytes=100)) == (
        413,
        "body: 113 bytes, expected at most 100. Send fewer texts a request, or set AIRVEC_MAX_BODY_BYTES higher.",
    )


@pytest.mark.parametrize(
    ("event", "status", "message"),
    [({**rest("POST", "/encode", None), "body": {"texts": "a"}}, 400, "body: dict, expected a text that holds JSON"),
     ({"path": 5}, 422, "path: 5, expected a text such as '/encode'"),
     ({"texts": {1, 2}}, 400, "event: dict, expected JSON")],
)  # fmt: skip
def test_what_is_no_request_is_refused(event, status, message):
    found, said = refused(event)
    assert (found, message in said) == (status, True), said


def test_lambdas_request_id_comes_first():
    assert request_id_of({"texts": "a"}, Context()) == REQUEST_ID
    assert request_id_of(rest("GET", "/", None), None) == "rest-1"
    assert request_id_of({"requestContext": {"requestId": 5}}, None) == request_id_of([], None) == ""


@pytest.mark.parametrize("source", ["aws.events", "aws.scheduler"])
def test_schedules_are_pings(source):
    scheduled = {"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": source, "detail": {}}
    assert is_ping(scheduled)
    assert not is_ping({**scheduled, "detail-type": "Object Created"})
    assert not is_ping({"warmup": "true"})
    assert not is_ping(["warmup"])


@pytest.mark.parametrize("kind", [*HTTP, "direct"])
def test_an_answer_takes_the_shape_of_its_event(kind):
    event = post(kind, {"texts": "a"})
    made = response(form_of(event), Answer(405, {"error": {"status": 405}}, '{"error":{"status":405}}', "POST"))
    assert read(kind, made) == (405, {"error": {"status": 405}})
    if kind == "balancer_many":
        assert made["multiValueHeaders"] == {"content-type": ["application/json"], "allow": ["POST"]}
    elif kind != "direct":
        assert made["headers"] == {"content-type": "application/json", "allow": "POST"}


def test_a_load_balancer_is_told_the_phrase():
    assert response(Form("alb"), Answer(200, {}, "{}"))["statusDescription"] == "200 OK"
