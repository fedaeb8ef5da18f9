"""A worker that is killed (SIGKILL) between any two of its calls: nothing is lost, doubled or left behind."""

import itertools
import json
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, Final
from unittest import mock

import pytest

from app import app
from chalicelib import clock
from chalicelib.jobs.leases import LEASE
from chalicelib.jobs.sweeping import STUCK_FOR
from chalicelib.media import ffmpeg
from infra.pump import schedule_event
from tests.conftest import Door
from tests.faults import Call, Gateway, aimed_at, ministack, tapped
from tests.media.conftest import Customer, transcode

SAMPLE = Path(__file__).parents[1] / "data/media/gps.jpg"
KILLED_WITHIN_S = 60

_processes: Final = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module")
def cloud_url() -> Iterator[str]:
    # Workers are forked from a process that has imported all of it. It keeps a file where temporary ones are now.
    _processes.set_forkserver_preload(["pytest", "app", __name__])
    forkserver.ensure_running()
    with ministack() as url:
        yield url


@pytest.fixture
def there(cloud_url: str) -> Iterator[Customer]:
    with aimed_at(cloud_url):
        yield Customer(Door(Gateway(app)))


def work(url: str, nth: int, when: str, body: str, disk: str) -> None:
    """Be a worker that takes one message and dies at its nth call to AWS, before or after it; or within ffmpeg."""
    calls = itertools.count()

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def tap(call: Call) -> Any:
        dies = next(calls) == nth
        if dies and when == "before":
            die()
        answer = call.make()
        if dies:
            die()
        return answer

    tempfile.tempdir = disk
    with aimed_at(url), tapped(tap), mock.patch.object(ffmpeg, "_follow", die if nth < 0 else ffmpeg._follow):
        assert transcode(body) == []


def killed(url: str, nth: int, when: str, body: str, disk: Path) -> bool:
    """Whether a worker was killed at that call; False when its work was over before."""
    worker = _processes.Process(target=work, args=(url, nth, when, body, str(disk)))
    worker.start()
    worker.join(KILLED_WITHIN_S)
    assert worker.exitcode in (0, -signal.SIGKILL)
    return worker.exitcode != 0


def test_a_killed_worker_leaves_a_media_that_ends_well(
    there: Customer, cloud_url: str, frozen: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = SAMPLE.read_bytes()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    nth, when, ends = -1, "within ffmpeg", set()
    while True:
        media_id = there.begin(size_bytes=len(content), content_type="image/jpeg")["media_id"]
        there.put(media_id, content)
        body = json.dumps({"created": f"originals/{media_id}"})
        if not killed(cloud_url, nth, when, body, tmp_path):
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
