"""An event: what an application says about one thing that happened, read forgivingly, scrubbed and bounded."""

import contextlib
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from chalicelib import clock
from chalicelib.alerts.alert import SEVERITIES, Severity
from chalicelib.analytics import facts
from chalicelib.analytics.facts import Facts
from chalicelib.clock import Time
from chalicelib.errors import InvalidRequest
from chalicelib.incidents import report
from chalicelib.incidents.report import Origin
from chalicelib.projects.settings import Terms
from chalicelib.scrubbing import scrub_text
from chalicelib.storable import bounded

NAME: Final = re.compile(r"[A-Za-z0-9_.:/ -]{1,100}")
MAX_DATA_BYTES: Final = 64 * 1024
MAX_NOTES: Final = 20
CLOCK_SKEW: Final = timedelta(minutes=10)
OLDEST: Final = timedelta(days=7)
# What a report of incidents accepts under the same names.
ACCEPTED: Final = ("environment", "event_id", "user_id")
_KNOWN: Final = frozenset({"event", "data", "severity", "timestamp", *ACCEPTED})
# Epoch seconds up to the year 5138; what is more are milliseconds.
_MOST_SECONDS: Final = 10**11


class Kept(msgspec.Struct, frozen=True):
    """An event as it is kept: a line of the raw files, and an item of the feed.

    `timestamp` is when it happened, as the caller has it; `received_at` when it came here.
    """

    event_id: str
    event: str
    severity: Severity
    timestamp: Time
    received_at: Time
    project_id: str
    user_id: str | None
    environment: str | None
    data: dict[str, Any]


class Event(Kept, frozen=True):
    """An event while it is worked on, with what its data says. `notes` say what was changed."""

    facts: Facts
    notes: list[str] = []

    @property
    def failed(self) -> bool:
        """Whether something went wrong: it was severe, answered 500 or above, or no success."""
        found = self.facts
        return self.severity != "INFO" or (found.status or 0) >= 500 or found.success is False

    @property
    def kept(self) -> Kept:
        return Kept(*(getattr(self, name) for name in Kept.__struct_fields__))


def of(kept: Kept) -> Event:
    """An event as it was kept, with the facts that it was kept with: not those of persons."""
    return Event(**msgspec.structs.asdict(kept), facts=facts.read(kept.data))


def read(body: Mapping[str, object], terms: Terms, now: datetime) -> Event:
    """An event from untrusted JSON. Raises InvalidRequest for what API.md refuses."""
    name, severity = body.get("event"), _severity(body.get("severity"))
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidRequest.of("event", "must be 1 to 100 characters of A-Z a-z 0-9 _ . : / - and space")
    given = body.get("data")
    if not isinstance(given, dict):
        raise InvalidRequest.of("data", "must be an object")
    given = bounded("data", given, MAX_DATA_BYTES) or {}

    notes: list[str] = []
    origin = Origin(terms.project_id, None, "", terms.retention_days, terms.scrub)
    data = report.cleansed(given, origin, notes)
    # Beside data and not around it, which may be as deep as can be.
    rest = report.cleansed({key: value for key, value in body.items() if key not in ("event", "data")}, origin, notes)
    fields = report.accepted({key: rest[key] for key in ACCEPTED if key in rest}, notes)
    unknown = {key: value for key, value in rest.items() if key not in _KNOWN}
    report.keep_unknown(unknown, data, "data", notes)
    account = facts.account(given, terms.project_id) or facts.digest(body.get("user_id"), terms.project_id)
    address = facts.address(given, terms.project_id)
    data = report.trimmed(data, MAX_DATA_BYTES, "data", notes)
    return Event(
        event_id=fields.get("event_id") or uuid.uuid4().hex,
        event=scrub_text(name),
        severity=severity,
        timestamp=clock.rfc3339(_timestamp(rest.get("timestamp"), now, notes)),
        received_at=clock.rfc3339(now),
        project_id=terms.project_id,
        user_id=fields.get("user_id"),
        environment=fields.get("environment"),
        data=data,
        facts=msgspec.structs.replace(facts.read(data), account=account, address=address),
        notes=notes[:MAX_NOTES],
    )


def _severity(given: object) -> Severity:
    if given is None:
        return "INFO"
    for severity in SEVERITIES:
        if isinstance(given, str) and given.strip().upper() == severity:
            return severity
    raise InvalidRequest.of("severity", f"must be one of {', '.join(SEVERITIES)}")


def _timestamp(given: object, now: datetime, notes: list[str]) -> datetime:
    if given is None or given == "":
        return now
    moment = _moment(given)
    if moment is None:
        notes.append("timestamp was left at its default: it must be an RFC 3339 time or epoch seconds.")
        return now
    if not now - OLDEST <= moment <= now + CLOCK_SKEW:
        notes.append("timestamp was left at its default: it lies more than 10 minutes ahead or 7 days back.")
        return now
    return moment


def _moment(given: object) -> datetime | None:
    if isinstance(given, str) and len(given) <= 40:
        with contextlib.suppress(ValueError):
            given = float(given)
    try:
        if isinstance(given, str):
            return clock.parse(given) if len(given) <= 40 else None
        if isinstance(given, int | float) and not isinstance(given, bool):
            return datetime.fromtimestamp(given / 1000 if abs(given) >= _MOST_SECONDS else given, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
