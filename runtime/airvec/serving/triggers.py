"""Events that nobody waits for an answer to: queues, topics, streams, buckets, rules. They are refused by raising.

AWS takes whatever a function returns for success, and deletes the message. After an error it tries again, and then
hands the message to the dead-letter queue or the destination that was set up.
Knows nothing of requests.
"""

from collections.abc import Mapping
from typing import Any, cast

from airvec.errors import ArgumentError
from airvec.serving.events import is_ping

SOURCE_KEYS = ("eventSource", "EventSource")  # SNS writes the second
# Services whose events have a key that nothing else has, and no source.
MARKS = {"awslogs": "CloudWatch Logs", "deliveryStreamArn": "Firehose"}


def refuse_trigger(event: object) -> None:
    """Raise for an event of a service that reads no answer.

    Raises:
        ArgumentError: the event is one of SQS, SNS, S3, DynamoDB, Kinesis, Kafka, MQ, a pipe, EventBridge or another of
            that kind.

    >>> refuse_trigger({"texts": "a"})
    """
    source = trigger_of(event)
    if source is not None:
        raise ArgumentError(
            f"event: of {source[:60]!r}, which no one reads the answer to, expected a request from a function URL, an "
            "API Gateway, a load balancer or a direct call. Take the texts out of such events in a function of your "
            "own that calls this one."
        )


def trigger_of(event: object) -> str | None:
    """The service that an event comes from, if that reads no answer; None = somebody waits for one.

    >>> trigger_of({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]})
    'aws:sqs'
    """
    if isinstance(event, list):  # an EventBridge pipe sends a batch without anything around it
        return _of_records(cast("list[object]", event))
    if not isinstance(event, dict):
        return None
    given = cast("dict[str, Any]", event)
    if is_ping(given):
        return None
    if isinstance(given.get("Records"), list):
        return _of_records(given["Records"]) or "Records"
    marked = next((name for key, name in MARKS.items() if key in given), None)
    if isinstance(given.get("detail-type"), str):
        marked = f"EventBridge, {given.get('source')}, {given['detail-type']}"
    return marked or _stated(given)  # Kafka, MQ


def _of_records(records: list[object]) -> str | None:
    first = records[0] if records else None
    return _stated(cast("dict[str, Any]", first)) if isinstance(first, dict) else None


def _stated(values: Mapping[str, Any]) -> str | None:
    return next((values[key] for key in SOURCE_KEYS if isinstance(values.get(key), str)), None)
