"""Leases: what a worker does with a job. Whoever holds a job's fence runs it; nobody else's writes come to anything.

A worker that is slow, stopped or cut off may go on after its job was taken from it. Then its fence is not the job's any
more, and all that it may still do here raises LeaseLost.
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pynamodb.transactions import TransactWrite

from chalicelib.clock import rfc3339
from chalicelib.config import config
from chalicelib.dynamodb import Busy
from chalicelib.jobs import failures, models
from chalicelib.jobs.models import Job
from chalicelib.rows import SYSTEM

LEASE: Final = timedelta(seconds=120)
BEAT_EVERY: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run one attempt of a job, as long as `beat` extends it. `fence` names the run: 32 hex digits."""

    job_id: str
    kind: str
    subject_id: str
    attempt: int
    fence: str
    correlation_id: str
    requested_by: str


class LeaseLost(Exception):
    """Another run, an operator or a sweep has taken the job: stop, and publish nothing."""


class SubjectChanged(Exception):
    """What was to be written of the job's subject, together with the job, does not fit it any more."""


def first_id(kind: str, subject_id: str) -> str:
    """The id of the first job of a kind for a subject: 32 hex digits, so that it is begun once without looking."""
    return hashlib.sha256(f"{kind}\x00{subject_id}".encode()).hexdigest()[:32]


def start(
    kind: str, subject_id: str, job_id: str, *, correlation_id: str, requested_by: str, now: datetime
) -> Lease | None:
    """Make a job and begin it at once; None where there is one of this id, in whatever state: its event came again.

    Raises Busy.
    """
    job = models.new(
        kind, subject_id, job_id, "RUNNING", requested_by=requested_by, correlation_id=correlation_id, now=now
    )
    job.fence, job.lease_until, job.started_at = uuid.uuid4().hex, rfc3339(now + LEASE), rfc3339(now)
    return _lease(job) if models.insert(job) else None


def claim(job_id: str, attempt: int, now: datetime) -> Lease | None:
    """Begin a pending attempt; None where it is not its turn, or not any more. Raises Busy."""
    if not models.is_job_id(job_id):
        return None
    fence, until = uuid.uuid4().hex, rfc3339(now + LEASE)
    job = models.claim(job_id, attempt, fence=fence, lease_until=until, now=now)
    return None if job is None else _lease(job)


def beat(lease: Lease, progress: float, now: datetime) -> None:
    """Hold on to a job for another LEASE, and say how much is done, from 0 to 1. Raises LeaseLost and Busy."""
    done = round(min(max(progress, 0), 1), 3)
    if not models.beat(lease.job_id, lease.fence, lease_until=rfc3339(now + LEASE), progress=done):
        raise LeaseLost


def finish(lease: Lease, now: datetime, also: Callable[[TransactWrite], None]) -> None:
    """End a run well, in one transaction with what `also` adds to it of the subject. Safe to repeat.

    `also` is called for each try, and adds the same each time. Raises LeaseLost, SubjectChanged when a condition of
    what it added did not hold, and Busy.
    """
    ttl = int((now + timedelta(days=config().retention_days)).timestamp())
    busy = None
    try:
        if models.succeed(lease.job_id, lease.fence, ttl, now, also):
            return
    except Busy as error:
        busy = error
    job = _of_this_run(lease)
    if job is None or job.state not in ("RUNNING", "SUCCEEDED"):
        raise LeaseLost
    # It may have succeeded by a try whose answer was lost.
    if job.state == "RUNNING":
        raise busy or SubjectChanged


def fail(lease: Lease, error: str, description: Mapping[str, object], now: datetime) -> None:
    """End a run badly, and report it to the hub with `description`. `error` is for people to read.

    Raises LeaseLost and Busy.
    """
    job = _of_this_run(lease)
    # Looked at first, so that what a run may meet after it lost its job is no incident.
    if job is None or job.state != "RUNNING":
        raise LeaseLost
    failures.tell(job, error, now, description)
    if not models.fail(lease.job_id, lease.fence, error, now):
        ended = _of_this_run(lease)
        # As above.
        if ended is None or ended.state != "FAILED":
            raise LeaseLost


def drop(lease: Lease, reason: str, now: datetime) -> None:
    """Delete a job that is held, as its subject is gone. Nothing happens where the lease was lost. Raises Busy."""
    change = {"reason": reason}
    audit = models.audit(lease.job_id, SYSTEM, "drop", now, correlation_id=lease.correlation_id, change=change)
    models.entomb(lease.job_id, audit, now, models.held_by(lease.fence))


def _lease(job: Job) -> Lease:
    return Lease(
        job_id=job.job_id,
        kind=job.kind,
        subject_id=job.subject_id,
        attempt=int(job.attempt),
        fence=str(job.fence),
        correlation_id=job.correlation_id,
        requested_by=job.requested_by,
    )


def _of_this_run(lease: Lease) -> Job | None:
    """The job, unless another has taken it."""
    job = models.find(lease.job_id)
    return job if job is not None and job.fence == lease.fence else None
