"""Queues: a message that could not be taken comes again soon, and alone."""

from typing import Any

import boto3
import pytest

from app import app
from infra import pump
from tests.faults import Call, tapped

NAME = "groundcrew-test-uploads"


@pytest.mark.usefixtures("cloud")
def test_a_message_that_could_not_be_taken_comes_again_in_a_minute() -> None:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=NAME)["QueueUrl"]
    sqs.purge_queue(QueueUrl=url)
    for body in ("no JSON", '{"created": "elsewhere"}'):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    messages = pump.receive(sqs, url, 2)
    hastened: list[dict[str, Any]] = []

    def note(call: Call) -> Any:
        if call.operation == "ChangeMessageVisibility":
            hastened.append(call.parameters)
        return call.make()

    event = pump.sqs_event(messages, f"arn:aws:sqs:eu-central-1:000000000000:{NAME}")
    with tapped(note):
        failed = pump.failures(app.handler_map["transcode_upload"](event, None), {m["MessageId"] for m in messages})
    (bad,) = [message for message in messages if message["Body"] == "no JSON"]
    assert failed == {bad["MessageId"]}
    assert [(each["ReceiptHandle"], each["VisibilityTimeout"]) for each in hastened] == [(bad["ReceiptHandle"], 60)]
