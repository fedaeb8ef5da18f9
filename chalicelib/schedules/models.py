"""The schedules table: its rows, and every DynamoDB expression of the area.

pk / sk                            holds
SCH#<id> / #META                   Schedule: the schedule itself; a delete removes it last
SCH#<id> / ATT#<student id>        Attendance: how one student was marked
SCH#<id> / L#<at>#<id>             Audit: what was done to the schedule, by whom; outlives it
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pynamodb.attributes import Attribute, JSONAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.clock import rfc3339
from chalicelib.config import config
from chalicelib.dynamodb import Connection, RawRow, committed, delete_rows, deleted, find_row, patiently, read_rows
from chalicelib.rows import AuditRow, FirstIndex, KeysOnly, SecondIndex, TwiceIndexed

if TYPE_CHECKING:
    from pynamodb.expressions.update import Action

SCHEDULES: Final = "SCHEDULES"
DELETING: Final = "DELETING"
_SCHEDULE_ID: Final = re.compile(r"[0-9a-f]{32}")
# Whoever marks a student checks the same row, so those who mark at once are in each other's way, and in a delete's.
MARK_TRIES: Final = 8


class ByStart(FirstIndex):  # type: ignore[no-untyped-call]  # PynamoDB left this untyped
    class Meta(KeysOnly):
        index_name = "by_start"


class ByDeleting(SecondIndex):  # type: ignore[no-untyped-call]  # as above
    class Meta(KeysOnly):
        index_name = "by_deleting"


class Row(TwiceIndexed):
    """What every row of the table has; also what its indexes return."""

    class Meta(Connection):
        table_name = config().resource("schedules")

    by_start = ByStart()
    by_deleting = ByDeleting()


table = Row.table
table()


class Schedule(Row):
    """A schedule. It is in one of the two indexes: by its start, or once it is `deleting` by when that began.

    `deleting` names the delete that hid it, for good; `correlation_id` is of what was done to it last.
    """

    title = UnicodeAttribute()
    starts_at = UnicodeAttribute()
    ends_at = UnicodeAttribute()
    timezone = UnicodeAttribute()
    context: Attribute[Any] = JSONAttribute(null=True)
    correlation_id = UnicodeAttribute()
    created_at = UnicodeAttribute()
    deleting = UnicodeAttribute(null=True)
    deleting_at = UnicodeAttribute(null=True)
    deleted_by = UnicodeAttribute(null=True)

    @property
    def schedule_id(self) -> str:
        return self.pk.removeprefix("SCH#")


class Attendance(Row):
    status = UnicodeAttribute()
    note = UnicodeAttribute(null=True)
    marked_by = UnicodeAttribute()
    marked_at = UnicodeAttribute()
    correlation_id = UnicodeAttribute()

    @property
    def student_id(self) -> str:
        return self.sk.removeprefix("ATT#")


class Audit(Row, AuditRow):
    pass


def is_schedule_id(text: str) -> bool:
    """Whether an id has the form of a schedule's; others are in no row, and may be too long for a key."""
    return _SCHEDULE_ID.fullmatch(text) is not None


def schedule_key(schedule_id: str) -> str:
    return f"SCH#{schedule_id}"


def new(
    schedule_id: str,
    *,
    title: str,
    starts_at: str,
    ends_at: str,
    timezone: str,
    context: object,
    correlation_id: str,
    now: datetime,
) -> Schedule:
    """A schedule, not written yet."""
    return Schedule(
        schedule_key(schedule_id),
        "#META",
        g1p=SCHEDULES,
        g1s=f"{starts_at}#{schedule_id}",
        title=title,
        starts_at=starts_at,
        ends_at=ends_at,
        timezone=timezone,
        context=context,
        correlation_id=correlation_id,
        created_at=rfc3339(now),
    )


def mark(
    schedule_id: str,
    student_id: str,
    *,
    status: str,
    note: str | None,
    marked_by: str,
    correlation_id: str,
    now: datetime,
) -> Attendance:
    """How a student was marked, not written yet."""
    return Attendance(
        schedule_key(schedule_id),
        f"ATT#{student_id}",
        status=status,
        note=note,
        marked_by=marked_by,
        marked_at=rfc3339(now),
        correlation_id=correlation_id,
    )


def audit(schedule_id: str, actor: str, action: str, now: datetime, *, correlation_id: str, change: object) -> Audit:
    """The audit row of what was done to a schedule."""
    return Audit.of(schedule_key(schedule_id), actor, action, now, correlation_id=correlation_id, change=change)


# -- writing: each returns whether it was done, having written nothing where it was not --------------------------------


def insert(schedule: Schedule, audit: Audit) -> bool:
    """Write a schedule, unless there is one of its id."""

    def fill(transaction: TransactWrite) -> None:
        transaction.save(schedule, condition=Schedule.pk.does_not_exist())
        transaction.save(audit)

    return committed(table(), fill)


def save_marks(schedule_id: str, marks: Sequence[Attendance]) -> bool:
    """Write how up to 99 students were marked, all or none, unless the schedule is gone or going."""

    def fill(transaction: TransactWrite) -> None:
        transaction.condition_check(Schedule, schedule_key(schedule_id), "#META", condition=_present())
        for each in marks:
            transaction.save(each)

    return committed(table(), fill, tries=MARK_TRIES)


# -- deleting ---------------------------------------------------------------------------------------------------------


def begin_delete(schedule_id: str, operation: str, audit: Audit, now: datetime) -> bool:
    """Hide a schedule from every reader and writer for good, unless it is gone, or hidden already.

    The commit point of a delete: no attendance is written after it.
    """
    actions: list[Action] = [
        Schedule.deleting.set(operation),
        Schedule.deleting_at.set(rfc3339(now)),
        Schedule.deleted_by.set(audit.actor),
        Schedule.correlation_id.set(audit.correlation_id),
        Schedule.g1p.remove(),
        Schedule.g1s.remove(),
        Schedule.g2p.set(DELETING),
        Schedule.g2s.set(f"{rfc3339(now)}#{schedule_id}"),
    ]

    def fill(transaction: TransactWrite) -> None:
        transaction.save(audit)
        transaction.update(_meta(schedule_id), actions, condition=_present())

    return committed(table(), fill, tries=MARK_TRIES)


def remove_whole(schedule_id: str, operation: str, students: Sequence[str]) -> bool:
    """Remove a hidden schedule and all of its attendance, up to 99 rows, at once, unless it is gone."""

    def fill(transaction: TransactWrite) -> None:
        for student_id in students:
            transaction.delete(Row(schedule_key(schedule_id), f"ATT#{student_id}"))
        transaction.delete(_meta(schedule_id), condition=Schedule.deleting == operation)

    return committed(table(), fill)


def remove_attendance(schedule_id: str, students: Sequence[str]) -> None:
    """Remove attendance of a hidden schedule. Safe to repeat."""
    delete_rows(table(), [(schedule_key(schedule_id), f"ATT#{student_id}") for student_id in students])


def remove(schedule_id: str, operation: str) -> bool:
    """Remove a hidden schedule whose attendance is gone, unless it is gone, too."""
    return deleted(_meta(schedule_id), Schedule.deleting == operation)


def _present() -> Condition:
    present: Condition = Schedule.pk.exists() & Schedule.deleting.does_not_exist()
    return present


def _meta(schedule_id: str) -> Schedule:
    return Schedule(schedule_key(schedule_id), "#META")


# -- reading ----------------------------------------------------------------------------------------------------------


def find(schedule_id: str) -> Schedule | None:
    """A schedule as it is now, one that is being deleted too."""
    return find_row(Schedule, schedule_key(schedule_id), "#META")


def find_many(schedule_ids: Sequence[str]) -> dict[str, Schedule]:
    """Schedules by their ids, as they are now, those that are being deleted too."""
    found = read_rows(table(), [(schedule_key(each), "#META") for each in schedule_ids], consistent=True)
    schedules = [Schedule.from_raw_data(row) for row in found.values()]
    return {schedule.schedule_id: schedule for schedule in schedules}


def positions(before: str | None, most: int) -> list[str]:
    """Index positions (`<starts at>#<id>`), the latest start first, from below `before`. One query."""
    condition = None if before is None else ByStart.g1s < before
    found = patiently(lambda: list(Row.by_start.query(SCHEDULES, condition, scan_index_forward=False, limit=most)))
    return [str(row.g1s) for row in found]


def hidden_positions(after: str, before: str, most: int) -> list[str]:
    """Index positions (`<hidden at>#<id>`) of schedules that are being deleted, the oldest first. One query."""
    # Nothing lies between a position and itself with a space.
    condition = ByDeleting.g2s.between(after + " ", before)
    found = patiently(lambda: list(Row.by_deleting.query(DELETING, condition, limit=most)))
    return [str(row.g2s) for row in found]


def attendance(schedule_id: str, after: str | None, most: int) -> list[Attendance]:
    """How students were marked, in the order of their ids, from above the id `after`. One query."""
    condition = _students(after)
    return patiently(
        lambda: list(Attendance.query(schedule_key(schedule_id), condition, consistent_read=True, limit=most))
    )


def marked_students(schedule_id: str, most: int) -> list[str]:
    """The ids of the first students that are marked. One query, which moves no notes."""
    found = patiently(
        lambda: table().query(
            schedule_key(schedule_id),
            range_key_condition=_students(None),
            attributes_to_get=["sk"],
            consistent_read=True,
            limit=most,
        )
    )
    return [row["sk"]["S"].removeprefix("ATT#") for row in found["Items"]]


def count_attendance(schedule_id: str) -> int:
    """How many students are marked. A query a megabyte of rows."""
    total, start = 0, None

    def next_page() -> RawRow:
        return table().query(
            schedule_key(schedule_id),
            range_key_condition=_students(None),
            consistent_read=True,
            exclusive_start_key=start,
            select="COUNT",
        )

    while True:
        page = patiently(next_page)
        total, start = total + int(page["Count"]), page.get("LastEvaluatedKey")
        if not start:
            return total


def _students(after: str | None) -> Condition:
    # "$" follows "#", and nothing lies between an id and itself with a space.
    between: Condition = Attendance.sk.between("ATT#" if after is None else f"ATT#{after} ", "ATT$")
    return between
