"""Tracking: what tracked events cost, what reports of them read, and how right their percentiles are."""

import json
import math
import random
import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from unittest import mock

from bench import cloud, containers, door
from bench.answers import Answers, recording
from bench.recordings import Recordings
from bench.table import Figure

BATCH: Final = 100
ROUNDS: Final = 5
EVENTS: Final = 60
BATCHES: Final = 12
SOME: Final = 10
FLOOR: Final = "one write, of one row under 1 KB"


def measure(recorded: Recordings) -> Iterator[Figure]:
    yield from _writes()
    yield from _cpu(recorded)
    yield from _reads()
    yield from _errors()


def _writes() -> Iterator[Figure]:
    from tests.faults import recorded

    for many in (1, BATCH):
        chance = random.Random(68)
        with cloud.empty():
            # What is new in this hour is admitted once.
            for _ in range(SOME):
                door.answered(_request(chance, BATCH), 202)
            spent = []
            for _ in range(SOME):
                with recorded() as ledger:
                    door.answered(_request(chance, many), 202)
                spent.append(ledger.units / many)
        what = "tracked event" if many == 1 else f"tracked event, in a batch of {many}"
        yield Figure(what, "WCU/event", spent, [1 / many], FLOOR)


def _cpu(recorded: Recordings) -> Iterator[Figure]:
    known = _recorded_answers()
    for many, requests in ((1, EVENTS), (BATCH, BATCHES)):
        chance = random.Random(68)
        rounds = [json.dumps([_request(chance, many) for _ in range(requests)]) for _ in range(ROUNDS + 1)]
        order = {
            "answers": known,
            "rounds": rounds,
            "pace_s": 0.06,
            "sample": many == 1,
            "update": recorded.update,
            "now": recorded.at.isoformat(),
        }
        told = containers.start("many", order)
        spent = [each["report"] / many for each in told["rounds"]]
        calls = statistics.median(each["calls"] for each in told["rounds"]) / many
        floor = [each["update"] * calls + each["empty view"] / many for each in told["rounds"]]
        what = "tracked event" if many == 1 else f"tracked event, in a batch of {many}"
        yield Figure(what, "ms CPU/event", spent, floor, f"{calls:.2g} x botocore's update_item and an empty view")
        samples = sum(told["places"].values())
        for place, share in sorted(told["places"].items(), key=lambda each: -each[1]):
            yield Figure(f"{what}: {place}", "ms CPU/event", [statistics.median(spent) * share / samples])


def _recorded_answers() -> Answers:
    """What DynamoDB answers when all that events name is known."""
    from chalicelib import clock
    from tests.faults import forget

    chance = random.Random(68)
    known: Answers = {}
    began = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with cloud.empty(), mock.patch.object(clock, "now", return_value=began), recording(known):
        for _ in range(SOME):
            door.answered(_request(chance, BATCH), 202)
        # A fresh container looks up what is known of the hour.
        forget()
        door.answered(_request(chance, BATCH), 202)
    # A process asks for a queue once, and this one has.
    return known | {"GetQueueUrl ": json.dumps({"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/1/queue"})}


def _request(chance: random.Random, many: int) -> dict[str, Any]:
    from tests.analytics.happened import mixed

    events = [mixed(chance, users=700) for _ in range(many)]
    body = events[0] if many == 1 else {"events": events}
    return door.event("POST", "/analytics/track", json.dumps(body), x_ingest_key=door.INGEST_KEY)


def _reads() -> Iterator[Figure]:
    """What a day's reports read of a project whose every hour is full: 50 endpoints, 30 events, 700 users."""
    from chalicelib.analytics import overview, reports
    from chalicelib.analytics.windows import ReportQuery
    from tests.analytics.happened import NOW, busy_day, counted

    asked: dict[str, Callable[[ReportQuery, datetime], object]] = {
        "overview": overview.overview,
        "errors": reports.errors,
        "endpoints": reports.endpoints,
        "features": reports.features,
    }
    with busy_day():
        for name, report in asked.items():
            with counted() as reads:
                report(ReportQuery(), NOW)
            yield Figure(f"report of a day: {name}", "RCU", [reads.units], [12], "24 rows under 4 KB")


def _errors() -> Iterator[Figure]:
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
    yield Figure(
        "percentiles p50, p95, p99 of 11 to 10,000 times", "% off, at most", [max(worst)], [2], "what they may be off"
    )


def _exact(values: list[float], q: float) -> float:
    rank = q * (len(values) - 1)
    low, high = values[math.floor(rank)], values[math.ceil(rank)]
    return low + (high - low) * (rank - math.floor(rank))
