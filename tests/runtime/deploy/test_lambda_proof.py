"""Layers on a bare Python, run by AWS's own runtime client: events, bad events, damaged models, snapshots."""

import base64
import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from measure.function import function

from airvec import SentenceTransformer

pytestmark = pytest.mark.deploy
TEXTS = ["The cat sleeps.", "Share prices fell."]
PROBE = """
import importlib.metadata, importlib.util, json, sys
import airvec, numpy
places = {entry.metadata["Name"]: str(entry.locate_file("")) for entry in importlib.metadata.distributions()}
absent = ("pip", "torch", "huggingface_hub", "onnxruntime", "scipy", "setuptools")
print(json.dumps({"places": places, "numpy": numpy.__file__, "path": sys.path,
                  "found": [name for name in absent if importlib.util.find_spec(name)]}))
"""


def http_v2(body, path="/encode", **more):
    context = {"http": {"method": "POST", "path": path}, "stage": "$default", "requestId": "r"}
    return {"version": "2.0", "rawPath": path, "requestContext": context, "body": body, **more}


def http_v1(body, path="/encode", **more):
    return {"httpMethod": "POST", "path": path, "requestContext": {"stage": "prod"}, "body": body, **more}


def http_alb(body, path="/encode", **more):
    return {**http_v1(body, path), "requestContext": {"elb": {"targetGroupArn": "arn"}}, "headers": {}, **more}


def in_base64(text):
    return base64.b64encode(text.encode()).decode()


GOOD = {
    "direct": {"texts": TEXTS},
    "function URL or API Gateway v2": http_v2(json.dumps({"texts": TEXTS})),
    "v2 in base64": http_v2(in_base64(json.dumps({"texts": TEXTS})), isBase64Encoded=True),
    "API Gateway v1": http_v1(json.dumps({"texts": TEXTS})),
    "a load balancer": http_alb(json.dumps({"texts": TEXTS})),
}
BAD = {
    "no body": (http_v2(None), 400),
    "an empty body": (http_v1(""), 400),
    "no base64": (http_v2("****", isBase64Encoded=True), 400),
    "base64 of no JSON": (http_v2(in_base64("{"), isBase64Encoded=True), 400),
    "wrong JSON": (http_v2('{"texts": ["a"'), 400),
    "a list": (http_v2('["a"]'), 422),
    "numbers for texts": (http_v1('{"texts": [1, 2]}'), 422),
    "null for texts": (http_alb('{"texts": null}'), 422),
    "an unknown key": (http_v2('{"text": "a"}'), 422),
    "7 MB": (http_v2(json.dumps({"texts": ["x" * 7_000_000]})), 413),
    "7 MB, direct": ({"texts": ["x" * 7_000_000]}, 413),
    "10,000 texts": (http_v2(json.dumps({"texts": ["a"] * 10_000})), 413),
    "10,000 texts, direct": ({"texts": ["a"] * 10_000}, 413),
    "an unknown path": (http_v2("{}", "/embed"), 404),
    "a direct event that is no object": (["a"], 422),
    "a direct event of numbers": (7, 422),
}


@pytest.fixture(scope="module")
def static(static_layer, place):
    """One running function of the static layer; every test that takes it sees what the others left."""
    with function(place(static_layer), memory_mb=512) as running:
        running.ready()
        yield running


def read(told) -> tuple[int, dict]:
    """Status and answer, whatever the event's kind."""
    assert told.kind == "response", told.body
    answer = told.json()
    if "statusCode" in answer:
        return answer["statusCode"], json.loads(answer["body"])
    return answer.get("error", {}).get("status", 200), answer


def test_nothing_but_the_layer_and_the_client_can_be_imported(static_layer, place):
    where = place(static_layer)
    words, variables = where.command("-c", PROBE), where.environment(512)
    done = subprocess.run(words, env=variables, capture_output=True, cwd=where.task, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert found["found"] == []
    assert Path(found["numpy"]).is_relative_to(static_layer)
    inside = (f"{static_layer}/python", where.client)
    assert {name: path for name, path in found["places"].items() if not path.startswith(inside)} == {}
    assert {"awslambdaric", "numpy", "tokenizers"} <= found["places"].keys()


@pytest.mark.parametrize("kind", GOOD)
def test_every_kind_of_event_is_answered_with_the_models_vectors(static, kind):
    status, answer = read(static.invoke(GOOD[kind]))
    assert status == 200
    np.testing.assert_allclose(answer["embeddings"], SentenceTransformer().encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_event_has_its_status_and_the_next_one_is_answered(static, kind):
    event, expected = BAD[kind]
    told = static.invoke(event)
    status, answer = read(told)
    assert (status, answer["error"]["status"]) == (expected, expected), answer
    assert answer["error"]["message"]
    assert b"Traceback" not in told.body
    assert b"stackTrace" not in told.body
    assert read(static.invoke(GOOD["direct"]))[0] == 200


def test_a_handler_of_one_task_does_it_whatever_the_path(static_layer, place):
    with function(place(static_layer), handler="airvec.serverless.similarity") as running:
        running.ready()
        status, answer = read(running.invoke(http_v2(json.dumps({"texts": TEXTS}), "/")))
        assert status == 200
        np.testing.assert_allclose(np.diag(answer["similarities"]), [1, 1], atol=1e-6)


def test_an_event_that_is_no_json_is_refused_by_the_client_and_the_next_one_is_answered(static):
    told = static.invoke(b'{"texts": ')
    assert told.kind == "error"
    assert told.json()["errorType"] == "Runtime.UnmarshalError"
    assert read(static.invoke(GOOD["direct"]))[0] == 200


def test_a_damaged_model_ends_the_start_with_our_message(static_layer, place, damaged):
    with function(place(static_layer), variables={"AIRVEC_MODEL": str(damaged)}) as running:
        told = running.api.expect("init/error", "next")
        assert told.kind == "init/error"
        message = told.json()["errorMessage"]
        assert "tokenizer.json" in message
        assert "damaged" in message
        assert running.process.wait(30) == 1


def test_a_snapshot_taken_after_the_start_answers_when_it_is_restored(static_layer, place):
    """As SnapStart's own protocol has it, the process stopped in between; its memory stays, its time passes."""
    with function(place(static_layer), variables={"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}) as running:
        running.api.expect("restore/next")
        running.process.send_signal(signal.SIGSTOP)
        wait_for_state(running.process.pid, "T")
        running.process.send_signal(signal.SIGCONT)
        running.api.events.put(b"")
        running.ready()
        assert read(running.invoke(GOOD["direct"]))[0] == 200


def wait_for_state(pid: int, state: str) -> None:
    end = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != state:
        assert time.monotonic() < end, f"process {pid} is not in state {state}"
