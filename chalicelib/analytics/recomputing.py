"""Recomputing: a day's roll-ups made anew from its raw events, in which an event that came twice counts once.

Hour by hour, the rows of what the raw events name are overwritten; then the days' rows are summed up from the hours'.
Roll-ups of which there are no raw events stay as they are, and a day of which the bucket may have deleted some is left
alone. Users go before counters, and counters only where none was added to since the raw events were listed: otherwise
the hour is done again. What was listed and is added a moment later counts twice until the next night. An event that
came in the hour before, too, is counted there.

A crash anywhere leaves rows that are right or as they were. The next run goes on there: an hour is made anew only where
raw events came since.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Final, Literal, get_args

from chalicelib.analytics import models, raw, tallying, totals
from chalicelib.analytics.event import Event
from chalicelib.analytics.models import OTHER, Metric
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
# What was received so shortly before an hour was made anew may have been counted after.
UNSETTLED: Final = timedelta(minutes=10)

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
    """How many events an hour has, and how many came again; its beginning, digests and projects."""

    events: int = 0
    doubles: int = 0
    hour: datetime | None = None
    digests: set[bytes] = field(default_factory=set)
    projects: set[str] = field(default_factory=set)


def nightly(now: datetime) -> list[Recomputed]:
    """Recompute of yesterday and the week before the hours of which events came since that was done.

    Safe to repeat. Raises Busy and StoreUnavailable.
    """
    today = now.astimezone(UTC).date()
    done = []
    for day in (today - nth * DAY for nth in range(1, LATEST + 1)):
        summed = models.day_key(day)
        made = models.made([summed, *(models.hour_key(hour) for hour in _hours(day))])
        due = [hour.hour for hour in _hours(day) if _is_due(hour, made.get(models.hour_key(hour)))]
        # A run may have died between the last of the hours and the day.
        if due or (made and made.get(summed) != max(made.values())):
            done.append(recompute(day, now, due))
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
    seen, made = _Seen(), []
    for hour in (begin + nth * HOUR for nth in hours):
        if hour + HOUR <= now and _recompute_hour(hour, seen):
            models.keep_made(models.hour_key(hour), now)
            made.append(hour.hour)
    if begin + DAY <= now:
        for project_id in sorted({raw.project_of(key) for hour in _hours(day) for key in _keys(hour)}):
            _sum_up(project_id, day)
        models.keep_made(models.day_key(day), now)
    logger.info("a day is recomputed", day=day.isoformat(), events=seen.events, doubles=seen.doubles)
    return Recomputed(day, tuple(made), seen.events, seen.doubles)


def _is_due(hour: datetime, made: datetime | None) -> bool:
    """Whether events of an hour came since it was made anew."""
    return any(made is None or raw.received_at(key) >= made - UNSETTLED for key in _keys(hour))


def _hours(day: date) -> list[datetime]:
    return [datetime.combine(day, time(hour), UTC) for hour in range(24)]


def _keys(hour: datetime) -> Iterator[str]:
    return raw.keys(hour.date(), hour.hour)


# -- an hour ----------------------------------------------------------------------------------------------------------


def _recompute_hour(hour: datetime, seen: _Seen) -> bool:
    """Overwrite an hour's rows; returns whether it has raw events."""
    sk = models.hour_key(hour)
    projects = {raw.project_of(key) for key in _keys(hour)}
    if not projects:
        return False
    before = seen.digests if seen.hour == hour - HOUR else {_digest(event) for event in _events(hour - HOUR)}
    partitions = {models.tally_key(project_id, metric) for project_id in projects for metric in METRICS}
    for _ in range(ROUNDS):
        found = _counts(partitions, sk)
        counted = _Seen(hour=hour)
        # Listed after the rows are read: what is added to a row later is noticed when it is overwritten.
        tallied = tallying.tally(_once(_events(hour), before, counted))
        # What was counted there and did not happen.
        rows = {pk: Counter[str](n=0) for pk in found if pk.split("#")[1] in counted.projects}
        users: dict[str, Sketch] = {}
        for (project_id, at), tallies in tallied.items():
            if at == sk:
                rows |= _rows(project_id, tallies)
                users |= _users(project_id, tallies)
        for pk, (hashes, halvings) in users.items():
            models.overwrite_users(pk, sk, hashes, halvings)
        done = [models.overwrite(pk, sk, counters, found=found.get(pk)) for pk, counters in rows.items()]
        if all(done):
            seen.events += counted.events
            seen.doubles += counted.doubles
            seen.hour, seen.digests = hour, counted.digests
            return True
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


def _events(hour: datetime) -> Iterator[Event]:
    """An hour's events as they were kept. Of their objects, a few are in memory at once."""
    keys = _keys(hour)
    with ThreadPoolExecutor(READERS) as pool:
        while some := list(islice(keys, AT_ONCE)):
            # Which a pool's threads do not have by themselves.
            contexts = [copy_context() for _ in some]
            for events in pool.map(lambda context, key: context.run(_read, key), contexts, some):
                yield from events


def _read(key: str) -> list[Event]:
    return list(raw.events_of(key))


def _once(events: Iterable[Event], before: set[bytes], counted: _Seen) -> Iterator[Event]:
    """Leave out events that came already, in this hour or in the one before."""
    for event in events:
        digest = _digest(event)
        counted.projects.add(event.project_id)
        if digest in before or digest in counted.digests:
            counted.doubles += 1
        else:
            counted.events += 1
            yield event
        counted.digests.add(digest)


def _digest(event: Event) -> bytes:
    name = f"{event.project_id}#{event.event_id}".encode()
    return hashlib.blake2b(name, digest_size=DIGEST_BYTES).digest()


def _rows(project_id: str, hour: Hour) -> dict[str, Counter[str]]:
    """The counters of tallies and bins, by partition."""
    rows = {
        models.tally_key(project_id, metric): tallying.limited(counters, _most_frequent(counters, metric))
        for metric, counters in hour.metrics.items()
    }
    admitted = _most_frequent(hour.metrics["endpoints"], "endpoints")
    for endpoint, counts in tallying.regrouped(hour.bins, admitted).items():
        rows[models.bins_key(project_id, endpoint)] = counts
    return rows


def _users(project_id: str, hour: Hour) -> dict[str, Sketch]:
    """The sketches of users, by partition."""
    admitted = {"failed": {ALL}} | {metric: _most_frequent(hour.metrics[metric], metric) for metric in WITH_USERS}
    found: defaultdict[str, list[Sketch]] = defaultdict(list)
    for (metric, dimension), sketch in hour.users.items():
        pk = models.users_key(project_id, metric, tallying.home(dimension, admitted[metric]))
        found[pk].append((sketch.hashes, sketch.halvings))
    return {pk: totals.union(sketches) for pk, sketches in found.items()}


def _most_frequent(counters: Mapping[str, int], metric: Metric) -> set[str]:
    """The dimensions that have counters of their own."""
    found = {name: fields.get("n", 0) for name, fields in totals.by_dimension(counters).items() if name != OTHER}
    return set(sorted(found, key=lambda name: (-found[name], name))[: models.most_dimensions(metric)])


# -- a day ------------------------------------------------------------------------------------------------------------


def _sum_up(project_id: str, day: date) -> None:
    """Make a day's rows the sum of its hours'."""
    tallies = {metric: _day_of(models.tally_key(project_id, metric), day) for metric in METRICS}
    admitted = {metric: _most_frequent(counters, metric) for metric, counters in tallies.items()}
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
    found = {
        models.bins_key(project_id, endpoint): counts
        for endpoint, counts in tallying.regrouped(bins, admitted).items()
        if counts
    }
    before = {models.bins_key(project_id, endpoint) for endpoint in _summed_up(project_id, day, "endpoints")}
    for pk, counts in found.items():
        _put(pk, day, counts)
    for pk in _counts(before - found.keys(), models.day_key(day)):
        _put(pk, day, Counter(n=0))


def _sum_up_users(
    project_id: str, day: date, metric: Metric | Literal["failed"], dimensions: Iterable[str], admitted: set[str]
) -> None:
    found: defaultdict[str, list[Sketch]] = defaultdict(list)
    for dimension in dimensions:
        pk = models.users_key(project_id, metric, dimension)
        home = models.users_key(project_id, metric, tallying.home(dimension, admitted))
        found[home] += [models.sketch(row) for _, row in _hours_of(pk, day)]
    sk = models.day_key(day)
    unions = {pk: totals.union(sketches) for pk, sketches in found.items()}
    named = {ALL} if metric == "failed" else _summed_up(project_id, day, metric)
    before = {models.users_key(project_id, metric, dimension) for dimension in named}
    for pk, (hashes, halvings) in unions.items():
        if hashes:
            models.overwrite_users(pk, sk, hashes, halvings)
    for pk, _ in models.read([(pk, sk) for pk in sorted(before - unions.keys())], consistent=True):
        models.overwrite_users(pk, sk, set(), 0)


def _summed_up(project_id: str, day: date, metric: Metric) -> set[str]:
    """The dimensions that a day had when it was summed up last: not all of them are among the most frequent now."""
    key = models.tally_key(project_id, metric), models.day_key(day)
    return set(totals.by_dimension(models.numbers(models.read([key], consistent=True).get(key, {}))))


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
    by_key = {models.hour_key(hour): hour for hour in _hours(day)}
    for row in models.between(pk, min(by_key), max(by_key), consistent=True):
        yield by_key[row["sk"]["S"]], row


def _put(pk: str, day: date, counters: Mapping[str, int]) -> None:
    """Put a day's row in place of what is there."""
    sk = models.day_key(day)
    for _ in range(ROUNDS):
        if models.overwrite(pk, sk, counters, found=_counts({pk}, sk).get(pk)):
            return
    raise Busy(f"{sk} of {pk} changed {ROUNDS} times while being summed up")
