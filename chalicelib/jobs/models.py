"""The jobs table: its rows, and every DynamoDB expression of the area.

pk / sk                            holds
JOB#<id> / META                    Job: its present attempt, and in short those before; under 1 KB while nothing fails
JOB#<id> / L#<at>#<id>             Audit: what was done to it, by whom
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from pynamodb.attributes import Attribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.clock import rfc3339
from chalicelib.config import config
from chalicelib.dynamodb import Connection, committed, find_row, patiently, read_rows, saved, updated
from chalicelib.rows import AuditRow, FirstIndex, Indexed, KeysOnly

if TYPE_CHECKING:
    from pynamodb.expressions.update import Action

State = Literal["PENDING", "RUNNING", "FAILED", "SUCCEEDED", "DELETED"]
Also = Callable[[TransactWrite], None]

_JOB_ID: Final = re.compile(r"[0-9a-f]{32}")
MAX_ERROR: Final = 500
TOMBSTONE_KEPT_FOR: Final = timedelta(days=30)


class ByState(FirstIndex):  # type: ignore[no-untyped-call]  # PynamoDB left this untyped
    class Meta(KeysOnly):
        index_name = "by_state"


class Row(Indexed):
    """What every row of the table has; also what its indexes return."""

    class Meta(Connection):
        table_name = config().resource("jobs")

    by_state = ByState()


table = Row.table
table()


class Job(Row):
    """A job. All but `earlier` is of the present attempt; a retry adds what it was to `earlier`, the newest last.

    While it is PENDING, `send_at` is when a sweep sends its message again. While it is RUNNING, `fence` names the run
    that holds it, until `lease_until`; it stays where that run itself ended it. Only what succeeded or was deleted has
    a `ttl`: what failed waits for a person.
    """

    kind = UnicodeAttribute()
    subject_id = UnicodeAttribute()
    state = UnicodeAttribute()
    attempt = NumberAttribute()
    requested_by = UnicodeAttribute()
    correlation_id = UnicodeAttribute()
    created_at = UnicodeAttribute()
    send_at = UnicodeAttribute(null=True)
    fence = UnicodeAttribute(null=True)
    lease_until = UnicodeAttribute(null=True)
    started_at = UnicodeAttribute(null=True)
    progress = NumberAttribute(null=True)
    finished_at = UnicodeAttribute(null=True)
    error = UnicodeAttribute(null=True)
    earlier: Attribute[Any] = JSONAttribute(null=True)

    @property
    def job_id(self) -> str:
        return self.pk.removeprefix("JOB#")

    def stuck(self, now: datetime) -> bool:
        """Whether its lease ran out, so that nobody is known to work on it."""
        return self.lease_until is not None and self.lease_until < rfc3339(now)

    def kept(self, now: datetime) -> bool:
        """Whether it is there for readers: not deleted, and not past its TTL."""
        return self.state != "DELETED" and (self.ttl is None or self.ttl > now.timestamp())


class Audit(Row, AuditRow):
    pass


def is_job_id(text: str) -> bool:
    """Whether an id has the form of a job's; others are in no row, and may be too long for a key."""
    return _JOB_ID.fullmatch(text) is not None


def job_key(job_id: str) -> str:
    return f"JOB#{job_id}"


def new(
    kind: str, subject_id: str, job_id: str, state: State, *, requested_by: str, correlation_id: str, now: datetime
) -> Job:
    """The first attempt of a job that begins in `state`, not written yet."""
    created_at = rfc3339(now)
    return Job(
        job_key(job_id),
        "META",
        g1p=state_key(state),
        g1s=f"{created_at}#{job_id}",
        kind=kind,
        subject_id=subject_id,
        state=state,
        attempt=1,
        requested_by=requested_by,
        correlation_id=correlation_id,
        created_at=created_at,
    )


def audit(job_id: str, actor: str, action: str, now: datetime, *, correlation_id: str, change: object = None) -> Audit:
    """The audit row of what was done to a job."""
    return Audit.of(job_key(job_id), actor, action, now, correlation_id=correlation_id, change=change)


def state_key(state: State) -> str:
    return f"ST#{state}"


# -- conditions -------------------------------------------------------------------------------------------------------


def held_by(fence: str) -> Condition:
    """The run of that fence holds the job. Once that does not hold, it never does again."""
    held: Condition = (Job.state == "RUNNING") & (Job.fence == fence)
    return held


def still(job: Job) -> Condition:
    """The job is as it was read, so that what was decided upon it is right."""
    leased = Job.lease_until.does_not_exist() if job.lease_until is None else Job.lease_until == job.lease_until
    same: Condition = (Job.state == job.state) & (Job.attempt == job.attempt) & leased
    return same


# -- writing: each returns whether it was done, having written nothing where it was not --------------------------------


def insert(job: Job) -> bool:
    """Write a job, unless there is one of its id."""
    if saved(job, Job.pk.does_not_exist()):
        return True
    # An earlier try may have written it, and its answer been lost.
    found = find(job.job_id)
    return found is not None and found.fence is not None and found.fence == job.fence


def insert_audited(job: Job, audit: Audit, also: Also | None) -> bool:
    """Write a job, unless there is one of its id, with its audit row and what `also` adds, unless that is refused."""

    def fill(transaction: TransactWrite) -> None:
        transaction.save(job, condition=Job.pk.does_not_exist())
        transaction.save(audit)
        if also is not None:
            also(transaction)

    return committed(table(), fill)


def claim(job_id: str, attempt: int, *, fence: str, lease_until: str, now: datetime) -> Job | None:
    """Begin a pending attempt; returns the job after it, None where it is not that attempt's turn."""
    job = _meta(job_id)
    actions: list[Action] = [
        *_moved_to("RUNNING"),
        Job.fence.set(fence),
        Job.lease_until.set(lease_until),
        Job.started_at.set(rfc3339(now)),
        Job.send_at.remove(),
    ]
    if updated(job, actions, (Job.state == "PENDING") & (Job.attempt == attempt)):
        return job
    # An earlier try may have claimed it, and its answer been lost.
    found = find(job_id)
    return found if found is not None and found.state == "RUNNING" and found.fence == fence else None


def beat(job_id: str, fence: str, *, lease_until: str, progress: float) -> bool:
    """Extend a run's lease."""
    return updated(_meta(job_id), [Job.lease_until.set(lease_until), Job.progress.set(progress)], held_by(fence))


def succeed(job_id: str, fence: str, ttl: int, now: datetime, also: Also) -> bool:
    """End a run well, together with what `also` adds, unless the run was lost or a condition of `also` fails."""
    actions: list[Action] = [
        *_moved_to("SUCCEEDED"),
        Job.finished_at.set(rfc3339(now)),
        Job.progress.set(1),
        Job.ttl.set(ttl),
        Job.lease_until.remove(),
    ]

    def fill(transaction: TransactWrite) -> None:
        transaction.update(_meta(job_id), actions, condition=held_by(fence))
        also(transaction)

    return committed(table(), fill)


def fail(job_id: str, fence: str, error: str, now: datetime) -> bool:
    """End a run badly, unless it was lost."""
    return updated(_meta(job_id), _failed(error, now), held_by(fence))


def give_up(job: Job, error: str, now: datetime) -> bool:
    """End an attempt that nobody works on badly, if it is still as it was read."""
    return updated(_meta(job.job_id), [*_failed(error, now), *_removed(Job.fence, Job.send_at)], still(job))


def begin_again(job: Job, earlier: Sequence[object], send_at: str, audit: Audit) -> bool:
    """Make a job's next attempt pending, if it is still as it was read; `earlier` are the attempts so far."""
    actions: list[Action] = [
        *_moved_to("PENDING"),
        Job.attempt.set(int(job.attempt) + 1),
        Job.earlier.set(list(earlier)),
        Job.send_at.set(send_at),
        *_removed(Job.fence, Job.lease_until, Job.started_at, Job.progress, Job.finished_at, Job.error),
    ]

    def fill(transaction: TransactWrite) -> None:
        transaction.save(audit)
        transaction.update(_meta(job.job_id), actions, condition=still(job))

    return committed(table(), fill)


def entomb(job_id: str, audit: Audit, now: datetime, condition: Condition) -> bool:
    """Leave a tombstone of a job: no list shows it, and no message or run of it comes to anything."""
    actions: list[Action] = [
        Job.state.set("DELETED"),
        Job.ttl.set(int((now + TOMBSTONE_KEPT_FOR).timestamp())),
        *_removed(Job.g1p, Job.g1s, Job.lease_until, Job.send_at),
    ]

    def fill(transaction: TransactWrite) -> None:
        transaction.save(audit)
        transaction.update(_meta(job_id), actions, condition=condition)

    return committed(table(), fill)


def send_again_at(job_id: str, attempt: int, send_at: str) -> bool:
    """Note when a pending attempt's message is to be sent again, if it is still pending then."""
    pending = (Job.state == "PENDING") & (Job.attempt == attempt)
    return updated(_meta(job_id), [Job.send_at.set(send_at)], pending)


def _meta(job_id: str) -> Job:
    return Job(job_key(job_id), "META")


def _failed(error: str, now: datetime) -> "list[Action]":
    return [
        *_moved_to("FAILED"),
        Job.finished_at.set(rfc3339(now)),
        Job.error.set(error[:MAX_ERROR]),
        Job.lease_until.remove(),
    ]


def _moved_to(state: State) -> "list[Action]":
    return [Job.state.set(state), Job.g1p.set(state_key(state))]


def _removed(*attributes: Attribute[Any]) -> "list[Action]":
    return [attribute.remove() for attribute in attributes]


# -- reading ----------------------------------------------------------------------------------------------------------


def find(job_id: str) -> Job | None:
    """A job as it is now, deleted or expired ones too."""
    return find_row(Job, job_key(job_id), "META")


def find_with_audit(job_id: str, most: int) -> tuple[Job | None, list[Audit]]:
    """A job as it is now, and its audit trail, the newest first, at most that many. One query."""
    condition = Row.sk.between("L#", "META")
    raw = patiently(
        lambda: table().query(
            job_key(job_id), condition, consistent_read=True, scan_index_forward=False, limit=most + 1
        )["Items"]
    )
    job = Job.from_raw_data(raw.pop(0)) if raw and raw[0]["sk"]["S"] == "META" else None
    return job, [Audit.from_raw_data(row) for row in raw]


def find_many(job_ids: Iterable[str]) -> dict[str, Job]:
    """Jobs by their ids, deleted or expired ones too; as they are, or were some milliseconds ago."""
    rows = read_rows(table(), [(job_key(each), "META") for each in dict.fromkeys(job_ids)])
    jobs = [Job.from_raw_data(row) for row in rows.values()]
    return {job.job_id: job for job in jobs}


def positions(state: State, before: str | None, most: int) -> list[str]:
    """Index positions (`<created at>#<id>`) of a state, the newest first, from below `before`. One query."""
    condition = None if before is None else ByState.g1s < before
    found = patiently(
        lambda: list(Row.by_state.query(state_key(state), condition, scan_index_forward=False, limit=most))
    )
    return [str(row.g1s) for row in found]
