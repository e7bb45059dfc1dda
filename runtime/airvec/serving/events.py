"""Events of AWS Lambda → one `Request`; an answer → the response in the event's own shape.

    v1       API Gateway's REST APIs, and HTTP APIs with payload format 1.0
    v2       HTTP APIs, and function URLs
    alb      Application Load Balancers
    direct   anything else: the event itself is the request

No header is looked at: a body is read as JSON whatever its content type says, since `curl -d` and many a client say
`application/x-www-form-urlencoded` of JSON.
Knows nothing of what is asked for.
"""

import json
from binascii import a2b_base64
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from airvec.serving.limits import Limits
from airvec.serving.problems import STATUSES, RequestError

SCHEDULERS = ("aws.events", "aws.scheduler")
BASE64_GROUP = 4  # characters that hold 3 bytes


class Form(NamedTuple):
    """Which kind of event it is: decides the shape of the response.

    `many_headers` is a load balancer's setting: events and responses then have `multiValueHeaders` only.
    """

    name: str
    many_headers: bool = False

    @property
    def is_http(self) -> bool:
        """Whether the response has a status and headers."""
        return self.name != "direct"

    @property
    def platform(self) -> str:
        """The key of the size that the response may have, in `limits.ANSWER_BYTES`."""
        return "alb" if self.name == "alb" else "lambda"


class Request(NamedTuple):
    """What an event asks: `path` is the last part of `whole_path`, without slashes; a direct event has no method."""

    method: str
    path: str
    body: bytes
    is_http: bool
    whole_path: str = ""


class Answer(NamedTuple):
    """What goes back: the status, the result or error as a JSON object, and as the text of that object."""

    status: int
    result: Mapping[str, Any]
    body: str
    allow: str | None = None


def form_of(event: object) -> Form:
    """The kind of an event; whatever is none of HTTP's is direct.

    >>> form_of({"version": "2.0", "requestContext": {"http": {"method": "POST"}}}).name, form_of({"texts": "a"}).name
    ('v2', 'direct')
    """
    if not isinstance(event, dict):
        return Form("direct")
    given = cast("dict[str, object]", event)
    context = _section(given, "requestContext")
    if "elb" in context:
        return Form("alb", many_headers="headers" not in given and "multiValueHeaders" in given)
    if "http" in context:
        return Form("v2")
    return Form("v1") if isinstance(given.get("httpMethod"), str) else Form("direct")


def is_ping(event: object) -> bool:
    """Whether an event only keeps the function warm: `{"warmup": true}`, or one of a schedule.

    >>> is_ping({"warmup": True}), is_ping({"source": "aws.events", "detail-type": "Scheduled Event"}), is_ping({})
    (True, True, False)
    """
    if not isinstance(event, dict):
        return False
    given = cast("dict[str, object]", event)
    return given.get("warmup") is True or (
        given.get("source") in SCHEDULERS and given.get("detail-type") == "Scheduled Event"
    )


def request_id_of(event: object, context: object) -> str:
    """Lambda's id of the request, else API Gateway's, else nothing."""
    event = cast("dict[str, object]", event) if isinstance(event, dict) else {}
    named = (getattr(context, "aws_request_id", None), _section(event, "requestContext").get("requestId"))
    return next((one for one in named if isinstance(one, str)), "")


def read_request(event: object, form: Form, limits: Limits) -> Request:
    """What an event asks.

    Raises:
        RequestError: 400, a body that is no text, no base64 or no JSON object; 413, one of too many bytes.
    """
    if not form.is_http:
        return _direct(event, limits)
    given = cast("dict[str, object]", event)
    method, path = method_and_path(event, form)
    last = _last_part(path)
    stage = _section(given, "requestContext").get("stage")
    if form.name == "v2" and last and isinstance(stage, str) and str(path).rstrip("/") == f"/{stage}":
        last = ""
    return Request(str(method or "").upper(), last, _body(given, limits), True, str(path))


def method_and_path(event: object, form: Form) -> tuple[object, object]:
    """What an event of HTTP says of them, whatever that is."""
    given = cast("dict[str, object]", event)
    if form.name != "v2":
        return given.get("httpMethod"), given.get("path")
    return _section(_section(given, "requestContext"), "http").get("method"), given.get("rawPath")


def response(form: Form, answer: Answer) -> dict[str, Any]:
    """The answer as Lambda is to return it: a direct event gets the result itself."""
    if not form.is_http:
        return dict(answer.result)
    headers = {"content-type": "application/json"} | ({"allow": answer.allow} if answer.allow else {})
    found: dict[str, Any] = {"statusCode": answer.status, "body": answer.body, "isBase64Encoded": False}
    if form.name == "alb":
        found["statusDescription"] = f"{answer.status} {STATUSES[answer.status][1]}"
    if form.many_headers:
        return found | {"multiValueHeaders": {name: [value] for name, value in headers.items()}}
    return found | {"headers": headers}


def _direct(event: object, limits: Limits) -> Request:
    """The event itself as JSON, so that everything behind is the same for all kinds of events."""
    if event is None:
        return Request("", "", b"", is_http=False)
    path, asked = _split(event)
    try:
        body = json.dumps(asked, ensure_ascii=False).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestError(400, f"event: {type(event).__name__}, expected JSON ({error}). Correct it.") from None
    limits.check_body(len(body))
    return Request("", _last_part(path), body, False, str(path))


def _split(event: object) -> tuple[object, object]:
    """The path that a direct event may name, and the rest of it."""
    if not isinstance(event, dict):
        return None, event
    given = cast("dict[str, object]", event)
    return given.get("path"), {key: value for key, value in given.items() if key != "path"}


def _body(event: Mapping[str, object], limits: Limits) -> bytes:
    given = event.get("body")
    if given is None:
        return b""
    if not isinstance(given, str):
        raise RequestError(400, f"body: {type(given).__name__}, expected a text that holds JSON. Encode it as JSON.")
    if event.get("isBase64Encoded") is not True:
        body = given.encode("utf-8", "surrogatepass")
        limits.check_body(len(body))
        return body
    limits.check_body(len(given) // BASE64_GROUP * 3 - given[-2:].count("="))
    try:
        return a2b_base64(given, strict_mode=True)
    except ValueError as error:
        raise RequestError(
            400, f"body: {given[:20]!r}…, expected base64, since isBase64Encoded is true ({error}). Encode it again."
        ) from None


def _last_part(path: object) -> str:
    """Of a path; stages and base paths in front of it differ from one deployment to the next."""
    if not isinstance(path, str | None):
        raise RequestError(422, f"path: {path!r:.40}, expected a text such as '/encode'. Correct it.")
    return (path or "").rstrip("/").rpartition("/")[2]


def _section(values: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = values.get(key)
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else {}
