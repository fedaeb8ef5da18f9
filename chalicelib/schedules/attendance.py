"""Attendance: who was there, as somebody marked it, one by one or by roll call.

A mark is written together with a check that its schedule is there, so that none outlives it.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, cast
from urllib.parse import unquote

import msgspec
from msgspec import Meta, Struct

from chalicelib import paging
from chalicelib.clock import Time
from chalicelib.errors import InvalidRequest
from chalicelib.observability import correlation_id
from chalicelib.schedules import models, planning
from chalicelib.schedules.models import Attendance

# With the check of the schedule, what one transaction takes.
MOST_RECORDS: Final = 99

StudentId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:@-]{1,128}(?!\n)$")]
Status = Literal["present", "absent", "late", "excused"]
Note = Annotated[str, Meta(max_length=1000)]


class Mark(Struct, frozen=True, forbid_unknown_fields=True):
    """How one student is marked."""

    status: Status
    note: Note | None = None


class StudentMark(Struct, frozen=True, forbid_unknown_fields=True):
    """How a student is marked in a roll call."""

    student_id: StudentId
    status: Status
    note: Note | None = None


class RollCall(Struct, frozen=True, forbid_unknown_fields=True):
    """How several students are marked at once, each of them once."""

    records: Annotated[list[StudentMark], Meta(min_length=1, max_length=MOST_RECORDS)]


class AttendanceRecord(Struct, frozen=True):
    """How a student was marked, by whom, and when."""

    student_id: str
    status: Status
    note: str | None
    marked_by: str
    marked_at: Time


class AttendanceRecords(Struct, frozen=True):
    """What a roll call noted, in its order."""

    records: list[AttendanceRecord]


def mark(schedule_id: str, student_id: str, mark: Mark, actor: str, now: datetime) -> AttendanceRecord:
    """Mark one student. `student_id` may be URL-encoded. Raises InvalidRequest and ScheduleNotFound."""
    try:
        plain = msgspec.convert(unquote(student_id), StudentId)
    except msgspec.ValidationError as error:
        message = "must be 1 to 128 characters of A-Z a-z 0-9 _ . : @ -"
        raise InvalidRequest.of("student_id", message) from error
    (record,) = _save(schedule_id, [StudentMark(plain, mark.status, mark.note)], actor, now)
    return record


def call_roll(schedule_id: str, roll: RollCall, actor: str, now: datetime) -> AttendanceRecords:
    """Mark several students, all or none. Raises InvalidRequest that names who is in it twice, and ScheduleNotFound."""
    times = Counter(each.student_id for each in roll.records)
    twice = [student_id for student_id, count in times.items() if count > 1]
    if twice:
        message = f"each student must be in it once, but these are in it more often: {', '.join(twice)}"
        raise InvalidRequest(f"records: {message}.", [("records", message)])
    return AttendanceRecords(_save(schedule_id, roll.records, actor, now))


def page(schedule_id: str, query: paging.PageQuery) -> paging.Page[AttendanceRecord]:
    """One page, in the order of the students' ids. Raises InvalidCursor and ScheduleNotFound."""
    scope = paging.scope("attendance", {"schedule": schedule_id})
    position = paging.position(scope, query.cursor)
    found = models.attendance(schedule_id, position, query.limit + 1) if models.is_schedule_id(schedule_id) else []
    # Only now: a delete hides the schedule before it removes the first row, so if it is there yet, none was missing.
    planning.existing(schedule_id)
    items = found[: query.limit]
    more = len(found) > len(items)
    return paging.Page([_show(each) for each in items], paging.cursor(scope, items[-1].student_id) if more else None)


def _save(schedule_id: str, marks: Sequence[StudentMark], actor: str, now: datetime) -> list[AttendanceRecord]:
    if not models.is_schedule_id(schedule_id):
        raise planning.not_found()
    rows = [
        models.mark(
            schedule_id,
            each.student_id,
            status=each.status,
            note=each.note,
            marked_by=actor,
            correlation_id=correlation_id(),
            now=now,
        )
        for each in marks
    ]
    if not models.save_marks(schedule_id, rows):
        raise planning.not_found()
    return [_show(row) for row in rows]


def _show(row: Attendance) -> AttendanceRecord:
    return AttendanceRecord(row.student_id, cast("Status", row.status), row.note, row.marked_by, row.marked_at)
