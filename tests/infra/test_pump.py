"""The pump against a queue on moto: what a handler sees, and what is left in the queue after it."""

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from chalice.app import Chalice, SQSEvent
from chalice.config import Config

from infra import pump

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

QUEUE = "groundcrew-test-reports-overflow"
ARN = f"arn:aws:sqs:eu-central-1:123456789012:{QUEUE}"


@pytest.fixture
def sqs(cloud: None, aws: boto3.Session) -> "SQSClient":
    return aws.client("sqs")


@pytest.fixture
def url(sqs: "SQSClient") -> str:
    return sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]


def left(sqs: "SQSClient", url: str) -> int:
    """How many messages a queue holds, seen or unseen."""
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])


def test_a_handler_sees_what_lambda_would_show_it(sqs: "SQSClient", url: str) -> None:
    sqs.send_message(
        QueueUrl=url,
        MessageBody='{"a": "é"}',
        MessageAttributes={"correlation": {"DataType": "String", "StringValue": "abc"}},
    )
    (record,) = pump.sqs_event(pump.receive(sqs, url, 1), ARN)["Records"]
    assert record["body"] == '{"a": "é"}'
    assert record["messageAttributes"] == {"correlation": {"dataType": "String", "stringValue": "abc"}}
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["SentTimestamp"].isdigit()
    assert (record["eventSource"], record["eventSourceARN"], record["awsRegion"]) == ("aws:sqs", ARN, "eu-central-1")
    assert record.keys() >= {"messageId", "receiptHandle", "md5OfBody"}


def test_a_batch_is_larger_than_one_call_gives(sqs: "SQSClient", url: str) -> None:
    for number in range(25):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    batch = pump.receive(sqs, url, 23)
    assert len(batch) == 23
    pump.deliver(sqs, url, ARN, lambda event: None, batch)
    assert left(sqs, url) == 2


def test_only_what_succeeded_is_deleted(sqs: "SQSClient", url: str) -> None:
    for body in ("good", "bad", "good"):
        sqs.send_message(QueueUrl=url, MessageBody=body)

    def handler(event: dict[str, Any]) -> dict[str, Any]:
        failed = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    batch = pump.receive(sqs, url, 10)
    pump.deliver(sqs, url, ARN, handler, batch)
    sqs.change_message_visibility(
        QueueUrl=url,
        ReceiptHandle=next(message["ReceiptHandle"] for message in batch if message["Body"] == "bad"),
        VisibilityTimeout=0,
    )
    assert [message["Body"] for message in pump.receive(sqs, url, 10, wait_s=0)] == ["bad"]


def test_nothing_is_deleted_when_a_handler_fails(sqs: "SQSClient", url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="kept")

    def handler(event: dict[str, Any]) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        pump.deliver(sqs, url, ARN, handler, pump.receive(sqs, url, 10))
    assert left(sqs, url) == 1


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, {"b"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "unknown"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"messageId": "a"}]}, {"a", "b"}),
        ({"batchItemFailures": ["a"]}, {"a", "b"}),
    ],
)
def test_a_result_is_read_as_lambda_reads_it(result: Any, failed: set[str]) -> None:
    assert pump.failures(result, {"a", "b"}) == failed


def test_it_drives_the_handlers_of_an_app(sqs: "SQSClient", url: str, aws: boto3.Session) -> None:
    app, stop = Chalice("toy", configure_logs=False), threading.Event()
    failed, arrived = threading.Event(), threading.Event()
    patience_ms: list[float] = []

    @app.on_sqs_message(queue=QUEUE, batch_size=5)
    def handle(event: SQSEvent) -> None:
        if any(record.body == "poison" for record in event):
            failed.set()
            raise LookupError
        patience_ms.append(event.context.get_remaining_time_in_millis())  # type: ignore[union-attr]  # it is given one
        arrived.set()

    config = Config("dev", config_from_disk={"lambda_functions": {"handle": {"lambda_timeout": 30}}})
    threads = pump.start(app, config, aws, stop)
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    assert failed.wait(20)
    sqs.send_message(QueueUrl=url, MessageBody="welcome")
    assert arrived.wait(20)
    stop.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert 29_000 < patience_ms[0] <= 30_000
    assert left(sqs, url) == 1


def test_a_handler_that_takes_long_holds_up_no_other(sqs: "SQSClient", url: str, aws: boto3.Session) -> None:
    app, stop = Chalice("toy", configure_logs=False), threading.Event()
    begun, enough, arrived = threading.Event(), threading.Event(), threading.Event()

    @app.on_sqs_message(queue="groundcrew-test-uploads", batch_size=1)
    def transcode(event: SQSEvent) -> None:
        begun.set()
        enough.wait(20)

    @app.on_sqs_message(queue=QUEUE)
    def absorb(event: SQSEvent) -> None:
        arrived.set()

    threads = pump.start(app, Config.create(), aws, stop)
    sqs.send_message(QueueUrl=url.replace("reports-overflow", "uploads"), MessageBody="a film")
    assert begun.wait(20)
    sqs.send_message(QueueUrl=url, MessageBody="a report")
    assert arrived.wait(20)
    assert not enough.is_set()
    for event in (stop, enough):
        event.set()
    for thread in threads:
        thread.join(20)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


SINCE = at("2026-01-25T08:15")  # a Sunday


@pytest.mark.parametrize(
    ("expression", "fires"),
    [
        ("rate(1 minute)", ["08:16", "08:17"]),
        ("rate(5 minutes)", ["08:20", "08:25"]),
        ("rate(1 hour)", ["09:15", "10:15"]),
        ("cron(0/15 * * * ? *)", ["08:30", "08:45"]),
        ("cron(*/20 * * * ? *)", ["08:20", "08:40"]),
        ("cron(5 9-10 * * ? *)", ["09:05", "10:05"]),
        ("cron(0 9,11 ? * SUN *)", ["09:00", "11:00"]),
        ("cron(30 8 25 JAN ? 2026)", ["08:30"]),
        ("cron(0 9 ? * MON-FRI *)", []),
        ("cron(0 9 */2 * ? *)", ["09:00"]),
        ("cron(0 9 2/2 * ? *)", []),
        ("cron(0 9 ? * 1 2025)", []),
    ],
)
def test_schedules(expression: str, fires: list[str]) -> None:
    minutes = [SINCE + timedelta(minutes=n) for n in range(1, 3 * 60)]
    found = [minute.strftime("%H:%M") for minute in minutes if pump.due(expression, minute, SINCE)]
    assert found[: len(fires) or 1] == fires


@pytest.mark.parametrize(
    "expression",
    ["", "rate(0 minutes)", "rate(5 seconds)", "cron(* * * *)", "cron(0 9 L * ? *)", "cron(0 9 ? * MON#1 *)", "daily"],
)
def test_a_schedule_that_is_not_understood_is_said_at_once(expression: str, aws: boto3.Session) -> None:
    app = Chalice("toy", configure_logs=False)
    app.schedule(expression)(lambda event: None)
    with pytest.raises(ValueError, match=r"not a schedule|invalid literal"):
        pump.start(app, Config.create(), aws, threading.Event())
