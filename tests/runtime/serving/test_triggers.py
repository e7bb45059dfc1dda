"""Mirrors runtime/airvec/serving/triggers.py: nothing that AWS would delete is answered."""

import pytest

from airvec.errors import ArgumentError
from airvec.serving.triggers import refuse_trigger, trigger_of
from tests.runtime.serving.kinds import HTTP, post

EVENTS = {
    "aws:sqs": {"Records": [{"eventSource": "aws:sqs", "body": '{"texts": "a"}'}]},
    "aws:sns": {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "{}"}}]},
    "aws:s3": {"Records": [{"eventSource": "aws:s3", "s3": {}}]},
    "aws:dynamodb": {"Records": [{"eventSource": "aws:dynamodb"}]},
    "Records": {"Records": []},
    "aws:kafka": {"eventSource": "aws:kafka", "records": {}},
    "aws:kinesis": [{"eventSource": "aws:kinesis", "data": "e30="}],
    "CloudWatch Logs": {"awslogs": {"data": ""}},
    "Firehose": {"invocationId": "1", "deliveryStreamArn": "arn", "records": []},
    "EventBridge, aws.s3, Object Created": {"source": "aws.s3", "detail-type": "Object Created", "detail": {}},
    "EventBridge, shop, Scheduled Event": {"source": "shop", "detail-type": "Scheduled Event", "detail": {}},
}


@pytest.mark.parametrize("source", EVENTS)
def test_an_event_that_nobody_waits_for_raises_and_names_its_source(static, source):
    assert trigger_of(EVENTS[source]) == source
    with pytest.raises(ArgumentError, match="which no one reads the answer to, expected a request") as caught:
        static.answer(EVENTS[source])
    assert f"event: of {source!r}" in str(caught.value)
    with pytest.raises(ArgumentError):
        static.answer(EVENTS[source], only="encode")


@pytest.mark.parametrize(
    "event",
    [None, 5, [], ["a"], [5], {}, {"texts": "a"}, {"Records": 5}, {"warmup": True}, {"eventSource": 5},
     {"source": "aws.events", "detail-type": "Scheduled Event"}, *(post(kind, {"texts": "a"}) for kind in HTTP)],
)  # fmt: skip
def test_all_else_is_answered(static, event):
    refuse_trigger(event)
    assert static.answer(event)
