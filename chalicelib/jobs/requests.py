"""Requests: what operators and other areas ask for. Each is done once, with its audit row, however often it is sent."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from msgspec import to_builtins
from msgspec.structs import replace
from pynamodb.transactions import TransactWrite

from chalicelib.clock import rfc3339
from chalicelib.errors import JobNotRetryable, JobRunning, Unavailable
from chalicelib.jobs import dispatching, failures, listing, models
from chalicelib.jobs.dispatching import SENT_WITHIN
from chalicelib.jobs.failures import STOPPED
from chalicelib.jobs.leases import SubjectChanged
from chalicelib.jobs.listing import JobSummary
from chalicelib.observability import correlation_id

ROUNDS: Final = 5
MAX_ATTEMPTS_KEPT: Final = 20


def make(
    kind: str,
    subject_id: str,
    job_id: str,
    *,
    correlation_id: str,
    requested_by: str,
    now: datetime,
    also: Callable[[TransactWrite], None] | None,
) -> bool:
    """Make a job and send it to a worker; False where there is one of this id, in whatever state.

    `also` adds to the transaction what is to be written of the subject; it is called for each try, and adds the same
    each time. Raises SubjectChanged when a condition of what it added did not hold, and Busy.
    """
    job = models.new(
        kind, subject_id, job_id, "PENDING", requested_by=requested_by, correlation_id=correlation_id, now=now
    )
    job.send_at = rfc3339(now + SENT_WITHIN)
    audit = models.audit(job_id, requested_by, "make", now, correlation_id=correlation_id)
    if models.insert_audited(job, audit, also):
        dispatching.dispatch(job_id, kind, 1, now)
        return True
    if models.find(job_id) is None:
        raise SubjectChanged
    return False


def retry(job_id: str, actor: str, now: datetime) -> JobSummary:
    """Run a failed or stuck job again; returns the job as that leaves it. Asked twice at once, it runs once.

    Raises JobNotFound, JobNotRetryable, and Unavailable while its lease keeps changing.
    """
    asked_of: int | None = None
    for _ in range(ROUNDS):
        job = listing.existing(job_id, now)
        asked_of = asked_of or int(job.attempt)
        if job.attempt != asked_of or not (job.state == "FAILED" or job.stuck(now)):
            raise JobNotRetryable(f"Only failed or stuck jobs can be retried; this one is {job.state.lower()}.")
        change = {"attempt": asked_of + 1}
        audit = models.audit(job_id, actor, "retry", now, correlation_id=correlation_id(), change=change)
        earlier = [to_builtins(each) for each in listing.attempts(job, now)][1 - MAX_ATTEMPTS_KEPT :]
        if job.stuck(now):
            # The next sweep would have said so, but will not find it any more.
            failures.tell(job, STOPPED, now)
        if models.begin_again(job, earlier, rfc3339(now + SENT_WITHIN), audit):
            dispatching.dispatch(job_id, job.kind, asked_of + 1, now)
            return _pending(listing.summary(job, now))
    raise Unavailable("The job is being changed by others; try again.")


def delete(job_id: str, actor: str, now: datetime) -> None:
    """Delete a job that no worker holds. Safe to repeat; nothing happens to one that is not there.

    Raises JobRunning, and Unavailable while its lease keeps changing.
    """
    for _ in range(ROUNDS):
        job = models.find(job_id) if models.is_job_id(job_id) else None
        if job is None or not job.kept(now):
            return
        if job.state == "RUNNING" and not job.stuck(now):
            raise JobRunning("A worker holds this job; delete it when it has ended, or its lease ran out.")
        change = {"state": job.state.lower(), "attempt": int(job.attempt)}
        audit = models.audit(job_id, actor, "delete", now, correlation_id=correlation_id(), change=change)
        if job.stuck(now):
            failures.tell(job, STOPPED, now)
        if models.entomb(job_id, audit, now, models.still(job)):
            return
    raise Unavailable("The job is being changed by others; try again.")


def _pending(before: JobSummary) -> JobSummary:
    """A job just after its retry: who reads it again may find it claimed, failed or deleted already."""
    return replace(
        before,
        status="pending",
        attempts=before.attempts + 1,
        stuck=False,
        error=None,
        started_at=None,
        finished_at=None,
        progress=0,
    )
