"""Mirrors trainer/airvec_trainer/modules/router.py: the task of a text chooses its modules."""

from typing import Any

import pytest
import torch
from torch import nn

from airvec.errors import ArgumentError
from airvec_trainer.modules import Router, StaticEmbedding
from tests.trainer.modules.test_static_embedding import TABLE, tokenizer


def body(factor: float) -> StaticEmbedding:
    return StaticEmbedding(tokenizer(), TABLE * factor)


def embedded(router: Router, task: str | None) -> list[float]:
    return router(router.preprocess(["one two"], task=task))["sentence_embedding"][0].tolist()


def test_the_task_chooses_the_route_and_the_default_is_for_none():
    router = Router.for_query_document([body(1)], [body(2)])
    assert [embedded(router, task) for task in ("query", "document", None)] == [[0.5, 0.5], [1, 1], [1, 1]]
    assert router.get_embedding_dimension() == 2
    assert router.tokenizer is router.route("query")[0].tokenizer


def test_the_first_route_is_the_default_where_none_is_named_and_one_is_allowed():
    assert Router({"a": [body(1)], "b": [body(2)]}).default_route == "a"
    strict = Router({"a": [body(1)], "b": [body(2)]}, allow_empty_key=False)
    with pytest.raises(ArgumentError, match="task: None, but the Router has routes 'a', 'b'"):
        strict.preprocess(["one"])
    with pytest.raises(ArgumentError, match="task: 'c', but the Router has routes 'a', 'b'"):
        Router({"a": [body(1)], "b": [body(2)]}).preprocess(["one"], task="c")


def test_mappings_come_before_names():
    router = Router({"a": [body(1)], "b": [body(2)]}, route_mappings={("query", "text"): "b", ("a", None): "b"})
    assert embedded(router, "query") == embedded(router, "a") == [1, 1]
    assert embedded(router, None) == [0.5, 0.5]


def test_a_module_in_two_routes_is_one():
    shared = body(1)
    router = Router({"a": [shared], "b": [shared, nn.Identity()]})
    assert [name for name, _ in router.named_parameters()] == ["sub_modules.a.0.embedding.weight"]
    assert router.bodies() == [shared]


def test_only_the_route_that_is_taken_gets_gradients():
    router = Router.for_query_document([body(1)], [body(2)])
    router(router.preprocess(["one two"], task="query"))["sentence_embedding"].sum().backward()
    query, document = (route[0].embedding.weight for route in router.routes().values())
    assert query.grad.abs().sum() == 2
    assert document.grad is None
    assert torch.is_tensor(query)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sub_modules": {}}, "sub_modules: {}, expected modules for each route"),
        ({"sub_modules": {"a": []}}, "expected modules for each route"),
        ({"sub_modules": {"a": [nn.Identity()]}, "default_route": "b"}, "route 'b', expected one of a"),
        ({"sub_modules": {"a": [nn.Identity()]}, "route_mappings": {(None, "text"): "c"}}, "route 'c', expected"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], message: str):
    with pytest.raises(ArgumentError, match=message):
        Router(**given)
