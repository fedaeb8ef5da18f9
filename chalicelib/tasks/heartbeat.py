"""The heartbeat: whether the scheduled function runs, and keeps up."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from chalicelib.clock import Time, parse
from chalicelib.observability import seconds
from chalicelib.tasks import models

STOPPED_AFTER: Final = timedelta(minutes=5)


class SchedulerView(Struct, frozen=True):
    """The scheduled function that makes instances.

    It runs every minute. `lag_seconds` is how long the oldest task that it last found due had been waiting; `stopped`
    says that it has not run for five minutes, or never.
    """

    last_tick: Time | None
    oldest_due: Time | None
    lag_seconds: int
    stopped: bool


def beat(now: datetime, oldest_due: str | None) -> None:
    """Note a run, and since when the oldest task that it found was due."""
    seconds("OldestDueTaskSeconds", _lag_s(now, oldest_due))
    models.beat(now, oldest_due)


def show(now: datetime) -> SchedulerView:
    """How the scheduled function fares."""
    found = models.find_heartbeat()
    if found is None:
        return SchedulerView(last_tick=None, oldest_due=None, lag_seconds=0, stopped=True)
    last = parse(found.last_tick)
    return SchedulerView(
        last_tick=found.last_tick,
        oldest_due=found.oldest_due,
        lag_seconds=_lag_s(last, found.oldest_due),
        stopped=now - last > STOPPED_AFTER,
    )


def _lag_s(tick: datetime, oldest_due: str | None) -> int:
    return 0 if oldest_due is None else int((tick - parse(oldest_due)).total_seconds())
