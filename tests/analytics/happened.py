"""What happened, straight into the bucket and the roll-ups."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from unittest import mock

from chalicelib import clock, memory, storage
from chalicelib.analytics import event, models, raw, tallying
from chalicelib.analytics.event import Event, Kept
from chalicelib.config import Storage
from tests import store as stores
from tests.store import Store

NOW = clock.parse("2026-11-22T14:20:00Z")
BUCKET = "BUCKET"


def one(at: datetime, name: str = "page_viewed", **given: Any) -> Event:
    """An event at a moment, received then; `given` are its fields, and what its data says."""
    fields = {field: given.pop(field) for field in Kept.__struct_fields__ if field in given}
    moment = clock.rfc3339(at)
    usual: dict[str, Any] = {
        "event_id": uuid.uuid4().hex,
        "event": name,
        "severity": "INFO",
        "timestamp": moment,
        "received_at": moment,
        "project_id": "1",
        "user_id": None,
        "environment": None,
    }
    return event.of(Kept(**usual | fields, data=given))


def keep(events: Iterable[Event]) -> None:
    """Into the bucket alone."""
    raw.write(list(events), uuid.uuid4().hex)


def happen(events: Iterable[Event], now: datetime = NOW) -> None:
    """Into the bucket and the roll-ups."""
    events = list(events)
    keep(events)
    tallying.record(events, now)


@contextmanager
def quick() -> Iterator[Store]:
    """A store with a bucket of events: rows of the analytics table, so that calls to it take turns with others."""
    with stores.installed() as store, mock.patch.multiple(storage, write=_write, keys_under=_keys_under, load=_load):
        memory.forget()
        yield store


def _write(store: Storage, key: str, body: bytes, content_type: str) -> None:
    models.Batch(BUCKET, key, events=body).save()


def _keys_under(prefix: str, store: Storage) -> Iterator[str]:
    return iter([row.sk for row in models.Batch.query(BUCKET, models.Row.sk.startswith(prefix))])


def _load(store: Storage, key: str) -> bytes:
    return bytes(models.Batch.get(BUCKET, key).events)
