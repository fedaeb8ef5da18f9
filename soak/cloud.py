"""Cloud: the local cloud is restarted while reports, uploads and tasks come in; nobody helps the stack over it.

MiniStack writes its state to disk when it is told to end, and never else. So after SIGTERM all that was answered must
be there. A SIGKILL takes it back to its last end by SIGTERM, as if a backup had been restored: then all from before
must be there, and the stack must go on from it. What the local cloud lost is told by a witness, who writes to it
directly.
"""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx
import psutil

from soak import reborn, support, system
from soak.clients import WITNESS, Load, loaded, prepare
from soak.finding import Finding, at_most, exactly, figure
from soak.patience import eventually
from tests.e2e.conftest import Run, started

OUTAGES: Final = 3
CALM_S: Final = (3.0, 6.0)
BACK_WITHIN_S: Final = 30
# After that API Gateway gives up on a function.
ANSWERED_WITHIN_S: Final = 29
# A batch whose answer was lost comes again after three minutes.
COUNTED_WITHIN_S: Final = 200
# The lease of a run that was cut off, and the time for another.
READY_WITHIN_S: Final = 300


def measure(chance: random.Random, scale: float) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as directory, started(Path(directory), reborn.COMMAND) as run:
        prepare(run.stack)
        outages = max(round(OUTAGES * scale), 1)
        with system.admin(run) as admin, loaded(run, "soak_ended") as ended:
            back = [_outage(run, admin, chance, psutil.Process.terminate) for _ in range(outages)]
        yield figure("SIGTERM under load", outages, "times")
        yield from _survived("SIGTERM", run, ended, max(back))
        yield exactly("SIGTERM: media that the API did not know any more", ended.vanished, 0)
        yield from _kept("SIGTERM", run, ended)

        with system.admin(run) as admin:
            _outage(run, admin, chance, psutil.Process.terminate)  # which saves all of that
        with system.admin(run) as admin, loaded(run, "soak_killed") as killed:
            back_s = _outage(run, admin, chance, psutil.Process.kill)
        yield from _survived("SIGKILL", run, killed, back_s)
        with system.admin(run) as admin:
            wanted = Counter(killed.sent.values())
            counted = system.counts(admin, killed.error_key)
        yield figure(f"SIGKILL: reports lost with it, of {wanted.total():,}", (wanted - counted).total(), "")
        yield exactly("SIGKILL: reports counted twice", (counted - wanted).total(), 0)
        with loaded(run, "soak_after") as after:
            time.sleep(CALM_S[0])
        yield from _kept("SIGKILL, what had been saved", run, ended)
        yield from _kept("SIGKILL, what came after", run, after)
        yield system.drained(run.stack, but=("uploads",))
        yield system.orphans(run.stack)


def _outage(run: Run, admin: httpx.Client, chance: random.Random, end: Callable[[psutil.Process], None]) -> float:
    """End the local cloud; returns how many seconds later the API works again. Raises TimeoutError if it does not."""
    time.sleep(chance.uniform(*CALM_S))
    process = system.cloud(run)
    began = time.monotonic()
    end(process)
    process.wait(BACK_WITHIN_S)
    eventually(lambda: admin.get("/incidents").is_success, 2 * BACK_WITHIN_S)
    seconds = time.monotonic() - began
    time.sleep(CALM_S[0])
    return seconds


def _survived(what: str, run: Run, load: Load, back_s: float) -> Iterator[Finding]:
    yield at_most(f"{what}: longest until the API worked again, 3 s of it without a cloud", back_s, BACK_WITHIN_S, "s")
    said = ", ".join(f"{number} x {status}" for status, number in sorted(load.statuses.items()))
    yield Finding(f"{what}: answers of the API", said)
    yield exactly(f"{what}: answers 500, 502, or 5xx without Retry-After", load.unadvised, 0)
    yield at_most(f"{what}: slowest answer", load.slowest_s, ANSWERED_WITHIN_S, "s")
    yield exactly(f"{what}: requests given up", load.given_up, 0)
    pages = system.aws(run.stack, "dynamodb").get_paginator("scan").paginate(TableName=WITNESS)
    lost = set(load.witnessed) - {item["pk"]["S"] for page in pages for item in page["Items"]}
    yield figure(f"{what}: the witness's writes that the local cloud lost, of {len(load.witnessed):,}", len(lost), "")


def _kept(what: str, run: Run, load: Load) -> Iterator[Finding]:
    """That all is there of what was answered, and once."""
    wanted = Counter(load.sent.values())
    with system.admin(run) as admin:
        eventually(lambda: system.counts(admin, load.error_key) == wanted, COUNTED_WITHIN_S)
        found = system.counts(admin, load.error_key)
        yield exactly(f"{what}: reports counted", found.total(), wanted.total())
        yield exactly(
            f"{what}: incidents with a wrong count", sum(found[each] != wanted[each] for each in wanted | found), 0
        )
        made = [each["task_id"] for each in system.walk(admin, "/tasks") if each["title"].startswith(load.error_key)]
        yield exactly(f"{what}: tasks", len(made), len(load.tasks))
        instances = sum(len(list(system.walk(admin, f"/tasks/{task_id}/instances"))) for task_id in made)
        yield exactly(f"{what}: instances, one of each task", instances, len(load.tasks))
        asked = Counter[str]()
        eventually(lambda: support.ready(run.stack, admin, load.media, asked), READY_WITHIN_S)
        for why, number in sorted(asked.items()):
            yield figure(f"{what}: runs that an operator asked for, as the one before {why}", number, "")
        there = Counter(admin.get(f"/media/{each}").json().get("status", "gone") for each in load.media)
        yield exactly(f"{what}: uploads that became ready", there["ready"], len(load.media))
