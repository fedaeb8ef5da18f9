"""Schedules: a lesson whose roll is called, and one that is deleted with all that hangs on it."""

from datetime import datetime, timedelta
from typing import Final

from chalicelib.observability import metrics
from chalicelib.paging import PageQuery
from chalicelib.schedules import attendance, deleting, planning
from chalicelib.schedules.attendance import RollCall, StudentMark
from chalicelib.schedules.planning import NewSchedule, ScheduleView
from infra.scenes import Scene, walk

CLASS: Final = 24
SCHOOL: Final = 150
WHO: Final = "ada@school.example"
OURS: Final = {"told_by": "make demo"}


def play(now: datetime) -> Scene:
    """Hold a lesson, and cancel a school's assembly."""
    everything = walk(lambda cursor: planning.page(PageQuery(100, cursor)))
    for schedule in [schedule for schedule in everything if schedule.context == OURS]:
        deleting.delete(schedule.schedule_id, WHO, now)
    lesson = _plan("Physics 8 b", now)
    _call_roll(lesson, CLASS, now)
    assembly = _plan("Assembly of the whole school", now)
    _call_roll(assembly, SCHOOL, now)
    went = deleting.delete(assembly.schedule_id, WHO, now).deleted_attendance
    metrics.clear_metrics()
    return Scene(
        f"""A lesson's roll of {CLASS} was called.
An assembly was deleted, and its {went} attendance records went with it: all or nothing, to whoever looks.""",
        ((f"/schedules/{lesson.schedule_id}", "the lesson, and who was there"),),
        ((f"/schedules/{lesson.schedule_id}/attendance", "who was there"),),
    )


def _plan(title: str, now: datetime) -> ScheduleView:
    begin = now.replace(minute=0, second=0, microsecond=0)
    new = NewSchedule(
        title=title,
        starts_at=begin,
        ends_at=begin + timedelta(minutes=45),
        timezone="Europe/Berlin",
        context=OURS,
    )
    return planning.make(new, WHO, now)


def _call_roll(schedule: ScheduleView, students: int, now: datetime) -> None:
    """Mark every student, as many at a time as a roll call takes."""
    marks = [_mark(number) for number in range(students)]
    for first in range(0, students, attendance.MOST_RECORDS):
        roll = RollCall(marks[first : first + attendance.MOST_RECORDS])
        attendance.call_roll(schedule.schedule_id, roll, WHO, now)


def _mark(number: int) -> StudentMark:
    student_id = f"student-{number:03}"
    if number % 11 == 7:
        return StudentMark(student_id, "late", "The bus was late.")
    return StudentMark(student_id, "absent" if number % 17 == 3 else "present")
