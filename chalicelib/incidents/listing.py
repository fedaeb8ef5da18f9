"""Listing: pages of incidents under filters, in index order, each page in a bounded number of calls at any size."""

import heapq
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib import clock, paging
from chalicelib.config import config
from chalicelib.dynamodb import Key, RawRow
from chalicelib.incidents import models, trend
from chalicelib.incidents.models import STATUSES, Fix, Incident, Severity, Status

EXAMINED_PER_PAGE: Final = 100
MAX_COUNT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of incidents is narrowed to; all of it combines."""

    project_id: str
    status: Status | None = None
    severity: Severity | None = None
    environment: str | None = None
    error_key: str | None = None
    q: str | None = None

    @property
    def scope(self) -> str:
        return paging.scope("incidents", asdict(self))

    @property
    def narrow(self) -> bool:
        """Whether some of what the index yields may not match."""
        by_error_key = self.error_key is not None
        return bool(self.severity or self.environment or self.q or (by_error_key and self.status))


@dataclass(frozen=True, slots=True)
class Page:
    items: list[dict[str, Any]]
    next_cursor: str | None


def page(filters: Filters, limit: int, cursor: str | None, now: datetime) -> Page:
    """One page: the newest first, or by error key and then the newest under that filter. Raises InvalidCursor."""
    position = paging.position(filters.scope, cursor)
    most = max(limit, EXAMINED_PER_PAGE) if filters.narrow else limit
    positions = _positions(filters, position, most + 1, now)
    examined = positions[:most]
    rows = _read(examined, whole=not filters.narrow)
    matches: list[str] = []
    for index, found in enumerate(examined):
        incident = _incident(rows, _id(found))
        if incident is not None and _matches(incident, filters, now):
            matches.append(found)
            if len(matches) == limit:
                examined = examined[: index + 1]
                break
    if filters.narrow:
        rows |= _read(matches, whole=True)
    items = [show(incident, rows, now) for found in matches if (incident := _incident(rows, _id(found)))]
    more = len(positions) > len(examined)
    return Page(items, paging.cursor(filters.scope, examined[-1]) if more else None)


def show(incident: Incident, rows: dict[Key, RawRow], now: datetime) -> dict[str, Any]:
    """An incident as API.md shows it in lists. `rows` holds its HOURS and FIX, where they exist."""
    hours = rows.get((incident.pk, "HOURS"), {})
    slots = {name: int(value["N"]) for name, value in hours.items() if name.startswith("h")}
    raw_fix = rows.get((incident.pk, "FIX"))
    fix = Fix.from_raw_data(raw_fix) if raw_fix else Fix(incident.pk, "FIX")
    if raw_fix and fix.life != incident.first_seen:
        fix = Fix(incident.pk, "FIX")
    count = int(incident.occurrences)
    return {
        "incident_id": incident.incident_id,
        "project_id": incident.project_id,
        "error_key": incident.error_key,
        "title": incident.title,
        "severity": incident.severity,
        "status": incident.status,
        "count": count,
        "user_count": int(incident.user_count),
        "first_seen": incident.first_seen,
        "last_seen": incident.last_seen,
        "created_at": incident.first_seen,
        "updated_at": max(incident.last_seen, incident.triaged_at or ""),
        "environments": sorted(incident.environments or ()),
        "first_release": incident.first_release,
        "last_release": incident.last_release,
        "regressed": bool(incident.regressed),
        "stale_hits": int(incident.stale_hits),
        "fix_commit_hash": fix.commit_hash,
        "fix_notes": fix.notes,
        "fixed_in_release": incident.fixed_in_release,
        "fixed_at": incident.fixed_at,
        "trend": trend.trend(slots, clock.parse(incident.first_seen), count, now),
    }


def read_whole(incident_ids: Sequence[str]) -> dict[Key, RawRow]:
    """The rows that `show` needs: per incident the hot row, the hours and the fix."""
    return models.read([(models.incident_key(each), sk) for each in incident_ids for sk in ("META", "HOURS", "FIX")])


def count(project_id: str, status: Status | None, now: datetime) -> dict[str, Any]:
    """How many incidents there are (of a status): exact to 10,000."""
    since, total = _horizon(now), 0
    for each in STATUSES if status is None else (status,):
        total += models.count_status(project_id, each, since, MAX_COUNT + 1 - total)
    return {"count": total} if total <= MAX_COUNT else {"count": MAX_COUNT, "more": True}


def alive(incident: Incident, now: datetime) -> bool:
    """Whether an incident is within its retention; the store deletes it some time after."""
    return incident.ttl > now.timestamp()


def _positions(filters: Filters, position: str | None, most: int, now: datetime) -> list[str]:
    if filters.error_key is not None:
        return models.incidents_by_error_key(filters.project_id, filters.error_key, position, most)
    statuses = STATUSES if filters.status is None else (filters.status,)
    found = [models.incidents_of(filters.project_id, status, position, most) for status in statuses]
    # One that changes its status meanwhile may stand in two partitions, at the same position.
    merged = list(dict.fromkeys(heapq.merge(*found, reverse=True)))
    oldest = models.minute(_horizon(now))
    return [each for each in merged[:most] if each >= oldest]


def _horizon(now: datetime) -> datetime:
    return now - timedelta(days=config().retention_days)


def _read(positions: Sequence[str], *, whole: bool) -> dict[Key, RawRow]:
    if whole:
        return read_whole([_id(each) for each in positions])
    return models.read([(models.incident_key(_id(each)), "META") for each in positions])


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
