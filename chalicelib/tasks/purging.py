"""Purging: wrongly made future instances go, and a mistake in that can be undone.

Only what a recurring task has for dates after today, in the task's own zone, and what is not done. Copies are kept in
the very transaction that deletes.
"""

import heapq
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby, islice
from typing import Final

from msgspec import Struct

from chalicelib.errors import PurgeNotFound, Unavailable
from chalicelib.observability import correlation_id, count
from chalicelib.tasks import cursor, definitions, instances, models, recurrence
from chalicelib.tasks.instances import InstanceView
from chalicelib.tasks.models import DAY_SHARDS, PURGED_AT_ONCE, Cursor, Instance, Task

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

    Unless it is `complete`, time was up: the same request goes on. `purge_id`, where something was to be deleted, is
    what the deletion can be undone by, for 90 days.
    """

    dry_run: bool
    matched: int
    deleted: int
    items: list[InstanceView]
    purge_id: str | None
    complete: bool


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
    TaskNotFound, and Unavailable where nothing could be deleted yet.
    """
    until = clock() + WITHIN_S
    found = _of_all(now) if request.task_id is None else _of_one(definitions.existing(request.task_id), now)
    matched = deleted = 0
    first: list[Instance] = []
    purge_id, complete = None, True
    for task_id, rows in found:
        matched += len(rows)
        first = heapq.nsmallest(MOST_SHOWN, [*first, *rows], key=lambda each: (each.date, each.task_id))
        if not request.dry_run:
            if purge_id is None:
                purge_id = uuid.uuid4().hex
                models.begin_purge(purge_id, actor, now)
            try:
                deleted += _delete(task_id, rows, purge_id, actor, now)
            except Unavailable:
                # What was deleted must be told of, with the id that undoes it.
                if not deleted:
                    raise
                complete = False
        if clock() >= until or not complete:
            complete = False
            break
    count("InstancesPurged", deleted)
    return PurgeResult(request.dry_run, matched, deleted, list(map(instances.show, first)), purge_id, complete)


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
        elif models.is_there(copy.task_id):
            models.forget(copy)
            already_there += 1
        else:
            models.forget(copy)
            task_gone += 1
    return UndoneResult(purge_id, restored, already_there, task_gone, complete=True)


def _of_one(task: Task, now: datetime) -> Iterator[tuple[str, list[Instance]]]:
    """A recurring task's instances after today that are not done, by the batch, the earliest first."""
    if task.rule == "none":
        return
    today = recurrence.today(task.zone, now).isoformat()
    rows = (each for each in models.instances_after(task.task_id, today) if not each.done)
    while batch := list(islice(rows, PURGED_AT_ONCE)):
        yield task.task_id, batch


def _of_all(now: datetime) -> Iterator[tuple[str, list[Instance]]]:
    """The same of every recurring task: a batch is one task's."""
    dates: dict[str, list[str]] = {}
    # Today begins nowhere sooner than yesterday in UTC: what is dated later than that is looked at.
    after = (now - timedelta(days=1)).date().isoformat()
    for shard in range(DAY_SHARDS):
        for position in models.positions_after(shard, after):
            day, _, task_id = position.split("#")
            dates.setdefault(task_id, []).append(day)
    task_ids = list(dates)
    for start in range(0, len(task_ids), LOOKED_UP_AT_ONCE):
        tasks = models.find_many(task_ids[start : start + LOOKED_UP_AT_ONCE])
        keys = [(task_id, day) for task_id, task in tasks.items() for day in _future(task, dates[task_id], now)]
        for at in range(0, len(keys), LOOKED_UP_AT_ONCE):
            found = models.find_instances(keys[at : at + LOOKED_UP_AT_ONCE]).values()
            open_ones = sorted((each for each in found if not each.done), key=lambda each: (each.task_id, each.date))
            for task_id, group in groupby(open_ones, key=lambda each: each.task_id):
                while batch := list(islice(group, PURGED_AT_ONCE)):
                    yield task_id, batch


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
