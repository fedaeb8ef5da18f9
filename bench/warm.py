"""Warm: CPU per report in a container that has answered some before, DynamoDB's answers recorded, and where it goes."""

from collections.abc import Iterator
from typing import Any, Final

from bench import containers
from bench.answers import Answers
from bench.door import reporting
from bench.recordings import Recordings
from bench.report import name, report
from bench.table import WARM, Figure, Places

BATCH: Final = 30
BATCHES: Final = 12

# Seconds between two reports: a container keeps the newest report of an incident once a second.
CALM_S: Final = 2.0
STORM_S: Final = 0.06
FLOOR: Final = "their calls by botocore alone, and an empty view of Chalice's"


def measure(recorded: Recordings) -> Iterator[Figure | Places]:
    for what, event_id in (("a new · a known · a storming failure", False), ("the same, with an `event_id`", True)):
        new = _of(recorded, recorded.new, STORM_S, event_id=event_id, new=True)
        known = _of(recorded, recorded.known, CALM_S, event_id=event_id)
        storming = _of(recorded, recorded.known, STORM_S, event_id=event_id, sample=not event_id)
        yield figure(f"CPU of a report of {what}" if not event_id else what, new, known, storming)
        if storming.places:
            yield storming.went("a storming failure's report")
    batch = containers.warm(_batch, recorded.known, recorded.at, STORM_S, events=BATCHES)
    yield figure(f"in a batch of {BATCH} of one failure", batch.each(BATCH))


def figure(name: str, *taken: containers.Warm) -> Figure:
    """What some kinds of requests take, beside what their calls do."""
    return Figure(WARM, name, "ms", [each.spent for each in taken], [each.floors for each in taken], FLOOR)


def _of(
    recorded: Recordings, answers: Answers, pace_s: float, *, event_id: bool, new: bool = False, sample: bool = False
) -> containers.Warm:
    def request(nth: int) -> dict[str, Any]:
        failure = name(nth) if new else "upload"
        return reporting(report(nth, failure, event_id=event_id))

    return containers.warm(request, answers, recorded.at, pace_s, sample=sample)


def _batch(nth: int) -> dict[str, Any]:
    return reporting({"reports": [report(nth * BATCH + each) for each in range(BATCH)]})
