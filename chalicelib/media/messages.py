"""Messages of the uploads queue: events of the store, our own word that an object is there, and jobs' attempts."""

import json
from typing import Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import queues
from chalicelib.errors import Unavailable
from chalicelib.jobs.dispatching import Message as Attempt
from chalicelib.media import events

QUEUE: Final = "uploads"


def read(body: str) -> Attempt | list[str]:
    """What a message is about: an attempt of a job, or the keys of objects that were made.

    Raises ValueError for any other text.
    """
    message = json.loads(body)
    match message:
        case {"job_id": _}:
            return msgspec.convert(message, Attempt)
        case {"created": str(key)}:
            return [key]
    return events.created_keys(message)


def announce(key: str) -> None:
    """Say that an object is there. Raises Unavailable where the queue does not take it."""
    try:
        queues.send(QUEUE, json.dumps({"created": key}))
    except (BotoCoreError, ClientError) as error:
        raise Unavailable("The event cannot be kept at the moment; send it again shortly.") from error
