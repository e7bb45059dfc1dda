"""An event from the first byte to the last: read, routed to a task, answered in its own shape, logged.

Whatever happens, a caller gets an answer with a status, and the next event is served. Only what no caller waits for
raises: `triggers.py` says why.
Knows nothing of where models come from.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airvec.errors import ArgumentError, InputError
from airvec.folder import variant_of
from airvec.serving.events import (
    Answer,
    Form,
    Request,
    form_of,
    is_ping,
    method_and_path,
    read_request,
    request_id_of,
    response,
)
from airvec.serving.limits import Limits, check_answer
from airvec.serving.log import SHOWN, write_line
from airvec.serving.opened import Opened, versions
from airvec.serving.problems import RequestError
from airvec.serving.requests import read_body
from airvec.serving.tasks import TASKS, Done, run_task, tasks_of
from airvec.serving.triggers import refuse_trigger

HEALTH, WARM_UP = "health", "warmup"
WARM_UP_TEXT = "warm"
WARM_UP_LIMITS = Limits(tokens=2**62)  # how long the documents are that a search reranks, the deployment knows
# Requests that use all there is of a task; similarity uses what the others have used.
BOTH_WAYS = tuple({"texts": WARM_UP_TEXT, "task": task} for task in ("query", "document"))
EXAMPLES: dict[str, tuple[dict[str, Any], ...]] = {
    "encode": BOTH_WAYS,
    "sparse": BOTH_WAYS,
    "rerank": ({"query": WARM_UP_TEXT, "documents": [WARM_UP_TEXT]},),
    "similarity": (),
    "search": ({"query": WARM_UP_TEXT},),
}


@dataclass(frozen=True)
class Service:
    """Answers events by what has been opened.

    Attributes:
        opened: the model, and what lies beside it.
        limits: of a request.
        log: whether to write a JSON line to stdout for each event; errors of ours are written anyway.
    """

    opened: Opened
    limits: Limits
    log: bool = True

    def warm(self) -> None:
        """Do every task with one short text: what is imported, allocated or opened late then is."""
        for task in tasks_of(self.opened):
            for values in EXAMPLES[task]:
                run_task(task, self.opened, values, WARM_UP_LIMITS)

    def answer(self, event: object, context: object = None, only: str | None = None) -> dict[str, Any]:
        """The response to an event, in the event's own shape.

        Args:
            event: as Lambda hands it over.
            context: Lambda's, for the request's id.
            only: a task that every path stands for; None = the path says which, or else what the model is.

        Raises:
            ArgumentError: the event is of a queue, a stream or another service that reads no answer.
        """
        refuse_trigger(event)
        started = time.perf_counter()
        line: dict[str, Any] = {"request_id": request_id_of(event, context)}
        form = form_of(event)
        line |= _asked(event, form)
        try:
            task, done = self._done(event, form, only)
            answer = Answer(200, done.result, _text(done.result))
            check_answer(answer.body, form.platform)
            line |= {"task": task, "status": 200, "texts": done.texts, "tokens": done.tokens}
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            problem = _problem(error)
            answer = Answer(problem.status, problem.as_json(), _text(problem.as_json()), problem.allow)
            line |= {"status": problem.status, "error": problem.kind}
            if problem.status == 500:
                line["traceback"] = _traceback(error)
        line["ms"] = round((time.perf_counter() - started) * 1000, 1)
        if self.log or "traceback" in line:
            write_line(line)
        return response(form, answer)

    def _done(self, event: object, form: Form, only: str | None) -> tuple[str, Done]:
        """The task of an event, and what it gave."""
        if is_ping(event):
            return WARM_UP, Done({"warmup": True, "model": self.opened.name}, 0, 0)
        request = read_request(event, form, self.limits)
        task = self._route(request, only)
        if task == HEALTH:
            return HEALTH, Done(self._health(), 0, 0)
        return task, run_task(task, self.opened, read_body(request.body), self.limits)

    def _route(self, request: Request, only: str | None) -> str:
        """The task that a request is for.

        Raises:
            RequestError: 404, an unknown path; 405, a method that the path does not have.
        """
        method = "GET" if request.method == "HEAD" else request.method
        asks_health = request.path == HEALTH or (request.path == "" and method == "GET")
        if only is None and request.path not in ("", HEALTH, *TASKS):
            known = ", ".join(f"/{name}" for name in (*tasks_of(self.opened), HEALTH))
            raise RequestError(404, f"path: {request.whole_path!r:.100}, expected one of {known}. Correct it.")
        has = {"": "GET, POST", HEALTH: "GET"}.get(request.path, "POST")
        if request.is_http and method != ("GET" if asks_health else "POST"):
            raise RequestError(405, f"method: {request.method!r:.20}, expected {has}. Use that.", allow=has)
        return HEALTH if asks_health else only or request.path or tasks_of(self.opened)[0]

    def _health(self) -> dict[str, Any]:
        """What is here: model, class, tasks, versions."""
        opened = self.opened
        found: dict[str, Any] = {
            "status": "ok",
            "model": opened.name,
            "class": opened.kind,
            "graph": opened.graph and opened.graph.name,
            "variant": opened.graph and variant_of(opened.graph.name),
            "tasks": list(tasks_of(opened)),
        }
        if opened.retriever is not None:
            found["documents"] = len(opened.retriever)
        return found | {"versions": versions()}


def _asked(event: object, form: Form) -> dict[str, str]:
    """Method and path as they came, for the log; a direct event has none."""
    if not form.is_http:
        return {}
    method, path = method_and_path(event, form)
    return {"method": str(method or "")[:SHOWN], "path": str(path or "")[:SHOWN]}


def _problem(error: BaseException) -> RequestError:
    """What the caller is told; nothing of what went wrong inside."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, (ArgumentError, InputError)):
        return RequestError(422, str(error))
    return RequestError(500, f"{type(error).__name__}: the request could not be answered. See the function's log.")


def _traceback(error: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception(error))


def _text(value: Mapping[str, Any]) -> str:
    """JSON in ASCII, so that its length is its number of bytes."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
