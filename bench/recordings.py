"""Recordings: what DynamoDB answers to a new and to a known failure's reports."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest import mock

from bench import cloud, door
from bench.answers import Answers, recording
from bench.report import report

KNOWN_AFTER: Final = 121  # all of the first hundred are kept, then one in ten


@dataclass(frozen=True)
class Recordings:
    """The answers to a failure's first report and to a later one, and when."""

    new: Answers
    known: Answers
    at: datetime


@functools.cache
def record() -> Recordings:
    """Report to the store in memory, and keep what it answers."""
    from chalicelib import clock

    new: Answers = {}
    known: Answers = {}
    # Early in an hour, as the answers hold for reports of that hour alone: a new one begins with one more write.
    began = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    # A container looks a project up again after a minute, and the first report is what makes it.
    later = began + timedelta(minutes=2)
    with cloud.empty():
        with mock.patch.object(clock, "now", return_value=began):
            door.answered(door.reporting(report(0, "another")), 202)
        with mock.patch.object(clock, "now", return_value=later):
            with recording(new):
                door.answered(door.reporting(report(0, event_id=True)), 202)
                door.answered(door.reporting(report(0, "a third")), 202)
            for start in range(1, KNOWN_AFTER, 30):
                door.answered(door.reporting({"reports": [report(start + nth) for nth in range(30)]}), 202)
            with recording(known):
                door.answered(door.reporting(report(KNOWN_AFTER, event_id=True)), 202)
                door.answered(door.reporting(report(KNOWN_AFTER)), 202)
    return Recordings(new, new | known, later)


def record_known(event: Callable[[int], dict[str, Any]]) -> Answers:
    """What it answers to a later one of a failure that was reported as often, each by an event of its own."""
    from chalicelib import clock

    began = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    known: Answers = {}
    with cloud.empty():
        with mock.patch.object(clock, "now", return_value=began):
            door.answered(event(0), 200)
        with mock.patch.object(clock, "now", return_value=began + timedelta(minutes=2)), recording(known):
            for nth in range(1, KNOWN_AFTER + 1):
                door.answered(event(nth), 200)
    return known
