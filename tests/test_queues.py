"""Queues: what is sent is there, and a message that could not be taken comes again soon, and alone."""

from typing import Any

import boto3
import pytest

from app import app
from chalicelib import queues
from chalicelib.queues import NotSent
from infra import pump
from tests.faults import Call, tapped

NAME, DUE = "groundcrew-test-uploads", "groundcrew-test-due-tasks"
FAILED = [
    {"Id": "0", "Code": "ServiceUnavailable", "Message": "Try again.", "SenderFault": False},
    {"Id": "1", "Code": "InternalError", "SenderFault": False},
]


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


@pytest.mark.usefixtures("cloud")
def test_many_messages_are_sent_ten_at_a_time_and_counted_until_they_are_done() -> None:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=DUE)["QueueUrl"]
    sent: list[int] = []

    def note(call: Call) -> Any:
        if call.operation == "SendMessageBatch":
            sent.append(len(call.parameters["Entries"]))
        return call.make()

    assert queues.waiting("due-tasks") == 0
    bodies = [f"{n}: é" for n in range(23)]
    with tapped(note):
        queues.send_many("due-tasks", bodies)
        queues.send_many("due-tasks", [])
    assert sent == [10, 10, 3]
    assert queues.waiting("due-tasks") == 23
    taken = pump.receive(sqs, url, 10)
    assert queues.waiting("due-tasks") == 23
    for message in taken:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert queues.waiting("due-tasks") == 13
    assert sorted(each["Body"] for each in [*taken, *pump.receive(sqs, url, 100)]) == sorted(bodies)


@pytest.mark.usefixtures("cloud")
def test_a_batch_that_is_not_taken_whole_is_told() -> None:
    answers: list[dict[str, Any]] = []

    def refuse_one(call: Call) -> Any:
        if call.operation != "SendMessageBatch":
            return call.make()
        answers.append({"Successful": [], "Failed": FAILED[len(answers) :]})
        return answers[-1]

    for reason in ("Try again.", "InternalError"):
        with tapped(refuse_one), pytest.raises(NotSent, match=reason):
            queues.send_many("due-tasks", ["a"] * 11)
    with tapped(refuse_one):
        queues.send_many("due-tasks", ["a"])
    # The first that fails ends it.
    assert len(answers) == 3
