"""Mirrors runtime/airvec/serving/requests.py."""

import pytest

from airvec.serving import requests
from airvec.serving.problems import RequestError

READERS = {
    "encode": requests.read_encode, "sparse": requests.read_sparse, "rerank": requests.read_rerank,
    "similarity": requests.read_similarity, "search": requests.read_search,
}  # fmt: skip


def refused(read, values):
    with pytest.raises(RequestError) as caught:
        read(values)
    return caught.value.status, str(caught.value)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [(b"", 400, "body: 0 bytes, expected a JSON object"),
     (b" \n ", 400, "body: 3 bytes, expected a JSON object"),
     (b"{", 400, "body: not JSON (Expecting property name"),
     (b'{"texts": NaN}', 400, "NaN is no number of JSON"),
     (b'{"top_k": -Infinity}', 400, "-Infinity is no number of JSON"),
     (b"[" * 100_000, 400, "body: not JSON"),
     (b'{"top_k": ' + b"9" * 5000 + b"}", 400, "body: a number of 5,000 digits, expected at most 100. Correct it."),
     (b'{"top_k": ' + b"9" * 101 + b"}", 400, "body: a number of 101 digits"),
     (b'{"texts": "a", "texts": "b"}', 422, "texts: given twice, expected each key once. Leave one out."),
     (b'{"a": {"b": 1, "b": 1}}', 422, "b: given twice"),
     (b'{"texts": "\xff"}', 400, "body: byte 11 is 0xff, expected JSON in UTF-8"),
     ('{"texts": "a"}'.encode("utf-16"), 400, "body: byte 0 is 0xff"),
     (b'["a"]', 422, 'body: ["a"], expected a JSON object'),
     (b"null", 422, "body: null, expected a JSON object"),
     (b'"' + b"a" * 99 + b'"', 422, f'body: "{"a" * 39}…, expected')],
)  # fmt: skip
def test_a_body_that_is_no_json_object_is_refused(body, status, message):
    found, said = refused(requests.read_body, body)
    assert (found, message in said) == (status, True), said


def test_what_is_nested_as_deep_as_python_reads_gets_an_answer():
    """json writes fewer levels than it reads, and the error's message shows the value."""
    for body in (f'{{"texts": {"[" * depth + "]" * depth}}}' for depth in range(2, 1200)):
        with pytest.raises(RequestError, match="texts|body: not JSON"):
            requests.read_encode(requests.read_body(body.encode()))
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RequestError, match="a list too deep to show, expected a text"):
        requests.read_encode({"texts": [deep]})


def test_a_byte_order_mark_does_no_harm():
    assert requests.read_body(b'\xef\xbb\xbf{"texts": "a"}') == {"texts": "a"}


@pytest.mark.parametrize(
    ("task", "values", "advice"),
    [("encode", {"text": "a"}, "Did you mean texts?"), ("sparse", {"inputs": ["a"]}, "Did you mean texts?"),
     ("search", {"text": "a"}, "Leave it out."), ("encode", {"colour": 1}, "Leave it out."),
     ("encode", {"query": "a"}, "Send it to /search, or with documents to /rerank."),
     ("search", {"query": "a", "documents": []}, "Send it to /rerank."),
     ("rerank", {"queries": ["a"], "documents": []}, "Send it to /search.")],
)  # fmt: skip
def test_what_was_probably_meant_is_said(task, values, advice):
    assert refused(READERS[task], values)[1].endswith(advice)


@pytest.mark.parametrize("task", READERS)
def test_an_unknown_key_is_named_with_the_known_ones(task):
    status, message = refused(READERS[task], {"txts": ["a"]})
    assert status == 422
    assert message.startswith("txts: unknown key, expected ")
    assert message.endswith("Leave it out.")


@pytest.mark.parametrize("task", READERS)
def test_a_missing_key_is_named(task):
    status, message = refused(READERS[task], {})
    assert status == 422
    assert message.startswith(("texts: missing, expected a text", "query: "))


@pytest.mark.parametrize(
    ("values", "message"),
    [({"texts": 5}, "texts: 5, expected a text or a list of texts. Correct it."),
     ({"texts": None}, "texts: missing, expected a text or a list of texts. Add it."),
     ({"texts": {"a": 1}}, 'texts: {"a": 1}, expected a text or a list of texts'),
     ({"texts": ["a", 5]}, "texts[1]: 5, expected a text"),
     ({"texts": [["a"]]}, 'texts[0]: ["a"], expected a text'),
     ({"texts": [None]}, "texts[0]: null, expected a text"),
     ({"texts": ["a\ud800b"]}, "texts[0]: character 1 is U+D800, half of a surrogate pair"),
     ({"texts": "a", "truncate_dim": 0}, "truncate_dim: 0, expected a whole number of at least 1"),
     ({"texts": "a", "truncate_dim": True}, "truncate_dim: true, expected a whole number"),
     ({"texts": "a", "truncate_dim": 1.5}, "truncate_dim: 1.5, expected a whole number"),
     ({"texts": "a", "normalize_embeddings": 1}, "normalize_embeddings: 1, expected true or false"),
     ({"texts": "a", "precision": "int8"}, 'precision: "int8", expected one of float32, binary, ubinary'),
     ({"texts": "a", "precision": []}, "precision: [], expected one of"),
     ({"texts": "a", "encoding_format": "hex"}, 'encoding_format: "hex", expected one of float, base64'),
     ({"texts": "a", "task": "other"}, 'task: "other", expected one of query, document'),
     ({"texts": "a", "prompt": "x", "prompt_name": "y"}, 'prompt: given together with prompt_name ("y")')],
)  # fmt: skip
def test_a_wrong_value_is_named_with_what_was_expected(values, message):
    status, said = refused(requests.read_encode, values)
    assert (status, message in said) == (422, True), said


@pytest.mark.parametrize(
    ("task", "values", "message"),
    [("rerank", {"query": "a", "documents": "b"}, 'documents: "b", expected a list of texts'),
     ("rerank", {"query": ["a"], "documents": []}, 'query: ["a"], expected a text'),
     ("similarity", {"texts1": "a"}, "texts2: missing"),
     ("similarity", {"texts1": "a", "texts2": "b", "texts": "c"}, "texts: unknown key, expected texts1, texts2"),
     ("search", {"query": "a", "queries": ["b"]}, 'query: "a", expected one of query and queries'),
     ("search", {"queries": "a"}, 'queries: "a", expected a list of texts'),
     ("sparse", {"texts": "a", "encoding_format": "base64"}, "expected one of indices, tokens")],
)  # fmt: skip
def test_each_task_has_its_own_keys(task, values, message):
    status, said = refused(READERS[task], values)
    assert (status, message in said) == (422, True), said


def test_null_counts_as_left_out():
    asked = requests.read_encode({"texts": ["a"], "task": None, "truncate_dim": None, "precision": None})
    assert (asked.prompting.task, asked.truncate_dim, asked.precision, asked.encoding) == (
        None,
        None,
        "float32",
        "float",
    )
    assert requests.read_search({"query": "a", "queries": None}).top_k == 10
    assert requests.read_similarity({"texts": "a", "texts1": None}).others is None
