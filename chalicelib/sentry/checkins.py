"""Check-ins: the heartbeats of tasks that run elsewhere, cron jobs most often."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from msgspec import Struct

from chalicelib import clock, paging
from chalicelib.clock import Time
from chalicelib.incidents import own, recording, report
from chalicelib.incidents.report import Origin
from chalicelib.personal import treat
from chalicelib.scrubbing import scrub
from chalicelib.sentry import crontab, models
from chalicelib.sentry.envelope import event_id as id_of
from chalicelib.sentry.models import Heartbeat
from chalicelib.storable import storable
from chalicelib.zones import UnknownZone, zone

Body = Mapping[str, object]
Status = Literal["in_progress", "ok", "error"]

ERROR_KEY: Final = "check_in"
STATUSES: Final = ("in_progress", "ok", "error")
DEFAULT_ENVIRONMENT: Final = "production"
# Sentry's own, where a monitor does not say otherwise.
DEFAULT_MARGIN: Final = 1
DEFAULT_LONGEST: Final = 30
MAX_MINUTES: Final = 60 * 24 * 366
MAX_DURATION_S: Final = 10**9
# A machine whose clock is ahead of ours begins early.
CLOCK_SKEW: Final = timedelta(minutes=1)

_OTHER: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_EVERY: Final = re.compile(r"every ([0-9]{1,6}) (minute|hour|day|week|month|year)")
_UNITS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    # The longest of them: nothing is overdue before its time.
    "month": timedelta(days=31),
    "year": timedelta(days=366),
}


class HeartbeatView(Struct, frozen=True):
    """The last check-ins of a monitor in one environment.

    `overdue` says that it should have checked in by now, or has been in progress for too long; null where it never said
    when it runs. `schedule` is a crontab line in `timezone`, or such as `every 10 minute`.
    """

    monitor: str
    environment: str
    status: Status
    overdue: bool | None
    last_check_in: Time
    last_ok: Time | None
    last_error: Time | None
    duration_seconds: float | None
    schedule: str | None
    timezone: str | None
    release: str | None


def keep(body: Body, origin: Origin, now: datetime) -> None:
    """Keep a check-in, read forgivingly, as the heartbeat of its monitor; one that failed is an incident as well.

    Safe to repeat. Raises Unavailable.
    """
    clean: dict[str, Any] = treat(scrub(storable(dict(body), [])), origin.scrub, origin.project_id)
    monitor = _name(clean.get("monitor_slug"), 100) or "unnamed"
    environment = _name(clean.get("environment"), 64) or DEFAULT_ENVIRONMENT
    status = clean["status"] if clean.get("status") in STATUSES else "error"
    check_in_id = id_of(clean.get("check_in_id"))
    if check_in_id is not None and not check_in_id.strip("0"):
        # So a client refers to its latest run without knowing its id.
        check_in_id = None
    facts = _facts(clean, status, check_in_id, now)
    if status == "error":
        _tell(clean, (monitor, environment, check_in_id), origin, now)
    expires = now + timedelta(days=origin.retention_days)
    models.beat(origin.project_id, monitor, environment, facts, expires)


def page(project_id: str, limit: int, cursor: str | None, now: datetime) -> paging.Page[HeartbeatView]:
    """A page of a project's heartbeats by the names of their monitors. Raises InvalidCursor."""
    scope = paging.scope("heartbeats", {"project_id": project_id})
    found = models.page(project_id, paging.position(scope, cursor), limit + 1)
    items = [_show(row, now) for row in found[:limit] if row.ttl > now.timestamp()]
    return paging.Page(items, paging.cursor(scope, found[limit - 1].sk) if len(found) > limit else None)


def _facts(clean: dict[str, Any], status: str, check_in_id: str | None, now: datetime) -> dict[str, Any]:
    stamp = clock.rfc3339(now)
    given = clean.get("monitor_config")
    said: dict[str, Any] = given if isinstance(given, dict) else {}
    release = clean.get("release")
    return {
        "status": status,
        "check_in_id": check_in_id,
        "last_check_in": stamp,
        "last_started": stamp if status == "in_progress" else None,
        "last_ok": stamp if status == "ok" else None,
        "last_error": stamp if status == "error" else None,
        "duration": _number(clean.get("duration"), MAX_DURATION_S),
        "schedule": _schedule(said.get("schedule")),
        "timezone": _zone(said.get("timezone")),
        "margin": _number(said.get("checkin_margin"), MAX_MINUTES),
        "longest": _number(said.get("max_runtime"), MAX_MINUTES),
        "release": release.strip()[:200] or None if isinstance(release, str) else None,
    }


def _tell(clean: dict[str, Any], run: tuple[str, str, str | None], origin: Origin, now: datetime) -> None:
    """Report a run that failed; told again it counts once."""
    monitor, environment, check_in_id = run
    known = {"event_id": own.event_id(f"{origin.project_id}/{monitor}/{check_in_id}")} if check_in_id else {}
    body = {
        "error_key": ERROR_KEY,
        "description": {"error_message": f"{monitor} failed", "monitor": monitor, "check_in": clean},
        "severity": "HIGH",
        "actor_type": "system",
        "environment": environment,
        "release": clean.get("release"),
        "fingerprint": [ERROR_KEY, monitor, environment],
        **known,
    }
    recording.record([report.read(body, origin, now)], now)


# -- reading ----------------------------------------------------------------------------------------------------------


def _show(row: Heartbeat, now: datetime) -> HeartbeatView:
    status: Any = row.status
    return HeartbeatView(
        monitor=row.monitor,
        environment=row.environment,
        status=status,
        overdue=_overdue(row, now),
        last_check_in=row.last_check_in,
        last_ok=row.last_ok,
        last_error=row.last_error,
        duration_seconds=None if row.duration is None else float(row.duration),
        schedule=row.schedule,
        timezone=row.timezone,
        release=row.release,
    )


def _overdue(row: Heartbeat, now: datetime) -> bool | None:
    longest = timedelta(minutes=int(row.longest or DEFAULT_LONGEST))
    if row.status == "in_progress" and now - clock.parse(str(row.last_started)) > longest:
        return True
    if row.schedule is None:
        return None
    margin, last = timedelta(minutes=int(row.margin or DEFAULT_MARGIN)), clock.parse(row.last_check_in)
    every = _EVERY.fullmatch(row.schedule)
    if every:
        return now - last > int(every[1]) * _UNITS[every[2]] + margin
    due = crontab.last(row.schedule, now - margin, zone(row.timezone or "UTC"))
    return None if due is None else last < due - CLOCK_SKEW


# -- what a client may say --------------------------------------------------------------------------------------------


def _name(found: Any, most: int) -> str:
    return _OTHER.sub("-", found)[:most].strip("-") if isinstance(found, str) else ""


def _number(found: Any, most: int) -> float | None:
    return found if isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found <= most else None


def _schedule(found: Any) -> str | None:
    """`{"type": "crontab", "value": "0 0 * * *"}` or `{"type": "interval", "value": 10, "unit": "minute"}`."""
    said: dict[str, Any] = found if isinstance(found, dict) else {}
    value = said.get("value")
    if said.get("type") == "interval":
        every = f"every {value} {said.get('unit')}"
        return every if _EVERY.fullmatch(every) else None
    return " ".join(value.split()) if isinstance(value, str) and len(value) <= crontab.MAX_LENGTH else None


def _zone(found: Any) -> str | None:
    try:
        return found if isinstance(found, str) and zone(found) else None
    except UnknownZone:
        return None
