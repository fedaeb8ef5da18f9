"""Recurrence: on which local dates a task has an instance, and when each is due.

A rule is "none", "daily", "weekly" (every seven days) or an RRULE of RFC 5545 (3.3.10), of DAILY or coarser. The start
is the first occurrence, whether the rule names it or not (3.8.5.3), and a date has at most one.

dateutil says which days of a year a rule's BY parts name; periods and the positions in them are counted here. Left to
itself it walks from the start, however long ago, and for a rule that names nothing day by day to the year 9999. It also
counts the positions of a first week from the start, takes 1 January 1994, of a week 52, for one of week 53, and finds
nothing in BYDAY=MO,2TU.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import chain, groupby, islice, takewhile
from typing import Final

from chalicelib.zones import zone as zone_of

MAX_TEXT: Final = 500
# In days. What lies between two periods is walked through.
LONGEST_PERIOD: Final = 20 * 366
HORIZON: Final = date(2299, 12, 31)
"""The last date that any rule names: a century after the last start."""

# In days. The calendar repeats every 400 years, which are whole weeks: dateutil is asked for dates so many cycles later
# that what it walks in vain ends soon, with the last year there is.
_LATER: Final = 19 * 146_097

_WORDS: Final = {"daily": 1, "weekly": 7}
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# With the most days that a period has.
_FREQUENCIES: Final = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 31, "YEARLY": 366}
_FINER: Final = ("HOURLY", "MINUTELY", "SECONDLY", "BYHOUR", "BYMINUTE", "BYSECOND")

# The least and the most that a part may hold; 0 is never among them.
_RANGES: Final = {
    "INTERVAL": (1, 1000),
    "COUNT": (1, 10_000),
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYSETPOS": (-366, 366),
}
_LISTS: Final = ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS")
_PARTS: Final = ("FREQ", "UNTIL", "WKST", "BYDAY", *_RANGES)
# RFC 5545 forbids them elsewhere, where readers of rules disagree on what they mean.
_ONLY_WITH: Final = {
    "BYMONTHDAY": ("DAILY", "MONTHLY", "YEARLY"),
    "BYYEARDAY": ("YEARLY",),
    "BYWEEKNO": ("YEARLY",),
}

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,5}")
_DAY: Final = re.compile(rf"([+-]?[0-9]{{1,2}})?({'|'.join(_WEEKDAYS)})")
_UNTIL: Final = re.compile(r"[0-9]{8}(T[0-9]{6}Z?)?")


class BadRule(ValueError):
    """A rule that no task can have; the message says to its writer what to change."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A task's rule, and what it is read with.

    `rule` is canonical and without COUNT and UNTIL: `last` is the last date that they allow. `at` is the local time at
    which an instance is due.
    """

    rule: str
    start: date
    zone: str
    at: time
    last: date | None


@dataclass(frozen=True, slots=True)
class _Rule:
    """An RRULE. Weekdays count from Monday, 0; `days` are (number in the month or year, or 0 for all; weekday)."""

    frequency: str
    interval: int
    week_start: int
    months: tuple[int, ...]
    month_days: tuple[int, ...]
    year_days: tuple[int, ...]
    weeks: tuple[int, ...]
    positions: tuple[int, ...]
    days: tuple[tuple[int, int], ...]


def read(text: str, start: date, zone: str, at: time) -> Recurrence:
    """What a caller wrote, as it is kept. Raises BadRule.

    `start` is from 1970 to 2199, and `zone` one that chalicelib.zones knows.
    """
    if text == "none" or text in _WORDS:
        return Recurrence(text, start, zone, at, None)
    parts = _split(text)
    rule = _rule(parts)
    endless = Recurrence(_canonical(rule), start, zone, at, None)
    if following(endless, start) is None:
        raise BadRule(f"must name a date after {start} and before {HORIZON.year + 1}")
    return Recurrence(endless.rule, start, zone, at, _last(parts, rule, endless))


def following(recurrence: Recurrence, day: date) -> date | None:
    """The first occurrence after a date, or None. Its date may be one that does not exist."""
    start, last = recurrence.start, recurrence.last or HORIZON
    if day < start:
        return start
    if recurrence.rule == "none" or day >= last:
        return None
    if days := _WORDS.get(recurrence.rule):
        found: date | None = day + timedelta(days - (day - start).days % days)
    else:
        found = next(_named(_stored(recurrence.rule), start, day), None)
    return found if found and found <= last else None


def exists(zone: str, day: date) -> bool:
    """Whether a date has a moment in a zone: Samoa had no 30 December 2011."""
    return _moment(zone, day, time()) is not None


def due(recurrence: Recurrence, day: date) -> datetime | None:
    """When an occurrence's instance is due, in UTC; None if its date does not exist.

    A time that clocks skip is due as much later as they skip, and one that they show twice at the first. Where that is
    on another date, the moment beside the skip is taken that is on this one, to the millisecond: so each is due on its
    date, and a later one later.
    """
    return _moment(recurrence.zone, day, recurrence.at)


def today(zone: str, now: datetime) -> date:
    """The local date of a moment."""
    return now.astimezone(zone_of(zone)).date()


def _moment(zone: str, day: date, at: time) -> datetime | None:
    local = zone_of(zone)
    # fold=0: the first of two, and in a skip the offset before it.
    wanted = datetime.combine(day, at, local)
    moment = wanted.astimezone(UTC)
    if moment.astimezone(local).date() == day:
        return moment
    skip = _skip(wanted)
    beside = (skip, skip - timedelta(milliseconds=1))
    return next((each for each in beside if each.astimezone(local).date() == day), None)


def _skip(skipped: datetime) -> datetime:
    """The moment at which clocks skip a local time: one of whole seconds, as all in the database."""
    before, after = (int(skipped.replace(fold=fold).timestamp()) for fold in (1, 0))
    offset = datetime.fromtimestamp(before, skipped.tzinfo).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, skipped.tzinfo).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return datetime.fromtimestamp(after, UTC)


def _split(text: str) -> dict[str, str]:
    """The parts of an RRULE by name. Raises BadRule."""
    if len(text) > MAX_TEXT:
        raise BadRule(f"must be at most {MAX_TEXT} characters")
    if not (text.isascii() and text.isprintable()):
        raise BadRule("must be one line of ASCII, and a single RRULE, without DTSTART, RDATE or EXRULE")
    pairs = [part.partition("=") for part in text.upper().removeprefix("RRULE:").removesuffix(";").split(";")]
    parts = {name: value for name, _, value in pairs}
    if "FREQ" not in parts:
        raise BadRule("must be none, daily, weekly or an RRULE such as FREQ=MONTHLY;BYMONTHDAY=1")
    for name in parts:
        if name in _FINER:
            raise BadRule(f"must not have {name}: a task has one instance a date, and local_time says when it is due")
        if name not in _PARTS:
            raise BadRule(f"must have no parts but {', '.join(_PARTS)}")
    if len(pairs) > len(parts):
        raise BadRule("must have each part once")
    return parts


def _rule(parts: dict[str, str]) -> _Rule:
    frequency = parts["FREQ"]
    if frequency in _FINER:
        raise BadRule(f"must not be {frequency}: a task has one instance a date, and local_time says when it is due")
    if frequency not in _FREQUENCIES:
        raise BadRule(f"must have a FREQ of {', '.join(_FREQUENCIES)}")
    for name, frequencies in _ONLY_WITH.items():
        if name in parts and frequency not in frequencies:
            raise BadRule(f"must have a FREQ of {' or '.join(frequencies)} to have {name}")
    week_start = parts.get("WKST", "MO")
    if week_start not in _WEEKDAYS:
        raise BadRule(f"must have a WKST of {', '.join(_WEEKDAYS)}")
    months, month_days, year_days, weeks, positions = (_numbers(parts, name) for name in _LISTS)
    days = _days(parts)
    if positions and not (months or month_days or year_days or weeks or days):
        raise BadRule("must have another BY part for BYSETPOS to choose from")
    if any(abs(each) > _FREQUENCIES[frequency] for each in positions):
        raise BadRule(f"must have a BYSETPOS of at most {_FREQUENCIES[frequency]}, the days there are")
    interval = _number(parts["INTERVAL"], "INTERVAL") if "INTERVAL" in parts else 1
    if interval * _FREQUENCIES[frequency] > LONGEST_PERIOD:
        raise BadRule("must have an INTERVAL of at most 20 years")
    return _Rule(
        frequency, interval, _WEEKDAYS.index(week_start), months, month_days, year_days, weeks, positions, days
    )


def _numbers(parts: dict[str, str], name: str) -> tuple[int, ...]:
    return tuple(sorted({_number(each, name) for each in parts[name].split(",")})) if name in parts else ()


def _number(text: str, name: str) -> int:
    least, most = _RANGES[name]
    if _NUMBER.fullmatch(text) and least <= (number := int(text)) <= most and number:
        return number
    raise BadRule(f"must have {name} from {least} to {most}{' and not 0' if least < 0 else ''}")


def _days(parts: dict[str, str]) -> tuple[tuple[int, int], ...]:
    if "BYDAY" not in parts:
        return ()
    # Numbered days are those of the year, or of its months when these are named.
    most = 53 if parts["FREQ"] == "YEARLY" and "BYMONTH" not in parts else 5
    days = set()
    for text in parts["BYDAY"].split(","):
        match = _DAY.fullmatch(text)
        if not match:
            raise BadRule(f"must have BYDAY of {', '.join(_WEEKDAYS)}, or numbered such as 2MO and -1FR")
        if number := match[1]:
            if parts["FREQ"] not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in parts:
                raise BadRule("must have a FREQ of MONTHLY or YEARLY, and no BYWEEKNO, to number BYDAY")
            if not 1 <= abs(int(number)) <= most:
                raise BadRule(f"must number BYDAY from -{most} to {most} and not 0")
        days.add((int(number or 0), _WEEKDAYS.index(match[2])))
    return tuple(sorted(days))


def _canonical(rule: _Rule) -> str:
    lists = (rule.months, rule.month_days, rule.year_days, rule.weeks, rule.positions)
    texts = {
        "FREQ": rule.frequency,
        "INTERVAL": str(rule.interval) if rule.interval > 1 else "",
        "WKST": _WEEKDAYS[rule.week_start] if rule.week_start else "",
        **{name: ",".join(map(str, numbers)) for name, numbers in zip(_LISTS, lists, strict=True)},
        "BYDAY": ",".join(f"{number or ''}{_WEEKDAYS[weekday]}" for number, weekday in rule.days),
    }
    return ";".join(f"{name}={text}" for name, text in texts.items() if text)


@lru_cache(maxsize=1024)
def _stored(text: str) -> _Rule:
    return _rule(_split(text))


def _last(parts: dict[str, str], rule: _Rule, endless: Recurrence) -> date | None:
    """The last date that COUNT, which counts the start, or UNTIL allows. Raises BadRule."""
    if "COUNT" in parts and "UNTIL" in parts:
        raise BadRule("must have COUNT or UNTIL, not both")
    if "UNTIL" in parts:
        return _until(parts["UNTIL"], endless)
    if "COUNT" in parts:
        dates = chain([endless.start], _named(rule, endless.start, endless.start))
        return next(islice(dates, _number(parts["COUNT"], "COUNT") - 1, None), None)
    return None


def _until(text: str, recurrence: Recurrence) -> date:
    """The last date that is due by then: a date, a moment in UTC or a local time. Raises BadRule."""
    try:
        until = datetime.fromisoformat(text) if _UNTIL.fullmatch(text) else None
    except ValueError:
        until = None
    if not until:
        raise BadRule("must have an UNTIL such as 20261231, 20261231T120000Z or 20261231T120000")
    last = min(until.date(), HORIZON)
    # Where it is far beyond, zones cannot matter, and the calendar may end.
    if "T" in text and recurrence.start - timedelta(days=2) < last < HORIZON:
        local = zone_of(recurrence.zone)
        until = until if until.tzinfo else until.replace(tzinfo=local)
        # Or the next date: clocks that are set back over midnight show a date again after another has begun.
        last = until.astimezone(local).date() + timedelta(days=1)
        while not (due_at := due(recurrence, last)) or due_at > until:
            last -= timedelta(days=1)
    if last < recurrence.start:
        raise BadRule("must have an UNTIL that is not before the first instance is due")
    return last


def _named(rule: _Rule, start: date, day: date) -> Iterator[date]:
    """The dates after one, itself not before the start, that a rule names."""
    # A week, or a year of weeks, that holds the date may have begun six days before what else does.
    opening = {"MONTHLY": day.replace(day=1), "YEARLY": day.replace(month=1, day=1)}.get(rule.frequency, day)
    dates = _candidates(rule, start, opening - timedelta(days=6))
    first = _period(rule, start)
    for period, group in groupby(dates, key=lambda each: _period(rule, each)):
        if (period - first) % rule.interval == 0:
            yield from (each for each in _chosen(rule, group) if each > day)


def _candidates(rule: _Rule, start: date, opening: date) -> Iterator[date]:
    """The dates from one on that the BY parts name, whatever the period and the place in it."""
    # Imported where it is needed: 28 ms of a cold start.
    from dateutil.rrule import YEARLY, rrule, weekday

    months, month_days, days = _given_or_implied(rule, start)
    numbers = range(1, 6 if months else 54)
    numbered = any(number for number, _ in days)
    found = rrule(
        YEARLY,
        dtstart=datetime.fromordinal(opening.toordinal() + _LATER),
        # An empty part, unlike none, has dateutil imply nothing.
        bymonth=months,
        bymonthday=month_days,
        byyearday=rule.year_days,
        # Of numbered days and others dateutil names only what is both: so the others are numbered too.
        byweekday=[
            weekday(each, which or None)
            for number, each in days
            for which in (numbers if numbered and not number else (number,))
        ],
    )
    endless = (date.fromordinal(each.toordinal() - _LATER) for each in found)
    dates = takewhile(lambda each: each <= HORIZON, endless)
    if not rule.weeks:
        return dates
    weeks = groupby(dates, key=lambda each: _week(rule, each))
    return chain.from_iterable(group for week, group in weeks if _is_named(rule, week))


def _given_or_implied(rule: _Rule, start: date) -> tuple[Sequence[int], Sequence[int], Sequence[tuple[int, int]]]:
    """Months, days of the month and weekdays: the rule's own, or the start's where the rule leaves them open."""
    months, month_days, days = rule.months, rule.month_days, rule.days
    if not (month_days or rule.year_days or days):
        if rule.frequency == "WEEKLY" or rule.weeks:
            days = ((0, start.weekday()),)
        elif rule.frequency in ("MONTHLY", "YEARLY"):
            month_days = (start.day,)
            months = months or ((start.month,) if rule.frequency == "YEARLY" else ())
    if rule.frequency == "MONTHLY" and not months:
        # Numbered days are a year's, unless it has months.
        months = tuple(range(1, 13))
    return months, month_days, days


def _chosen(rule: _Rule, dates: Iterable[date]) -> Iterable[date]:
    """Those of a period's dates that BYSETPOS names."""
    if not rule.positions:
        return dates
    period = list(dates)
    return sorted({period[each - (each > 0)] for each in rule.positions if abs(each) <= len(period)})


def _period(rule: _Rule, day: date) -> int:
    """The period that a date lies in, numbered on from whatever origin."""
    if rule.frequency == "DAILY":
        return day.toordinal()
    if rule.frequency == "WEEKLY":
        return _week(rule, day)
    if rule.frequency == "MONTHLY":
        return 12 * day.year + day.month
    # A year whose weeks are numbered begins and ends with a week.
    return _middle(rule, _week(rule, day)).year if rule.weeks else day.year


def _week(rule: _Rule, day: date) -> int:
    """The week that a date lies in, numbered on; 1 January of the year 1, day 1, is a Monday."""
    return (day.toordinal() - 1 - rule.week_start) // 7


def _middle(rule: _Rule, week: int) -> date:
    """A week's fourth day, whose year numbers it: so a year's first week has four of its days."""
    return date.fromordinal(7 * week + rule.week_start + 4)


def _is_named(rule: _Rule, week: int) -> bool:
    middle = _middle(rule, week)
    before, after = (middle - middle.replace(month=1, day=1)).days, (middle.replace(month=12, day=31) - middle).days
    return before // 7 + 1 in rule.weeks or -(after // 7) - 1 in rule.weeks
