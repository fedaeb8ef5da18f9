"""Which hours and days a window has."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.analytics.windows import DAY, HOUR, runs, window
from chalicelib.clock import parse

NOW = parse("2026-11-22T14:20:00.123Z")
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda naive: parse(naive.isoformat()))  # noqa: DTZ001


def test_all_of_the_hour_so_many_hours_ago_is_in_it_and_the_present_one() -> None:
    assert window(1, NOW).hours == [parse("2026-11-22T13:00:00Z"), parse("2026-11-22T14:00:00Z")]
    day = window(24, NOW)
    assert (day.first, day.last, len(day.hours)) == (parse("2026-11-21T14:00:00Z"), parse("2026-11-22T14:00:00Z"), 25)
    assert window(2, parse("2026-11-22T14:00:00Z")).first == parse("2026-11-22T12:00:00Z")


def test_hours_are_those_of_utc_wherever_the_clock_is() -> None:
    assert window(3, datetime.fromisoformat("2026-11-22T19:50:00+05:30")).first == parse("2026-11-22T11:00:00Z")


@pytest.mark.parametrize(
    ("hours", "first", "last"),
    [
        (72, None, None),
        (73, "2026-11-20", "2026-11-21"),
        (85, "2026-11-20", "2026-11-21"),
        (86, "2026-11-19", "2026-11-21"),
        (2160, "2026-08-25", "2026-11-21"),
    ],
)
def test_a_long_window_has_the_whole_days_that_are_over(hours: int, first: str | None, last: str | None) -> None:
    days = window(hours, NOW).days
    assert (days[0].isoformat(), days[-1].isoformat()) == (first, last) if first else days == []


@settings(deadline=None)
@given(st.integers(1, 2160), moments, st.sets(st.integers(0, 95)))
def test_days_and_runs_are_all_hours_once(hours: int, now: datetime, which: set[int]) -> None:
    found = window(hours, now)
    assert found.hours[-1] <= now < found.hours[-1] + HOUR
    assert found.hours[0] <= now - timedelta(hours=hours) < found.hours[0] + HOUR
    assert len(found.hours) == hours + 1
    summed = [day for nth, day in enumerate(found.days) if nth in which]
    of_days = [_midnight(day) + nth * HOUR for day in summed for nth in range(24)]
    parts = runs(found, summed)
    of_runs = [first + nth * HOUR for first, last in parts for nth in range((last - first) // HOUR + 1)]
    assert sorted(of_days + of_runs) == found.hours
    assert all(one[1] + HOUR < other[0] for one, other in pairwise(parts))
    # What could be read as days is: nothing but the days at either end is left.
    if hours > 72:
        assert len(found.days) * DAY + 2 * DAY > timedelta(hours=hours)


def _midnight(day: date) -> datetime:
    return parse(day.isoformat())
