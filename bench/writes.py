"""Writes: what a report costs in write capacity units, counted from the calls on moto as DynamoDB bills them."""

import statistics
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from unittest import mock

from bench import cloud, door
from bench.report import name, report
from bench.table import Figure

SOME: Final = 10
STORM: Final = 1000
# Of the storm's minute a fifth is played, as moto is slow; what a minute's first report costs more is added once.
PLAYED: Final = STORM // 5

# A put and an update of one row under 1 KB each; in a transaction twice that.
FLOOR = "one write"
FLOOR_WITH_EVENT_ID = "a transaction of two writes"


def measure() -> Iterator[Figure]:
    for event_id in (False, True):
        how, floor = ("with event_id", 4) if event_id else ("no event_id", 1)
        for what, units in _units(event_id=event_id).items():
            said = FLOOR_WITH_EVENT_ID if event_id else FLOOR
            yield Figure(f"{what}, {how}", "WCU/report", units, [floor], said)


def _units(*, event_id: bool) -> dict[str, list[float]]:
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

    units = {}
    with cloud.empty(), mock.patch.object(clock, "now", side_effect=lambda: now):
        begin_minute()  # makes the project, and the incident that is known from here on
        units["new incident"] = [spend(report(0, name(nth), event_id=event_id), 2 * second) for nth in range(SOME)]
        units["known incident, kept in full (up to 100 reports)"] = some(2 * second)
        first = units["known incident, first report of its minute"] = some(minute)
        for _ in range(4):
            spend({"reports": [report(nth) for nth in range(30)]}, second)
        later = units["known incident, over 100 reports"] = some(2 * second)
        begin_minute()
        played = sum(spend(report(nth, event_id=event_id), minute / STORM) for nth in range(PLAYED))
        more = statistics.median(first) - statistics.median(later)
        units[f"storming incident, {STORM:,} reports in a minute"] = [played / PLAYED + more / STORM]
    return units
