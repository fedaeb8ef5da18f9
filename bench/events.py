"""Events: CPU per event of a Sentry SDK, compressed as it comes, in a container that is warm, and where it goes."""

import base64
import gzip
import json
import statistics
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest import mock

from bench import cloud, containers, door
from bench.recordings import Recordings, record_known
from bench.table import Figure
from bench.writes import FLOOR_WITH_EVENT_ID

# What @sentry/node sends of an error with a cause, in a request: 18 KB, two exceptions of ten frames with source lines.
CAPTURED: Final = Path(__file__).parents[1] / "tests/data/envelopes/104-node-http_request.bin"
EVENTS: Final = 60
ROUNDS: Final = 5
SOME: Final = 10
KEPT: Final = 100
# A container keeps the newest report of an incident once a second.
PACES_S: Final = {"known": 2.0, "storming": 0.06}


def measure(recorded: Recordings) -> Iterator[Figure]:
    yield from _writes()
    known = record_known(envelope)
    rounds = [[envelope(start + nth) for nth in range(EVENTS)] for start in range(0, EVENTS * (ROUNDS + 1), EVENTS)]
    for which, pace_s in PACES_S.items():
        order = {
            "answers": known,
            "rounds": [json.dumps(events) for events in rounds],
            "pace_s": pace_s,
            "sample": which == "known",
            "update": recorded.update,
            "now": recorded.at.isoformat(),
        }
        told = containers.start("many", order)
        spent = [each["report"] for each in told["rounds"]]
        calls = statistics.median(each["calls"] for each in told["rounds"])
        floor = [each["update"] * calls + each["empty view"] for each in told["rounds"]]
        what = f"event of a Sentry SDK, 18 KB, gzip, {which} incident"
        yield Figure(what, "ms CPU/event", spent, floor, f"{calls:.2g} x botocore's update_item and an empty view")
        samples = sum(told["places"].values())
        for place, share in sorted(told["places"].items(), key=lambda each: -each[1]):
            yield Figure(f"{what}: {place}", "ms CPU/event", [statistics.median(spent) * share / samples])


def _writes() -> Iterator[Figure]:
    from chalicelib import clock
    from tests.faults import recorded

    now = datetime.fromisoformat("2026-11-22T12:00:00+00:00")
    units: dict[str, list[float]] = {"new": [], "known": [], "storming": []}
    with cloud.empty(), mock.patch.object(clock, "now", side_effect=lambda: now):
        for nth in range(KEPT + 2 * SOME):
            with recorded() as ledger:
                door.answered(envelope(nth), 200)
            which = "new" if not nth else "known" if nth < SOME else "storming" if nth > KEPT + SOME else None
            if which:
                units[which].append(ledger.units)
            now += timedelta(seconds=2 if nth < SOME else 0.06)
    for which, spent in units.items():
        yield Figure(f"event of a Sentry SDK, 18 KB, {which} incident", "WCU/event", spent, [4], FLOOR_WITH_EVENT_ID)


def envelope(nth: int) -> dict[str, Any]:
    """The nth request of the SDK, as API Gateway hands it over; each is an event of its own."""
    header, kind, payload = CAPTURED.read_bytes().split(b"\n")[:3]
    named = {"event_id": uuid.UUID(int=nth + 1, version=4).hex}
    lines = [json.dumps(json.loads(line) | named, separators=(",", ":")) for line in (header, payload)]
    lines.insert(1, kind.decode())
    body = base64.b64encode(gzip.compress("\n".join(lines).encode())).decode()
    headers = {
        "content_type": "application/x-sentry-envelope",
        "content_encoding": "gzip",
        "x_sentry_auth": f"Sentry sentry_version=7, sentry_key={door.INGEST_KEY}",
    }
    sent = door.event("POST", "/api/{project_id}/envelope", body, path={"project_id": "1"}, **headers)
    return sent | {"isBase64Encoded": True}
