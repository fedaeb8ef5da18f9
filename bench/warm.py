"""Warm: CPU per report in a container that has answered some before, DynamoDB's answers canned, and where it goes."""

import functools
import json
import statistics
from collections.abc import Callable, Iterator
from typing import Any, Final

from bench import containers
from bench.answers import Answers
from bench.door import reporting
from bench.recordings import Recordings
from bench.report import name, report
from bench.table import Figure

EVENTS: Final = 120
ROUNDS: Final = 5
BATCH: Final = 30

# Seconds between two reports: a container keeps the newest report of an incident once a second.
CALM_S: Final = 2.0
STORM_S: Final = 0.06


def measure(recorded: Recordings) -> Iterator[Figure]:
    yield from _all(recorded, "no event_id", report)
    yield from _all(recorded, "with event_id", functools.partial(report, event_id=True))


def _all(recorded: Recordings, how: str, body: Callable[..., dict[str, Any]]) -> Iterator[Figure]:
    news, seen = _each(lambda nth: body(nth, name(nth))), _each(body)
    yield from _figures(f"new incident, {how}", news, recorded.new, STORM_S, recorded)
    yield from _figures(f"known incident, {how}", seen, recorded.known, CALM_S, recorded)
    yield from _figures(f"storming incident, {how}", seen, recorded.known, STORM_S, recorded, sample=True)
    for failures in (1, BATCH):
        batches = _batches(body, failures)
        what = f"known, batch of {BATCH} (failures: {failures}), {how}"
        yield from _figures(what, batches, recorded.known, STORM_S, recorded, reports=BATCH)


def _each(body: Callable[[int], object]) -> list[list[dict[str, Any]]]:
    """A round to warm up with and the measured ones, of reports that differ."""
    return [
        [reporting(body(start + nth)) for nth in range(EVENTS)] for start in range(0, EVENTS * (ROUNDS + 1), EVENTS)
    ]


def _batches(body: Callable[..., object], failures: int) -> list[list[dict[str, Any]]]:
    starts = range(0, EVENTS * (ROUNDS + 1), BATCH)
    batches = [
        reporting({"reports": [body(start + nth, name(nth % failures)) for nth in range(BATCH)]}) for start in starts
    ]
    return [batches[nth :: ROUNDS + 1] for nth in range(ROUNDS + 1)]


def _figures(
    what: str,
    rounds: list[list[dict[str, Any]]],
    answers: Answers,
    pace_s: float,
    recorded: Recordings,
    *,
    reports: int = 1,
    sample: bool = False,
) -> Iterator[Figure]:
    order = {
        "answers": answers,
        "rounds": [json.dumps(events) for events in rounds],
        "pace_s": pace_s,
        "sample": sample,
    }
    order |= {"update": recorded.update, "now": recorded.at.isoformat()}
    told = containers.start("many", order)
    spent = [each["report"] / reports for each in told["rounds"]]
    calls = statistics.median(each["calls"] for each in told["rounds"]) / reports
    floor = [each["update"] * calls + each["empty view"] / reports for each in told["rounds"]]
    yield Figure(
        f"warm, {what}", "ms CPU/report", spent, floor, f"{calls:.2g} x botocore's update_item and an empty view"
    )
    if sample:
        samples = sum(told["places"].values())
        for place, share in sorted(told["places"].items(), key=lambda each: -each[1]):
            yield Figure(f"warm, {what}: {place}", "ms CPU/report", [statistics.median(spent) * share / samples])
