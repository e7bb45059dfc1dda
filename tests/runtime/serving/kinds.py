"""Events as API Gateway, function URLs and load balancers send them, and what their responses say.

Knows nothing of airvec.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

REQUEST_ID = "11111111-2222-3333-4444-555555555555"


class Context:
    """What Lambda passes beside the event."""

    aws_request_id = REQUEST_ID


def rest(method: str, path: str, body: str | None, encoded: bool = False) -> dict[str, Any]:
    """API Gateway's REST API."""
    headers = {"Content-Type": "application/json", "Host": "api.example"}
    return {
        "resource": "/{proxy+}", "path": path, "httpMethod": method, "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None, "pathParameters": {"proxy": path.strip("/")}, "stageVariables": None,
        "requestContext": {"stage": "prod", "requestId": "rest-1", "httpMethod": method, "path": f"/prod{path}"},
        "body": body, "isBase64Encoded": encoded,
    }  # fmt: skip


def http(method: str, path: str, body: str | None, encoded: bool = False, stage: str = "prod") -> dict[str, Any]:
    """API Gateway's HTTP API, or a function URL (stage `$default`)."""
    raw = path if stage == "$default" else f"/{stage}{path}".rstrip("/")
    event = {
        "version": "2.0", "routeKey": "$default", "rawPath": raw, "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "api.example"},
        "requestContext": {"stage": stage, "requestId": "http-1", "http": {"method": method, "path": raw}},
        "isBase64Encoded": encoded,
    }  # fmt: skip
    return event if body is None else event | {"body": body}


def url(method: str, path: str, body: str | None, encoded: bool = False) -> dict[str, Any]:
    """A function URL."""
    return http(method, path, body, encoded, "$default")


def balancer(method: str, path: str, body: str | None, encoded: bool = False) -> dict[str, Any]:
    """An Application Load Balancer."""
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a/b"}},
        "httpMethod": method, "path": path, "queryStringParameters": {},
        "headers": {"content-type": "application/json"}, "body": body or "", "isBase64Encoded": encoded,
    }  # fmt: skip


def balancer_many(method: str, path: str, body: str | None, encoded: bool = False) -> dict[str, Any]:
    """An Application Load Balancer that sends headers with several values."""
    event = balancer(method, path, body, encoded)
    headers = {name: [value] for name, value in event.pop("headers").items()}
    return event | {"multiValueHeaders": headers}


HTTP: dict[str, Callable[..., dict[str, Any]]] = {
    "rest": rest, "http": http, "url": url, "balancer": balancer, "balancer_many": balancer_many,
}  # fmt: skip


def post(kind: str, values: Any, path: str = "/encode", encoded: bool = False) -> Any:
    """A POST of JSON values by a kind of event; `"direct"` puts the path among them."""
    if kind == "direct":
        return {**values, "path": path} if isinstance(values, dict) else values
    body = json.dumps(values)
    return HTTP[kind]("POST", path, b64encode(body.encode()).decode() if encoded else body, encoded)


def read(kind: str, response: dict[str, Any]) -> tuple[int, Any]:
    """Status and JSON of a response, whose shape is checked."""
    json.dumps(response, allow_nan=False)
    if kind == "direct":
        return response.get("error", {"status": 200})["status"], response
    shape = {"statusCode", "body", "isBase64Encoded"}
    shape.add("multiValueHeaders" if kind == "balancer_many" else "headers")
    shape.update({"statusDescription"} if kind.startswith("balancer") else ())
    assert set(response) == shape
    headers = response.get("headers") or {name: value for name, [value] in response["multiValueHeaders"].items()}
    assert headers["content-type"] == "application/json"
    assert response["isBase64Encoded"] is False
    assert response.get("statusDescription", str(response["statusCode"])).startswith(str(response["statusCode"]))
    return response["statusCode"], json.loads(response["body"])
