"""The trend: reports in each of the last 24 hours, from the incident's count as it stood when each hour began.

An hour's slot (`h00`..`h23`, by the hour of the day) holds one number: the hour since 1970 and the count at its start,
packed so that a later hour is greater, and an earlier start of the same hour smaller. A count only grows, so writing a
slot is idempotent, costs one write per hour rather than per report, and a crash before it moves reports to the hour
before instead of losing them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

HOURS: Final = 24
_COUNTS: Final = 10**12


def hour_of(moment: datetime) -> int:
    """Hours since 1970."""
    return int(moment.timestamp()) // 3600


def slot(hour: int) -> str:
    """The attribute that holds an hour."""
    return f"h{hour % HOURS:02d}"


def packed(hour: int, count_at_start: int) -> int:
    """What a slot holds; `packed(hour, 0)` is the least value of that hour."""
    return hour * _COUNTS + count_at_start


def trend(slots: Mapping[str, int], first_seen: datetime, count: int, now: datetime) -> list[int]:
    """24 hourly counts, the oldest first, the last one the hour of `now`."""
    first, last = hour_of(first_seen), hour_of(now)
    starts = {first: 0}
    # Slots from before the incident are those of a deleted one of the same name.
    starts |= {hour: start for hour, start in (divmod(value, _COUNTS) for value in slots.values()) if hour > first}
    counts = [0] * HOURS
    end = count
    for hour in sorted(starts, reverse=True):
        if last - HOURS < hour <= last:
            counts[hour - last - 1] = max(0, end - starts[hour])
        end = starts[hour]
    return counts
