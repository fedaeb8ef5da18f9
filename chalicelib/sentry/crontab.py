"""Crontabs: when a line of five fields last said to run. Source: crontab(5), and Sentry's names such as `@daily`."""

import re
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

MAX_LENGTH: Final = 100
# No day of a month and a month lie farther apart: 29 February around 2100.
MOST_DAYS: Final = 8 * 366

_NAMED: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS: Final = {
    name: number for number, name in enumerate(str.split("jan feb mar apr may jun jul aug sep oct nov dec"), 1)
}
_WEEKDAYS: Final = {name: number for number, name in enumerate(str.split("sun mon tue wed thu fri sat"))}
_FIELDS: Final[tuple[tuple[int, int, dict[str, int]], ...]] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, _MONTHS),
    (0, 7, _WEEKDAYS),
)
_PART: Final = re.compile(r"(\*|(\w{1,3})(?:-(\w{1,3}))?)(?:/(\d{1,2}))?", re.ASCII)


def last(line: str, before: datetime, zone: tzinfo) -> datetime | None:
    """The latest moment up to `before` that a line names in a zone; None where it names none, or cannot be read."""
    fields = _read(line)
    if fields is None:
        return None
    minutes, hours, days, months, weekdays = fields
    words = line.split()
    # Either suffices where both are given, as crontab(5) has it.
    both = len(words) == 5 and not words[2].startswith("*") and not words[4].startswith("*")
    wall = before.astimezone(zone).replace(tzinfo=None)
    for ago in range(MOST_DAYS):
        day = wall.date() - timedelta(days=ago)
        of_month, of_week = day.day in days, day.isoweekday() % 7 in weekdays
        if day.month in months and (of_month or of_week if both else of_month and of_week):
            found = _latest(day, hours, minutes, wall)
            if found:
                return found.replace(tzinfo=zone)
    return None


def _latest(day: date, hours: set[int], minutes: set[int], until: datetime) -> datetime | None:
    for hour in sorted(hours, reverse=True):
        for minute in sorted(minutes, reverse=True):
            found = datetime.combine(day, time(hour, minute))
            if found <= until:
                return found
    return None


def _read(line: str) -> list[set[int]] | None:
    words = _NAMED.get(line, line).lower().split() if len(line) <= MAX_LENGTH else []
    if len(words) != len(_FIELDS):
        return None
    fields = [_field(word, *bounds) for word, bounds in zip(words, _FIELDS, strict=True)]
    if not all(fields):
        return None
    # Sunday is 0 and 7.
    fields[4] = {day % 7 for day in fields[4]}
    return fields


def _field(word: str, least: int, most: int, names: dict[str, int]) -> set[int]:
    """The numbers that a field names; none at all where one part of it cannot be read."""
    numbers: set[int] = set()
    for part in word.split(","):
        found = _PART.fullmatch("*" if part == "?" else part)
        if not found:
            return set()
        step = int(found[4] or 1)
        if found[1] == "*":
            first, end = least, most
        else:
            first = _number(found[2], names)
            end = _number(found[3], names) if found[3] else most if found[4] else first
        if not (least <= first <= end <= most and step):
            return set()
        numbers.update(range(first, end + 1, step))
    return numbers


def _number(text: str, names: dict[str, int]) -> int:
    return int(text) if text.isdigit() else names.get(text, -1)
