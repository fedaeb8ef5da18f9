"""Tracking: events as they come in, alone or in batches, each answered by itself.

First the raw events, then what is made of them: roll-ups, the feed, notices. A 202 says that the raw ones are kept.
What the database is too busy for after that, or refuses, is counted and logged, and the nightly run corrects the
roll-ups.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType
from pynamodb.exceptions import PynamoDBException

from chalicelib.alerts.alert import Severity
from chalicelib.analytics import detecting, event, feed, raw, tallying
from chalicelib.analytics.event import NAME, Event
from chalicelib.dynamodb import Busy
from chalicelib.errors import ApiError, Error
from chalicelib.observability import count, logger
from chalicelib.operations import either
from chalicelib.projects import ingest
from chalicelib.projects.settings import Terms

MAX_BATCH: Final = 100


class Tracked(Struct, frozen=True, omit_defaults=True):
    """What the caller of an event is told. `notes` say what in it was changed or left out."""

    event_id: str
    notes: list[str] = []


Result = Annotated[Any, either(Tracked, Error)]


class TrackedBatch(Struct, frozen=True):
    """What became of each event of a batch, in its order."""

    results: list[Result]


class NewEvent(Struct):
    """An event to be tracked."""

    event: Annotated[str, Meta(pattern=f"^{NAME.pattern}$")]
    data: dict[str, Any]
    severity: Severity | UnsetType | None = UNSET
    user_id: Annotated[str | int | UnsetType | None, Meta(description="Who it happened to.")] = UNSET
    timestamp: Annotated[
        str | float | UnsetType | None,
        Meta(description="When it happened: RFC 3339, or epoch seconds or milliseconds."),
    ] = UNSET
    environment: Annotated[str | UnsetType | None, Meta(description="Must be a text.")] = UNSET
    event_id: Annotated[str | UnsetType | None, Meta(description="Must be 32 hex digits.")] = UNSET


class NewEvents(Struct):
    """A batch of events to be tracked."""

    events: Annotated[list[NewEvent], Meta(min_length=1, max_length=MAX_BATCH)]


@cache
def bodies() -> Any:
    """The model of what `take` reads. Of optional fields but the severity it takes any value."""
    return NewEvent | NewEvents


def take(body: Mapping[str, object], terms: Terms, now: datetime) -> Tracked | TrackedBatch:
    """Track an event or a batch, as far as the quota lets it in.

    Raises InvalidRequest, QuotaExceeded, and StoreUnavailable where nothing may have been kept.
    """
    if "events" in body and "event" not in body:
        return TrackedBatch(_take_batch(body["events"], terms, now))
    ingest.admit(terms, 1, now)
    read = event.read(body, terms, now)
    track([read], terms, now)
    return Tracked(read.event_id, read.notes)


def track(events: Sequence[Event], terms: Terms, now: datetime) -> None:
    """Keep a project's events, which came together, and do what follows. Raises StoreUnavailable."""
    batch_id = uuid.uuid4().hex
    # Who sends an event twice in a batch means it once.
    once: dict[str, Event] = {}
    for each in events:
        once.setdefault(each.event_id, each)
    fresh = list(once.values())
    raw.write(fresh, batch_id)
    count("EventsTracked", len(fresh))
    _follow("RollupsMissed", lambda: tallying.record(fresh, now))
    _follow("FeedMissed", lambda: feed.keep(fresh, batch_id))
    _follow("NoticesMissed", lambda: detecting.detect(fresh, terms, now))


def _follow(metric: str, step: Callable[[], None]) -> None:
    try:
        step()
    # Also what will not pass by itself: after a 500 the caller would send again what is kept already.
    except (Busy, PynamoDBException):
        logger.exception("tracked events were not all followed up")
        count(metric)


def _take_batch(bodies: object, terms: Terms, now: datetime) -> list[Tracked | Error]:
    read = ingest.admit_batch(bodies, "events", MAX_BATCH, terms, now, read=lambda body: event.read(body, terms, now))
    events = [each for each in read if isinstance(each, Event)]
    if events:
        track(events, terms, now)
    return [each.body() if isinstance(each, ApiError) else Tracked(each.event_id, each.notes) for each in read]
