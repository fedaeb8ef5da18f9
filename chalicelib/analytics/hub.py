"""Hub: reports about incidents: where failures are passed over, whom they hit, and what was fixed."""

from collections import defaultdict
from datetime import datetime
from typing import Final, Generic, TypeVar

from msgspec import Struct

from chalicelib.analytics import windows
from chalicelib.analytics.reports import rate
from chalicelib.analytics.windows import ReportQuery, Window
from chalicelib.clock import Time, rfc3339
from chalicelib.incidents import fixes as incident_fixes
from chalicelib.incidents import impact
from chalicelib.incidents.fixes import Fix
from chalicelib.incidents.impact import Hit

T = TypeVar("T")

# Of what is read for one answer: some megabytes, in a second or two.
MOST_READ: Final = 20_000
MOST_ITEMS: Final = 100
MOST_KEYS: Final = 50
MOST_ENDPOINTS: Final = 10


class HubReport(Struct, Generic[T], frozen=True):
    """What happened from `since`, the full hour before so many hours ago, until now.

    `more` says that there is more than was read or shown.
    """

    since: Time
    until: Time
    hours: int
    items: list[T]
    more: bool


class BypassLine(Struct, frozen=True):
    """An endpoint: its reports, and in how many of them the user was let through all the same."""

    endpoint: str
    reports: int
    bypassed: int
    bypass_rate: float


class FixLine(Struct, frozen=True):
    """A day (UTC): how many incidents were fixed, and their error keys, of which the first 50 are named."""

    date: str
    fixed: int
    keys: list[str]


class UserLine(Struct, frozen=True):
    """A user: the reports that name them, at which endpoints, of which the ten with the most reports are named."""

    user_id: str
    reports: int
    endpoints: list[str]
    last_seen: Time


def bypasses(query: ReportQuery, now: datetime) -> HubReport[BypassLine]:
    """Endpoints by how many of their reports were bypassed; narrowed to one endpoint. Raises Busy."""
    window = windows.window(query.hours, now)
    hits, more = _hits(query, window)
    reports: defaultdict[str, int] = defaultdict(int)
    bypassed: defaultdict[str, int] = defaultdict(int)
    for hit in hits:
        if hit.endpoint is not None and query.dimension in (None, hit.endpoint):
            reports[hit.endpoint] += hit.reports
            bypassed[hit.endpoint] += hit.bypassed
    lines = [BypassLine(name, n, bypassed[name], rate(bypassed[name], n)) for name, n in reports.items()]
    lines.sort(key=lambda line: (-line.bypassed, -line.reports, line.endpoint))
    return _report(query, window, lines, more=more)


def users(query: ReportQuery, now: datetime) -> HubReport[UserLine]:
    """The users that most reports name; narrowed to one of them. Raises Busy."""
    window = windows.window(query.hours, now)
    hits, more = _hits(query, window)
    by_user: defaultdict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        if hit.user_id is not None and query.dimension in (None, hit.user_id):
            by_user[hit.user_id].append(hit)
    lines = [_user_line(user_id, theirs) for user_id, theirs in by_user.items()]
    lines.sort(key=lambda line: (-line.reports, line.user_id))
    return _report(query, window, lines, more=more)


def fixes(query: ReportQuery, now: datetime) -> HubReport[FixLine]:
    """The days on which incidents were fixed, the newest first; narrowed to one error key. Raises Busy."""
    window = windows.window(query.hours, now)
    found = incident_fixes.between(query.project_id, window.first, now, MOST_READ)
    by_date: defaultdict[str, list[Fix]] = defaultdict(list)
    for fix in found:
        if query.dimension in (None, fix.error_key):
            by_date[fix.at[:10]].append(fix)
    lines = [_fix_line(date, fixed) for date, fixed in by_date.items()]
    lines.sort(key=lambda line: line.date, reverse=True)
    return _report(query, window, lines, more=len(found) == MOST_READ)


def _hits(query: ReportQuery, window: Window) -> tuple[list[Hit], bool]:
    found = impact.between(query.project_id, window.first, window.now, MOST_READ)
    return found, len(found) == MOST_READ


def _user_line(user_id: str, hits: list[Hit]) -> UserLine:
    endpoints: defaultdict[str, int] = defaultdict(int)
    for hit in hits:
        if hit.endpoint is not None:
            endpoints[hit.endpoint] += hit.reports
    return UserLine(
        user_id=user_id,
        reports=sum(hit.reports for hit in hits),
        endpoints=sorted(endpoints, key=lambda name: (-endpoints[name], name))[:MOST_ENDPOINTS],
        last_seen=max(hit.last_seen for hit in hits),
    )


def _fix_line(date: str, fixed: list[Fix]) -> FixLine:
    # Whoever fixes an incident twice in a day has changed their mind in between.
    incidents = {fix.incident_id: fix.error_key for fix in fixed}
    return FixLine(date, len(incidents), sorted(set(incidents.values()))[:MOST_KEYS])


def _report(query: ReportQuery, window: Window, lines: list[T], *, more: bool) -> HubReport[T]:
    return HubReport(
        since=rfc3339(window.first),
        until=rfc3339(window.now),
        hours=query.hours,
        items=lines[:MOST_ITEMS],
        more=more or len(lines) > MOST_ITEMS,
    )
