"""Impact: which users and endpoints reports are about, hour by hour.

One row for each user of an endpoint in an hour, so that a report costs one write whatever was reported before. It is
written last of all, and not again for an event that comes again; where a container dies or an answer is lost, a row may
be off by what was written then.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from chalicelib import clock, endpoints
from chalicelib.clock import Time
from chalicelib.incidents import models
from chalicelib.incidents.models import Impact
from chalicelib.incidents.report import Report

MAX_USER: Final = 100
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hit:
    """Reports of a user at an endpoint in an hour; in `bypassed` of them the user was let through all the same."""

    endpoint: str | None
    user_id: str | None
    reports: int
    bypassed: int
    last_seen: Time


def add(project_id: str, reports: Sequence[Report], now: datetime) -> None:
    """Note whom and what new reports are about. Raises Busy."""
    groups: dict[tuple[str, str], list[Report]] = {}
    for report in reports:
        about = endpoints.named(report.endpoint or ""), (report.user_id or "")[:MAX_USER]
        if any(about):
            groups.setdefault(about, []).append(report)
    for (endpoint, user), group in groups.items():
        digest = hashlib.sha256(user.encode()).hexdigest()[:16] if user else ""
        moment = now.astimezone(UTC)
        row = Impact(
            models.impact_key(project_id, f"{moment:%Y-%m-%d}"),
            f"{moment:%H}#{endpoint}#{digest}",
            n=len(group),
            bypassed=sum(report.was_bypassed is True for report in group),
            user=user or None,
            last_seen=clock.rfc3339(now),
            ttl=models.expires(now, group[-1].retention_days),
        )
        models.add_impact(row)


def between(project_id: str, since: datetime, until: datetime, most: int) -> list[Hit]:
    """At most so many hits from the hour of `since` to that of `until`, the newest hours first. Raises Busy."""
    found: list[Impact] = []
    day = until
    while day.date() >= since.date() and len(found) < most:
        first = f"{since:%H}" if day.date() == since.date() else "00"
        last = f"{until:%H}" if day.date() == until.date() else "23"
        found += models.impacts(project_id, f"{day:%Y-%m-%d}", first, last, most - len(found))
        day -= DAY
    return [
        Hit(row.endpoint or None, row.user, int(row.n), int(row.bypassed), row.last_seen)
        for row in found
        if row.ttl > until.timestamp()
    ]
