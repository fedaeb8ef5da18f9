"""Instances: what is to be done on a date, listed by task and by date, and marked as done."""

import heapq
from datetime import date, datetime
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from chalicelib import paging
from chalicelib.clock import Time, rfc3339
from chalicelib.errors import Conflict, InstanceNotFound, Unavailable
from chalicelib.observability import correlation_id
from chalicelib.tasks import models
from chalicelib.tasks.models import DAY_SHARDS, Instance

ROUNDS: Final = 5


class InstanceView(Struct, frozen=True):
    """One date's instance of a task, with the task's title and payload as they were when it was made."""

    instance_id: str
    task_id: str
    date: date
    title: str
    payload: dict[str, Any]
    done: bool
    done_at: Time | None
    created_at: Time


class InstanceChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change of an instance."""

    done: bool


class DayQuery(Struct, frozen=True):
    """Which date, local to each task, and which page of its instances."""

    date: Annotated[date, Meta(description="As in 2026-01-25.")]
    limit: paging.Limit = paging.DEFAULT_LIMIT
    cursor: paging.Cursor | None = None


def page_of_task(task_id: str, limit: int, cursor: str | None) -> paging.Page[InstanceView]:
    """A page of a task's instances, the latest date first. Raises InvalidCursor."""
    scope = paging.scope("instances", {"task_id": task_id})
    found = models.instances(task_id, paging.position(scope, cursor), limit + 1)
    items = [show(each) for each in found[:limit]]
    return paging.Page(items, paging.cursor(scope, found[limit - 1].date) if len(found) > limit else None)


def page_of_day(query: DayQuery) -> paging.Page[InstanceView]:
    """A page of all tasks' instances of a date, in the order of their local times. Raises InvalidCursor."""
    day = query.date.isoformat()
    scope = paging.scope("instances", {"date": day})
    after, until = paging.position(scope, query.cursor) or f"{day}#", f"{day}#~"
    shards = [models.day_positions(shard, after, until, query.limit + 1) for shard in range(DAY_SHARDS)]
    found = list(heapq.merge(*shards))
    examined = found[: query.limit]
    keys = [(position.rpartition("#")[2], day) for position in examined]
    rows = models.find_instances(keys)
    # One that was purged a moment ago may still be in the index.
    items = [show(rows[key]) for key in keys if key in rows]
    return paging.Page(items, paging.cursor(scope, examined[-1]) if len(found) > query.limit else None)


def mark(instance_id: str, *, done: bool, actor: str, now: datetime) -> InstanceView:
    """Mark an instance as done, or as not done. One that is so already stays as it is.

    Raises InstanceNotFound, Conflict for one whose task is gone, which stays done, and Unavailable while others keep
    changing it.
    """
    for _ in range(ROUNDS):
        key = models.instance_key(instance_id)
        found = models.find_instance(*key) if key else None
        if found is None:
            raise InstanceNotFound("There is no instance with this id; it may have been purged.")
        if found.done == done:
            return show(found)
        done_at = rfc3339(now) if done else None
        change = {"date": found.date, "done": done}
        subject = models.task_key(found.task_id)
        audit = models.audit(subject, actor, "mark", now, correlation_id=correlation_id(), change=change)
        if models.finish_instance(found, done_at, audit):
            found.done, found.done_at = done, done_at
            return show(found)
        if not done and not models.is_there(found.task_id):
            raise Conflict("Its task was deleted, so it stays as what was done.")
    raise Unavailable("The instance is being changed by others; try again.")


def show(found: Instance) -> InstanceView:
    """An instance as callers see it."""
    return InstanceView(
        instance_id=f"{found.task_id}-{found.date}",
        task_id=found.task_id,
        date=date.fromisoformat(found.date),
        title=found.title,
        payload=found.payload or {},
        done=found.done,
        done_at=found.done_at,
        created_at=found.created_at,
    )
