"""Schedules: what a delete takes with so much attendance, until nothing is left of it, and what it costs.

On the tests' store in memory, as in bench/tasks.py; the floor is the same number of bare deletes, 100 to a transaction.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import botocore.session

from bench.table import DAILY, WRITES, Figure, Runs
from chalicelib.config import config
from chalicelib.schedules import attendance, deleting, planning
from chalicelib.schedules.attendance import RollCall, StudentMark
from chalicelib.schedules.planning import NewSchedule
from tests import store as stores
from tests.faults import recorded

SIZES: Final = (10, 99, 1_000, 10_000)
RUNS: Final = 5
NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)


def measure() -> Iterator[Figure]:
    taken, floors, units = zip(*map(_deletes, SIZES), strict=True)
    name = f"a delete of a schedule with {' · '.join(f'{size:,}' for size in SIZES)} records of attendance"
    yield Figure(DAILY, f"CPU of {name}", "ms", taken, floors, "bare deletes, 100 to a transaction")
    yield Figure(WRITES, f"{name}, a record", "WCU", units, [[1]], "one delete")


def _deletes(records: int) -> tuple[Runs, Runs, Runs]:
    """CPU in ms until nothing is left of a schedule, and of bare deletes, by run; write units a record."""
    taken, floors = [], []
    client: Any = botocore.session.get_session().create_client("dynamodb")
    with stores.installed() as store:
        schedule_id = _plant(records)
        keys = [{name: row[name] for name in ("pk", "sk")} for row in store.rows("schedules")]
        planted = store.bookmark()
        with recorded() as ledger:
            deleting.delete(schedule_id, "bench", NOW)
        if any(row["sk"]["S"].startswith("ATT#") for row in store.rows("schedules")):
            raise RuntimeError(f"the delete left some of {records} records")
        for _ in range(RUNS):
            planted()
            taken.append(_cpu_ms(lambda: deleting.delete(schedule_id, "bench", NOW)))
            planted()
            floors.append(_cpu_ms(lambda: _bare_deletes(client, keys)))
    return taken, floors, [ledger.units / records]


def _plant(records: int) -> str:
    new = NewSchedule("Maths", NOW, NOW.replace(hour=13))
    schedule_id = planning.make(new, "bench", NOW).schedule_id
    for start in range(0, records, 99):
        marks = [StudentMark(f"student-{nth}", "present") for nth in range(start, min(start + 99, records))]
        attendance.call_roll(schedule_id, RollCall(marks), "bench", NOW)
    return schedule_id


def _bare_deletes(client: Any, keys: list[Any]) -> None:
    name = config().resource("schedules")
    for start in range(0, len(keys), 100):
        deletes = [{"Delete": {"TableName": name, "Key": key}} for key in keys[start : start + 100]]
        client.transact_write_items(TransactItems=deletes)


def _cpu_ms(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return (time.process_time() - began) * 1000
