"""Queues: sends messages to this stage's SQS queues, and takes batches of them one by one."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import botocore.config
from botocore.exceptions import BotoCoreError, ClientError
from chalice.app import SQSEvent

from chalicelib import aws
from chalicelib.config import config
from chalicelib.observability import correlate, flush, logger

# A queue's own visibility timeout outlasts its function's longest run: an hour and a half. Twice as long each time.
FIRST_AGAIN_S: Final = 60
LAST_AGAIN_S: Final = 900
# What a handler without Lambda around it has.
UNBOUNDED_S: Final = 900.0
MAX_BATCH: Final = 10


class NotSent(Exception):
    """A queue did not take every message of a batch."""


def send(queue: str, body: str, delay_s: int = 0) -> None:
    """Send a message, to be delivered that many seconds later (at most 900).

    Raises botocore's errors where the queue does not take it.
    """
    later = {"DelaySeconds": delay_s} if delay_s else {}
    _client().send_message(QueueUrl=_url(queue), MessageBody=body, **later)


def send_many(queue: str, bodies: Sequence[str]) -> None:
    """Send messages, ten at a time. Raises botocore's errors, and NotSent, where the queue does not take them all."""
    for start in range(0, len(bodies), MAX_BATCH):
        entries = [{"Id": str(nth), "MessageBody": body} for nth, body in enumerate(bodies[start : start + MAX_BATCH])]
        answer = _client().send_message_batch(QueueUrl=_url(queue), Entries=entries)
        if answer.get("Failed"):
            raise NotSent(str(answer["Failed"][0].get("Message", answer["Failed"][0]["Code"])))


def waiting(queue: str) -> int:
    """About how many messages of a queue nobody has done with yet."""
    wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = _client().get_queue_attributes(QueueUrl=_url(queue), AttributeNames=wanted)
    return sum(int(answer["Attributes"][name]) for name in wanted)


def each(event: SQSEvent, take: Callable[[str], None]) -> dict[str, Any]:
    """Take the messages of a batch one by one; returns, as Lambda wants it, which of them are to come again."""
    failed = []
    for record in event.to_dict()["Records"]:
        correlate(None)
        try:
            take(record["body"])
        except Exception:  # noqa: BLE001  # it comes again, and in the end to the dead letters: nothing is lost here
            logger.exception("a message could not be taken", message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
            _hasten(record)
        flush()
    return {"batchItemFailures": failed}


def remaining_s(event: SQSEvent) -> Callable[[], float]:
    """How many seconds the function has left."""
    context: Any = event.context
    return lambda: UNBOUNDED_S if context is None else context.get_remaining_time_in_millis() / 1000


def _hasten(record: dict[str, Any]) -> None:
    """Let a message come again soon, instead of when the longest run would be over."""
    queue = record["eventSourceARN"].rpartition(":")[2]
    received = int(record["attributes"].get("ApproximateReceiveCount", 1))
    again_s = min(FIRST_AGAIN_S * 2 ** min(received - 1, 10), LAST_AGAIN_S)
    try:
        url = _client().get_queue_url(QueueName=queue)["QueueUrl"]
        _client().change_message_visibility(
            QueueUrl=url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=again_s
        )
    except (BotoCoreError, ClientError):
        logger.warning("a message comes again late", message_id=record["messageId"])


@cache
def _client() -> Any:
    # botocore alone: boto3 adds to the cold start and nothing that is used here.
    patience = botocore.config.Config(
        connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2}
    )
    return aws.session().create_client("sqs", config=patience)


@cache
def _url(queue: str) -> str:
    return str(_client().get_queue_url(QueueName=config().resource(queue))["QueueUrl"])
