"""What happened, straight into the bucket and the roll-ups."""

import math
import random
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from unittest import mock

from chalicelib import clock, memory, storage
from chalicelib.analytics import event, models, raw, tallying
from chalicelib.analytics.event import Event, Kept
from chalicelib.analytics.windows import HOUR
from chalicelib.config import Storage
from tests import store as stores
from tests.faults import Call, size, tapped
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
    """Into the bucket and the roll-ups, of however many hours."""
    events = list(events)
    keep(events)
    for hour in sorted({each.timestamp[:13] for each in events}):
        tallying.record([each for each in events if each.timestamp.startswith(hour)], now)


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


# -- what an app sends, and a day of it --------------------------------------------------------------------------------

ENDPOINTS = [
    f"{method} /{noun}/{{id}}" for method in ("GET", "POST", "PUT") for noun in ("orders", "proofs", "tasks", "media")
]
FEATURES = ["homework proof", "calendar", "chat", "badges", "parents' view"]
NAMES = [
    "request",
    "request.failed",
    "page.view",
    "upload",
    "upload.failed",
    "ai.call",
    "ai.failed",
    "trial",
    "login",
    "sync",
]
PROVIDERS, OUTCOMES = ["acme", "zenith"], ["converted", "expired", "cancelled"]


def mixed(chance: random.Random, users: int) -> dict[str, Any]:
    """An event of an app with 12 endpoints, 10 events and 5 features: 2 of 100 critical, 8 a warning."""
    name = chance.choice(NAMES)
    severity = chance.choices(["INFO", "WARNING", "CRITICAL"], [90, 8, 2])[0]
    data = {
        "endpoint": chance.choice(ENDPOINTS),
        "duration_ms": round(chance.lognormvariate(5, 1), 1),
        "status": 500 if severity == "CRITICAL" else 200,
        "feature": chance.choice(FEATURES),
        "cache": chance.choice(["hit", "miss"]),
        "browser": "Firefox 145",
        "page": f"/children/{chance.randrange(10**6)}/week",
    }
    if name == "trial":
        data |= {"trial_type": "annual", "outcome": chance.choice(OUTCOMES)}
    if name.startswith("ai"):
        data |= {"provider": chance.choice(PROVIDERS), "tokens": chance.randrange(4000)}
    return {"event": name, "severity": severity, "user_id": f"customer-{chance.randrange(users)}", "data": data}


BUSY_ENDPOINTS, BUSY_NAMES, BUSY_FEATURES, BUSY_USERS, BUSY_EVENTS = 50, 30, 20, 700, 1400


@contextmanager
def busy_day() -> Iterator[None]:
    """A day in each of whose hours every endpoint fails for many users, at any speed."""
    with quick() as store:
        happen(
            one(
                NOW,
                f"checkout_step_{nth % BUSY_NAMES}_failed",
                severity=("INFO", "WARNING", "CRITICAL")[nth % 3],
                endpoint=f"/api/classes/homework/view-{_letters(nth % BUSY_ENDPOINTS)}/proofs",
                duration_ms=1.04 ** (nth * 7 % 250),
                status=200 + nth % 2 * 300,
                user_id=str(nth % BUSY_USERS),
                feature=f"feature-name-{nth % BUSY_FEATURES}",
            )
            for nth in range(BUSY_EVENTS)
        )
        # The same in the hours before.
        for row in store.rows("analytics"):
            pk, sk = row["pk"]["S"], row["sk"]["S"]
            for hour in range(1, 24 if sk.startswith("H") else 0):
                earlier = models.hour_key(NOW - hour * HOUR)
                if "hashes" in row:
                    models.overwrite_users(pk, earlier, *models.sketch(row))
                else:
                    models.overwrite(pk, earlier, models.numbers(row), found=None)
        yield


def _letters(nth: int) -> str:
    return chr(97 + nth % 25) + chr(97 + nth // 25)


# -- what reports read -------------------------------------------------------------------------------------------------


@dataclass
class Reads:
    """The calls that were made, and their read capacity units.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """

    calls: int = 0
    units: float = 0


@contextmanager
def counted() -> Iterator[Reads]:
    """Count what is read: a query as a whole, and at half price as it may be some milliseconds old."""
    reads = Reads()

    def note(call: Call) -> Any:
        answer = call.make()
        assert call.operation == "Query", "nothing else is read, and nothing written"
        assert not call.parameters.get("ConsistentRead")
        reads.calls += 1
        reads.units += max(1, math.ceil(sum(map(size, answer["Items"])) / 4096)) / 2
        return answer

    with tapped(note):
        yield reads
