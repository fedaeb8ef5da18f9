"""Deleting: a schedule goes with its attendance, all or nothing to any reader, at any number of records.

Hiding it is the commit point: from then on nobody sees or marks anything of it, and nothing brings it back. What is
left is to remove rows that nobody can see: it may be cut off anywhere, and a sweep goes on with it.
"""

import time
import traceback
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from chalicelib.dynamodb import Busy
from chalicelib.errors import ScheduleNotDeleted, ScheduleNotFound
from chalicelib.incidents import own
from chalicelib.observability import correlation_id, logger
from chalicelib.observability import count as measure
from chalicelib.schedules import models, planning

# What a caller waits for; the rest is the sweeper's.
INLINE_S: Final = 5.0
# With the schedule itself, what one transaction takes.
MOST_AT_ONCE: Final = 99
PER_STAGE: Final = 100
MAX_REASON: Final = 300


class DeletedSchedule(Struct, frozen=True):
    """How many records of attendance went with a schedule."""

    deleted_attendance: int


def delete(
    schedule_id: str, actor: str, now: datetime, *, monotonic: Callable[[], float] = time.monotonic
) -> DeletedSchedule:
    """Delete a schedule with its attendance; some rows may be removed after this returns, unseen by anyone.

    Raises ScheduleNotFound, also for the second of two at once, and ScheduleNotDeleted, which says what stopped it and
    where that leaves the schedule. Whatever stops it is an incident, also where the schedule is gone for everybody and
    its attendance is counted, so that the caller has an answer all the same.
    """
    operation, until = uuid.uuid4().hex, monotonic() + INLINE_S
    title: str | None = None
    attendance: int | None = None
    try:
        title = planning.existing(schedule_id).title
        _hide(schedule_id, operation, title, actor, now)
        students = models.marked_students(schedule_id, PER_STAGE)
        attendance = len(students) if len(students) < PER_STAGE else models.count_attendance(schedule_id)
        _remove(schedule_id, operation, students, until, monotonic)
    except ScheduleNotFound:
        raise
    except Exception as error:  # whatever it is, whoever asked for the delete is told of it
        where = "Nothing was changed; delete it again." if title is None else _whereabouts(schedule_id)
        incident_id = tell(
            error,
            {"schedule_id": schedule_id, "title": title, "actor": actor, "state": where},
            event=operation,
            now=now,
            actor_type="admin",
            user_id=actor,
            http_status=ScheduleNotDeleted.status if attendance is None else 200,
        )
        if attendance is None:
            told = f"This is incident {incident_id}." if incident_id else "This could not be noted as an incident."
            raise ScheduleNotDeleted(f"The delete was stopped by {_reason(error)}. {where} {told}") from error
    return DeletedSchedule(attendance)


def finish(schedule_id: str, operation: str, until: float, monotonic: Callable[[], float]) -> None:
    """Remove what is left of a schedule that is hidden, its own row last; stops soon after `until`. Safe to repeat."""
    _remove(schedule_id, operation, models.marked_students(schedule_id, PER_STAGE), until, monotonic)


def tell(error: Exception, description: dict[str, Any], *, event: str, now: datetime, **fields: Any) -> str | None:
    """Report to the hub that a delete was stopped; returns the incident's id, None where the hub does not take it.

    `event` names the try at the delete, which counts once. Counts `ScheduleDeletesFailed`.
    """
    measure("ScheduleDeletesFailed")
    logger.error("deleting a schedule was stopped", exc_info=error, incident=description)
    cause = _cause(error)
    return own.tell(
        "schedule_delete_failed",
        {"error_message": _reason(error), **description},
        event=f"schedule_delete\x00{event}",
        correlation_id=correlation_id(),
        now=now,
        endpoint="DELETE /schedules/{id}",
        response_data=cause.response if isinstance(cause, ClientError) else None,
        stack_trace="".join(traceback.format_exception(error)),
        **fields,
    )


def _hide(schedule_id: str, operation: str, title: str, actor: str, now: datetime) -> None:
    change = {"operation": operation, "title": title}
    audit = models.audit(schedule_id, actor, "delete", now, correlation_id=correlation_id(), change=change)
    if not models.begin_delete(schedule_id, operation, audit, now):
        raise planning.not_found()


def _remove(
    schedule_id: str, operation: str, students: Sequence[str], until: float, monotonic: Callable[[], float]
) -> None:
    if len(students) <= MOST_AT_ONCE:
        try:
            models.remove_whole(schedule_id, operation, students)
        except Busy:
            logger.warning("a delete goes on in stages", schedule_id=schedule_id)
        else:
            return
    while students:
        models.remove_attendance(schedule_id, students)
        if monotonic() >= until:
            logger.info("a delete is left to a sweep", schedule_id=schedule_id)
            return
        students = models.marked_students(schedule_id, PER_STAGE)
    models.remove(schedule_id, operation)


def _whereabouts(schedule_id: str) -> str:
    """What became of a schedule whose delete was stopped, and what to do about it."""
    try:
        schedule = models.find(schedule_id)
    except Exception:  # noqa: BLE001  # whatever it is, the caller hears what stopped the delete
        logger.exception("a schedule whose delete was stopped cannot be read", schedule_id=schedule_id)
        return "Whether it is still there could not be read; look at it before you delete it again."
    if schedule is None:
        return "It is gone with its attendance; there is nothing left to do."
    if schedule.deleting is None:
        return "It is still there with all of its attendance; delete it again."
    return "It is hidden from everybody already, and is removed within minutes; there is nothing left to do."


def _reason(error: Exception) -> str:
    cause = _cause(error)
    words = cause.reason if isinstance(cause, Busy) else str(cause)
    return f"{type(cause).__name__}: {words}"[:MAX_REASON].rstrip(".")


def _cause(error: Exception) -> BaseException:
    """What AWS said, or why it could not be reached, which is beneath what was made of it; else the error itself."""
    cause: BaseException = error
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, Busy | BotoCoreError | ClientError):
            cause = link
        link = link.__cause__ or link.__context__
    return cause
