"""The cursor: what the scheduler makes of a task at a moment, and what it passes over.

A task's cursor is its next occurrence. One is made from the moment it is due while it is still its date in the task's
zone, or within GRACE of when it was due: what is due at 23:59 is not missed because a minute's run came a minute late.
Older ones are passed over, and recorded.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from chalicelib.tasks.recurrence import HORIZON, Recurrence, due, following, today

GRACE: Final = timedelta(hours=1)

# Whatever is due within GRACE is of one of the last dates: no zone ever skipped more than one at a time.
_RECENT: Final = timedelta(days=3)

Reason = Literal["missed", "nonexistent", "paused", "ended", "before_creation"]


@dataclass(frozen=True, slots=True)
class Gap:
    """The occurrences from the first to the last were not made; the dates of some between may not exist."""

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
    day, gaps = _existing(recurrence, next_date)
    local = today(recurrence.zone, now)
    if day and _before_end(day, end_date) and _stale(recurrence, day, local, now):
        fresh = following(recurrence, max(day, local - _RECENT))
        while fresh and _stale(recurrence, fresh, local, now):
            fresh = following(recurrence, fresh)
        day, passed = _pass_over(recurrence, day, fresh, end_date, "missed")
        gaps += passed
    due_at = _due(recurrence, day, end_date)
    if not day or not due_at or due_at > now:
        return Step(None, gaps, day, due_at)
    next_date, passed = _existing(recurrence, following(recurrence, day))
    return Step(day, gaps + passed, next_date, _due(recurrence, next_date, end_date))


def forward(
    recurrence: Recurrence, next_date: date | None, end_date: date | None, now: datetime, reason: Reason
) -> Step:
    """Pass over what lies before today, for this reason, and make nothing.

    For a task that starts in the past, is resumed, or whose end is moved. Nothing is passed over beyond the end date:
    the cursor waits on the first occurrence there.
    """
    day, gaps = _existing(recurrence, next_date)
    local = today(recurrence.zone, now)
    if day and _before_end(day, end_date) and day < local:
        first = following(recurrence, local - timedelta(days=1))
        day, passed = _pass_over(recurrence, day, first, end_date, reason)
        gaps += passed
    return Step(None, gaps, day, _due(recurrence, day, end_date))


def _pass_over(
    recurrence: Recurrence, first: date, to: date | None, end_date: date | None, reason: Reason
) -> tuple[date | None, tuple[Gap, ...]]:
    """The cursor moved from an occurrence to a later one, but not past the first beyond the end, and the gaps made."""
    if end_date and (not to or to > end_date):
        to = following(recurrence, end_date)
    days = range(first.toordinal(), (to or HORIZON).toordinal())
    # The last occurrence before `to` is the first date after which `to` is the next.
    index = bisect_left(days, 1, key=lambda day: following(recurrence, date.fromordinal(day)) == to)
    day, gaps = _existing(recurrence, to)
    return day, (Gap(first, date.fromordinal(days[index]), reason), *gaps)


def _existing(recurrence: Recurrence, day: date | None) -> tuple[date | None, tuple[Gap, ...]]:
    """The first occurrence from this one on whose date exists, and the gaps before it."""
    gaps: tuple[Gap, ...] = ()
    while day and not due(recurrence, day):
        gaps += (Gap(day, day, "nonexistent"),)
        day = following(recurrence, day)
    return day, gaps


def _stale(recurrence: Recurrence, day: date, local: date, now: datetime) -> bool:
    """Whether it is too late to make an occurrence, if its date exists at all."""
    due_at = due(recurrence, day)
    return day < local and (not due_at or now - due_at >= GRACE)


def _before_end(day: date, end_date: date | None) -> bool:
    return not end_date or day <= end_date


def _due(recurrence: Recurrence, day: date | None, end_date: date | None) -> datetime | None:
    return due(recurrence, day) if day and _before_end(day, end_date) else None
