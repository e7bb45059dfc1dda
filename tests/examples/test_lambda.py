"""examples/lambda: the template names what exists, and the events are answered."""

import json
import re
from importlib import import_module
from typing import Any

import pytest
import yaml

from airvec.cli.main import COMMANDS
from airvec.serving.limits import Limits
from tests.house.sources import ROOT
from tests.runtime.test_serverless import call

HERE = ROOT / "examples" / "lambda"
EVENTS = sorted(path.name for path in (HERE / "events").glob("*.json"))
README = (HERE / "README.md").read_text(encoding="utf-8")


class Template(yaml.SafeLoader):
    """YAML with CloudFormation's tags: `!Ref Name` is read as `{"Ref": "Name"}`."""


def tagged(loader: Template, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_scalar(node)}


Template.add_multi_constructor("!", tagged)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return yaml.load((HERE / "template.yaml").read_text(encoding="utf-8"), Template)


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    """What one process answers to all events, one after the other."""
    events = [json.loads((HERE / "events" / name).read_bytes()) for name in EVENTS]
    return dict(zip(EVENTS, call("handler", *events), strict=True))


def references(value: Any) -> set[str]:
    """The names that a template's values refer to."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    found = {value["Ref"]} if isinstance(value.get("Ref"), str) else set()
    if isinstance(value.get("Sub"), str):
        found |= set(re.findall(r"\$\{(\w+)\}", value["Sub"]))
    return found.union(*map(references, value.values()))


def test_the_handler_exists_and_the_function_has_the_layer(template):
    function = template["Resources"]["Embed"]["Properties"]
    module, _, name = function["Handler"].rpartition(".")
    assert name in import_module(module).__all__
    assert function["Layers"] == [{"Ref": "Packed"}]
    assert template["Resources"]["Packed"]["Properties"]["ContentUri"] == "layer.zip"


def test_the_snapshot_is_taken_of_versions_that_are_published(template):
    function = template["Resources"]["Embed"]["Properties"]
    assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert function["AutoPublishAlias"]


def test_a_public_url_may_be_called_and_nothing_is_public_otherwise(template):
    open_to_all = [one for one in template["Resources"].values() if one["Properties"].get("Principal") == "*"]
    assert [one["Properties"]["Action"] for one in open_to_all] == ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]
    assert {one["Condition"] for one in open_to_all} == {"WithPublicUrl"}
    assert open_to_all[1]["Properties"]["InvokedViaFunctionUrl"] is True
    assert template["Parameters"]["UrlAuth"]["Default"] == "AWS_IAM"


def test_every_name_in_the_template_is_defined_there(template):
    defined = {*template["Resources"], *template["Parameters"], "Embed.Alias"}
    assert references(template) - defined == set()
    assert {"Runtime", "Architecture", "Memory", "UrlAuth", "Packed"} <= references(template)


def test_the_limits_of_the_template_are_read_and_are_the_defaults(template):
    variables = template["Resources"]["Embed"]["Properties"]["Environment"]["Variables"]
    assert Limits.of(variables) == Limits()
    assert set(variables) == {"AIRVEC_LOG", "AIRVEC_MAX_TEXTS", "AIRVEC_MAX_TOKENS"}


def test_the_parameters_are_what_airvec_packs_for(template):
    parameters = template["Parameters"]
    assert parameters["Runtime"]["AllowedValues"] == [f"python3.{minor}" for minor in (12, 13, 14)]
    assert parameters["Architecture"]["AllowedValues"] == ["x86_64", "arm64"]


def test_there_is_an_event_of_each_kind():
    assert len(EVENTS) == 10


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_answered(name, answers):
    answer = answers[name]
    result = json.loads(answer["body"]) if "statusCode" in answer else answer
    assert answer.get("statusCode", 200) == 200
    assert "error" not in result
    assert {"embeddings", "similarities", "warmup", "status"} & set(result)


def test_an_event_of_a_balancer_with_many_headers_gets_many_headers(answers):
    assert answers["load-balancer.json"]["multiValueHeaders"] == {"content-type": ["application/json"]}


def test_the_readme_is_short_and_its_commands_exist():
    assert len(README.splitlines()) <= 60
    assert "package" in {command.__name__.rpartition(".")[2] for command in COMMANDS}
    for name in re.findall(r"events/([\w-]+\.json)", README):
        assert name in EVENTS


def test_the_readme_names_parameters_that_the_template_has(template):
    named = set(re.findall(r"\b([A-Z]\w+)=", README)) - {"CPU"}
    assert named
    assert named <= set(template["Parameters"])
