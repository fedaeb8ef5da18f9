"""Totals: what the roll-ups of a window come to.

The tallies of events are read first. A window of more than three days is read by the days that have a row there, which
the nightly run writes last: such a day has a row of everything else that happened on it. Of the rest the hours are read
in which anything happened at all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from chalicelib import distinct
from chalicelib.analytics import models, windows
from chalicelib.analytics.models import Metric
from chalicelib.analytics.windows import Window
from chalicelib.dynamodb import RawRow

Tallies = dict[str, dict[str, int]]
"""Counters by dimension and field."""

# Of a day's row of events: how many there were in each of its hours, as `n@14`.
HOURLY: Final = ("n", "err")


@dataclass(frozen=True, slots=True)
class Span:
    """A project's window, the days and runs of hours that it is read by, and its tallies of events by period."""

    project_id: str
    window: Window
    days: frozenset[date]
    runs: Sequence[tuple[datetime, datetime]]
    events: Mapping[str, Mapping[str, int]]


def span(project_id: str, window: Window) -> Span:
    """Find out by what a window is read. Raises Busy."""
    pk = models.tally_key(project_id, "events")
    days = _days_of(pk, window.days)
    rows = list(days.values())
    for first, last in windows.runs(window, days):
        rows += models.between(pk, models.hour_key(first), models.hour_key(last))
    events = {row["sk"]["S"]: models.numbers(row) for row in rows}
    return Span(project_id, window, frozenset(days), _busy_runs(days, events), events)


def rows(span: Span, pk: str) -> Iterator[RawRow]:
    """The rows of a partition that make up a window: one query of days, one for each run of hours. Raises Busy."""
    yield from _days_of(pk, sorted(span.days)).values()
    for first, last in span.runs:
        yield from models.between(pk, models.hour_key(first), models.hour_key(last))


def counters(span: Span, pk: str) -> Counter[str]:
    """The sum of a partition's counters, by attribute. Raises Busy."""
    return summed(models.numbers(row) for row in rows(span, pk))


def tallies(span: Span, metric: Metric) -> Tallies:
    """The sum of a metric's counters. Raises Busy."""
    if metric == "events":
        return by_dimension(summed(span.events.values()))
    return by_dimension(counters(span, models.tally_key(span.project_id, metric)))


def users(span: Span, metric: str, dimension: str) -> int:
    """How many distinct users there were, exact to some 500. Raises Busy."""
    hashes, halvings = union(
        models.sketch(row) for row in rows(span, models.users_key(span.project_id, metric, dimension))
    )
    return distinct.estimate(hashes, halvings)


def hourly(span: Span) -> dict[datetime, tuple[int, int]]:
    """For every hour of a window, the oldest first, how many events there were, and how many of them failed."""
    found = {}
    for hour in span.window.hours:
        day = span.events.get(models.day_key(hour.date())) if hour.date() in span.days else None
        row = span.events.get(models.hour_key(hour), {})
        events, errors = (row.get(each, 0) if day is None else day.get(at_hour(each, hour), 0) for each in HOURLY)
        found[hour] = events, errors
    return found


def at_hour(field: str, hour: datetime) -> str:
    """The attribute of a day's row that holds a counter of one of its hours."""
    return f"{field}@{hour:%H}"


def summed(rows: Iterable[Mapping[str, int]]) -> Counter[str]:
    """The sum of counters, by attribute."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row)
    return total


def by_dimension(counters: Mapping[str, int]) -> Tallies:
    """Counters by dimension and field; those without a dimension are left out."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for name, amount in counters.items():
        field, separator, dimension = name.partition("|")
        if separator:
            found[dimension][field] = amount
    return dict(found)


def union(sketches: Iterable[tuple[set[bytes], int]]) -> tuple[set[bytes], int]:
    """The hashes and halvings of all users of some sketches, halved until they are few enough for a row."""
    halvings, hashes = 0, set[bytes]()
    for more, halved in sketches:
        halvings, hashes = max(halvings, halved), hashes | more
    return distinct.thinned(hashes, halvings)


def _days_of(pk: str, days: Sequence[date]) -> dict[date, RawRow]:
    """A partition's rows of those of the days, the oldest first, that have one."""
    if not days:
        return {}
    found = {date.fromisoformat(row["sk"]["S"][1:]): row for row in _between_days(pk, days[0], days[-1])}
    return {day: found[day] for day in days if day in found}


def _between_days(pk: str, first: date, last: date) -> Iterator[RawRow]:
    return models.between(pk, models.day_key(first), models.day_key(last))


def _busy_runs(days: Iterable[date], events: Iterable[str]) -> list[tuple[datetime, datetime]]:
    """The runs of hours that lie in none of the days, each from the first to the last hour in which anything happened.

    Runs without such a day between them are one.
    """
    busy = sorted(datetime.strptime(sk, "H%Y-%m-%dT%H").replace(tzinfo=UTC) for sk in events if sk.startswith("H"))
    found: list[tuple[datetime, datetime]] = []
    summed = sorted(days)
    for hour in busy:
        if found and not any(found[-1][1].date() < day < hour.date() for day in summed):
            found[-1] = found[-1][0], hour
        else:
            found.append((hour, hour))
    return found
