"""Every local date of 2005 to 2035 in every IANA zone has exactly one instance. `python -m tests.tasks.every_day`.

Which dates exist is read off a clock that is walked through UTC, three hours a step: a date that it misses would be
reported as one that has an instance too many. Zones that the database has under several names are checked under one.
"""

import multiprocessing
import os
import sys
import time as clock
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from random import Random
from typing import Final

from chalicelib import zones
from chalicelib.tasks import recurrence
from chalicelib.tasks.cursor import Step, advance

FIRST: Final = date(2005, 1, 1)
LAST: Final = date(2035, 12, 31)
# Midnight and the hours around it are what zones skip and repeat most, when it is not half past two.
TIMES: Final = (time(0), time(0, 30), time(2, 30), time(23, 59))
MOST_SHOWN: Final = 20

_DAY: Final = timedelta(days=1)
_INSTANT: Final = timedelta(milliseconds=1)


def existing(name: str, first: date = FIRST, last: date = LAST) -> list[date]:
    """The local dates that a clock in a zone shows."""
    begin, end = (int(datetime.combine(day, time(), UTC).timestamp()) for day in (first - 2 * _DAY, last + 3 * _DAY))
    zone = zones.zone(name)
    shown = {datetime.fromtimestamp(second, zone).date() for second in range(begin, end, 3 * 3600)}
    return sorted(day for day in shown if first <= day <= last)


def faults(name: str, at: time, dates: Sequence[date]) -> Iterator[str]:
    """What goes wrong with a daily task in a zone, whose scheduler runs just before and soon after one is due.

    `dates` are those that are to have an instance: the dates of a span that exist.
    """
    rule, zone, late = recurrence.read("daily", dates[0], name, at), zones.zone(name), Random(name)
    made: list[date] = []
    passed: list[date] = []
    before: datetime | None = None
    day: date | None = dates[0]
    due_at = recurrence.due(rule, dates[0])
    while day and due_at and day <= dates[-1]:
        early = advance(rule, day, None, due_at - _INSTANT)
        step = advance(rule, day, None, due_at + timedelta(seconds=late.randrange(90)))
        wrong = {
            "is due on another date": due_at.astimezone(zone).date() != day,
            "is due before an earlier one": before and due_at <= before,
            "is made or passed over before it is due": early != Step(None, (), day, due_at),
            "is not made when it is due": step.make != day,
            "is followed by an earlier one": step.next_date and step.next_date <= day,
        }
        yield from (f"{name} {day} at {at} {what}" for what, is_so in wrong.items() if is_so)
        made.append(step.make or date.min)
        passed += [each for gap in step.gaps for each in (gap.first, gap.last)]
        before, day, due_at = due_at, step.next_date, step.due_at
    for day in sorted(_unlike(made, dates)):
        yield f"{name} {day} at {at} exists {dates.count(day)} times and has {made.count(day)} instances"
    # A date that does not exist is a gap of its own: its first and its last.
    for day in sorted(_unlike(passed, 2 * _not_among(dates))):
        yield f"{name} {day} at {at} is not recorded, or not rightly, as one that does not exist"


def _not_among(dates: Sequence[date]) -> list[date]:
    """The dates of a span that are not among these of it."""
    calendar = {dates[0] + each * _DAY for each in range((dates[-1] - dates[0]).days + 1)}
    return [*calendar.difference(dates)]


def _unlike(found: Sequence[date], wanted: Sequence[date]) -> list[date]:
    """What is in one more often than in the other."""
    counts, wishes = Counter(found), Counter(wanted)
    return [*((counts - wishes) | (wishes - counts))]


def distinct() -> list[str]:
    """A name of every zone."""
    folder = files("tzdata").joinpath("zoneinfo")
    by_rules = {folder.joinpath(*name.split("/")).read_bytes(): name for name in sorted(zones.names(), reverse=True)}
    return sorted(by_rules.values())


def check(name: str) -> tuple[str, int, list[str]]:
    """A zone's name, how many of its dates were held against their instances, and what was wrong."""
    dates = existing(name)
    wrong = [fault for at in TIMES for fault in faults(name, at, dates)]
    return name, len(dates) * len(TIMES), wrong


def main() -> int:
    """Check every zone in as many processes as there are cores; returns the exit status."""
    began = clock.monotonic()
    names = distinct()
    dates, wrong = 0, list[str]()
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for done, (name, checked, found) in enumerate(pool.imap_unordered(check, names), 1):
            dates += checked
            wrong += found
            _progress(done, len(names), name)
            if len(wrong) >= MOST_SHOWN:
                break
    seconds = clock.monotonic() - began
    span = f"{done} zones of {len(zones.names())} names, {dates:,} dates and times of day"
    summary = f"{span}: {len(wrong)} faults, {seconds:.0f} s"
    sys.stdout.write("\n".join([*wrong[:MOST_SHOWN], summary, ""]))
    return 1 if wrong else 0


def _progress(done: int, total: int, name: str) -> None:
    """A bar, for a person at a terminal."""
    if sys.stderr.isatty():
        bar = "#" * (40 * done // total)
        end = "\r\x1b[K" if done == total else ""
        sys.stderr.write(f"\r\x1b[K[{bar:40}] {done}/{total} {name}{end}")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
