"""Failures: a failed job is an incident in the hub, which counts once, however often and by whomever it is failed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from chalicelib.incidents import own
from chalicelib.jobs.models import Job
from chalicelib.observability import count as measure

STOPPED: Final = "The worker stopped without a word; retry the job to run it once more."


def tell(job: Job, error: str, now: datetime, description: Mapping[str, object] | None = None) -> None:
    """Report to the hub that a job's present attempt failed; `error` is for people to read, `description` says more.

    Called before the job is marked: after a crash in between, whoever fails it then reports the same event.
    """
    measure("JobsFailed")
    known = {"error_message": error, "job_id": job.job_id, "subject_id": job.subject_id, "attempt": int(job.attempt)}
    own.tell(
        f"{job.kind}_failed",
        {**(description or {}), **known},
        event=event(job),
        correlation_id=job.correlation_id,
        now=now,
    )


def event(job: Job) -> str:
    """What names the failure of a job's present attempt."""
    return f"{job.job_id}\x00{int(job.attempt)}"
