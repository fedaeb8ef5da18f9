"""The overflow queue: where reports wait while DynamoDB is busy. It is also what absorbs a storm."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import botocore.config
import botocore.session
import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.config import config
from chalicelib.errors import Unavailable
from chalicelib.incidents.report import Report, pack, unpack
from chalicelib.observability import logger

QUEUE: Final = "reports-overflow"


class Waiting(msgspec.Struct, frozen=True):
    """A queued report. `counted` when its count is done and only what follows is missing."""

    report: bytes
    counted: bool = False


def send(reports: Sequence[Report], *, counted: bool) -> None:
    """Queue reports. Raises Unavailable when the queue does not take them either."""
    try:
        for report in reports:
            _client().send_message(QueueUrl=_url(), MessageBody=body(report, counted=counted))
    except (BotoCoreError, ClientError) as error:
        logger.exception("the overflow queue refused reports", reports=len(reports))
        raise Unavailable("Reports cannot be kept at the moment; send this one again shortly.") from error


def body(report: Report, *, counted: bool) -> str:
    """The text of a queue message."""
    return msgspec.json.encode(Waiting(pack(report), counted)).decode()


def read(body: str) -> tuple[Report, bool]:
    """The report of a queue message, and whether it was counted. Raises ValueError for any other text."""
    waiting = msgspec.json.decode(body, type=Waiting)
    return unpack(waiting.report), waiting.counted


@cache
def _client() -> Any:
    # botocore alone: boto3 adds to the cold start and nothing that is used here.
    return botocore.session.get_session().create_client(
        "sqs", config=botocore.config.Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard"})
    )


@cache
def _url() -> str:
    return str(_client().get_queue_url(QueueName=config().resource(QUEUE))["QueueUrl"])
