import calendar
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from io import BytesIO
from itertools import groupby
from time import process_time
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chalicelib.tasks import recurrence
from chalicelib.tasks.recurrence import HORIZON, BadRule, Recurrence, due, exists, following, read, today
from chalicelib.zones import names, zone

DAY: Final = timedelta(days=1)
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
START: Final = date(2026, 1, 15)


def rule(text: str, start: date = START) -> Recurrence:
    return read(text, start, "Europe/Berlin", time(9))


def first(count: int, recurrence: Recurrence) -> list[date]:
    """The first so many occurrences."""
    day: date | None = recurrence.start - DAY
    return [day for _ in range(count) if day and (day := following(recurrence, day))]


def dates(year: int, text: str) -> list[date]:
    """Dates as RFC 5545 lists them: `9/5 10/3 | 1/2` is two of a year and one of the next; `||` skips one."""
    found = []
    for more, part in enumerate(text.split("|")):
        found += [date(year + more, *map(int, each.split("/"))) for each in part.split()]
    return found


# Examples of RFC 5545, 3.8.5.3 and 3.3.10.
EXAMPLES: Final = [
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", dates(1997, "9/2 9/12 9/22 10/2 10/12")),
    ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", dates(1997, "9/2 9/16 9/30 10/14 10/28 11/11 11/25 12/9 12/23 | 1/6 1/20 2/3")),
    ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", dates(1997, "9/2 9/4 9/9 9/11 9/16 9/18 9/23 9/25 9/30 10/2")),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", dates(1997, "9/2 9/4 9/16 9/18 9/30 10/2 10/14 10/16")),
    ("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", dates(1997, "9/5 10/3 11/7 12/5 | 1/2 2/6 3/6 4/3 5/1 6/5")),
    (
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        dates(1997, "9/7 9/28 11/2 11/30 | 1/4 1/25 3/1 3/29 5/3 5/31"),
    ),
    ("FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", dates(1997, "9/22 10/20 11/17 12/22 | 1/19 2/16")),
    ("FREQ=MONTHLY;BYMONTHDAY=-3", dates(1997, "9/28 10/29 11/28 12/29 | 1/29 2/26")),
    ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", dates(1997, "9/30 10/1 10/31 11/1 11/30 12/1 12/31 | 1/1 1/31 2/1")),
    (
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        dates(1997, "9/10 9/11 9/12 9/13 9/14 9/15 || 3/10 3/11 3/12 3/13"),
    ),
    ("FREQ=YEARLY;COUNT=6;BYMONTH=6,7", dates(1997, "6/10 7/10 | 6/10 7/10 | 6/10 7/10")),
    (
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        dates(1997, "1/1 4/10 7/19 ||| 1/1 4/9 7/18 ||| 1/1 4/10 7/19 ||| 1/1"),
    ),
    ("FREQ=YEARLY;BYDAY=20MO", dates(1997, "5/19 | 5/18 | 5/17")),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", dates(1997, "5/12 | 5/11 | 5/17")),
    ("FREQ=YEARLY;BYMONTH=3;BYDAY=TH", dates(1997, "3/13 3/20 3/27 | 3/5 3/12 3/19 3/26 | 3/4 3/11 3/18 3/25")),
    ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", dates(1998, "2/13 3/13 11/13 | 8/13 | 10/13")),
    ("FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", dates(1997, "9/13 10/11 11/8 12/13 | 1/10 2/7 3/7 4/11")),
    (
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        dates(1996, "11/5 |||| 11/7 |||| 11/2"),
    ),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", dates(1997, "9/4 10/7 11/6")),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        dates(1997, "9/29 10/30 11/27 12/30 | 1/29 2/26 3/30"),
    ),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", dates(1997, "8/5 8/10 8/19 8/24")),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", dates(1997, "8/5 8/17 8/19 8/31")),
    ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", dates(2007, "1/15 1/30 2/15 3/15 3/30")),
    # What the start leaves open, and what dateutil by itself has otherwise.
    ("daily", dates(2026, "12/30 12/31 | 1/1")),
    ("weekly", dates(2026, "12/24 12/31 | 1/7")),
    ("none", dates(2026, "1/15")),
    ("FREQ=YEARLY", dates(2024, "2/29 |||| 2/29 |||| 2/29")),
    ("FREQ=MONTHLY", dates(2026, "1/31 3/31 5/31 7/31")),
    ("FREQ=MONTHLY;BYDAY=MO,2TU", dates(2026, "1/5 1/12 1/13 1/19 1/26 2/2 2/9 2/10")),
    ("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU,MO", dates(2026, "3/2 3/9 3/16 3/23 3/29 3/30 | 3/1 3/8 3/15 3/22 3/28 3/29")),
    ("FREQ=YEARLY;BYWEEKNO=20", dates(1998, "5/12 | 5/18 | 5/16 | 5/15")),
    ("FREQ=YEARLY;BYWEEKNO=53", dates(2026, "12/31 |||||| 12/30")),
    ("FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=MO", dates(2024, "1/1 | 12/29 ||| 1/3 | 12/31 || 12/29")),
    ("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=MO", dates(2026, "12/28 | 12/27 | 12/25")),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=10", dates(2026, "1/10 2/10 3/10 4/10")),
    ("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=40", dates(2026, "2/9 | 2/9 | 2/9")),
    ("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2", dates(2026, "1/16 1/21 1/28")),
]


@pytest.mark.parametrize(("text", "wanted"), EXAMPLES)
def test_occurrences_are_those_of_the_standards_examples(text: str, wanted: list[date]) -> None:
    recurrence = rule(text, wanted[0])
    assert first(len(wanted), recurrence) == wanted
    # And from any date of the first year on, not only from one occurrence to the next.
    for days in range(min(366, (wanted[-1] - wanted[0]).days)):
        day = wanted[0] + days * DAY
        assert following(recurrence, day) == next(each for each in wanted if each > day)


@dataclass(frozen=True, slots=True)
class Plain:
    """A rule's parts, with what its start implies; `days` are a weekday's name and its number, or 0."""

    frequency: str
    week_start: int
    numbers: dict[str, list[int]]
    days: list[tuple[str, int]]


def plain(text: str, start: date) -> Plain:
    parts = dict(part.split("=") for part in text.split(";"))
    numbers = {name: [int(each) for each in value.split(",")] for name, value in parts.items() if value[-1].isdigit()}
    days = [(each[-2:], int(each[:-2] or 0)) for each in parts.get("BYDAY", "").split(",") if each]
    if not days and not numbers.keys() & {"BYMONTHDAY", "BYYEARDAY"}:
        if parts["FREQ"] == "WEEKLY" or "BYWEEKNO" in numbers:
            days = [(WEEKDAYS[start.weekday()], 0)]
        elif parts["FREQ"] in ("MONTHLY", "YEARLY"):
            numbers["BYMONTHDAY"] = [start.day]
            if parts["FREQ"] == "YEARLY":
                numbers.setdefault("BYMONTH", [start.month])
    return Plain(parts["FREQ"], WEEKDAYS.index(parts.get("WKST", "MO")), numbers, days)


def is_place(places: list[int], index: int, count: int) -> bool:
    """Whether what has this index, of so many, is at one of the places, counted from 1 or from the end."""
    return index + 1 in places or index - count in places


def in_month(day: date) -> tuple[int, int]:
    """A date's index in its month, and the month's length."""
    return day.day - 1, calendar.monthrange(day.year, day.month)[1]


def in_year(day: date) -> tuple[int, int]:
    return day.timetuple().tm_yday - 1, 366 if calendar.isleap(day.year) else 365


def week_begin(day: date, week_start: int) -> date:
    return day - (day.weekday() - week_start) % 7 * DAY


@cache
def weeks_begin(year: int, week_start: int) -> date:
    """Where week 1 of a year begins: it is the first week with four days of the year."""
    begin = week_begin(date(year, 1, 1), week_start)
    return begin if begin + 3 * DAY >= date(year, 1, 1) else begin + 7 * DAY


def week_year(day: date, week_start: int) -> int:
    year = day.year + 1
    while weeks_begin(year, week_start) > day:
        year -= 1
    return year


def is_weekday(rule: Plain, day: date) -> bool:
    months = rule.frequency == "MONTHLY" or "BYMONTH" in rule.numbers
    index, length = in_month(day) if months else in_year(day)
    before, after = index // 7, (length - 1 - index) // 7
    return not rule.days or any(
        WEEKDAYS[day.weekday()] == name and (not number or is_place([number], before, before + 1 + after))
        for name, number in rule.days
    )


def is_week(rule: Plain, day: date) -> bool:
    if "BYWEEKNO" not in rule.numbers:
        return True
    year = week_year(day, rule.week_start)
    begin, end = weeks_begin(year, rule.week_start), weeks_begin(year + 1, rule.week_start)
    return is_place(rule.numbers["BYWEEKNO"], (day - begin).days // 7, (end - begin).days // 7)


def is_named(rule: Plain, day: date) -> bool:
    numbers = rule.numbers
    return (
        ("BYMONTH" not in numbers or day.month in numbers["BYMONTH"])
        and ("BYMONTHDAY" not in numbers or is_place(numbers["BYMONTHDAY"], *in_month(day)))
        and ("BYYEARDAY" not in numbers or is_place(numbers["BYYEARDAY"], *in_year(day)))
        and is_weekday(rule, day)
        and is_week(rule, day)
    )


def period(rule: Plain, day: date) -> int:
    if rule.frequency == "DAILY":
        return day.toordinal()
    if rule.frequency == "WEEKLY":
        return week_begin(day, rule.week_start).toordinal() // 7
    if rule.frequency == "MONTHLY":
        return 12 * day.year + day.month
    return week_year(day, rule.week_start) if "BYWEEKNO" in rule.numbers else day.year


def named(text: str, start: date, after: date, last: date) -> Iterator[date]:
    """What RFC 5545 has a rule name in a span, by asking it of each date: slow, plain, and none of dateutil."""
    rule = plain(text, start)
    # A year on either side, for the periods at the ends to be whole.
    days = (after + each * DAY for each in range(-400, (last - after).days + 400))
    for number, group in groupby(days, key=lambda day: period(rule, day)):
        periods = number - period(rule, start)
        if periods < 0 or periods % rule.numbers.get("INTERVAL", [1])[0]:
            continue
        chosen = [day for day in group if is_named(rule, day)]
        places = rule.numbers.get("BYSETPOS")
        for index, day in enumerate(chosen):
            if max(start, after) < day <= last and (not places or is_place(places, index, len(chosen))):
                yield day


def lists(values: st.SearchStrategy[int], most: int) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=1, max_size=most, unique=True).map(lambda each: ",".join(map(str, each)))


def either(most: int) -> st.SearchStrategy[int]:
    """From one end or from the other."""
    return st.integers(1, most) | st.integers(-most, -1)


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Rules of all parts that RFC 5545 lets go together."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    optional = {
        "INTERVAL": st.integers(1, {"DAILY": 40, "WEEKLY": 9, "MONTHLY": 20, "YEARLY": 4}[frequency]).map(str),
        "WKST": st.sampled_from(WEEKDAYS),
        "BYMONTH": lists(st.integers(1, 12), 6),
    }
    if frequency != "WEEKLY":
        optional["BYMONTHDAY"] = lists(either(31), 8)
    if frequency == "YEARLY":
        optional["BYYEARDAY"] = lists(either(366), 30)
        optional["BYWEEKNO"] = lists(either(53), 6)
    if frequency != "DAILY":
        optional["BYSETPOS"] = lists(either(5), 3)
    parts = {name: draw(values) for name, values in optional.items() if draw(st.integers(0, 2)) == 0}
    if draw(st.booleans()):
        most = 0
        if frequency in ("MONTHLY", "YEARLY") and "BYWEEKNO" not in parts:
            most = 53 if frequency == "YEARLY" and "BYMONTH" not in parts else 5
        numbers = (st.just("") | either(most).map(str)) if most else st.just("")
        days = st.tuples(numbers, st.sampled_from(WEEKDAYS)).map("".join)
        parts["BYDAY"] = ",".join(draw(st.lists(days, min_size=1, max_size=5, unique=True)))
    if not any(name.startswith("BY") and name != "BYSETPOS" for name in parts):
        parts.pop("BYSETPOS", None)
    return ";".join([f"FREQ={frequency}", *(f"{name}={value}" for name, value in parts.items())])


STARTS: Final = st.dates(date(1970, 1, 1), date(2199, 12, 31))


@settings(max_examples=120, deadline=None)
@given(rules(), STARTS, st.integers(0, 30_000))
def test_occurrences_are_what_the_standard_says_of_each_date(text: str, start: date, days: int) -> None:
    after = min(start + days * DAY, HORIZON - 1000 * DAY)
    last = after + 500 * DAY
    wanted = list(named(text, start, after, last))
    try:
        recurrence = rule(text, start)
    except BadRule:
        assert not wanted
        return
    found = []
    day: date | None = after
    while day and (day := following(recurrence, day)) and day <= last:
        found.append(day)
    assert found == wanted


@settings(max_examples=120, deadline=None)
@given(rules(), STARTS, st.integers(0, 9000))
def test_the_next_occurrence_is_the_one_that_dateutil_finds_from_the_start(text: str, start: date, days: int) -> None:
    # What dateutil has otherwise is in the examples, and held against the standard above.
    assume("BYWEEKNO" not in text)
    assume(not ("WEEKLY" in text and "BYSETPOS" in text))
    numbered = (
        {each[0] in "+-123456789" for each in text.partition("BYDAY=")[2].split(",")} if "BYDAY" in text else set()
    )
    assume(len(numbered) < 2)
    try:
        recurrence = rule(text, start)
    except BadRule:
        return
    day = min(start + days * DAY, HORIZON)
    found = rrulestr(text, dtstart=datetime.combine(start, time())).after(datetime.combine(day, time()))
    assert following(recurrence, day) == (found.date() if found and found.date() <= HORIZON else None)


@settings(max_examples=50, deadline=None)
@given(rules(), STARTS)
def test_what_is_kept_of_a_rule_says_the_same(text: str, start: date) -> None:
    try:
        recurrence = rule(text, start)
    except BadRule:
        return
    assert rule(recurrence.rule, start) == recurrence
    assert rule(f"rrule:{text.lower()}", start) == recurrence


REFUSED: Final = [
    ("", "FREQ=MONTHLY;BYMONTHDAY=1"),
    ("hourly", "none, daily, weekly or an RRULE"),
    ("DAILY", "none, daily, weekly or an RRULE"),
    (" daily", "none, daily, weekly or an RRULE"),
    ("BYDAY=MO", "none, daily, weekly or an RRULE"),
    ("RRULE:", "none, daily, weekly or an RRULE"),
    ("FREQ=HOURLY", "not be HOURLY: a task has one instance a date"),
    ("FREQ=MINUTELY;INTERVAL=4", "not be MINUTELY"),
    ("FREQ=SECONDLY", "not be SECONDLY"),
    ("FREQ=FORTNIGHTLY", "FREQ of DAILY, WEEKLY, MONTHLY, YEARLY"),
    ("FREQ=", "FREQ of DAILY"),
    ("FREQ", "FREQ of DAILY"),
    ("FREQ=DAILY=", "FREQ of DAILY"),
    ("FREQ=DAILY;BYHOUR=8,12", "not have BYHOUR: a task has one instance a date"),
    ("FREQ=DAILY;BYMINUTE=0,1,2", "not have BYMINUTE"),
    ("FREQ=DAILY;BYSECOND=0", "not have BYSECOND"),
    ("FREQ=DAILY;BYEASTER=1", "no parts but FREQ, UNTIL"),
    ("FREQ=DAILY;;", "no parts but"),
    ("FREQ=DAILY;;INTERVAL=2", "no parts but"),
    ("FREQ=DAILY; INTERVAL=2", "no parts but"),
    ("FREQ=DAILY;RSCALE=GREGORIAN", "no parts but"),
    ("RRULE:RRULE:FREQ=DAILY", "none, daily, weekly or an RRULE"),
    ("FREQ=DAILY;FREQ=DAILY", "each part once"),
    ("FREQ=DAILY;INTERVAL=2;interval=3", "each part once"),
    ("FREQ=DAILY;INTERVAL=0", "INTERVAL from 1 to 1000"),
    ("FREQ=DAILY;INTERVAL=-1", "INTERVAL from 1"),
    ("FREQ=DAILY;INTERVAL=1001", "to 1000"),
    ("FREQ=DAILY;INTERVAL=1" + "0" * 400, "INTERVAL from 1 to 1000"),
    ("FREQ=DAILY;INTERVAL=1e2", "INTERVAL from 1"),
    ("FREQ=DAILY;INTERVAL=1_0", "INTERVAL from 1"),
    ("FREQ=DAILY;INTERVAL=", "INTERVAL from 1"),
    ("FREQ=DAILY;INTERVAL=\u0662", "one line of ASCII"),
    ("FREQ=DA\u0131LY", "one line of ASCII"),
    ("FREQ=DAILY;COUNT=0", "COUNT from 1 to 10000"),
    ("FREQ=DAILY;COUNT=10001", "COUNT from 1 to 10000"),
    ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "COUNT or UNTIL, not both"),
    ("FREQ=DAILY;UNTIL=", "UNTIL such as"),
    ("FREQ=DAILY;UNTIL=20260230", "UNTIL such as"),
    ("FREQ=DAILY;UNTIL=00000101", "UNTIL such as"),
    ("FREQ=DAILY;UNTIL=2026-12-31", "UNTIL such as"),
    ("FREQ=DAILY;UNTIL=20261231T240000Z", "UNTIL such as"),
    ("FREQ=DAILY;UNTIL=20261231T120000+0100", "UNTIL such as"),
    ("FREQ=DAILY;UNTIL=20261231Z", "UNTIL such as"),
    ("FREQ=DAILY;UNTIL=20260114", "not before the first instance"),
    ("FREQ=DAILY;UNTIL=00010101T000000Z", "not before the first instance"),
    ("FREQ=DAILY;UNTIL=20260115T075959Z", "not before the first instance"),
    ("FREQ=DAILY;UNTIL=20260115T085959", "not before the first instance"),
    ("FREQ=WEEKLY;WKST=8", "WKST of MO"),
    ("FREQ=WEEKLY;BYDAY=", "BYDAY of MO"),
    ("FREQ=WEEKLY;BYDAY=MO,", "BYDAY of MO"),
    ("FREQ=WEEKLY;BYDAY=XX", "BYDAY of MO"),
    ("FREQ=WEEKLY;BYDAY=MO(1)", "BYDAY of MO"),
    ("FREQ=WEEKLY;BYDAY=1MO", "FREQ of MONTHLY or YEARLY, and no BYWEEKNO, to number BYDAY"),
    ("FREQ=DAILY;BYDAY=-1FR", "to number BYDAY"),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "to number BYDAY"),
    ("FREQ=MONTHLY;BYDAY=0MO", "number BYDAY from -5 to 5 and not 0"),
    ("FREQ=MONTHLY;BYDAY=6MO", "number BYDAY from -5 to 5"),
    ("FREQ=YEARLY;BYMONTH=12;BYDAY=53MO", "number BYDAY from -5 to 5"),
    ("FREQ=YEARLY;BYDAY=-54MO", "number BYDAY from -53 to 53"),
    ("FREQ=YEARLY;BYMONTH=0", "BYMONTH from 1 to 12"),
    ("FREQ=YEARLY;BYMONTH=13", "BYMONTH from 1 to 12"),
    ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH from 1 to 12"),
    ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY from -31 to 31 and not 0"),
    ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY from -31 to 31"),
    ("FREQ=WEEKLY;BYMONTHDAY=1", "FREQ of DAILY or MONTHLY or YEARLY to have BYMONTHDAY"),
    ("FREQ=MONTHLY;BYYEARDAY=1", "FREQ of YEARLY to have BYYEARDAY"),
    ("FREQ=MONTHLY;BYWEEKNO=1", "FREQ of YEARLY to have BYWEEKNO"),
    ("FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY from -366 to 366"),
    ("FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO from -53 to 53"),
    ("FREQ=MONTHLY;BYSETPOS=1", "another BY part for BYSETPOS"),
    ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "BYSETPOS from -366 to 366 and not 0"),
    ("FREQ=DAILY;BYDAY=MO;BYSETPOS=2", "BYSETPOS of at most 1"),
    ("FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=-8", "BYSETPOS of at most 7"),
    ("FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=3", "name a date after 2026-01-15 and before 2300"),
    ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "name a date after"),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30,31;COUNT=5", "name a date after"),
    ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", "name a date after"),
    ("FREQ=YEARLY;INTERVAL=1000", "at most 20 years"),
    ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO;BYMONTH=5", "name a date after"),
    ("FREQ=YEARLY;WKST=FR;BYWEEKNO=-53,53;BYDAY=TH;BYMONTHDAY=15", "name a date after"),
    ("FREQ=DAILY\nFREQ=WEEKLY", "a single RRULE, without DTSTART, RDATE or EXRULE"),
    ("DTSTART:20260101T000000\nRRULE:FREQ=DAILY", "a single RRULE"),
    ("FREQ=DAILY\0", "one line of ASCII"),
    ("FREQ=DAILY\udcff", "one line of ASCII"),
    ("FREQ=DAILY;BYDAY=" + "MO," * 200, "at most 500 characters"),
    ("=" * 500, "none, daily, weekly or an RRULE"),
]


@pytest.mark.parametrize(("text", "gist"), REFUSED)
def test_a_rule_that_no_task_can_have_is_refused_in_words(text: str, gist: str) -> None:
    with pytest.raises(BadRule, match=re.escape(gist)) as refused:
        rule(text)
    assert str(refused.value).startswith("must ")


PIECES: Final = (
    "FREQ=",
    "DAILY",
    "YEARLY",
    ";BYDAY=",
    "MO",
    "2",
    "-",
    ",",
    ";BYSETPOS=",
    ";UNTIL=",
    "20270101",
    "T",
    "Z",
)


@settings(deadline=None)
@given(st.text(max_size=600) | st.lists(st.sampled_from(PIECES)).map("".join))
def test_whatever_is_written_is_a_rule_or_refused(text: str) -> None:
    try:
        recurrence = rule(text)
    except BadRule:
        return
    assert following(recurrence, START - DAY) == START


CANONICAL: Final = [
    (
        "RRULE:FREQ=MONTHLY;BYDAY=-1FR,MO,+2TU,MO;INTERVAL=2;WKST=SU",
        "FREQ=MONTHLY;INTERVAL=2;WKST=SU;BYDAY=-1FR,MO,2TU",
    ),
    ("byMonthDay=31,-1,1,01;freq=monthly;wkst=mo;interval=1;count=3", "FREQ=MONTHLY;BYMONTHDAY=-1,1,31"),
    ("FREQ=YEARLY;UNTIL=20300101;BYWEEKNO=-1,+5;BYMONTH=12,1", "FREQ=YEARLY;BYMONTH=1,12;BYWEEKNO=-1,5"),
]


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_a_rule_is_kept_in_one_form(text: str, canonical: str) -> None:
    assert rule(text).rule == canonical


# The start is at 09:00 in Berlin, 08:00 UTC, and in summer 07:00 UTC.
LASTS: Final = [
    ("FREQ=DAILY;COUNT=1", date(2026, 1, 15)),
    ("FREQ=DAILY;COUNT=2", date(2026, 1, 16)),
    ("FREQ=DAILY;COUNT=10000", date(2053, 6, 1)),
    # The start counts, though the rule does not name it.
    ("FREQ=WEEKLY;BYDAY=MO;COUNT=2", date(2026, 1, 19)),
    ("FREQ=YEARLY;COUNT=274", date(2299, 1, 15)),
    ("FREQ=YEARLY;COUNT=275", None),
    ("FREQ=DAILY;UNTIL=20260115", date(2026, 1, 15)),
    ("FREQ=WEEKLY;UNTIL=20260601", date(2026, 6, 1)),
    ("FREQ=DAILY;UNTIL=20260701T070000Z", date(2026, 7, 1)),
    ("FREQ=DAILY;UNTIL=20260701T065959Z", date(2026, 6, 30)),
    ("FREQ=DAILY;UNTIL=20260630T235959Z", date(2026, 6, 30)),
    ("FREQ=DAILY;UNTIL=20260701T090000", date(2026, 7, 1)),
    ("FREQ=DAILY;UNTIL=20260701T085959", date(2026, 6, 30)),
    ("FREQ=DAILY;UNTIL=20260115T080000Z", date(2026, 1, 15)),
    ("FREQ=DAILY;UNTIL=99991231T235959Z", HORIZON),
    ("FREQ=DAILY;UNTIL=99991231", HORIZON),
]


@pytest.mark.parametrize(("text", "last"), LASTS)
def test_count_and_until_are_kept_as_the_last_date(text: str, last: date | None) -> None:
    recurrence = rule(text)
    assert recurrence.last == last
    if last and last < HORIZON:
        assert following(recurrence, last) is None
        assert following(recurrence, last - 31 * DAY) is not None


def test_an_until_in_utc_is_read_in_the_tasks_zone() -> None:
    text = "FREQ=DAILY;UNTIL=20111230T120000Z"
    # Noon of the 30th in UTC is two hours into the 31st in Samoa, which had no 30th.
    assert read(text, date(2011, 12, 1), "Pacific/Apia", time(2)).last == date(2011, 12, 31)
    assert read(text, date(2011, 12, 1), "Pacific/Apia", time(2, 1)).last == date(2011, 12, 29)
    assert read(text, date(2011, 12, 1), "Pacific/Pago_Pago", time(1)).last == date(2011, 12, 30)
    assert read(text, date(2011, 12, 1), "Pacific/Pago_Pago", time(1, 1)).last == date(2011, 12, 29)


def test_an_until_is_held_against_moments_where_clocks_show_a_date_again() -> None:
    # The 7th began at 03:00 UTC; a minute later it was the 6th for another hour.
    name, start = "America/Goose_Bay", date(2010, 11, 1)
    assert read("FREQ=DAILY;UNTIL=20101107T033000Z", start, name, time(0)).last == date(2010, 11, 7)
    assert read("FREQ=DAILY;UNTIL=20101107T033000Z", start, name, time(0, 1)).last == date(2010, 11, 6)


@given(STARTS, st.integers(0, 9000))
def test_the_words_are_rules_of_one_and_of_seven_days(start: date, days: int) -> None:
    day = min(start + days * DAY, HORIZON)
    assert following(rule("daily", start), day) == following(rule("FREQ=DAILY", start), day)
    assert following(rule("weekly", start), day) == following(rule("FREQ=WEEKLY", start), day)
    assert following(rule("none", start), day) is None
    for text in ("none", "daily", "weekly", "FREQ=DAILY"):
        assert following(rule(text, start), start - DAY) == following(rule(text, start), date(1969, 1, 1)) == start


def test_no_rule_goes_on_beyond_the_horizon() -> None:
    for text in ("daily", "weekly", "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;WKST=FR"):
        recurrence = rule(text, date(2199, 12, 31))
        day = following(recurrence, HORIZON - 8 * DAY)
        while day:
            assert day <= HORIZON
            last, day = day, following(recurrence, day)
        assert HORIZON - last < 7 * DAY
        assert following(recurrence, date.max) is None


def test_the_next_occurrence_costs_the_same_however_long_ago_the_start_was() -> None:
    texts = ("daily", "FREQ=DAILY", "FREQ=MONTHLY;BYDAY=-1FR;INTERVAL=3")
    old = [rule(text, date(1970, 1, 1)) for text in texts]
    began = process_time()
    for each in old:
        for day in range(100):
            assert following(each, date(2199, 1, 1) + day * DAY)
    # Two centuries of a daily rule take dateutil 250 ms, of which there would be a hundred.
    assert process_time() - began < 3


SLOW: Final = [
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;INTERVAL=7;BYDAY=MO,TU,WE,FR,SA,SU",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA;BYSETPOS=31",
    "FREQ=YEARLY;BYWEEKNO=" + ",".join(map(str, range(1, 29))) + ";BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=366",
    "FREQ=WEEKLY;INTERVAL=13;COUNT=10000;BYDAY=MO,TU,WE,TH,FR,SA,SU",
]


@pytest.mark.parametrize("text", SLOW)
def test_no_rule_takes_long_to_read(text: str) -> None:
    began = process_time()
    with suppress(BadRule):
        rule(text)
    # 0.3 s on an idle machine, 0.5 s for all weeks of a year; left to dateutil the first takes 8 s.
    assert process_time() - began < 3


DUE: Final = [
    # An hour skipped, and one shown twice.
    ("Europe/Berlin", date(2026, 3, 29), time(2, 30), "2026-03-29T01:30:00"),
    ("Europe/Berlin", date(2026, 10, 25), time(2, 30), "2026-10-25T00:30:00"),
    ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), "2026-10-03T15:45:00"),
    # Midnight skipped.
    ("America/Sao_Paulo", date(2018, 11, 4), time(0), "2018-11-04T03:00:00"),
    # A minute into a date, clocks went back to the one before.
    ("America/Goose_Bay", date(2010, 11, 7), time(0), "2010-11-07T03:00:00"),
    ("America/Goose_Bay", date(2010, 11, 7), time(0, 1), "2010-11-07T04:01:00"),
    # The last half hour of a date was skipped, and so is what is due within it.
    ("Asia/Pyongyang", date(2018, 5, 4), time(23, 29), "2018-05-04T14:59:00"),
    ("Asia/Pyongyang", date(2018, 5, 4), time(23, 30), "2018-05-04T14:59:59.999"),
    ("Asia/Pyongyang", date(2018, 5, 4), time(23, 59), "2018-05-04T14:59:59.999"),
    ("Asia/Pyongyang", date(2018, 5, 5), time(0), "2018-05-04T15:00:00"),
    # A date that was skipped.
    ("Pacific/Apia", date(2011, 12, 29), time(23, 59), "2011-12-30T09:59:00"),
    ("Pacific/Apia", date(2011, 12, 30), time(0), None),
    ("Pacific/Apia", date(2011, 12, 30), time(23, 59), None),
    ("Pacific/Apia", date(2011, 12, 31), time(0), "2011-12-30T10:00:00"),
    ("Pacific/Kwajalein", date(1993, 8, 21), time(12), None),
]


@pytest.mark.parametrize(("name", "day", "at", "wanted"), DUE)
def test_an_instance_is_due_at_its_local_time(name: str, day: date, at: time, wanted: str | None) -> None:
    moment = due(Recurrence("daily", day, name, at, None), day)
    assert moment == (datetime.fromisoformat(wanted).replace(tzinfo=UTC) if wanted else None)
    assert exists(name, day) == (wanted is not None)


def skipping(hour: int, hours: int) -> ZoneInfo:
    """A zone that from this hour of 10 June 2026 skips so many, half to either side of UTC: RFC 8536, version 1."""
    offset = hours * 1800
    at = int(datetime(2026, 6, 10, hour, tzinfo=UTC).timestamp()) + offset
    header = struct.pack(">4sc15x6l", b"TZif", b"\0", 0, 0, 0, 1, 2, 4)
    types = struct.pack(">lBBlBB", -offset, 0, 0, offset, 0, 0)
    return ZoneInfo.from_file(BytesIO(header + struct.pack(">lB", at, 1) + types + b"XXX\0"))


# When what is due at 13:00 of some dates is due, where clocks skip so many hours from this one of 10 June.
SKIPS: Final = [
    (12, 24, {9: "10 01:00", 10: "10 23:59:59.999", 11: "11 01:00"}),
    (14, 24, {10: "11 01:00", 11: "11 02:00", 12: "12 01:00"}),
    (0, 24, {9: "10 01:00", 10: None, 11: "11 01:00"}),
    (23, 46, {9: "10 12:00", 10: "11 12:00", 11: None, 12: "11 22:00"}),
    (12, 36, {9: "10 07:00", 10: "11 05:59:59.999", 11: None, 12: "11 19:00"}),
]


@pytest.mark.parametrize(("hour", "hours", "wanted"), SKIPS)
def test_what_is_due_in_a_skip_is_due_on_its_date_or_not_at_all(
    hour: int, hours: int, wanted: dict[int, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = skipping(hour, hours)
    monkeypatch.setattr(recurrence, "zone_of", lambda _: strange)
    daily = Recurrence("daily", START, "Strange", time(13), None)
    for day, text in wanted.items():
        moment = datetime.fromisoformat(f"2026-06-{text}").replace(tzinfo=UTC) if text else None
        assert due(daily, date(2026, 6, day)) == moment
        assert exists("Strange", date(2026, 6, day)) == (text is not None)


@settings(deadline=None)
@given(st.sampled_from(sorted(names())), st.times(), st.dates(date(1970, 1, 1), HORIZON - 3 * DAY))
def test_a_later_date_is_due_later_and_each_is_due_on_its_date(name: str, at: time, day: date) -> None:
    at = at.replace(microsecond=0)
    daily = Recurrence("daily", day, name, at, None)
    moments = {each: due(daily, each) for each in (day, day + DAY, day + 2 * DAY)}
    shown = [moment for moment in moments.values() if moment]
    assert shown == sorted(set(shown))
    assert len(shown) >= 2
    for each, moment in moments.items():
        assert (moment is not None) == exists(name, each)
        if moment:
            assert moment.astimezone(zone(name)).date() == each == today(name, moment)


def test_today_is_a_zones_own() -> None:
    now = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
    assert today("America/New_York", now) == date(2025, 12, 31)
    assert today("Asia/Tokyo", now) == date(2026, 1, 1)
