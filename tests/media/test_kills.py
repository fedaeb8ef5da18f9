"""A worker that is killed (SIGKILL) between any two of its calls: nothing is lost, doubled or left behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import app
from chalicelib import clock
from chalicelib.jobs.leases import LEASE
from chalicelib.jobs.sweeping import STUCK_FOR
from infra import local
from infra.pump import schedule_event
from tests.conftest import Door
from tests.faults import Gateway, aimed_at, ministack
from tests.media.conftest import Customer, transcode

SAMPLE = Path(__file__).parents[1] / "data/media/gps.jpg"
KILLED_WITHIN_S = 60

# A worker that takes one message and dies at its nth call to AWS, before it is made or after; or within ffmpeg.
WORKER = """
import itertools, os, signal, sys
from botocore.client import BaseClient
from app import app
from chalicelib.media import ffmpeg
from tests.media.conftest import transcode

nth, when, body = int(sys.argv[1]), sys.argv[2], sys.argv[3]
make, calls = BaseClient._make_api_call, itertools.count()

def die(client, operation, parameters):
    dies = next(calls) == nth
    if dies and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    answer = make(client, operation, parameters)
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

BaseClient._make_api_call = die
if when == "within ffmpeg":
    ffmpeg._follow = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
assert transcode(body) == []
"""


@pytest.fixture(scope="module")
def cloud_url() -> Iterator[str]:
    with ministack() as url:
        yield url


@pytest.fixture
def there(cloud_url: str) -> Iterator[Customer]:
    with aimed_at(cloud_url):
        yield Customer(Door(Gateway(app)))


def killed(nth: int, when: str, body: str, disk: Path) -> bool:
    """Whether a worker was killed at that call; False when its work was over before."""
    environment = os.environ | {"TMPDIR": str(disk), "POWERTOOLS_LOG_LEVEL": "CRITICAL"}
    command = [sys.executable, "-c", WORKER, str(nth), when, body]
    worker = subprocess.run(
        command, cwd=local.PROJECT, env=environment, timeout=KILLED_WITHIN_S, check=False, stdout=subprocess.DEVNULL
    )
    assert worker.returncode in (0, -signal.SIGKILL)
    return worker.returncode != 0


def test_a_killed_worker_leaves_a_media_that_ends_well(
    there: Customer, frozen: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = SAMPLE.read_bytes()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    nth, when, ends = -1, "within ffmpeg", set()
    while True:
        media_id = there.begin(size_bytes=len(content), content_type="image/jpeg")["media_id"]
        there.put(media_id, content)
        body = json.dumps({"created": f"originals/{media_id}"})
        if not killed(nth, when, body, tmp_path):
            break
        # The queue gives the message out again, and the sweeper comes by.
        assert transcode(body) == []
        frozen(clock.rfc3339(clock.now() + LEASE + STUCK_FOR))
        app.handler_map["sweep_jobs"](schedule_event("sweep_jobs", clock.now()), None)
        media = there.media(media_id)
        ends.add(media["status"])
        if media["status"] == "failed":
            assert "stopped without a word" in media["error"]
            assert there.fetch(media_id, "original") == content
            assert there.door.admin("POST", f"/jobs/{media['job_id']}/retry").status == 202
            there.work()
            media = there.media(media_id)
        assert media["status"] == "ready", (nth, when)
        kept = {key for key in there.objects if media_id in key}
        assert len(kept) == len(media["variants"]), (nth, when)
        assert list(tmp_path.iterdir()) == [], (nth, when)
        monkeypatch.undo()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        nth, when = (nth, "after") if when == "before" else (nth + 1, "before")
    assert nth > 10
    assert ends == {"ready", "failed"}
