"""Tracking: what tracked events cost, what reports of them read, and how right their percentiles are."""

import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from unittest import mock

from bench import cloud, containers, door
from bench.answers import Answers, recording
from bench.recordings import Recordings
from bench.table import READS, WRITES, Figure
from bench.warm import figure

BATCH: Final = 100
BATCHES: Final = 12
SOME: Final = 10
# Seconds between two requests.
PACE_S: Final = 0.06
# What a percentile may be off.
TOLERANCE_PERCENT: Final = 2


def measure(recorded: Recordings) -> Iterator[Figure]:
    known = _recorded_answers()
    alone = containers.warm(_requests(1), known, recorded.at, PACE_S)
    batch = containers.warm(_requests(BATCH), known, recorded.at, PACE_S, events=BATCHES)
    yield figure(f"CPU of a tracked event: alone · in a batch of {BATCH}", alone, batch.each(BATCH))
    yield Figure(
        WRITES,
        f"a tracked event: alone · in a batch of {BATCH}",
        "WCU",
        [_written(1), _written(BATCH)],
        [[1], [1 / BATCH]],
        "one write",
    )
    yield _read()
    yield _errors()


def _written(many: int) -> list[float]:
    """Write units of an event, of so many at once, for some times."""
    from tests.faults import recorded

    fill, request = _requests(BATCH), _requests(many)
    spent = []
    with cloud.empty():
        # What is new in this hour is admitted once.
        for nth in range(SOME):
            door.answered(fill(nth), 202)
        for nth in range(SOME):
            with recorded() as ledger:
                door.answered(request(SOME + nth), 202)
            spent.append(ledger.units / many)
    return spent


def _recorded_answers() -> Answers:
    """What DynamoDB answers when all that events name is known."""
    from chalicelib import clock
    from tests.faults import forget

    known: Answers = {}
    request = _requests(BATCH)
    began = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with cloud.empty(), mock.patch.object(clock, "now", return_value=began), recording(known):
        for nth in range(SOME):
            door.answered(request(nth), 202)
        # A fresh container looks up what is known of the hour.
        forget()
        door.answered(request(SOME), 202)
    # A process asks for a queue once, and this one has.
    return known | {"GetQueueUrl ": json.dumps({"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/1/queue"})}


def _requests(many: int) -> Callable[[int], dict[str, Any]]:
    """Requests of so many events each, the nth always the same."""
    from tests.analytics.happened import mixed

    def request(nth: int) -> dict[str, Any]:
        chance = random.Random(nth)
        events = [mixed(chance, users=700) for _ in range(many)]
        body = events[0] if many == 1 else {"events": events}
        return door.event("POST", "/analytics/track", json.dumps(body), x_ingest_key=door.INGEST_KEY)

    return request


def _read() -> Figure:
    """What a day's reports read of a project whose every hour is full: 50 endpoints, 30 events, 700 users."""
    from chalicelib.analytics import overview, reports
    from chalicelib.analytics.windows import ReportQuery
    from tests.analytics.happened import NOW, busy_day, counted

    asked: list[Callable[[ReportQuery, datetime], object]] = [
        overview.overview,
        reports.errors,
        reports.endpoints,
        reports.features,
    ]
    units = []
    with busy_day():
        for report in asked:
            with counted() as reads:
                report(ReportQuery(), NOW)
            units.append([reads.units])
    name = "a busy day's report: overview · errors · endpoints · features"
    return Figure(READS, name, "RCU", units, [[12]], "24 rows under 4 KB")


def _errors() -> Figure:
    """The worst of percentiles p50 to p99 of some distributions of response times, beside their exact values."""
    from chalicelib.analytics import bins

    chance = random.Random(68)
    shapes: dict[str, Callable[[], float]] = {
        "uniform": lambda: chance.uniform(1, 500),
        "log-normal": lambda: chance.lognormvariate(5, 1),
        "Pareto": lambda: chance.paretovariate(1.2),
        "two humps": lambda: chance.gauss(20, 3) if chance.random() < 0.9 else chance.gauss(2000, 200),
    }
    worst = []
    for many in (11, 100, 10_000):
        for draw in shapes.values():
            for _ in range(100 if many < 1000 else 3):
                values = sorted(abs(draw()) for _ in range(many))
                counted = Counter(bins.attribute(value) for value in values)
                for q in (0.5, 0.95, 0.99):
                    estimate, exact = bins.quantile(counted, q) or 0, _exact(values, q)
                    worst.append(abs(estimate - exact) / exact * 100)
    name = "p50, p95 and p99 of 11 to 10,000 response times are off by at most"
    return Figure(READS, name, "%", [[max(worst)]], [[TOLERANCE_PERCENT]], "what they may be off")


def _exact(values: list[float], q: float) -> float:
    rank = q * (len(values) - 1)
    low, high = values[math.floor(rank)], values[math.ceil(rank)]
    return low + (high - low) * (rank - math.floor(rank))
