"""Writes: what a report costs in write capacity units, counted from the calls as DynamoDB bills them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from unittest import mock

from bench import cloud, door
from bench.report import name, report
from bench.table import WRITES, Figure

SOME: Final = 10
STORM: Final = 1000


def measure() -> Iterator[Figure]:
    name = "a report of a new · a known failure, of its first in a minute · of a storming one"
    yield Figure(WRITES, name, "WCU", _units(event_id=False), [[1]], "one write")
    name = "the same, with an `event_id`"
    yield Figure(WRITES, name, "WCU", _units(event_id=True), [[4]], "a transaction of two writes")


def _units(*, event_id: bool) -> list[list[float]]:
    from chalicelib import clock
    from tests.faults import recorded

    now = datetime.fromisoformat("2026-11-22T12:00:00+00:00")

    def spend(body: object, after: timedelta) -> float:
        nonlocal now
        now += after
        with recorded() as ledger:
            door.answered(door.reporting(body), 202)
        return ledger.units

    second, minute = timedelta(seconds=1), timedelta(minutes=1)

    def some(after: timedelta) -> list[float]:
        begin_minute()
        return [spend(report(nth, event_id=event_id), after) for nth in range(SOME)]

    def begin_minute() -> None:
        nonlocal now
        now = now.replace(second=0)
        spend(report(0), minute)

    with cloud.empty(), mock.patch.object(clock, "now", side_effect=lambda: now):
        begin_minute()  # makes the project, and the incident that is known from here on
        new = [spend(report(0, name(nth), event_id=event_id), 2 * second) for nth in range(SOME)]
        known, first = some(2 * second), some(minute)
        for _ in range(4):
            spend({"reports": [report(nth) for nth in range(30)]}, second)
        # From here on one in ten is kept.
        begin_minute()
        played = sum(spend(report(nth, event_id=event_id), minute / STORM) for nth in range(STORM))
    return [new, known, first, [played / STORM]]
