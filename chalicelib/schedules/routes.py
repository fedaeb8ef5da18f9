"""`/schedules`: admins plan them, mark who was there, and delete them with all that hangs on them."""

from chalice.app import Blueprint

from chalicelib import clock, idempotency
from chalicelib.errors import InvalidCursor, ScheduleNotDeleted, ScheduleNotFound
from chalicelib.identity import Identity, admin
from chalicelib.operations import operation
from chalicelib.paging import Page, PageQuery
from chalicelib.schedules import attendance, deleting, planning
from chalicelib.schedules.attendance import AttendanceRecord, AttendanceRecords, Mark, RollCall
from chalicelib.schedules.deleting import DeletedSchedule
from chalicelib.schedules.planning import NewSchedule, ScheduleView

schedules = Blueprint(__name__)


@schedules.route("/schedules", methods=["POST"])
@operation(admin, status=201, idempotent=True)
def make_schedule(identity: Identity, body: NewSchedule) -> ScheduleView:
    return planning.make(body, identity.subject, clock.now(), idempotency.id_for(identity.subject))


@schedules.route("/schedules", methods=["GET"])
@operation(admin, raises=[InvalidCursor])
def list_schedules(_: Identity, query: PageQuery) -> Page[ScheduleView]:
    """The latest `starts_at` first."""
    return planning.page(query)


@schedules.route("/schedules/{schedule_id}", methods=["GET"])
@operation(admin, raises=[ScheduleNotFound])
def get_schedule(_: Identity, schedule_id: str) -> ScheduleView:
    return planning.show(planning.existing(schedule_id))


@schedules.route("/schedules/{schedule_id}", methods=["DELETE"])
@operation(admin, raises=[ScheduleNotFound, ScheduleNotDeleted])
def delete_schedule(identity: Identity, schedule_id: str) -> DeletedSchedule:
    """With its attendance, all or nothing to any reader, at any number of records."""
    return deleting.delete(schedule_id, identity.subject, clock.now())


@schedules.route("/schedules/{schedule_id}/attendance", methods=["GET"])
@operation(admin, raises=[InvalidCursor, ScheduleNotFound])
def list_attendance(_: Identity, schedule_id: str, query: PageQuery) -> Page[AttendanceRecord]:
    """In the order of the students' ids."""
    return attendance.page(schedule_id, query)


@schedules.route("/schedules/{schedule_id}/attendance", methods=["PUT"])
@operation(admin, raises=[ScheduleNotFound])
def call_roll(identity: Identity, schedule_id: str, body: RollCall) -> AttendanceRecords:
    """Mark up to 99 students, all or nothing."""
    return attendance.call_roll(schedule_id, body, identity.subject, clock.now())


@schedules.route("/schedules/{schedule_id}/attendance/{student_id}", methods=["PUT"])
@operation(admin, raises=[ScheduleNotFound])
def mark_student(identity: Identity, schedule_id: str, student_id: str, body: Mark) -> AttendanceRecord:
    """One student; marked again, the new mark replaces the old one. An id of A-Z a-z 0-9 _ . : @ - takes 1 to 128."""
    return attendance.mark(schedule_id, student_id, body, identity.subject, clock.now())
