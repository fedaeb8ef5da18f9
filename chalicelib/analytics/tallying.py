"""Tallying: what events come to by hour, and the adding of that to the roll-ups in few writes.

Counters of a row, `<field>|<dimension>` or, of all dimensions, `<field>` alone; `n` counts events:

metric      dimension               fields
events      <severity>|<event>      n, us, timed; of all: n, err
endpoints   <endpoint>              n, err; of all: n
features    <feature>               n, us, timed, err; of all: n
registered  <feature>               n; of all: n
trials      <trial>|<outcome>       n; of all: n; none of events that tell no outcome
ai          <provider>|<feature>    n, err; of all: n
cache       none                    hit, miss, n

`us` is the sum of durations in microseconds, and `timed` how many there are. Bins are kept of endpoints that have a
duration. Users are told apart of severe `events` and of `features`, by their dimensions, and of whatever `failed`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from chalicelib import clock, distinct, memory
from chalicelib.analytics import bins, models
from chalicelib.analytics.event import Event
from chalicelib.analytics.models import OTHER, Metric
from chalicelib.dynamodb import Busy

REGISTERED: Final = "feature_registered"
UNKNOWN: Final = "unknown"
ALL: Final = "all"
# Of one hour in memory: whoever invents names must not fill it.
MOST_TALLIED: Final = 1000
# Of a batch. Each takes a dozen writes or so, one after the other, and callers wait for them.
MOST_HOURS: Final = 48
ROUNDS: Final = 5
# An hour's events may come as long as it lasts, and those that are late seldom.
REMEMBERED_FOR: Final = timedelta(hours=1)

Amounts = Mapping[str, int]


@dataclass(slots=True)
class Sketch:
    """Distinct users, as `chalicelib.distinct` explains."""

    hashes: set[bytes] = field(default_factory=set)
    halvings: int = 0

    def add(self, user: bytes) -> None:
        self.hashes.add(user)
        if len(self.hashes) > distinct.MOST_KEPT:
            self.hashes, self.halvings = distinct.thinned(self.hashes, self.halvings)


@dataclass(slots=True)
class Hour:
    """What the events of an hour come to: counters of metrics, bins of endpoints, users of metrics' dimensions."""

    metrics: dict[Metric, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    bins: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    users: dict[tuple[str, str], Sketch] = field(default_factory=lambda: defaultdict(Sketch))
    dimensions: dict[Metric, set[str]] = field(default_factory=lambda: defaultdict(set))


Tallies = dict[tuple[str, str], Hour]
"""By project and hour, the latter as `models.hour_key` has it."""


def tally(events: Iterable[Event]) -> Tallies:
    """What events come to, however many dimensions they have (up to a thousand)."""
    tallies: Tallies = defaultdict(Hour)
    for event in events:
        hour = tallies[event.project_id, models.hour_key(clock.parse(event.timestamp))]
        _count(hour, event)
    return dict(tallies)


def limited(amounts: Amounts, admitted: set[str]) -> Counter[str]:
    """Counters in which all dimensions but the admitted ones are one, `OTHER`."""
    found: Counter[str] = Counter()
    for name, amount in amounts.items():
        counted, divided, dimension = name.partition("|")
        found[f"{counted}|{home(dimension, admitted)}" if divided else name] += amount
    return found


def home(dimension: str, admitted: set[str]) -> str:
    """Where a dimension is counted."""
    return dimension if dimension in admitted else OTHER


def regrouped(counts: Mapping[str, Counter[str]], admitted: set[str]) -> dict[str, Counter[str]]:
    """Bins by endpoint, in which those of all endpoints but the admitted ones are one, `OTHER`."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for endpoint, counted in counts.items():
        found[home(endpoint, admitted)].update(counted)
    return found


def record(events: Iterable[Event], now: datetime) -> None:
    """Add a batch of a project's events, a few hundred at most, to the roll-ups of the newest 48 hours among theirs.

    Events of older hours are left to the nightly run. Not safe to repeat: what is added twice, or is left out where the
    database is busy, that corrects, too. Raises Busy.
    """
    newest = sorted(tally(events).items(), key=lambda each: each[0][1], reverse=True)[:MOST_HOURS]
    for (project_id, hour), found in newest:
        _record_hour(project_id, hour, found, now)


# -- what an event counts as ------------------------------------------------------------------------------------------


def _count(hour: Hour, event: Event) -> None:
    facts, failed = event.facts, int(event.failed)
    micros = None if facts.duration_ms is None else round(facts.duration_ms * 1000)
    timed = {} if micros is None else {"us": micros, "timed": 1}
    user = distinct.user_hash(event.project_id, event.user_id) if event.user_id else None

    severe = _add(hour, "events", f"{event.severity}|{event.event}", {"n": 1, **timed})
    hour.metrics["events"]["err"] += failed
    if user and event.severity != "INFO":
        hour.users["events", severe].add(user)
    if user and failed:
        hour.users["failed", ALL].add(user)
    if facts.endpoint:
        endpoint = _add(hour, "endpoints", facts.endpoint, {"n": 1, "err": failed})
        if facts.duration_ms is not None:
            hour.bins[endpoint].update(("n", bins.attribute(facts.duration_ms)))
    if facts.feature and event.event != REGISTERED:
        feature = _add(hour, "features", facts.feature, {"n": 1, "err": failed, **timed})
        if user:
            hour.users["features", feature].add(user)
    _count_rare(hour, event)


def _count_rare(hour: Hour, event: Event) -> None:
    """What few events speak of."""
    facts = event.facts
    if facts.feature and event.event == REGISTERED:
        _add(hour, "registered", facts.feature, {"n": 1})
    # One that has begun has no outcome yet, and none of its outcomes is unknown.
    if facts.trial and facts.outcome:
        _add(hour, "trials", f"{facts.trial}|{facts.outcome}", {"n": 1})
    if facts.provider:
        _add(hour, "ai", f"{facts.provider}|{facts.feature or UNKNOWN}", {"n": 1, "err": int(event.failed)})
    if facts.cache:
        hour.metrics["cache"].update(("n", facts.cache))


def _add(hour: Hour, metric: Metric, dimension: str, amounts: Amounts) -> str:
    """Count an event under a dimension; returns the one that it counts as."""
    known = hour.dimensions[metric]
    if len(known) < MOST_TALLIED:
        known.add(dimension)
    counted = home(dimension, known)
    counters = hour.metrics[metric]
    counters["n"] += 1
    for name, amount in amounts.items():
        if amount:
            counters[f"{name}|{counted}"] += amount
    return counted


# -- writing ----------------------------------------------------------------------------------------------------------


def _record_hour(project_id: str, hour: str, found: Hour, now: datetime) -> None:
    admitted = {
        metric: _add_tallies(models.tally_key(project_id, metric), hour, metric, found, now) for metric in found.metrics
    }
    for endpoint, counts in regrouped(found.bins, admitted.get("endpoints", set())).items():
        models.add(models.bins_key(project_id, endpoint), hour, counts)
    sketches: dict[tuple[str, str], set[bytes]] = defaultdict(set)
    for (metric, dimension), sketch in found.users.items():
        of_metric = {ALL} if metric == "failed" else admitted["events" if metric == "events" else "features"]
        sketches[metric, home(dimension, of_metric)] |= sketch.hashes
    for (metric, dimension), hashes in sketches.items():
        _add_users(models.users_key(project_id, metric, dimension), hour, hashes, now)


def _add_tallies(pk: str, sk: str, metric: Metric, hour: Hour, now: datetime) -> set[str]:
    """Add to a row's counters; returns which of the metric's dimensions have counters of their own there."""
    amounts, dimensions = hour.metrics[metric], hour.dimensions[metric]
    for _ in range(ROUNDS):
        unknown = {each for each in dimensions if memory.due(("dimension", pk, sk, each), now)}
        there, found = _dimensions_of(pk, sk) if unknown else (set(), 0)
        free = max(0, models.most_dimensions(metric) - found)
        # The most frequent first: those that are left out have no counters until the next hour.
        newcomers = sorted(unknown - there, key=lambda each: (-amounts[f"n|{each}"], each))[:free]
        admitted = (dimensions - unknown) | (unknown & there) | set(newcomers)
        counters = limited(amounts, admitted)
        # The newcomers' own first, since what admits them is the first write.
        first = sorted(counters, key=lambda name: name.removeprefix("n|") not in newcomers)
        if models.add(pk, sk, {name: counters[name] for name in first}, admitted=len(newcomers), found=found):
            for each in admitted:
                memory.written(("dimension", pk, sk, each), now, REMEMBERED_FOR)
            return admitted
    raise Busy(f"dimensions of {pk} changed {ROUNDS} times")


def _dimensions_of(pk: str, sk: str) -> tuple[set[str], int]:
    """The dimensions that a row has counters of, and how many it says it has."""
    row = models.read([(pk, sk)], consistent=True).get((pk, sk), {})
    there = {name.partition("|")[2] for name in row if "|" in name}
    return there, int(row["dims"]["N"]) if "dims" in row else 0


def _add_users(pk: str, sk: str, hashes: set[bytes], now: datetime) -> None:
    halvings = _known_halvings(pk, sk, now)
    due = {each for each in distinct.kept(hashes, halvings) if memory.due(("user", pk, sk, each), now)}
    if not due:
        return
    stored, before = models.add_users(pk, sk, due)
    few, halvings = distinct.thinned(stored, before)
    if len(stored) > distinct.MOST_KEPT:
        models.thin_users(pk, sk, stored - few, before=before, halvings=halvings)
    for each in due:
        memory.written(("user", pk, sk, each), now, REMEMBERED_FOR)
    for nth in range(1, halvings + 1):
        memory.written(("halved", pk, sk, nth), now, REMEMBERED_FOR)


def _known_halvings(pk: str, sk: str, now: datetime) -> int:
    """How often this container knows a sketch to be halved: hashes above its threshold need not be sent."""
    halvings = 0
    while not memory.due(("halved", pk, sk, halvings + 1), now):
        halvings += 1
    return halvings
