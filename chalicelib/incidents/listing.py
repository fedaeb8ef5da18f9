"""Listing: pages of incidents under filters, in index order, each page in a bounded number of calls at any size."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Final, cast

from msgspec import Meta, Struct

from chalicelib import clock, paging
from chalicelib.clock import Time
from chalicelib.config import FIRST_PROJECT
from chalicelib.dynamodb import Key, RawRow
from chalicelib.fields import ProjectId
from chalicelib.incidents import models, trend
from chalicelib.incidents.models import STATUSES, Fix, Incident, Severity, Status

MAX_COUNT: Final = 10_000


Prefix = Annotated[str, Meta(pattern="^[A-Za-z0-9_.:-]{1,100}$", description="Begins the error key.")]
Words = Annotated[str, Meta(description="Stands in the error key or the title, whatever its case.")]


class Filters(Struct, frozen=True):
    """What a list of incidents is narrowed to; all of it combines."""

    project_id: ProjectId = FIRST_PROJECT
    status: Status | None = None
    severity: Severity | None = None
    environment: str | None = None
    error_key: Prefix | None = None
    q: Words | None = None

    @property
    def scope(self) -> str:
        return paging.scope("incidents", {name: getattr(self, name) for name in Filters.__struct_fields__})

    @property
    def narrow(self) -> bool:
        """Whether some of what the index yields may not match."""
        by_error_key = self.error_key is not None
        return bool(self.severity or self.environment or self.q or (by_error_key and self.status))


class IncidentQuery(Filters, frozen=True):
    """Which incidents, and which page of them."""

    limit: paging.Limit = paging.DEFAULT_LIMIT
    cursor: paging.Cursor | None = None


class IncidentSummary(Struct, frozen=True):
    """An incident as it is listed. `user_count` is distinct users; `trend` ends with the present hour."""

    incident_id: str
    project_id: str
    error_key: str
    title: str
    severity: Annotated[Severity, Meta(description="The highest seen.")]
    status: Status
    count: int
    user_count: int
    first_seen: Time
    last_seen: Time
    created_at: Time
    updated_at: Time
    environments: list[str]
    first_release: str | None
    last_release: str | None
    regressed: Annotated[bool, Meta(description="It came back after it was FIXED.")]
    stale_hits: Annotated[int, Meta(description="Reports since the fix that occurred before it.")]
    fix_commit_hash: str | None
    fix_notes: str | None
    fixed_in_release: str | None
    fixed_at: Time | None
    trend: Annotated[list[int], Meta(min_length=24, max_length=24, description="Reports an hour, the oldest first.")]


class IncidentCount(Struct, frozen=True, omit_defaults=True):
    """How many incidents there are: exactly, or `more` than that."""

    count: Annotated[int, Meta(ge=0)]
    more: bool = False


def page(filters: Filters, limit: int, cursor: str | None, now: datetime) -> paging.Page[IncidentSummary]:
    """One page: the newest first, or by error key and then the newest under that filter. Raises InvalidCursor."""
    rows: dict[Key, RawRow] = {}

    def ids(positions: Sequence[str]) -> Iterator[str | None]:
        rows.update(_read(map(_id, positions), whole=not filters.narrow))
        for incident in (_incident(rows, _id(each)) for each in positions):
            yield incident.incident_id if incident is not None and _matches(incident, filters, now) else None

    found = paging.filtered(
        filters.scope,
        cursor,
        limit,
        narrow=filters.narrow,
        positions=partial(_positions, filters),
        items=ids,
    )
    if filters.narrow:
        rows |= _read(found.items, whole=True)
    items = [show(incident, rows, now) for each in found.items if (incident := _incident(rows, each))]
    return paging.Page(items, found.next_cursor)


def show(incident: Incident, rows: dict[Key, RawRow], now: datetime) -> IncidentSummary:
    """An incident as API.md shows it in lists. `rows` holds its HOURS and FIX, where they exist."""
    hours = rows.get((incident.pk, "HOURS"), {})
    slots = {name: int(value["N"]) for name, value in hours.items() if name.startswith("h")}
    raw_fix = rows.get((incident.pk, "FIX"))
    fix = Fix.from_raw_data(raw_fix) if raw_fix else Fix(incident.pk, "FIX")
    if raw_fix and fix.life != incident.first_seen:
        fix = Fix(incident.pk, "FIX")
    count = int(incident.occurrences)
    return IncidentSummary(
        incident_id=incident.incident_id,
        project_id=incident.project_id,
        error_key=incident.error_key,
        title=incident.title,
        severity=cast("Severity", incident.severity),
        status=cast("Status", incident.status),
        count=count,
        user_count=int(incident.user_count),
        first_seen=incident.first_seen,
        last_seen=incident.last_seen,
        created_at=incident.first_seen,
        updated_at=max(incident.last_seen, incident.triaged_at or ""),
        environments=sorted(incident.environments or ()),
        first_release=incident.first_release,
        last_release=incident.last_release,
        regressed=bool(incident.regressed),
        stale_hits=int(incident.stale_hits),
        fix_commit_hash=fix.commit_hash,
        fix_notes=fix.notes,
        fixed_in_release=incident.fixed_in_release,
        fixed_at=incident.fixed_at,
        trend=trend.trend(slots, clock.parse(incident.first_seen), count, now),
    )


def count(project_id: str, status: Status | None, since: datetime) -> IncidentCount:
    """How many incidents there are (of a status), last seen since the project's retention: exact to 10,000."""
    total = 0
    for each in STATUSES if status is None else (status,):
        total += models.count_status(project_id, each, since, MAX_COUNT + 1 - total)
    return IncidentCount(min(total, MAX_COUNT), total > MAX_COUNT)


def alive(incident: Incident, now: datetime) -> bool:
    """Whether an incident is within its retention; the store deletes it some time after."""
    return incident.ttl > now.timestamp()


def _positions(filters: Filters, position: str | None, most: int) -> list[str]:
    if filters.error_key is not None:
        return models.incidents_by_error_key(filters.project_id, filters.error_key, position, most)
    statuses = STATUSES if filters.status is None else (filters.status,)
    found = [models.incidents_of(filters.project_id, status, position, most) for status in statuses]
    # One that changes its status meanwhile may stand in two partitions, at the same position.
    merged = list(dict.fromkeys(heapq.merge(*found, reverse=True)))
    return merged[:most]


def _read(incident_ids: Iterable[str], *, whole: bool) -> dict[Key, RawRow]:
    """The hot rows of incidents, or the `whole` of what `show` needs: their hours and fixes, too."""
    kinds = ("META", "HOURS", "FIX") if whole else ("META",)
    return models.read([(models.incident_key(each), sk) for each in incident_ids for sk in kinds])


def _incident(rows: dict[Key, RawRow], incident_id: str) -> Incident | None:
    row = rows.get((models.incident_key(incident_id), "META"))
    return Incident.from_raw_data(row) if row else None


def _id(position: str) -> str:
    return position.rpartition("#")[2]


def _matches(incident: Incident, filters: Filters, now: datetime) -> bool:
    # The index follows the row by some milliseconds, so even what it is keyed by is checked.
    words = (filters.q or "").casefold()
    return (
        alive(incident, now)
        and filters.status in (None, incident.status)
        and filters.severity in (None, incident.severity)
        and (filters.environment is None or filters.environment in (incident.environments or ()))
        and (words in incident.title.casefold() or words in incident.error_key.casefold())
    )
