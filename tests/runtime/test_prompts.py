"""Mirrors runtime/airvec/prompts.py."""

import pytest

from airvec.errors import AirvecWarning, ArgumentError
from airvec.prompts import check_prompt_name, document_name, query_name, resolve_prompt

PROMPTS = {"query": "q: ", "document": "", "other": "o: "}


@pytest.mark.parametrize(
    ("default", "name", "prompt", "expected"),
    [
        (None, None, None, ""),
        ("query", None, None, "q: "),
        ("query", "other", None, "o: "),
        ("query", "document", None, ""),
        ("query", None, "p: ", "p: "),
        ("query", None, "", ""),
    ],
)
def test_prompt_beats_name_beats_default(default, name, prompt, expected):
    assert resolve_prompt(PROMPTS, default, name, prompt) == expected


def test_a_name_beside_a_prompt_warns_and_need_not_exist():
    with pytest.warns(AirvecWarning, match="prompt_name='nobody'; prompt is used"):
        assert resolve_prompt(PROMPTS, None, "nobody", "p: ") == "p: "


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(ArgumentError, match="prompt_name: 'nobody', expected one of 'query', 'document', 'other'"):
        resolve_prompt(PROMPTS, None, "nobody")
    with pytest.raises(ArgumentError, match="default_prompt_name: ''"):
        check_prompt_name(PROMPTS, "", "default_prompt_name")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("corpus", "passage", "document"), "document"),
        (("corpus", "passage"), "passage"),
        (("corpus",), "corpus"),
        (("query",), None),
    ],
)
def test_the_prompt_of_documents(names, expected):
    assert document_name(dict.fromkeys(names, "")) == expected


def test_the_prompt_of_queries():
    assert query_name(PROMPTS) == "query"
    assert query_name({"document": ""}) is None
