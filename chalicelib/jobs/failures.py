"""Failures: a failed job is an incident in the hub, which counts once, however often and by whomever it is failed."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from chalicelib.config import FIRST_PROJECT, config
from chalicelib.incidents import recording, report
from chalicelib.incidents.report import Origin
from chalicelib.jobs.models import Job
from chalicelib.observability import count as measure
from chalicelib.observability import logger

STOPPED: Final = "The worker stopped without a word; retry the job to run it once more."


def tell(job: Job, error: str, now: datetime, description: Mapping[str, object] | None = None) -> None:
    """Report to the hub that a job's present attempt failed; `error` is for people to read, `description` says more.

    Called before the job is marked: after a crash in between, whoever fails it then reports the same event.
    """
    measure("JobsFailed")
    known = {"error_message": error, "job_id": job.job_id, "subject_id": job.subject_id, "attempt": int(job.attempt)}
    body = {
        "error_key": f"{job.kind}_failed",
        "description": {**(description or {}), **known},
        "severity": "HIGH",
        "event_id": _event_id(job),
        "environment": config().stage,
        "actor_type": "system",
        "correlation_id": job.correlation_id,
    }
    origin = Origin(FIRST_PROJECT, None, job.correlation_id, config().retention_days)
    try:
        recording.record([report.read(body, origin, now)], now)
    except Exception:  # noqa: BLE001  # whatever keeps the hub from taking it, the job's row is the truth
        logger.exception("a failed job is no incident", job_id=job.job_id, attempt=job.attempt)


def _event_id(job: Job) -> str:
    return hashlib.sha256(f"{job.job_id}\x00{int(job.attempt)}".encode()).hexdigest()[:32]
