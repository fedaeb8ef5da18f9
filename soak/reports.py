"""Reports: a minute one by one, a minute in batches of 30, at 1,000 a second or what the machine keeps up.

Each has an event_id, and some requests are sent again, as by a client whose answer was lost. All are counted once.
"""

import json
import random
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from bench.report import name, report
from soak import system
from soak.finding import Finding, at_most, exactly, figure
from soak.pressing import Pressed, press
from tests.e2e.conftest import Run, started

SECONDS: Final = 60
FAILURES: Final = 20
BATCH: Final = 30
WANTED: Final = 1_000
SENT_AGAIN: Final = 0.03
# Of what the machine does in a burst, so that it keeps it up for a minute.
SUSTAINED: Final = 0.8
BURST_S: Final = 5
GROWS_MB: Final = 64


def measure(chance: random.Random, scale: float) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as directory, started(Path(directory)) as run:
        rates = {size: _sustained(run, size) for size in (1, BATCH)}
        before = system.memory(run)
        for size, rate in rates.items():
            requests = range(round(rate * SECONDS * scale))
            plan = [chance.randrange(nth) if nth and chance.random() < SENT_AGAIN else nth for nth in requests]
            yield from _round(run, "one by one" if size == 1 else f"in batches of {size}", plan, size, rate)
        yield system.drained(run.stack)
        yield system.orphans(run.stack)
        after = system.memory(run)
        grown = after["stack"] - before["stack"]
        yield at_most(f"memory that the stack's process gained, from {before['stack']:.0f} MB", grown, GROWS_MB, "MB")
        yield figure("memory that the local cloud gained, which holds all rows", after["cloud"] - before["cloud"], "MB")


def _sustained(run: Run, size: int) -> float:
    """How many requests of so many reports the machine keeps up a second, up to as many reports as are wanted."""
    wanted = WANTED / size
    more = wanted / SUSTAINED
    _, burst = _send(run, f"soak_burst_{size}", list(range(round(more * BURST_S))), size, more)
    return min(wanted, SUSTAINED * len(burst.answers) / burst.seconds)


def _round(run: Run, how: str, plan: list[int], size: int, rate: float) -> Iterator[Finding]:
    error_key = f"soak_{how.replace(' ', '_')}"
    taken, pressed = _send(run, error_key, plan, size, rate)
    sent = size * len(pressed.answers)
    yield figure(f"{how}: offered", size * rate, "a second")
    yield figure(f"{how}: sent, {sent:,} in {pressed.seconds:.0f} s", sent / pressed.seconds, "a second")
    for percent in (50, 99):
        yield figure(f"{how}: from when a request was due to its answer, p{percent}", pressed.percentile(percent), "ms")
    others = Counter(each.status for each in pressed.answers if each.status != HTTPStatus.ACCEPTED)
    yield exactly(f"{how}: answers but 202", str(dict(others) or "none"), "none")
    system.drained(run.stack)
    with system.admin(run) as admin:
        found = system.counts(admin, error_key)
    wanted = Counter(taken.values())
    yield exactly(f"{how}: counted, {sent - wanted.total():,} having come again", found.total(), wanted.total())
    differing = sum(wanted[each] != found[each] for each in wanted | found)
    yield exactly(f"{how}: incidents with a wrong count, of {len(wanted)}", differing, 0)


def _send(run: Run, error_key: str, plan: list[int], size: int, rate: float) -> tuple[dict[str, str], Pressed]:
    """Send requests of so many reports each, by number; returns the incident of every event that was taken."""

    def body(nth: int) -> bytes:
        made = [_report(error_key, plan[nth], place) for place in range(size)]
        return json.dumps(made[0] if size == 1 else {"reports": made}).encode()

    headers = {"Content-Type": "application/json", "X-Ingest-Key": run.stack.ingest_key}
    pressed = press(run.stack.url, "/incidents", headers, body, rate=rate, number=len(plan))
    answers = (each.body for each in pressed.answers if each.status == HTTPStatus.ACCEPTED)
    receipts = [receipt for answer in answers for receipt in answer.get("results", [answer])]
    return {receipt["event_id"]: receipt["incident_id"] for receipt in receipts if "event_id" in receipt}, pressed


def _report(error_key: str, request: int, place: int) -> dict[str, Any]:
    """A report of a client in trouble, which meets one failure again and again."""
    event_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{error_key}/{request}/{place}").hex
    made = report(place, name(request % FAILURES))
    return made | {"error_key": error_key, "event_id": event_id, "user_id": str(request % 500)}
