"""Messages: every message of every queue comes two to five times, in any order, some late; nothing is done twice.

`soak.shaken` is the stack whose queues do that. The reports among them wait in the queue because of a storm.
"""

import json
import random
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from bench.report import name, report
from infra import local
from soak import receiver, shaken, system, uploads
from soak.clients import Load, insist
from soak.finding import Finding, at_least, exactly
from soak.patience import eventually
from soak.receiver import Receiver
from tests.e2e.conftest import signed_in, started

REPORTS: Final = 500
FAILURES: Final = 10
# More than a tick makes by itself: it hands them over.
TASKS: Final = 60
UPLOADS: Final = 10
ALERTS: Final = 10
CLIENTS: Final = 8
SAMPLES: Final = local.PROJECT / "tests/data/media"
# The tasks are due in one to two minutes, and what is late is later by seconds.
SETTLES_WITHIN_S: Final = 200
LOST_AFTER_S: Final = 3
QUEUES: Final = ("alert-deliveries", "due-tasks", "reports-overflow", "uploads")


def measure(chance: random.Random, scale: float) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as folder, receiver.listening() as told:
        directory, seed = Path(folder), str(chance.random())
        with (
            started(directory, shaken.COMMAND, OUTGOING_ALLOW=told.origin, SHAKEN_SEED=seed) as run,
            system.admin(run) as admin,
            signed_in(run.stack, "customer", "customer-soak") as customer,
        ):
            load = Load(run.stack, "soak")
            tasks = _plan(load, admin)
            _watch(admin, told)
            for nth in range(ALERTS):
                _report(load, admin, {"error_key": f"soak_alert_{name(nth)}", "description": {}})
            photos = [uploads.send(customer, SAMPLES / "gps.jpg", "image/jpeg") for _ in range(UPLOADS)]
            broken = uploads.send(customer, SAMPLES / "text.mov", "video/quicktime")
            _run_again(admin, broken)
            number = max(round(REPORTS * scale), 100)
            named, unnamed = _press(load, admin, number, event_id=True), _press(load, admin, number, event_id=False)

            eventually(lambda: _instances(admin, tasks) == len(tasks) * 2, SETTLES_WITHIN_S)
            yield system.drained(run.stack)
            yield from _shaken(directory)
            found = system.counts(admin, _key(event_id=True))
            yield exactly("reports with an event_id counted", found.total(), named.total())
            yield exactly("incidents with a wrong count", sum(found[each] != named[each] for each in named | found), 0)
            found = system.counts(admin, _key(event_id=False))
            # An answer of the table that was lost, as it is after three seconds, may have one counted twice.
            counted = exactly if load.slowest_s < LOST_AFTER_S else at_least
            yield counted("reports without an event_id counted", found.total(), unnamed.total())
            yield system.orphans(run.stack)
            yield exactly("instances, of yesterday and today for each task", _instances(admin, tasks), len(tasks) * 2)
            jobs = Counter((job["subject_id"], job["attempts"]) for job in system.walk(admin, "/jobs"))
            once = Counter([(each, 1) for each in photos] + [(broken, 2)])
            yield exactly("jobs, one for each upload and one of them run again", len(jobs), len(once))
            yield exactly("jobs with more or fewer runs", sum((jobs - once).values()) + sum((once - jobs).values()), 0)
            ready = sum(admin.get(f"/media/{each}").json()["status"] == "ready" for each in photos)
            yield exactly("uploads that became ready", ready, len(photos))
            yield exactly("alerts that a receiver was told of", len(set(told.taken)), ALERTS)
            yield exactly("deliveries to it", len(told.taken), ALERTS)


def _plan(load: Load, admin: httpx.Client) -> list[str]:
    """Make tasks of every day since yesterday, all due at one of the next minutes; returns their ids."""
    now = datetime.now(UTC)
    # Where it is about noon, so that no midnight comes between.
    ahead = timedelta(hours=12 - now.hour)
    due = now + ahead + timedelta(minutes=2)
    asked = {
        "title": "Soak",
        "recurrence": "daily",
        "timezone": f"Etc/GMT{-(12 - now.hour):+d}",
        "start_date": (due - timedelta(days=1)).date().isoformat(),
        "local_time": f"{due:%H:%M}",
    }

    def make(_: int) -> str:
        return str(insist(load, admin, "/tasks", asked, {"Idempotency-Key": uuid.uuid4().hex})["task_id"])

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(make, range(TASKS)))


def _instances(admin: httpx.Client, tasks: list[str]) -> int:
    return sum(len(list(system.walk(admin, f"/tasks/{task_id}/instances"))) for task_id in tasks)


def _watch(admin: httpx.Client, told: Receiver) -> None:
    """Have the receiver told of new incidents."""
    hook = {"type": "webhook", "url": f"{told.origin}/hook", "secrets": ["known-to-both-of-us"]}
    asked = {"name": "Soak", "match": {"key": "soak_alert_*"}, "channels": [hook]}
    admin.post("/alerts/rules", json=asked).raise_for_status()


def _run_again(admin: httpx.Client, media_id: str) -> None:
    """Wait until an upload has failed, and have it run again, which fails again."""
    if not eventually(lambda: admin.get(f"/media/{media_id}").json()["status"] == "failed", SETTLES_WITHIN_S):
        raise TimeoutError("a file that is none was not refused")
    admin.post(f"/media/{media_id}/optimise").raise_for_status()


def _press(load: Load, client: httpx.Client, number: int, *, event_id: bool) -> Counter[str]:
    """Send reports; returns how often each incident must be counted."""

    def send(nth: int) -> str:
        body = report(nth, name(nth % FAILURES), event_id=event_id)
        return _report(load, client, body | {"error_key": _key(event_id=event_id)})

    with ThreadPoolExecutor(CLIENTS) as clients:
        return Counter(clients.map(send, range(number)))


def _key(*, event_id: bool) -> str:
    return f"soak_{'named' if event_id else 'unnamed'}"


def _report(load: Load, client: httpx.Client, body: dict[str, Any]) -> str:
    return str(insist(load, client, "/incidents", body, {"X-Ingest-Key": load.stack.ingest_key})["incident_id"])


def _shaken(directory: Path) -> Iterator[Finding]:
    """How many messages there were, and that there were some in every queue."""
    notes = [json.loads(line) for line in (directory / "shaken").read_text().splitlines()]
    for queue in QUEUES:
        copies = [number for name, number in notes if name.endswith(queue)]
        yield at_least(f"messages of {queue}, which came {len(copies) + sum(copies):,} times", len(copies), 1)
