"""Stats: the open incidents at a glance, from the newest thousand of them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from chalicelib.incidents import listing
from chalicelib.incidents.listing import Filters
from chalicelib.incidents.models import Status

OPEN: Final[tuple[Status, ...]] = ("ACTIVE", "INVESTIGATING")
EXAMINED: Final = 1000
SHOWN: Final = 10

Shown = dict[str, Any]


def stats(project_id: str, now: datetime) -> dict[str, Any]:
    """Open (not FIXED) incidents and their occurrences by status, severity and error_key; most frequent; newest.

    `more` says that there are older ones than those examined.
    """
    open_incidents: list[Shown] = []
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
    return {
        "open": _tally(open_incidents),
        "by_status": _by("status", open_incidents),
        "by_severity": _by("severity", open_incidents),
        "by_error_key": _by("error_key", open_incidents),
        "most_frequent": _top(open_incidents, lambda incident: incident["count"]),
        "newest": _top(open_incidents, lambda incident: incident["first_seen"]),
        "more": more,
    }


def _tally(incidents: Iterable[Shown]) -> dict[str, int]:
    counts = [int(incident["count"]) for incident in incidents]
    return {"incidents": len(counts), "occurrences": sum(counts)}


def _by(field: str, incidents: Iterable[Shown]) -> dict[str, dict[str, int]]:
    groups: defaultdict[str, list[Shown]] = defaultdict(list)
    for incident in incidents:
        groups[incident[field]].append(incident)
    tallies = {name: _tally(group) for name, group in groups.items()}
    return dict(sorted(tallies.items(), key=lambda item: -item[1]["occurrences"]))


def _top(incidents: Iterable[Shown], key: Callable[[Shown], Any]) -> list[Shown]:
    return sorted(incidents, key=key, reverse=True)[:SHOWN]
