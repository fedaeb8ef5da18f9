"""Retries: two jobs that failed, and an operator runs both again. One had lost its worker, one has a damaged file.

A worker that dies leaves a lease, which runs out and is given up in a quarter of an hour: the hub's own functions do
that with the clock of then. Everything else goes over HTTP.
"""

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
import msgspec

from chalicelib.jobs import leases, sweeping
from chalicelib.jobs.failures import STOPPED
from chalicelib.media import listing, uploads
from chalicelib.media.uploads import NewMedia
from chalicelib.observability import correlation_id, metrics
from infra import local
from infra.scenes import Scene, camera, people, phone
from infra.telling import Progress, wait
from infra.troubles import Trouble

CUT_OFF: Final = "IMG_2394.MOV"
DAMAGED: Final = "IMG_2395.MOV"
OURS: Final = {"told_by": "make demo", "homework_id": "homework-14", "student_id": "student-7"}
ERROR_KEY: Final = "transcode_failed"
# What the two incidents are called by.
STOPPED_BY: Final = STOPPED.partition(";")[0]
DAMAGED_BY: Final = "the end of the video is missing"
AGO: Final = timedelta(minutes=20)
GIVEN_UP_AFTER: Final = leases.LEASE + sweeping.STUCK_FOR + timedelta(minutes=1)


def play(stack: local.Stack, now: datetime, progress: Progress) -> Scene:
    """Let both jobs fail, run them again, and see what became of each."""
    with people.operator(stack) as operator, people.customer(stack) as customer, TemporaryDirectory() as folder:
        people.forget_media(operator, OURS)
        for title in (STOPPED_BY, DAMAGED_BY):
            people.forget_incidents(operator, error_key=ERROR_KEY, q=title)
        clip = Path(folder, CUT_OFF)
        camera.clip(clip)
        lost = _lose_worker(customer, clip, now - AGO, progress)
        damaged = _send_damaged(customer, clip, progress)
        jobs = [_again(operator, media_id, progress) for media_id in (lost, damaged)]
    saved, refused = jobs
    if saved["status"] != "succeeded" or refused["status"] != "failed":
        raise Trouble(
            f"The jobs ended as {saved['status']} and {refused['status']}: {saved['error']} {refused['error']}"
        )
    metrics.clear_metrics()
    return Scene(
        f"""Two jobs had failed, each an incident, and an operator ran both again:
  {CUT_OFF} had lost its worker 20 minutes ago; the second attempt succeeded.
  {DAMAGED} is damaged; the second attempt failed as the first: {refused["error"]}""",
        (
            (f"/jobs/{saved['job_id']}", "the job that lost its worker: its attempts, and who had it run again"),
            (f"/jobs/{refused['job_id']}", "the one that failed again, and can be run once more"),
        ),
        (("/jobs?status=failed", "the jobs that failed"),),
    )


def _lose_worker(customer: httpx.Client, clip: Path, then: datetime, progress: Progress) -> str:
    """An upload whose worker took its job and died. Returns the media's id."""
    new = NewMedia(CUT_OFF, phone.CONTENT_TYPE, clip.stat().st_size, context=OURS)
    begun = uploads.begin(new, people.CUSTOMER, then)
    # Before the file is there, as the stack's own worker takes whatever arrives.
    leases.start(
        listing.KIND,
        begun.media_id,
        leases.first_id(listing.KIND, begun.media_id),
        correlation_id=correlation_id(),
        requested_by=people.CUSTOMER,
        now=then,
    )
    phone.send(msgspec.to_builtins(begun), clip, progress)
    people.said(customer.post(f"/media/{begun.media_id}/complete"))
    sweeping.sweep(then + GIVEN_UP_AFTER)
    return begun.media_id


def _send_damaged(customer: httpx.Client, clip: Path, progress: Progress) -> str:
    """A video whose end is missing, once it was refused. Returns its id."""
    half = clip.with_name(DAMAGED)
    half.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    begun = phone.begin(customer, DAMAGED, half.stat().st_size, OURS)
    phone.send(begun, half, progress)
    media_id: str = phone.settled(customer, begun["media_id"], progress)["media_id"]
    return media_id


def _again(operator: httpx.Client, media_id: str, progress: Progress) -> dict[str, Any]:
    """Run a media's job again; returns the job when that is over."""
    path = f"/jobs/{people.said(operator.get(f'/media/{media_id}'))['job_id']}"
    people.said(operator.post(f"{path}/retry"))

    def look() -> dict[str, Any] | str:
        job: dict[str, Any] = people.said(operator.get(path))
        if job["status"] in ("succeeded", "failed"):
            return job
        return "running a job again" if job["status"] == "running" else "waiting for the worker"

    return wait(look, phone.SETTLED_WITHIN_S, progress)
