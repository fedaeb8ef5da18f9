from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.tasks import cursor
from chalicelib.tasks.cursor import GRACE, Gap, Reason, Step, advance, forward
from chalicelib.tasks.recurrence import Recurrence, due, following, read, today
from tests.tasks import every_day

DAY: Final = timedelta(days=1)

# Where dates are skipped, clocks change at midnight or by other than an hour, or run far from UTC.
HARD: Final = (
    "Africa/Cairo",
    "America/Caracas",
    "America/Goose_Bay",
    "America/Havana",
    "America/Sao_Paulo",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Etc/GMT+12",
    "Pacific/Apia",
    "Pacific/Fakaofo",
)


def of_june(day: int, text: str = "12:00") -> datetime:
    return datetime.fromisoformat(f"2026-06-{day:02}T{text}").replace(tzinfo=UTC)


def june(day: int) -> date:
    return date(2026, 6, day)


FIRST: Final = june(1)


def rule(text: str = "daily", start: date = FIRST, name: str = "UTC", at: time = time(9)) -> Recurrence:
    return read(text, start, name, at)


DAILY: Final = rule()


def test_nothing_is_made_before_it_is_due() -> None:
    step = Step(None, (), june(10), of_june(10, "09:00"))
    assert advance(DAILY, june(10), None, of_june(10, "08:59:59.999")) == step
    assert advance(DAILY, june(10), None, of_june(1)) == step


def test_a_date_is_made_from_when_it_is_due_until_it_is_over() -> None:
    made = Step(june(10), (), june(11), of_june(11, "09:00"))
    for text in ("09:00", "09:01", "23:59:59.999"):
        assert advance(DAILY, june(10), None, of_june(10, text)) == made


def test_what_was_due_within_the_grace_is_made_on_the_next_date() -> None:
    late = rule(at=time(23, 59))
    made = Step(june(10), (), june(11), of_june(11, "23:59"))
    assert advance(late, june(10), None, of_june(11, "00:00:30")) == made
    assert advance(late, june(10), None, of_june(11, "00:58:59.999")) == made
    missed = Step(None, (Gap(june(10), june(10), "missed"),), june(11), of_june(11, "23:59"))
    assert advance(late, june(10), None, of_june(10, "23:59") + GRACE) == missed


def test_after_an_outage_today_is_made_and_what_lies_before_is_a_gap() -> None:
    step = Step(june(20), (Gap(june(10), june(19), "missed"),), june(21), of_june(21, "09:00"))
    assert advance(DAILY, june(10), None, of_june(20)) == step
    # Before it is due today, the gap is recorded and today waits.
    step = Step(None, (Gap(june(10), june(19), "missed"),), june(20), of_june(20, "09:00"))
    assert advance(DAILY, june(10), None, of_june(20, "08:00")) == step


def test_a_gap_ends_with_the_last_occurrence_that_was_missed() -> None:
    weekly = rule("FREQ=WEEKLY;BYDAY=MO,WE")
    step = Step(None, (Gap(june(3), june(15), "missed"),), june(17), of_june(17, "09:00"))
    assert advance(weekly, june(3), None, of_june(16)) == step


def test_nothing_beyond_the_end_is_made_or_missed() -> None:
    assert advance(DAILY, june(10), june(10), of_june(10)) == Step(june(10), (), june(11), None)
    assert advance(DAILY, june(11), june(10), of_june(20)) == Step(None, (), june(11), None)
    gap = Gap(june(5), june(10), "missed")
    assert advance(DAILY, june(5), june(10), of_june(20)) == Step(None, (gap,), june(11), None)
    assert forward(DAILY, june(5), june(10), of_june(20), "paused").gaps == (Gap(june(5), june(10), "paused"),)
    assert forward(DAILY, june(11), june(10), of_june(20), "paused") == Step(None, (), june(11), None)


def test_a_rule_ends() -> None:
    ends = rule("FREQ=DAILY;UNTIL=20260610")
    assert advance(ends, june(10), None, of_june(10)) == Step(june(10), (), None, None)
    gap = Gap(june(8), june(10), "missed")
    assert advance(ends, june(8), None, of_june(20)) == Step(None, (gap,), None, None)
    assert advance(ends, june(4), june(6), of_june(20)).next_date == june(7)
    assert advance(ends, None, None, of_june(20)) == Step(None, (), None, None)
    assert forward(ends, None, None, of_june(20), "paused") == Step(None, (), None, None)
    once = rule("none")
    assert advance(once, june(1), None, of_june(1)) == Step(june(1), (), None, None)


REASONS: Final[tuple[Reason, ...]] = ("before_creation", "paused", "ended")


@pytest.mark.parametrize("reason", REASONS)
def test_going_forward_passes_over_what_lies_before_today(reason: Reason) -> None:
    step = Step(None, (Gap(june(5), june(19), reason),), june(20), of_june(20, "09:00"))
    assert forward(DAILY, june(5), None, of_june(20), reason) == step
    assert forward(DAILY, june(5), june(20), of_june(20), reason) == step
    for day in (20, 25):
        unchanged = Step(None, (), june(day), of_june(day, "09:00"))
        assert forward(DAILY, june(day), None, of_june(20), reason) == unchanged


def test_a_date_that_does_not_exist_is_a_gap_of_its_own() -> None:
    samoa = rule(start=date(2011, 12, 1), name="Pacific/Apia", at=time(0))
    gap, after = Gap(date(2011, 12, 30), date(2011, 12, 30), "nonexistent"), datetime(2011, 12, 30, 10, tzinfo=UTC)
    step = advance(samoa, date(2011, 12, 29), None, after - timedelta(hours=12))
    assert step == Step(date(2011, 12, 29), (gap,), date(2011, 12, 31), after)
    # As a cursor that stood there before the database said so.
    assert advance(samoa, gap.first, None, after - DAY) == Step(None, (gap,), date(2011, 12, 31), after)
    assert forward(samoa, gap.first, None, after, "paused") == Step(None, (gap,), date(2011, 12, 31), after)
    # Its eve was due a minute before it would have begun, and the grace lasts into the date after it.
    late = rule(start=date(2011, 12, 1), name="Pacific/Apia", at=time(23, 59))
    made = advance(late, date(2011, 12, 20), None, after + timedelta(minutes=50))
    missed = Gap(date(2011, 12, 20), date(2011, 12, 28), "missed")
    assert (made.make, made.gaps, made.next_date) == (date(2011, 12, 29), (missed, gap), date(2011, 12, 31))


def test_a_date_that_does_not_exist_is_no_way_back_to_one_that_was_missed() -> None:
    samoa = rule(start=date(2011, 12, 1), name="Pacific/Apia")
    noon_of_the_1st = datetime(2011, 12, 31, 22, tzinfo=UTC)
    made = advance(samoa, date(2011, 12, 28), None, noon_of_the_1st)
    assert (made.make, made.gaps) == (date(2012, 1, 1), (Gap(date(2011, 12, 28), date(2011, 12, 31), "missed"),))


def test_dates_that_do_not_exist_before_and_after_a_gap_are_gaps_too() -> None:
    samoa = rule(start=date(2011, 12, 1), name="Pacific/Apia")
    skipped = Gap(date(2011, 12, 30), date(2011, 12, 30), "nonexistent")
    noon_of_the_5th = datetime(2012, 1, 4, 22, tzinfo=UTC)
    made = advance(samoa, skipped.first, None, noon_of_the_5th)
    assert made.gaps == (skipped, Gap(date(2011, 12, 31), date(2012, 1, 4), "missed"))
    over = advance(samoa, date(2011, 12, 25), date(2011, 12, 29), noon_of_the_5th)
    ended = (Gap(date(2011, 12, 25), date(2011, 12, 29), "missed"), skipped)
    assert over == Step(None, ended, date(2011, 12, 31), None)
    fridays = rule("weekly", date(2011, 12, 2), "Pacific/Apia")
    paused = forward(fridays, date(2011, 12, 16), None, datetime(2011, 12, 28, tzinfo=UTC), "paused")
    assert paused.gaps == (Gap(date(2011, 12, 16), date(2011, 12, 23), "paused"), skipped)
    assert paused.next_date == date(2012, 1, 6)


def test_an_outage_of_decades_costs_a_few_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(recurrence: Recurrence, day: date) -> date | None:
        asked.append(day)
        return following(recurrence, day)

    monkeypatch.setattr(cursor, "following", counted)
    step = advance(rule(start=date(1996, 1, 1)), date(1996, 1, 1), None, of_june(10))
    assert (step.make, step.gaps) == (june(10), (Gap(date(1996, 1, 1), june(9), "missed"),))
    assert len(asked) < 30


RULES: Final = ("daily", "weekly", "FREQ=DAILY;INTERVAL=3", "FREQ=MONTHLY;BYDAY=MO,-1FR", "FREQ=DAILY;COUNT=30")


@st.composite
def tasks(draw: st.DrawFn) -> tuple[Recurrence, date | None]:
    """A task that starts shortly before a date around which its zone's clocks are odd, or another, and its end."""
    name = draw(st.sampled_from(HARD))
    near = draw(st.sampled_from([date(2011, 12, 30), date(2018, 5, 5), date(2010, 11, 7), date(2026, 3, 29)]))
    start = draw(st.dates(near - 40 * DAY, near).filter(lambda day: due(rule(start=day, name=name), day) is not None))
    at = draw(st.sampled_from(every_day.TIMES) | st.times().map(lambda each: each.replace(microsecond=0)))
    end = draw(st.none() | st.integers(0, 60).map(lambda days: start + days * DAY))
    return rule(draw(st.sampled_from(RULES)), start, name, at), end


def occurrences(recurrence: Recurrence, last: date) -> Iterator[date]:
    day: date | None = recurrence.start
    while day and day <= last:
        yield day
        day = following(recurrence, day)


@settings(max_examples=300, deadline=None)
@given(
    tasks(),
    # Minutes since the start at which the scheduler ran: in bursts, twice at once, and not for weeks.
    st.lists(st.integers(0, 24 * 60 * 70) | st.integers(0, 24 * 60 * 8), max_size=60),
    st.integers(0, 3),
)
def test_whenever_the_scheduler_runs_each_occurrence_is_made_once_or_in_one_gap(
    task: tuple[Recurrence, date | None], minutes: list[int], repeated: int
) -> None:
    recurrence, end = task
    begin = datetime.combine(recurrence.start, time(), UTC) - timedelta(hours=15)
    runs = sorted(begin + timedelta(minutes=each) for each in minutes + minutes[:repeated])
    made: list[tuple[date, datetime]] = []
    gaps: list[Gap] = []
    day: date | None = recurrence.start
    for now in runs:
        while True:
            before = day
            step = advance(recurrence, day, end, now)
            day = step.next_date
            gaps += step.gaps
            assert step.due_at == (due(recurrence, day) if day and (not end or day <= end) else None)
            if not step.make:
                break
            assert day is None or before is None or day > before
            made.append((step.make, now))
        assert advance(recurrence, day, end, now) == Step(None, (), day, step.due_at)

    last = runs[-1].date() + 3 * DAY if runs else recurrence.start
    for each in occurrences(recurrence, last):
        due_at = due(recurrence, each)
        ran = next((now for now in runs if due_at and now >= due_at), None)
        in_time = ran and due_at and (each >= today(recurrence.zone, ran) or ran - due_at < GRACE)
        is_wanted = bool(in_time) and not (end and each > end)
        assert [moment for made_day, moment in made if made_day == each] == ([ran] if is_wanted else [])
        passed = [gap for gap in gaps if gap.first <= each <= gap.last]
        assert len(passed) == (not is_wanted and (day is None or each < day))
        if passed and not due_at:
            assert passed[0].reason in ("nonexistent", "missed")
    for gap in gaps:
        assert {gap.first, gap.last} <= {*occurrences(recurrence, gap.last)}
        assert gap.reason == "missed" or gap.first == gap.last


@settings(deadline=None)
@given(tasks(), st.integers(0, 30), st.integers(-2, 60 * 24))
def test_going_forward_puts_each_occurrence_in_one_gap_or_leaves_it_ahead(
    task: tuple[Recurrence, date | None], skipped: int, hours: int
) -> None:
    recurrence, end = task
    now = datetime.combine(recurrence.start, time(), UTC) + timedelta(hours=hours)
    local = today(recurrence.zone, now)
    before = following(recurrence, recurrence.start + skipped * DAY)
    step = forward(recurrence, before, end, now, "paused")
    assert step.make is None
    for each in occurrences(recurrence, local + 10 * DAY):
        passed = [gap for gap in step.gaps if gap.first <= each <= gap.last]
        is_ahead = before is None or each < before or (step.next_date is not None and each >= step.next_date)
        assert len(passed) == (not is_ahead)
        if due(recurrence, each) and before and each >= before:
            assert bool(passed) == (each < local and not (end and each > end))
    assert forward(recurrence, step.next_date, end, now, "ended") == Step(None, (), step.next_date, step.due_at)


@pytest.mark.parametrize("name", HARD)
def test_each_local_date_of_thirty_years_has_one_instance_where_clocks_are_odd(name: str) -> None:
    at = every_day.TIMES[HARD.index(name) % len(every_day.TIMES)]
    assert [*every_day.faults(name, at, every_day.existing(name))] == []


@settings(max_examples=5, deadline=None)
@given(st.sampled_from(every_day.distinct()), st.sampled_from(every_day.TIMES))
def test_each_local_date_of_thirty_years_has_one_instance_anywhere(name: str, at: time) -> None:
    assert [*every_day.faults(name, at, every_day.existing(name))] == []
