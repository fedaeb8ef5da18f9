"""Events: CPU and write units of an event of a Sentry SDK, compressed as it comes, and where the CPU goes."""

import base64
import gzip
import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest import mock

from bench import cloud, containers, door
from bench.recordings import Recordings, record_known
from bench.table import WRITES, Figure, Places
from bench.warm import CALM_S, STORM_S, figure

# What @sentry/node sends of an error with a cause, in a request: 18 KB, two exceptions of ten frames with source lines.
CAPTURED: Final = Path(__file__).parents[1] / "tests/data/envelopes/104-node-http_request.bin"
SOME: Final = 10
# A container keeps all of the first hundred, and one in ten of the next.
KEPT: Final = 100


def measure(recorded: Recordings) -> Iterator[Figure | Places]:
    answers = record_known(envelope)
    known = containers.warm(envelope, answers, recorded.at, CALM_S, sample=True)
    storming = containers.warm(envelope, answers, recorded.at, STORM_S)
    yield figure("CPU of a Sentry SDK's event of 18 KB, gzip'd, of a known · a storming failure", known, storming)
    yield known.went("a known failure's event of a Sentry SDK")
    yield _writes()


def _writes() -> Figure:
    from chalicelib import clock
    from tests.faults import recorded

    now = datetime.fromisoformat("2026-11-22T12:00:00+00:00")
    new: list[float] = []
    known: list[float] = []
    storming: list[float] = []
    with cloud.empty(), mock.patch.object(clock, "now", side_effect=lambda: now):
        for nth in range(KEPT + 2 * SOME):
            with recorded() as ledger:
                door.answered(envelope(nth), 200)
            spent = new if not nth else known if nth < SOME else storming if nth > KEPT + SOME else []
            spent.append(ledger.units)
            now += timedelta(seconds=CALM_S if nth < SOME else STORM_S)
    name = "a Sentry SDK's event of 18 KB, of a new · a known · a storming failure"
    return Figure(WRITES, name, "WCU", [new, known, storming], [[4]], "a transaction of two writes")


def captured(nth: int) -> bytes:
    """The nth body that the SDK sends, compressed; each is an event of its own."""
    header, kind, payload = CAPTURED.read_bytes().split(b"\n")[:3]
    named = {"event_id": uuid.UUID(int=nth + 1, version=4).hex}
    lines = [json.dumps(json.loads(line) | named, separators=(",", ":")) for line in (header, payload)]
    return gzip.compress("\n".join([lines[0], kind.decode(), lines[1]]).encode())


def envelope(nth: int) -> dict[str, Any]:
    """The nth request of the SDK, as API Gateway hands it over."""
    headers = {
        "content_type": "application/x-sentry-envelope",
        "content_encoding": "gzip",
        "x_sentry_auth": f"Sentry sentry_version=7, sentry_key={door.INGEST_KEY}",
    }
    body = base64.b64encode(captured(nth)).decode()
    sent = door.event("POST", "/api/{project_id}/envelope", body, path={"project_id": "1"}, **headers)
    return sent | {"isBase64Encoded": True}
