"""The overflow queue: where reports wait while DynamoDB is busy. It is also what absorbs a storm."""

import zlib
from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import queues
from chalicelib.errors import Unavailable
from chalicelib.incidents.report import Report, pack, unpack
from chalicelib.observability import logger

QUEUE: Final = "reports-overflow"


Done = Literal["nothing", "fresh", "stale"]


class Waiting(msgspec.Struct, frozen=True):
    """A queued report. `done` says as what it was counted, if it was: then only what follows is missing."""

    report: bytes
    done: Done = "nothing"


def send(reports: Sequence[Report], done: Done = "nothing") -> None:
    """Queue reports. Raises Unavailable when the queue does not take them either."""
    try:
        for report in reports:
            queues.send(QUEUE, body(report, done))
    except (BotoCoreError, ClientError) as error:
        logger.exception("the overflow queue refused reports", reports=len(reports))
        raise Unavailable("Reports cannot be kept at the moment; send this one again shortly.") from error


def body(report: Report, done: Done) -> str:
    """The text of a queue message."""
    return msgspec.json.encode(Waiting(pack(report), done)).decode()


def read(body: str) -> tuple[Report, Done]:
    """The report of a queue message, and what was done with it. Raises ValueError for any other text."""
    waiting = msgspec.json.decode(body, type=Waiting)
    try:
        return unpack(waiting.report), waiting.done
    except zlib.error as error:
        raise ValueError("the report in the message cannot be unpacked") from error
