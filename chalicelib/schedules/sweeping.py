"""Sweeping: deletes that took too long for their caller, or that a crash cut off, go on."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from chalicelib.clock import rfc3339
from chalicelib.observability import correlate
from chalicelib.schedules import deleting, models

# Until then the request itself may be at it.
LEFT_FOR: Final = timedelta(minutes=1)
# A stage takes seconds at worst, and a minute later the next sweep goes on.
BUDGET_S: Final = 40.0
READ_AT_ONCE: Final = 100


def sweep(now: datetime, *, monotonic: Callable[[], float] = time.monotonic) -> None:
    """Finish every delete that was begun over a minute ago, as far as the time goes. Safe to repeat.

    What stops one is an incident, and the next sweep tries it again. What stops the sweep itself is one, too, and is
    raised.
    """
    until = monotonic() + BUDGET_S
    try:
        for schedule_id in _hidden(now):
            if monotonic() >= until:
                return
            _finish(schedule_id, now, until, monotonic)
    except Exception as error:  # whatever it is, somebody has to hear of it
        deleting.tell(error, {"state": "No delete that was begun goes on."}, event=_event("", now), now=now)
        raise


def _finish(schedule_id: str, now: datetime, until: float, monotonic: Callable[[], float]) -> None:
    found: dict[str, str | None] = {"schedule_id": schedule_id}
    try:
        schedule = models.find(schedule_id)
        # The index follows the rows by some milliseconds.
        if schedule is None or schedule.deleting is None:
            return
        correlate(schedule.correlation_id)
        found |= {"title": schedule.title, "actor": schedule.deleted_by}
        deleting.finish(schedule_id, schedule.deleting, until, monotonic)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is this schedule's alone
        state = "It is hidden from everybody; the next sweep goes on with removing it."
        deleting.tell(
            error, {**found, "state": state}, event=_event(schedule_id, now), now=now, user_id=found.get("actor")
        )


def _event(schedule_id: str, now: datetime) -> str:
    # What stays in the way counts once an hour, not every minute.
    return f"sweep\x00{schedule_id}\x00{rfc3339(now)[:13]}"


def _hidden(now: datetime) -> Iterator[str]:
    after = ""
    while positions := models.hidden_positions(after, rfc3339(now - LEFT_FOR), READ_AT_ONCE):
        yield from (position.rpartition("#")[2] for position in positions)
        after = positions[-1]
