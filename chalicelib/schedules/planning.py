"""Planning: schedules are made, listed and shown. One that is being deleted is there for nobody."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from chalicelib import paging, zones
from chalicelib.clock import Time, rfc3339
from chalicelib.errors import InvalidRequest, ScheduleNotFound
from chalicelib.observability import correlation_id
from chalicelib.schedules import models
from chalicelib.schedules.models import Schedule
from chalicelib.storable import bounded

MAX_CONTEXT_BYTES: Final = 8192
# Texts of years with four digits sort by time, and no calendar library is asked for more.
FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
END: Final = datetime(2200, 1, 1, tzinfo=UTC)

Moment = Annotated[datetime, Meta(tz=True, description="With an offset, any; in the years 1970 to 2199.")]


class NewSchedule(Struct, frozen=True, forbid_unknown_fields=True):
    """A schedule to be made. `context` is the caller's own: at most 8 KB as JSON."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    starts_at: Moment
    ends_at: Annotated[Moment, Meta(description="Like `starts_at`, and after it.")]
    timezone: Annotated[str, Meta(max_length=64, description="An IANA name.")] = "UTC"
    context: dict[str, Any] = msgspec.field(default_factory=dict)


class ScheduleView(Struct, frozen=True):
    """A schedule. `timezone` is where its people are; all times are UTC."""

    schedule_id: str
    title: str
    starts_at: Time
    ends_at: Time
    timezone: str
    context: dict[str, Any]
    created_at: Time


def make(new: NewSchedule, actor: str, now: datetime, schedule_id: str | None = None) -> ScheduleView:
    """Make a schedule. Raises InvalidRequest that names the field at fault.

    Where there is one of that id already, it was made by the same request, and is what is returned.
    """
    _require_valid(new)
    schedule = models.new(
        schedule_id or uuid.uuid4().hex,
        title=new.title,
        starts_at=rfc3339(new.starts_at),
        ends_at=rfc3339(new.ends_at),
        timezone=new.timezone,
        context=bounded("context", new.context, MAX_CONTEXT_BYTES),
        correlation_id=correlation_id(),
        now=now,
    )
    audit = models.audit(
        schedule.schedule_id,
        actor,
        "make",
        now,
        correlation_id=correlation_id(),
        change={"title": new.title, "starts_at": schedule.starts_at, "ends_at": schedule.ends_at},
    )
    if not models.insert(schedule, audit):
        schedule = existing(schedule.schedule_id)
    return show(schedule)


def page(query: paging.PageQuery) -> paging.Page[ScheduleView]:
    """One page, the latest `starts_at` first. Raises InvalidCursor."""
    scope = paging.scope("schedules", {})
    positions = models.positions(paging.position(scope, query.cursor), query.limit + 1)
    examined = positions[: query.limit]
    ids = [position.rpartition("#")[2] for position in examined]
    found = models.find_many(ids)
    # The index follows the rows by some milliseconds, so it may still hold what was deleted.
    items = [show(found[each]) for each in ids if each in found and found[each].deleting is None]
    more = len(positions) > len(examined)
    return paging.Page(items, paging.cursor(scope, examined[-1]) if more else None)


def existing(schedule_id: str) -> Schedule:
    """The schedule. Raises ScheduleNotFound, also for one that is being deleted."""
    schedule = models.find(schedule_id) if models.is_schedule_id(schedule_id) else None
    if schedule is None or schedule.deleting is not None:
        raise not_found()
    return schedule


def show(schedule: Schedule) -> ScheduleView:
    """A schedule, as callers see it."""
    return ScheduleView(
        schedule_id=schedule.schedule_id,
        title=schedule.title,
        starts_at=schedule.starts_at,
        ends_at=schedule.ends_at,
        timezone=schedule.timezone,
        context=schedule.context or {},
        created_at=schedule.created_at,
    )


def not_found() -> ScheduleNotFound:
    """What is said of a schedule that is not there, or not any more."""
    return ScheduleNotFound("There is no schedule with this id; it may have been deleted.")


def _require_valid(new: NewSchedule) -> None:
    for name, moment in (("starts_at", new.starts_at), ("ends_at", new.ends_at)):
        if not FIRST <= moment < END:
            raise InvalidRequest.of(name, "must lie in the years 1970 to 2199 (UTC)")
    # As they are kept: to the millisecond.
    if rfc3339(new.ends_at) <= rfc3339(new.starts_at):
        raise InvalidRequest.of("ends_at", "must be after starts_at")
    try:
        zones.zone(new.timezone)
    except zones.UnknownZone as error:
        raise InvalidRequest.of("timezone", str(error)) from error
