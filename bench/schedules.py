"""Schedules: how long a delete takes with so much attendance, until nothing is left of it, and what it costs.

On the tests' store in memory, as in bench/tasks.py; the floor is the same number of bare deletes, 100 to a transaction.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import botocore.session

from bench.table import Figure
from chalicelib.config import config
from chalicelib.schedules import attendance, deleting, planning
from chalicelib.schedules.attendance import RollCall, StudentMark
from chalicelib.schedules.planning import NewSchedule
from tests import store as stores
from tests.faults import recorded

SIZES: Final = (10, 99, 1_000, 10_000)
RUNS: Final = 3
NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)


def measure() -> Iterator[Figure]:
    for records in SIZES:
        what = f"delete with {records:,} records of attendance"
        times = [_delete(records) for _ in range(RUNS)]
        yield Figure(what, "ms", times, [_floor(records) for _ in range(RUNS)], "bare deletes, 100 a transaction")
        with stores.installed():
            schedule_id = _plant(records)
            with recorded() as ledger:
                deleting.delete(schedule_id, "bench", NOW)
        yield Figure(f"{what}: a record", "WCU", [ledger.units / records], [1], "one delete")


def _delete(records: int) -> float:
    """Milliseconds until nothing is left of the schedule, which none of these sizes leaves to the sweep."""
    with stores.installed():
        schedule_id = _plant(records)
        began = time.perf_counter()
        deleting.delete(schedule_id, "bench", NOW)
        return (time.perf_counter() - began) * 1000


def _plant(records: int) -> str:
    new = NewSchedule("Maths", NOW, NOW.replace(hour=13))
    schedule_id = planning.make(new, "bench", NOW).schedule_id
    for start in range(0, records, 99):
        marks = [StudentMark(f"student-{nth}", "present") for nth in range(start, min(start + 99, records))]
        attendance.call_roll(schedule_id, RollCall(marks), "bench", NOW)
    return schedule_id


def _floor(records: int) -> float:
    client: Any = botocore.session.get_session().create_client("dynamodb")
    name = config().resource("schedules")
    with stores.installed():
        _plant(records)
        began = time.perf_counter()
        for start in range(0, records, 100):
            keys = [{"pk": {"S": "x"}, "sk": {"S": f"ATT#student-{nth}"}} for nth in range(start, start + 100)]
            deletes = [{"Delete": {"TableName": name, "Key": key}} for key in keys[: records - start]]
            client.transact_write_items(TransactItems=deletes)
        return (time.perf_counter() - began) * 1000
