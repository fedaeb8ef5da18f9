"""The cursor: what the scheduler makes of a task at a moment, and what it passes over.

A task's cursor is its next occurrence. One is made from the moment it is due while it is still its date in the task's
zone, or within GRACE of when it was due: what is due at 23:59 is not missed because a minute's run came a minute late.
Older ones are passed over, and recorded.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from chalicelib.tasks.recurrence import Recurrence, due, following, today

GRACE: Final = timedelta(hours=1)

# What was due within GRACE is of today, of the date before or, where that was skipped, of the one before it.
_RECENT: Final = timedelta(days=3)

Reason = Literal["missed", "nonexistent", "paused", "ended", "before_creation"]


@dataclass(frozen=True, slots=True)
class Gap:
    """The occurrences from the first to the last were not made. Some of their dates may not exist."""

    first: date
    last: date
    reason: Reason


@dataclass(frozen=True, slots=True)
class Step:
    """What to write at once: the instance to make, what was passed over, and the cursor afterwards.

    `next_date` is a date that exists, and may lie beyond the end date; None when the rule names no more. `due_at`, in
    UTC, is when that is due; None when there is none before the end.
    """

    make: date | None
    gaps: tuple[Gap, ...]
    next_date: date | None
    due_at: datetime | None


def advance(recurrence: Recurrence, next_date: date | None, end_date: date | None, now: datetime) -> Step:
    """The scheduler's next step with a task that is not paused; to be repeated until it makes nothing.

    Costs the same however long ago the cursor was due.
    """
    here = _from(recurrence, next_date, end_date)
    local = today(recurrence.zone, now)
    if here.next_date and here.due_at and _stale(recurrence, here.next_date, local, now):
        fresh = following(recurrence, max(here.next_date, local - _RECENT))
        while fresh and _stale(recurrence, fresh, local, now):
            fresh = following(recurrence, fresh)
        here = _beyond(recurrence, here.next_date, fresh, end_date, "missed", gaps=here.gaps)
    if not here.next_date or not here.due_at or here.due_at > now:
        return here
    there = _from(recurrence, following(recurrence, here.next_date), end_date)
    return Step(here.next_date, here.gaps + there.gaps, there.next_date, there.due_at)


def forward(
    recurrence: Recurrence, next_date: date | None, end_date: date | None, now: datetime, reason: Reason
) -> Step:
    """Pass over what lies before today, for this reason, and make nothing.

    For a task that starts in the past, is resumed, or whose end is moved. Nothing is passed over beyond the end date:
    the cursor waits at the first occurrence there.
    """
    here = _from(recurrence, next_date, end_date)
    local = today(recurrence.zone, now)
    if here.next_date and here.due_at and here.next_date < local:
        first = following(recurrence, local - timedelta(days=1))
        here = _beyond(recurrence, here.next_date, first, end_date, reason, gaps=here.gaps)
    return here


def _from(recurrence: Recurrence, day: date | None, end_date: date | None) -> Step:
    """The cursor at the first occurrence, this one or a later, whose date exists."""
    gaps: tuple[Gap, ...] = ()
    while day:
        if due_at := due(recurrence, day):
            return Step(None, gaps, day, None if end_date and day > end_date else due_at)
        gaps += (Gap(day, day, "nonexistent"),)
        day = following(recurrence, day)
    return Step(None, gaps, None, None)


def _beyond(
    recurrence: Recurrence,
    first: date,
    to: date | None,
    end_date: date | None,
    reason: Reason,
    *,
    gaps: tuple[Gap, ...],
) -> Step:
    """The cursor at an occurrence beyond one that is passed over, though not past the first beyond the end."""
    if end_date and (not to or to > end_date):
        to = following(recurrence, end_date)
    days = range(first.toordinal(), (to or date.max).toordinal())
    # The last occurrence before `to` is the first date after which `to` is the next.
    index = bisect_left(days, 1, key=lambda day: following(recurrence, date.fromordinal(day)) == to)
    gap = Gap(first, date.fromordinal(days[index]), reason)
    there = _from(recurrence, to, end_date)
    return Step(None, (*gaps, gap, *there.gaps), there.next_date, there.due_at)


def _stale(recurrence: Recurrence, day: date, local: date, now: datetime) -> bool:
    """Whether an occurrence is too old to be made, or never could be."""
    if day >= local:
        return False
    due_at = due(recurrence, day)
    return not due_at or now - due_at >= GRACE
