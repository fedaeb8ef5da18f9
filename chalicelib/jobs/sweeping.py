"""Sweeping: what crashes left behind is found and set right, every minute."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from chalicelib.clock import rfc3339
from chalicelib.jobs import dispatching, failures, models
from chalicelib.jobs.failures import STOPPED
from chalicelib.jobs.models import Job, State
from chalicelib.observability import correlate, logger
from chalicelib.observability import count as measure

STUCK_FOR: Final = timedelta(minutes=10)
READ_AT_ONCE: Final = 100


def sweep(now: datetime) -> None:
    """Send pending jobs whose message may have got lost, and fail those that are stuck for STUCK_FOR. Safe to repeat.

    Counts `JobsStuck`. A job that cannot be swept is logged, and tried again by the next sweep. Raises Busy.
    """
    for job in _all("PENDING"):
        if job.send_at is not None and job.send_at <= rfc3339(now):
            _settle(job, now)
    stuck = 0
    for job in _all("RUNNING"):
        stuck += job.stuck(now)
        if job.stuck(now - STUCK_FOR):
            _settle(job, now)
    measure("JobsStuck", stuck)


def _settle(job: Job, now: datetime) -> None:
    correlate(job.correlation_id)
    try:
        if job.state == "PENDING":
            dispatching.dispatch(job.job_id, job.kind, int(job.attempt), now)
        else:
            failures.tell(job, STOPPED, now)
            models.give_up(job, STOPPED, now)
    except Exception:  # noqa: BLE001  # whatever it is, it is this job's alone
        logger.exception("a job cannot be swept", job_id=job.job_id)


def _all(state: State) -> Iterator[Job]:
    """Every job in a state, the newest first; some may have moved on since the index heard of them."""
    before = None
    while positions := models.positions(state, before, READ_AT_ONCE):
        yield from models.find_many(position.rpartition("#")[2] for position in positions).values()
        before = positions[-1]
