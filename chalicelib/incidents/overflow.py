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
# As long as a queue can: until then a client may still send what it kept while it was offline.
LATER_S: Final = 900


Done = Literal["nothing", "fresh", "stale"]


class Waiting(msgspec.Struct, frozen=True, omit_defaults=True):
    """A queued report. `done` says as what it was counted, if it was: then only what follows is missing.

    `unless_kept` names an event: where that is kept by now, the report is needless.
    """

    report: bytes
    done: Done = "nothing"
    unless_kept: str | None = None


def send(reports: Sequence[Report], done: Done = "nothing") -> None:
    """Queue reports. Raises Unavailable when the queue does not take them either."""
    for report in reports:
        _send(body(report, done))


def send_later(report: Report, unless_kept: str) -> None:
    """Queue a report that is needless if an event is kept when its time comes. Raises Unavailable."""
    _send(body(report, "nothing", unless_kept), LATER_S)


def body(report: Report, done: Done, unless_kept: str | None = None) -> str:
    """The text of a queue message."""
    return msgspec.json.encode(Waiting(pack(report), done, unless_kept)).decode()


def read(body: str) -> tuple[Report, Waiting]:
    """The report of a queue message, and how it waited. Raises ValueError for any other text."""
    waiting = msgspec.json.decode(body, type=Waiting)
    try:
        return unpack(waiting.report), waiting
    except zlib.error as error:
        raise ValueError("the report in the message cannot be unpacked") from error


def _send(text: str, delay_s: int = 0) -> None:
    try:
        queues.send(QUEUE, text, delay_s)
    except (BotoCoreError, ClientError) as error:
        logger.exception("the overflow queue refused a report")
        raise Unavailable("Reports cannot be kept at the moment; send this one again shortly.") from error
