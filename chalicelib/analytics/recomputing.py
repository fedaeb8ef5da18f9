"""Recomputing: a day's roll-ups made anew from its raw events, in which an event that came twice counts once.

Hour by hour, the rows of what the raw events name are overwritten; then the days' rows are summed up from the hours'.
Roll-ups of which there are no raw events stay as they are, and a day of which the bucket may have deleted some is left
alone. Users go before counters, and counters only where none was added to since the raw events were listed: otherwise
the hour is done again. What was listed and is added a moment later counts twice until the next night.

A crash anywhere leaves rows that are right or as they were, and the next run does all of it again.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Final, get_args

from chalicelib.analytics import models, raw, tallying, totals
from chalicelib.analytics.event import Event
from chalicelib.analytics.models import MOST_DIMENSIONS, OTHER, Metric
from chalicelib.analytics.tallying import ALL, Hour
from chalicelib.analytics.windows import DAY, HOUR
from chalicelib.config import config
from chalicelib.dynamodb import Busy, RawRow
from chalicelib.observability import logger

METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
# Of the metrics that users are told apart of, those whose dimensions have a sketch each.
WITH_USERS: Final[tuple[Metric, ...]] = ("events", "features")
ROUNDS: Final = 5
READERS: Final = 8
AT_ONCE: Final = 64
DIGEST_BYTES: Final = 16
# How long after it began an event may tell of a day: one that is a week old when it comes.
LATEST: Final = 8

Sketch = tuple[set[bytes], int]


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What became of a day: its hours that were made anew, the events in them, and how many more were doubles."""

    day: date
    hours: tuple[int, ...]
    events: int
    doubles: int


@dataclass(slots=True)
class _Seen:
    """How many events an hour has, and how many came again."""

    events: int = 0
    doubles: int = 0


def nightly(now: datetime) -> list[Recomputed]:
    """Recompute yesterday and the day before; of the days before that, the hours of which events came later than that.

    Safe to repeat. Raises Busy and StoreUnavailable.
    """
    today = now.astimezone(UTC).date()
    done = [recompute(today - nth * DAY, now) for nth in (1, 2)]
    for nth in range(3, LATEST + 1):
        day = today - nth * DAY
        late = _late_hours(day)
        if late:
            done.append(recompute(day, now, late))
    return done


def recompute(day: date, now: datetime, hours: Iterable[int] = range(24)) -> Recomputed:
    """Make the roll-ups of a day's hours anew, as far as they are over, and of the day, if it is.

    Safe to repeat. Raises Busy and StoreUnavailable.
    """
    begin = datetime.combine(day, time(), UTC)
    # The bucket deletes an object at the midnight after it reached its age.
    if now >= begin + timedelta(days=config().raw_event_days + 1):
        logger.warning("a day is not recomputed: its raw events are deleted", day=day.isoformat())
        return Recomputed(day, (), 0, 0)
    seen, made, projects = _Seen(), [], set[str]()
    for hour in hours:
        if begin + (hour + 1) * HOUR <= now:
            found = _recompute_hour(day, hour, seen)
            projects |= found
            made += [hour] if found else []
    if begin + DAY <= now:
        for project_id in sorted(projects):
            _sum_up(project_id, day)
    logger.info("a day is recomputed", day=day.isoformat(), events=seen.events, doubles=seen.doubles)
    return Recomputed(day, tuple(made), seen.events, seen.doubles)


def _late_hours(day: date) -> list[int]:
    """The hours of a day of which events came after it was recomputed as the day before yesterday."""
    over = datetime.combine(day, time(), UTC) + 2 * DAY
    return [hour for hour in range(24) if any(raw.received_at(key) >= over for key in raw.keys(day, hour))]


# -- an hour ----------------------------------------------------------------------------------------------------------


def _recompute_hour(day: date, hour: int, seen: _Seen) -> set[str]:
    """Overwrite an hour's rows; returns the projects that have raw events in it."""
    sk = models.hour_key(datetime.combine(day, time(hour), UTC))
    projects = {raw.project_of(key) for key in raw.keys(day, hour)}
    if not projects:
        return set()
    partitions = {models.tally_key(project_id, metric) for project_id in projects for metric in METRICS}
    for _ in range(ROUNDS):
        found = _counts(partitions, sk)
        counted = _Seen()
        rows: dict[str, Counter[str]] = {}
        users: dict[str, Sketch] = {}
        # Listed after the rows are read: what is added to a row later is noticed when it is overwritten.
        for (project_id, at), tallies in tallying.tally(_once(_events(day, hour), counted)).items():
            if at == sk:
                # What was counted there and did not happen.
                rows |= {pk: Counter(n=0) for pk in found if pk.split("#")[1] == project_id}
                rows |= _rows(project_id, tallies)
                users |= _users(project_id, tallies)
        for pk, (hashes, halvings) in users.items():
            models.overwrite_users(pk, sk, hashes, halvings)
        done = [models.overwrite(pk, sk, counters, found=found.get(pk)) for pk, counters in rows.items()]
        if all(done):
            seen.events += counted.events
            seen.doubles += counted.doubles
            return projects
    raise Busy(f"{sk} changed {ROUNDS} times while being recomputed")


def _counts(partitions: set[str], sk: str) -> dict[str, int]:
    """`n` of those of an hour's rows that there are, and of the bins of the endpoints in them."""
    rows = models.read([(pk, sk) for pk in sorted(partitions)], consistent=True)
    endpoints = {
        models.bins_key(project_id, endpoint)
        for (pk, _), row in rows.items()
        for project_id in [_project_of(pk, "endpoints")]
        if project_id
        for endpoint in totals.by_dimension(models.numbers(row))
    }
    rows |= models.read([(pk, sk) for pk in sorted(endpoints - partitions)], consistent=True)
    counters = {pk: models.numbers(row) for (pk, _), row in rows.items()}
    return {pk: found["n"] for pk, found in counters.items() if "n" in found}


def _project_of(pk: str, metric: Metric) -> str | None:
    """The project that a partition has this metric's tallies of."""
    project_id = pk.split("#")[1]
    return project_id if pk == models.tally_key(project_id, metric) else None


def _events(day: date, hour: int) -> Iterator[Event]:
    """An hour's events as they were kept. Of their objects, a few are in memory at once."""
    keys = raw.keys(day, hour)
    with ThreadPoolExecutor(READERS) as pool:
        while some := list(islice(keys, AT_ONCE)):
            for events in pool.map(lambda key: list(raw.events_of(key)), some):
                yield from events


def _once(events: Iterable[Event], counted: _Seen) -> Iterator[Event]:
    """Leave out events that came before."""
    known: set[bytes] = set()
    for event in events:
        name = f"{event.project_id}#{event.event_id}".encode()
        digest = hashlib.blake2b(name, digest_size=DIGEST_BYTES).digest()
        if digest in known:
            counted.doubles += 1
            continue
        known.add(digest)
        counted.events += 1
        yield event


def _rows(project_id: str, hour: Hour) -> dict[str, Counter[str]]:
    """The counters of tallies and bins, by partition."""
    rows = {
        models.tally_key(project_id, metric): tallying.limited(counters, _most_frequent(counters))
        for metric, counters in hour.metrics.items()
    }
    admitted = _most_frequent(hour.metrics["endpoints"])
    for endpoint, counts in tallying.regrouped(hour.bins, admitted).items():
        rows[models.bins_key(project_id, endpoint)] = counts
    return rows


def _users(project_id: str, hour: Hour) -> dict[str, Sketch]:
    """The sketches of users, by partition."""
    admitted = {"failed": {ALL}} | {metric: _most_frequent(hour.metrics[metric]) for metric in WITH_USERS}
    found: defaultdict[str, list[Sketch]] = defaultdict(list)
    for (metric, dimension), sketch in hour.users.items():
        pk = models.users_key(project_id, metric, tallying.home(dimension, admitted[metric]))
        found[pk].append((sketch.hashes, sketch.halvings))
    return {pk: totals.union(sketches) for pk, sketches in found.items()}


def _most_frequent(counters: Mapping[str, int]) -> set[str]:
    """The dimensions that have counters of their own."""
    found = {name: fields.get("n", 0) for name, fields in totals.by_dimension(counters).items() if name != OTHER}
    return set(sorted(found, key=lambda name: (-found[name], name))[:MOST_DIMENSIONS])


# -- a day ------------------------------------------------------------------------------------------------------------


def _sum_up(project_id: str, day: date) -> None:
    """Make a day's rows the sum of its hours'."""
    tallies = {metric: _day_of(models.tally_key(project_id, metric), day) for metric in METRICS}
    admitted = {metric: _most_frequent(counters) for metric, counters in tallies.items()}
    _sum_up_bins(project_id, day, totals.by_dimension(tallies["endpoints"]), admitted["endpoints"])
    for metric in WITH_USERS:
        _sum_up_users(project_id, day, metric, totals.by_dimension(tallies[metric]), admitted[metric])
    _sum_up_users(project_id, day, "failed", [ALL], {ALL})
    # That of events last: readers take its being there to mean that all are.
    for metric in sorted(METRICS, key=lambda metric: metric == "events"):
        if tallies[metric]:
            _put(models.tally_key(project_id, metric), day, tallying.limited(tallies[metric], admitted[metric]))


def _sum_up_bins(project_id: str, day: date, endpoints: Iterable[str], admitted: set[str]) -> None:
    bins = {endpoint: _day_of(models.bins_key(project_id, endpoint), day) for endpoint in endpoints}
    for endpoint, counts in tallying.regrouped(bins, admitted).items():
        if counts:
            _put(models.bins_key(project_id, endpoint), day, counts)


def _sum_up_users(project_id: str, day: date, metric: str, dimensions: Iterable[str], admitted: set[str]) -> None:
    found: defaultdict[str, list[Sketch]] = defaultdict(list)
    for dimension in dimensions:
        pk = models.users_key(project_id, metric, dimension)
        home = models.users_key(project_id, metric, tallying.home(dimension, admitted))
        found[home] += [models.sketch(row) for _, row in _hours_of(pk, day)]
    for pk, sketches in found.items():
        hashes, halvings = totals.union(sketches)
        if hashes:
            models.overwrite_users(pk, models.day_key(day), hashes, halvings)


def _day_of(pk: str, day: date) -> Counter[str]:
    """The sum of a partition's counters over a day; of events, the counts of each hour besides."""
    counters: Counter[str] = Counter()
    for hour, row in _hours_of(pk, day):
        numbers = models.numbers(row)
        counters.update(numbers)
        if _project_of(pk, "events"):
            counters.update({totals.at_hour(name, hour): numbers[name] for name in totals.HOURLY if name in numbers})
    return counters


def _hours_of(pk: str, day: date) -> Iterator[tuple[datetime, RawRow]]:
    """A partition's rows of a day's hours, as they are now."""
    hours = [datetime.combine(day, time(hour), UTC) for hour in range(24)]
    by_key = {models.hour_key(hour): hour for hour in hours}
    for row in models.between(pk, models.hour_key(hours[0]), models.hour_key(hours[-1]), consistent=True):
        yield by_key[row["sk"]["S"]], row


def _put(pk: str, day: date, counters: Mapping[str, int]) -> None:
    """Put a day's row in place of what is there."""
    sk = models.day_key(day)
    for _ in range(ROUNDS):
        if models.overwrite(pk, sk, counters, found=_counts({pk}, sk).get(pk)):
            return
    raise Busy(f"{sk} of {pk} changed {ROUNDS} times while being summed up")
