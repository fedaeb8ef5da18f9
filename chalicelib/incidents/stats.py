"""Stats: the open incidents at a glance, from the newest thousand of them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any, Final, TypeVar

from msgspec import Struct

from chalicelib.incidents import listing
from chalicelib.incidents.listing import Filters, IncidentSummary
from chalicelib.incidents.models import Severity, Status

K = TypeVar("K")

OPEN: Final[tuple[Status, ...]] = ("ACTIVE", "INVESTIGATING")
EXAMINED: Final = 1000
SHOWN: Final = 10


class Tally(Struct, frozen=True):
    """A number of incidents, and of their reports."""

    incidents: int
    occurrences: int


class IncidentStats(Struct, frozen=True):
    """The open (not FIXED) incidents. `more` says that there are older ones than those examined."""

    open: Tally
    by_status: dict[Status, Tally]
    by_severity: dict[Severity, Tally]
    by_error_key: dict[str, Tally]
    most_frequent: list[IncidentSummary]
    newest: list[IncidentSummary]
    more: bool


def stats(project_id: str, now: datetime) -> IncidentStats:
    """What is open in a project, from its newest thousand of each status."""
    open_incidents: list[IncidentSummary] = []
    more = False
    for status in OPEN:
        cursor = None
        for _ in range(EXAMINED // 100):
            page = listing.page(Filters(project_id, status=status), 100, cursor, now)
            open_incidents += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        more = more or cursor is not None
    return IncidentStats(
        open=_tally(open_incidents),
        by_status=_by(lambda incident: incident.status, open_incidents),
        by_severity=_by(lambda incident: incident.severity, open_incidents),
        by_error_key=_by(lambda incident: incident.error_key, open_incidents),
        most_frequent=_top(lambda incident: incident.count, open_incidents),
        newest=_top(lambda incident: incident.first_seen, open_incidents),
        more=more,
    )


def _tally(incidents: Collection[IncidentSummary]) -> Tally:
    return Tally(len(incidents), sum(incident.count for incident in incidents))


def _by(key: Callable[[IncidentSummary], K], incidents: Iterable[IncidentSummary]) -> dict[K, Tally]:
    groups: defaultdict[K, list[IncidentSummary]] = defaultdict(list)
    for incident in incidents:
        groups[key(incident)].append(incident)
    tallies = {name: _tally(group) for name, group in groups.items()}
    return dict(sorted(tallies.items(), key=lambda item: -item[1].occurrences))


def _top(key: Callable[[IncidentSummary], Any], incidents: Iterable[IncidentSummary]) -> list[IncidentSummary]:
    return sorted(incidents, key=key, reverse=True)[:SHOWN]
