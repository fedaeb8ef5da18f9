"""Purging: wrongly made future instances go, and a mistake in that can be undone.

Only what a recurring task has for dates after today, in the task's own zone, and what is not done. Copies are kept in
the very transaction that deletes.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from msgspec import Struct

from chalicelib.errors import PurgeNotFound, Unavailable
from chalicelib.observability import correlation_id, count
from chalicelib.tasks import cursor, definitions, instances, models, recurrence
from chalicelib.tasks.instances import InstanceView
from chalicelib.tasks.models import DAY_SHARDS, PURGED_AT_ONCE, Copy, Cursor, Instance, Task

ROUNDS: Final = 5
MOST_SHOWN: Final = 100
LOOKED_UP_AT_ONCE: Final = 500
# API Gateway answers for a function that takes longer than 29 seconds.
WITHIN_S: Final = 20.0


class PurgeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What to purge: a task's future instances, or those of all recurring tasks."""

    dry_run: bool = True
    task_id: str | None = None


class PurgeResult(Struct, frozen=True):
    """What a purge found, and deleted: the first 100 of what matched, by date.

    Where less was deleted than matched, time was up: the same request goes on. `purge_id`, where something was to be
    deleted, is what the deletion can be undone by, for 90 days.
    """

    dry_run: bool
    matched: int
    deleted: int
    items: list[InstanceView]
    purge_id: str | None


class UndoneResult(Struct, frozen=True):
    """What of a purge was put back.

    The rest has an instance again (`already_there`), or no task any more (`task_gone`). Unless it is `complete`, time
    was up: the same request goes on.
    """

    purge_id: str
    restored: int
    already_there: int
    task_gone: int
    complete: bool


def purge(request: PurgeRequest, actor: str, now: datetime, clock: Callable[[], float] = time.monotonic) -> PurgeResult:
    """Delete future instances, or only find them.

    A task's cursor moves back to the first occurrence of what is deleted, so that it is made on its day. Raises
    TaskNotFound, and Unavailable while others keep changing a task.
    """
    until = clock() + WITHIN_S
    if request.task_id is None:
        found = list(_of_all(now))
    else:
        task = definitions.existing(request.task_id)
        found = [(task, _of_one(task, now))]
    matched = sorted((each for _, rows in found for each in rows), key=lambda each: (each.date, each.task_id))
    items = [instances.show(each) for each in matched[:MOST_SHOWN]]
    if request.dry_run or not matched:
        return PurgeResult(request.dry_run, len(matched), 0, items, None)
    purge_id, deleted = uuid.uuid4().hex, 0
    models.begin_purge(purge_id, actor, now)
    for task, rows in found:
        for start in range(0, len(rows), PURGED_AT_ONCE):
            if clock() < until:
                deleted += _delete(task.task_id, rows[start : start + PURGED_AT_ONCE], purge_id, actor, now)
    count("InstancesPurged", deleted)
    return PurgeResult(request.dry_run, len(matched), deleted, items, purge_id)


def undo(purge_id: str, actor: str, now: datetime, clock: Callable[[], float] = time.monotonic) -> UndoneResult:
    """Put back what a purge deleted. Safe to repeat. Raises PurgeNotFound."""
    until = clock() + WITHIN_S
    known = models.find_purge(purge_id) if models.is_task_id(purge_id) else None
    if known is None or known.ttl <= now.timestamp():
        raise PurgeNotFound("There is no purge with this id; it can be undone for 90 days.")
    models.note(models.audit(known.pk, actor, "undo", now, correlation_id=correlation_id()))
    restored = already_there = task_gone = 0
    for copy in models.copies(purge_id):
        if clock() >= until:
            return UndoneResult(purge_id, restored, already_there, task_gone, complete=False)
        if models.restore(copy):
            restored += 1
        elif _is_there(copy):
            models.forget(copy)
            already_there += 1
        else:
            task_gone += 1
    return UndoneResult(purge_id, restored, already_there, task_gone, complete=True)


def _of_one(task: Task, now: datetime) -> list[Instance]:
    """A recurring task's instances after today that are not done, the earliest first."""
    if task.rule == "none":
        return []
    today = recurrence.today(task.zone, now).isoformat()
    return [each for each in models.instances_after(task.task_id, today) if not each.done]


def _of_all(now: datetime) -> Iterator[tuple[Task, list[Instance]]]:
    """The same of every recurring task that has any."""
    dates: dict[str, list[str]] = {}
    # Today ends nowhere sooner than it began in UTC: what is dated later than yesterday is looked at.
    after = (now - timedelta(days=1)).date().isoformat()
    for shard in range(DAY_SHARDS):
        for position in models.positions_after(shard, after):
            day, _, task_id = position.split("#")
            dates.setdefault(task_id, []).append(day)
    task_ids = list(dates)
    for start in range(0, len(task_ids), LOOKED_UP_AT_ONCE):
        tasks = models.find_many(task_ids[start : start + LOOKED_UP_AT_ONCE])
        keys = [(task_id, day) for task_id, task in tasks.items() for day in _future(task, dates[task_id], now)]
        rows: dict[str, list[Instance]] = {}
        for _, each in sorted(models.find_instances(keys).items()):
            if not each.done:
                rows.setdefault(each.task_id, []).append(each)
        yield from ((tasks[task_id], found) for task_id, found in rows.items())


def _future(task: Task, days: list[str], now: datetime) -> list[str]:
    """Which dates of a recurring task lie after today."""
    if task.deleting or task.rule == "none":
        return []
    today = recurrence.today(task.zone, now).isoformat()
    return [day for day in days if day > today]


def _delete(task_id: str, rows: list[Instance], purge_id: str, actor: str, now: datetime) -> int:
    """Delete a few instances of a task and move its cursor back; returns how many there were left to delete."""
    for _ in range(ROUNDS):
        task = models.find(task_id)
        if task is None or task.deleting:
            return 0
        copies = [models.copy(each, purge_id, now) for each in rows]
        days = {"purge_id": purge_id, "first": rows[0].date, "last": rows[-1].date, "instances": len(rows)}
        audit = models.audit(task.pk, actor, "purge", now, correlation_id=correlation_id(), change=days)
        audit.sk += f"#{rows[0].date}"  # a request may make several of one task's, at the same moment
        if models.purge(task, _moved_back(task, date.fromisoformat(rows[0].date), now), rows, copies, audit):
            return len(rows)
        still = models.find_instances((each.task_id, each.date) for each in rows)
        rows = [still[key] for key in sorted(still) if not still[key].done]
        if not rows:
            return 0
    raise Unavailable("The task is being changed by others; try again.")


def _moved_back(task: Task, earliest: date, now: datetime) -> Cursor:
    """Where the cursor goes when what a task has from `earliest` on is deleted."""
    rule, at = definitions.rule_of(task), definitions.next_date(task)
    back = recurrence.following(rule, earliest - timedelta(days=1))
    if back is None or (at is not None and at <= back):
        return Cursor(at, task.due_at)
    step = cursor.forward(rule, back, definitions.end_date(task), now, "missed")
    return Cursor(step.next_date, None if task.paused else step.due_at)


def _is_there(copy: Copy) -> bool:
    task = models.find(copy.task_id)
    return task is not None and not task.deleting
