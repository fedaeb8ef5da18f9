"""Listing: pages of jobs, one job with its attempts and its audit trail, and jobs as other areas see them."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Literal, cast

from msgspec import Meta, Struct, convert
from msgspec.structs import asdict

from chalicelib import paging
from chalicelib.clock import Time
from chalicelib.errors import JobNotFound
from chalicelib.jobs import models
from chalicelib.jobs.models import State

MAX_AUDIT_SHOWN: Final = 100

Status = Literal["pending", "running", "failed", "succeeded"]
ShownStatus = Literal["pending", "running", "stuck", "failed", "succeeded"]

Kind = Annotated[str, Meta(pattern="^[a-z][a-z_]{0,31}$", description="What is done, such as `transcode`.")]

# In the order in which a job passes them: one that moves on while they are read is met at least once.
STATES: Final[tuple[State, ...]] = ("PENDING", "RUNNING", "FAILED", "SUCCEEDED")
_STATES_OF: Final[dict[ShownStatus | None, tuple[State, ...]]] = {
    # Once more: a retry may bring one back meanwhile.
    None: (*STATES, "PENDING"),
    "pending": ("PENDING",),
    "running": ("RUNNING",),
    "stuck": ("RUNNING",),
    "failed": ("FAILED",),
    "succeeded": ("SUCCEEDED",),
}


class JobQuery(Struct, frozen=True):
    """Which jobs, and which page of them. `running` are those that a worker holds, `stuck` those that none does."""

    status: ShownStatus | None = None
    kind: Kind | None = None
    limit: paging.Limit = paging.DEFAULT_LIMIT
    cursor: paging.Cursor | None = None


class JobSummary(Struct, frozen=True):
    """A job as it is listed. All but `attempts`, their number, is of its present attempt."""

    job_id: str
    kind: str
    subject_id: Annotated[str, Meta(description="What it is about: a media's id.")]
    status: Status
    attempts: int
    stuck: Annotated[bool, Meta(description="Its lease ran out: no worker is known to work on it.")]
    error: str | None
    requested_by: str
    correlation_id: str
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    progress: Annotated[float, Meta(ge=0, le=1)]


class JobAttempt(Struct, frozen=True):
    """One attempt that began. `started_at` is null where no worker could take it."""

    attempt: int
    started_at: Time | None
    ended_at: Time | None
    outcome: Literal["running", "stuck", "failed", "succeeded"]
    error: str | None


class JobAudit(Struct, frozen=True, omit_defaults=True):
    """What was done to a job, and who did it."""

    at: Time
    actor: str
    action: str
    correlation_id: str
    change: dict[str, Any] | None = None


class JobDetail(JobSummary, frozen=True):
    """One job, with its latest attempts and what was done to it, the newest first."""

    attempts_log: list[JobAttempt]
    audit: list[JobAudit]


@dataclass(frozen=True, slots=True)
class Job:
    """A job as other areas see it. One that was DELETED stays known for a month."""

    job_id: str
    kind: str
    subject_id: str
    state: State
    attempt: int
    progress: float
    error: str | None
    started_at: str | None
    finished_at: str | None


def page(query: JobQuery, now: datetime) -> paging.Page[JobSummary]:
    """One page, the newest `created_at` first. Raises InvalidCursor."""

    def items(positions: Sequence[str]) -> Iterator[JobSummary | None]:
        jobs = models.find_many(map(_id, positions))
        for job in (jobs.get(_id(each)) for each in positions):
            yield summary(job, now) if job is not None and _matches(job, query, now) else None

    return paging.filtered(
        paging.scope("jobs", {"status": query.status, "kind": query.kind}),
        query.cursor,
        query.limit,
        # The index knows neither kinds nor leases.
        narrow=query.kind is not None or query.status in ("running", "stuck"),
        positions=partial(_positions, _STATES_OF[query.status]),
        items=items,
    )


def show(job_id: str, now: datetime) -> JobDetail:
    """One job with its attempts and its audit trail. Raises JobNotFound."""
    job, trail = models.find_with_audit(job_id, MAX_AUDIT_SHOWN) if models.is_job_id(job_id) else (None, [])
    if job is None or not job.kept(now):
        raise _not_found()
    return JobDetail(
        **asdict(summary(job, now)),
        attempts_log=attempts(job, now)[::-1],
        audit=[JobAudit(each.at, each.actor, each.action, each.correlation_id, each.change) for each in trail],
    )


def existing(job_id: str, now: datetime) -> models.Job:
    """The job. Raises JobNotFound, also for one that was deleted or is past its retention."""
    job = models.find(job_id) if models.is_job_id(job_id) else None
    if job is None or not job.kept(now):
        raise _not_found()
    return job


def find(job_id: str) -> Job | None:
    """A job as it is now, for another area; deleted ones too."""
    job = models.find(job_id)
    return None if job is None else _seen(job)


def find_many(job_ids: Iterable[str]) -> dict[str, Job]:
    """Jobs by their ids, for another area; deleted ones too. As they are, or were some milliseconds ago."""
    return {job_id: _seen(job) for job_id, job in models.find_many(job_ids).items()}


def attempts(job: models.Job, now: datetime) -> list[JobAttempt]:
    """The latest attempts that began, the newest last."""
    earlier = convert(job.earlier or [], list[JobAttempt])
    if job.state == "PENDING":
        return earlier
    outcome = "stuck" if job.stuck(now) else job.state.lower()
    present = JobAttempt(
        attempt=int(job.attempt),
        started_at=job.started_at,
        ended_at=job.finished_at,
        outcome=cast("Literal['running', 'stuck', 'failed', 'succeeded']", outcome),
        error=job.error,
    )
    return [*earlier, present]


def summary(job: models.Job, now: datetime) -> JobSummary:
    """A job as it is listed."""
    return JobSummary(
        job_id=job.job_id,
        kind=job.kind,
        subject_id=job.subject_id,
        status=cast("Status", job.state.lower()),
        attempts=int(job.attempt),
        stuck=job.stuck(now),
        error=job.error,
        requested_by=job.requested_by,
        correlation_id=job.correlation_id,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        progress=float(job.progress or 0),
    )


def _positions(states: tuple[State, ...], position: str | None, most: int) -> list[str]:
    found = [models.positions(state, position, most) for state in states]
    # One that moves on meanwhile may stand in two partitions, at the same position.
    return list(dict.fromkeys(heapq.merge(*found, reverse=True)))[:most]


def _id(position: str) -> str:
    return position.rpartition("#")[2]


def _matches(job: models.Job, query: JobQuery, now: datetime) -> bool:
    # The index follows the row by some milliseconds, so even what it is keyed by is checked.
    return (
        job.kept(now)
        and job.state in _STATES_OF[query.status]
        and (query.status != "running" or not job.stuck(now))
        and (query.status != "stuck" or job.stuck(now))
        and query.kind in (None, job.kind)
    )


def _seen(job: models.Job) -> Job:
    return Job(
        job_id=job.job_id,
        kind=job.kind,
        subject_id=job.subject_id,
        state=cast("State", job.state),
        attempt=int(job.attempt),
        progress=float(job.progress or 0),
        error=job.error,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def _not_found() -> JobNotFound:
    return JobNotFound("There is no job with this id; it may have been deleted.")
