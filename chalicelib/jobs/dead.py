"""Dead letters: a message that no worker could take becomes a failed job, with the reason."""

from datetime import datetime

from chalicelib.jobs import failures, models
from chalicelib.rows import SYSTEM


def bury(job_id: str, attempt: int, reason: str, now: datetime) -> None:
    """Fail the attempt whose message is dead, if it is still pending. Safe to repeat. Raises Busy."""
    job = models.find(job_id) if models.is_job_id(job_id) else None
    if job is not None and (job.state, job.attempt) == ("PENDING", attempt):
        failures.tell(job, reason, now)
        models.give_up(job, reason, now)


def bury_unstarted(kind: str, subject_id: str, job_id: str, reason: str, *, correlation_id: str, now: datetime) -> None:
    """Make a failed job where the event that was to start it is dead, if there is none of this id. Safe to repeat.

    Raises Busy.
    """
    if models.find(job_id) is not None:
        return
    job = models.new(kind, subject_id, job_id, "FAILED", requested_by=SYSTEM, correlation_id=correlation_id, now=now)
    job.finished_at, job.error = job.created_at, reason[: models.MAX_ERROR]
    failures.tell(job, reason, now)
    models.insert(job)
