"""Dispatching: a pending job's message goes to the queue of its kind's worker.

A message may get lost on the way there, or come twice: a sweep sends it again, and an attempt is claimed once.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import queues
from chalicelib.clock import rfc3339
from chalicelib.dynamodb import Busy
from chalicelib.jobs import models
from chalicelib.observability import logger

QUEUES: Final = {"transcode": "uploads"}
SENT_WITHIN: Final = timedelta(seconds=60)
# Long after a worker was free for it: only a message that got lost is sent twice.
SENT_AGAIN_AFTER: Final = timedelta(days=1)


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a worker is told: to claim this attempt of this job."""

    job_id: str
    attempt: int


def dispatch(job_id: str, kind: str, attempt: int, now: datetime) -> None:
    """Send a pending attempt to its worker, and note that it was sent. What fails here is left to the next sweep."""
    body = msgspec.json.encode(Message(job_id, attempt)).decode()
    try:
        queues.send(QUEUES[kind], body)
        models.send_again_at(job_id, attempt, rfc3339(now + SENT_AGAIN_AFTER))
    except (BotoCoreError, ClientError, Busy):
        logger.exception("a job waits for the next sweep", job_id=job_id, attempt=attempt)
