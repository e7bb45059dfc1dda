"""Mirrors runtime/airvec/serving/limits.py."""

import json

import pytest

from airvec.errors import ArgumentError
from airvec.serving.limits import ANSWER_BYTES, AROUND, Limits, check_answer
from airvec.serving.problems import RequestError


def test_limits_are_the_defaults_or_what_the_environment_says():
    assert Limits.of({}) == Limits(6_291_456, 512, 65_536)
    assert Limits.of({"AIRVEC_MAX_BODY_BYTES": "1", "AIRVEC_MAX_TEXTS": " 2 ", "AIRVEC_MAX_TOKENS": "3"}) == Limits(
        1, 2, 3
    )
    assert Limits.of({"AIRVEC_MAX_TEXTS": ""}) == Limits()


@pytest.mark.parametrize("name", ["AIRVEC_MAX_BODY_BYTES", "AIRVEC_MAX_TEXTS", "AIRVEC_MAX_TOKENS"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "1e6", "٣", "9" * 20])
def test_a_limit_that_is_no_whole_number_is_an_error(name, value):
    with pytest.raises(ArgumentError, match=f"{name}: '.*, expected a whole number of at least 1"):
        Limits.of({name: value})


@pytest.mark.parametrize(
    ("check", "message"),
    [(lambda limits, n: limits.check_texts(n), "texts: 4 texts, expected at most 3. Send fewer a request"),
     (lambda limits, n: limits.check_tokens(n, "texts"), "texts: 4 tokens, expected at most 3"),
     (lambda limits, n: limits.check_body(n), "body: 4 bytes, expected at most 3")],
)  # fmt: skip
def test_the_limit_itself_is_allowed_and_one_more_is_refused_with_its_variable(check, message):
    limits = Limits(3, 3, 3)
    check(limits, 3)
    with pytest.raises(RequestError) as caught:
        check(limits, 4)
    assert caught.value.status == 413
    assert message in str(caught.value)
    assert "AIRVEC_MAX_" in str(caught.value)


@pytest.mark.parametrize("platform", ANSWER_BYTES)
@pytest.mark.parametrize("text", ["a", '"', "\\", "é"])
def test_an_answer_is_measured_as_the_platform_will_see_it(platform, text):
    """Lambda puts the body into JSON again, where quotes and backslashes take two bytes."""

    def body(count):
        return json.dumps({"a": text * count})

    def size(count):
        return len(
            json.dumps({"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body(count)})
        )

    fits = ANSWER_BYTES[platform] // (size(1001) - size(1)) * 1000 - 1000
    check_answer(body(fits), platform)
    assert size(fits) <= ANSWER_BYTES[platform]
    over = (ANSWER_BYTES[platform] - AROUND) // ((size(1001) - size(1)) // 1000) + 1
    with pytest.raises(RequestError, match="answer: .* bytes, expected at most .* the platform's own limit") as caught:
        check_answer(body(over), platform)
    assert caught.value.status == 413
