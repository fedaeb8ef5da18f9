"""Definitions: the tasks that operators make and change. A task is made with exactly one instance."""

import uuid
from datetime import date, datetime, time
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType, field, json

from chalicelib import zones
from chalicelib.clock import Time, parse, rfc3339
from chalicelib.errors import InvalidRequest, TaskNotFound, Unavailable
from chalicelib.fields import LocalTime, Zone
from chalicelib.observability import correlation_id
from chalicelib.storable import bounded
from chalicelib.tasks import cursor, instances, models, recurrence
from chalicelib.tasks.cursor import Gap, Reason, Step
from chalicelib.tasks.instances import InstanceView
from chalicelib.tasks.models import Cursor, Skipped, Task
from chalicelib.tasks.recurrence import BadRule, Recurrence

ROUNDS: Final = 5
MAX_PAYLOAD_BYTES: Final = 8 * 1024
EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)
MAX_SKIPPED_SHOWN: Final = 100

Title = Annotated[str, Meta(min_length=1, max_length=200)]
Rule = Annotated[
    str,
    Meta(
        max_length=500,
        description="`none`, `daily`, `weekly`, or an RFC 5545 RRULE whose FREQ is DAILY, WEEKLY, MONTHLY or YEARLY.",
        examples=["daily", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=MONTHLY;BYDAY=-1FR"],
    ),
]


class NewTask(Struct, frozen=True, forbid_unknown_fields=True):
    """A task to be made. `start_date`, where left out today in the task's zone, is always its first instance."""

    title: Title
    local_time: LocalTime = "00:00"
    recurrence: Rule = "none"
    timezone: Zone = "UTC"
    start_date: date | None = None
    end_date: date | None = None
    payload: dict[str, Any] = field(default_factory=dict)


class TaskChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change of a task: what is absent stays as it is. Instances that were made stay as they are."""

    title: Title | UnsetType = UNSET
    payload: dict[str, Any] | UnsetType = UNSET
    paused: bool | UnsetType = UNSET
    end_date: date | UnsetType | None = UNSET


class TaskView(Struct, frozen=True):
    """A task. `next_date` is that of the next instance, null where none follows."""

    task_id: str
    title: str
    local_time: LocalTime
    recurrence: Rule
    timezone: Zone
    start_date: date
    end_date: date | None
    paused: bool
    payload: dict[str, Any]
    created_at: Time
    next_date: date | None


class MadeTask(TaskView, frozen=True):
    """A task that was just made, and its one instance."""

    instances: list[InstanceView]


class SkippedDates(Struct, frozen=True):
    """Dates for which no instance was made: those of the task from `first_date` to `last_date`.

    They were `missed` by a scheduler that did not run, do not exist in the task's zone (`nonexistent`), or passed while
    the task was `paused`, `ended`, or not there yet (`before_creation`).
    """

    first_date: date
    last_date: date
    reason: Reason
    noted_at: Time


class TaskDetail(TaskView, frozen=True):
    """One task, with the dates that were passed over, the newest first."""

    skipped: list[SkippedDates]


def make(new: NewTask, actor: str, now: datetime, task_id: str | None = None) -> MadeTask:
    """Make a task with its first instance, in one transaction. Raises InvalidRequest.

    Where there is one of that id already, it was made by the same request, and is what is returned.
    """
    payload = bounded("payload", new.payload, MAX_PAYLOAD_BYTES)
    start = _start(new, now)
    if new.end_date is not None and new.end_date < start:
        raise InvalidRequest.of("end_date", f"must not lie before the start date, {start}")
    try:
        rule = recurrence.read(new.recurrence, start, new.timezone, time.fromisoformat(new.local_time))
    except BadRule as error:
        raise InvalidRequest.of("recurrence", str(error)) from error
    # What passed before the task was there is no gap of the scheduler's.
    step = cursor.forward(rule, recurrence.following(rule, start), new.end_date, now, "before_creation")
    task_id, created_at = task_id or uuid.uuid4().hex, rfc3339(now)
    task = Task(
        models.task_key(task_id),
        "META",
        title=new.title,
        payload=payload,
        recurrence=new.recurrence,
        rule=rule.rule,
        until=_text(rule.last),
        zone=rule.zone,
        at=new.local_time,
        start=_text(start),
        end=_text(new.end_date),
        next_date=_text(step.next_date),
        created_at=created_at,
        **models.due_key(task_id, step.due_at),
        **models.list_key(task_id, created_at),
    )
    first = models.instance(task, start, now)
    audit = models.audit(task.pk, actor, "make", now, correlation_id=correlation_id())
    if not models.insert(task, [first, audit, *passed(task, step.gaps, now)]):
        task = existing(task_id)
        first = models.instance(task, start, parse(task.created_at))
    return MadeTask(**_facts(task), instances=[instances.show(first)])


def change(task_id: str, change: TaskChange, actor: str, now: datetime) -> TaskView:
    """Change a task. Raises TaskNotFound, InvalidRequest, and Unavailable while others keep changing it.

    One that goes on after a pause, or after its end was moved, goes on today: what passed meanwhile is not made.
    """
    for _ in range(ROUNDS):
        task = existing(task_id)
        values = _values(task, change)
        if not values:
            return TaskView(**_facts(task))
        step = _step(task, values, now)
        moved = Cursor(step.next_date, step.due_at)
        audit = models.audit(task.pk, actor, "change", now, correlation_id=correlation_id(), change=values)
        if models.change(task, values, moved, [audit, *passed(task, step.gaps, now)]):
            for name, value in {**values, "next_date": _text(step.next_date)}.items():
                setattr(task, name, value)
            return TaskView(**_facts(task))
    raise Unavailable("The task is being changed by others; try again.")


def show(task_id: str) -> TaskDetail:
    """One task, with the dates that were passed over. Raises TaskNotFound."""
    task = existing(task_id)
    skipped = [
        SkippedDates(date.fromisoformat(each.first), date.fromisoformat(each.last), each.reason, each.at)  # type: ignore[arg-type]  # written as a Reason
        for each in models.find_skipped(task_id, MAX_SKIPPED_SHOWN)
    ]
    return TaskDetail(**_facts(task), skipped=skipped)


def view(task: Task) -> TaskView:
    """A task as it is listed."""
    return TaskView(**_facts(task))


def existing(task_id: str) -> Task:
    """The task. Raises TaskNotFound, also for one that is being deleted."""
    task = models.find(task_id) if models.is_task_id(task_id) else None
    if task is None or task.deleting:
        raise TaskNotFound("There is no task with this id; it may have been deleted.")
    return task


def rule_of(task: Task) -> Recurrence:
    """When a task recurs."""
    return Recurrence(
        rule=task.rule,
        start=date.fromisoformat(task.start),
        zone=task.zone,
        at=time.fromisoformat(task.at),
        last=_date(task.until),
    )


def next_date(task: Task) -> date | None:
    """A task's cursor."""
    return _date(task.next_date)


def end_date(task: Task) -> date | None:
    """The last date that a task may have an instance for, if there is one."""
    return _date(task.end)


def passed(task: Task, gaps: tuple[Gap, ...], now: datetime) -> list[Skipped]:
    """The rows that say which dates were passed over, not written yet."""
    return [models.skipped(task, each.first, each.last, each.reason, now) for each in gaps]


def _start(new: NewTask, now: datetime) -> date:
    try:
        start = new.start_date or recurrence.today(new.timezone, now)
        there = recurrence.exists(new.timezone, start) if EARLIEST <= start <= LATEST else False
    except zones.UnknownZone as error:
        raise InvalidRequest.of("timezone", str(error)) from error
    if not EARLIEST <= start <= LATEST:
        raise InvalidRequest.of("start_date", f"must lie between {EARLIEST} and {LATEST}")
    if not there:
        raise InvalidRequest.of("start_date", f"does not exist in {new.timezone}, which skipped that date")
    return start


def _values(task: Task, change: TaskChange) -> dict[str, Any]:
    """The attributes that a change gives other values than the task has."""
    wanted: dict[str, Any] = {}
    if change.title is not UNSET:
        wanted["title"] = change.title
    if change.payload is not UNSET:
        wanted["payload"] = bounded("payload", change.payload, MAX_PAYLOAD_BYTES)
    if change.paused is not UNSET:
        wanted["paused"] = change.paused
    if change.end_date is not UNSET:
        start = date.fromisoformat(task.start)
        if change.end_date is not None and change.end_date < start:
            raise InvalidRequest.of("end_date", f"must not lie before the start date, {start}")
        wanted["end"] = _text(change.end_date)
    # As JSON, to which 1 and true are two things.
    return {name: value for name, value in wanted.items() if json.encode(value) != json.encode(getattr(task, name))}


def _step(task: Task, values: dict[str, Any], now: datetime) -> Step:
    """Where a change leaves the cursor."""
    rule, at, end = rule_of(task), next_date(task), _date(values.get("end", task.end))
    ended = at is not None and task.end is not None and at.isoformat() > task.end
    if values.get("paused", task.paused):
        return Step(None, (), at, None)
    if task.paused or ended:
        return cursor.forward(rule, at, end, now, "paused" if task.paused else "ended")
    # What the scheduled function was about to make, or to find missed, stays its own to judge.
    over = at is not None and end is not None and at > end
    return Step(None, (), at, None if over else task.due_at)


def _facts(task: Task) -> dict[str, Any]:
    over = task.end is not None and task.next_date is not None and task.next_date > task.end
    return {
        "task_id": task.task_id,
        "title": task.title,
        "local_time": task.at,
        "recurrence": task.recurrence,
        "timezone": task.zone,
        "start_date": date.fromisoformat(task.start),
        "end_date": end_date(task),
        "paused": task.paused,
        "payload": task.payload or {},
        "created_at": task.created_at,
        "next_date": None if over else next_date(task),
    }


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
