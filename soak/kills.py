"""Kills: videos are transcoded while the worker, or its ffmpeg, is killed (SIGKILL) at any moment, again and again.

The local stack's workers live in the process that serves the API, so that a kill of one takes all of it; it is started
again on the same data. A run that died with its worker holds its job until its lease is over, and then waits for an
operator, who is played here.
"""

import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import psutil

from soak import support, system, uploads
from soak.finding import Finding, at_least, at_most, exactly, figure
from soak.patience import eventually
from tests.e2e.conftest import Run, signed_in, started

FFMPEG: Final = "ffmpeg alone"
STACK: Final = "the stack"
KILLS: Final = 8
# Those that nothing is done to.
SPARED: Final = 2
VIDEO_S: Final = 4
# A kill comes within so many seconds of an ffmpeg's begin.
WITHIN_S: Final = 3.0
# With its worker; what goes on would end by itself a little later.
DIES_WITHIN_S: Final = 0.5
BUSY_WITHIN_S: Final = 30
READY_WITHIN_S: Final = 30
# The lease of a dead run, and the time to run all of it again.
ENDS_WITHIN_S: Final = 300


@dataclass
class Toll:
    """What is to be killed yet and what was, how many ffmpegs outlived it, and how long the starts after it took."""

    wanted: list[str]
    killed: Counter[str] = field(default_factory=Counter)
    outlived: int = 0
    starts_s: list[float] = field(default_factory=list)


def measure(chance: random.Random, scale: float) -> Iterator[Finding]:
    each = max(round(KILLS / 2 * scale), 1)
    toll = Toll(chance.sample([FFMPEG, STACK] * each, 2 * each))
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder, "stack")
        directory.mkdir()
        # The local cloud finds its queues again only on the port where it made them.
        start = partial(started, directory, CLOUD_PORT=str(system.free_port()))
        with start() as run:
            with signed_in(run.stack, "customer", "customer-soak") as customer:
                for nth in range(2 * each + SPARED):
                    uploads.send(customer, uploads.video(Path(folder, f"{nth}.mp4"), nth, VIDEO_S), "video/mp4")
            more = _harass(run, chance, toll)
        while more:
            began = time.monotonic()
            with start() as run:
                toll.starts_s.append(time.monotonic() - began)
                more = _harass(run, chance, toll)
        with start() as run, system.admin(run) as admin:
            yield from _ends(run, admin, toll)


def _harass(run: Run, chance: random.Random, toll: Toll) -> bool:
    """Kill ffmpeg until it is the stack's turn; returns whether there may be more to kill, once it runs again."""
    while toll.wanted and eventually(lambda: _converters(run) != [], BUSY_WITHIN_S):
        time.sleep(chance.uniform(0, WITHIN_S))
        converters = _converters(run)
        if toll.wanted[-1] == STACK:
            system.kill(run)
            toll.killed[toll.wanted.pop()] += 1
            toll.outlived += _outliving(converters)
            system.await_end(run)
            return True
        for converter in converters:
            with contextlib.suppress(psutil.NoSuchProcess):
                converter.kill()
                toll.killed[toll.wanted.pop()] += 1
    return False


def _ends(run: Run, admin: httpx.Client, toll: Toll) -> Iterator[Finding]:
    media_ids = [each["media_id"] for each in system.walk(admin, "/media")]
    asked = Counter[str]()
    eventually(lambda: support.ready(run.stack, admin, media_ids, asked), ENDS_WITHIN_S)
    media = [admin.get(f"/media/{each}").json() for each in media_ids]
    jobs = Counter(job["subject_id"] for job in system.walk(admin, "/jobs", kind="transcode"))
    for what in (FFMPEG, STACK):
        yield at_least(f"times that {what} was killed", toll.killed[what], 1)
    yield exactly("ffmpegs that outlived their worker", toll.outlived, 0)
    yield at_most("longest start after a kill", max(toll.starts_s, default=0), READY_WITHIN_S, "s")
    for why, number in sorted(asked.items()):
        yield figure(f"runs that an operator asked for, as the one before {why}", number, "")
    yield exactly("media ready in the end", sum(each["status"] == "ready" for each in media), len(media))
    yield exactly("media with one job", sum(number == 1 for number in jobs.values()), len(media))
    yield from uploads.left(run.stack, media, run.directory)


def _converters(run: Run) -> list[psutil.Process]:
    """The ffmpegs that run."""
    found = []
    for child in psutil.Process(run.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.name().startswith("ffmpeg") and _alive(child):
                found.append(child)
    return found


def _outliving(converters: list[psutil.Process]) -> int:
    """How many ffmpegs go on although their worker is gone."""
    eventually(lambda: not any(map(_alive, converters)), DIES_WITHIN_S)
    return sum(map(_alive, converters))


def _alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
