"""Events: what stores say when an object was made, in their several shapes.

S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
MinIO: the same records, and `s3:ObjectCreated:*` names: https://min.io/docs/minio/linux/administration/monitoring/bucket-notifications.html
R2: https://developers.cloudflare.com/r2/buckets/event-notifications/#message-format
"""

import hmac
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote_plus

from chalicelib import http
from chalicelib.config import config
from chalicelib.errors import InvalidBody, InvalidToken, MissingCredentials
from chalicelib.operations import Caller

MAX_RECORDS: Final = 1000
_MADE_BY_R2: Final = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload"})


class NotAnEvent(ValueError):
    """The text is none of the shapes of an event."""


def created_keys(body: Any) -> list[str]:
    """The keys of the objects of our bucket that an event says were made. None for other kinds of events, and tests.

    Raises NotAnEvent.
    """
    keys = [key for bucket, key in _created(body) if bucket == config().storage.bucket]
    return list(dict.fromkeys(keys))


def _created(body: Any) -> Iterator[tuple[str, str]]:
    match body:
        case {"Records": list() as records} if len(records) <= MAX_RECORDS:
            for record in records:
                yield from _record(record)
        # The first message of S3's after a queue was wired.
        case {"Event": "s3:TestEvent"}:
            return
        case {"action": str(action), "bucket": str(bucket), "object": {"key": str(key)}}:
            if action in _MADE_BY_R2:
                yield bucket, key
        case _:
            raise NotAnEvent("not an event of a store that is known here")


def _record(record: Any) -> Iterator[tuple[str, str]]:
    match record:
        case {"eventName": str(name), "s3": {"bucket": {"name": str(bucket)}, "object": {"key": str(key)}}}:
            if name.removeprefix("s3:").startswith("ObjectCreated:"):
                yield bucket, unquote_plus(key)
        case _:
            raise NotAnEvent("not a record of a store that is known here")


def _recognise() -> None:
    """Whether the store itself calls: it presents the secret that it was given."""
    secret = config().storage.webhook_secret
    scheme, _, given = (http.header("authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        raise MissingCredentials("Send the storage webhook's secret: Authorization: Bearer <secret>.")
    if not secret or not hmac.compare_digest(given.strip().encode(), secret.encode()):
        raise InvalidToken("This is not the storage webhook's secret.")


store: Final = Caller("the store", _recognise, ("storage_secret",), (MissingCredentials, InvalidToken))


def read(body: dict[str, object]) -> list[str]:
    """The keys that a webhook's body names. Raises InvalidBody."""
    try:
        return created_keys(body)
    except NotAnEvent as error:
        raise InvalidBody(f"The body is {error}.") from error
