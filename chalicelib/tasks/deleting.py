"""Deleting: a task goes with its instances that are not done; those that are stay, as a record of what was done."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from chalicelib.observability import correlation_id
from chalicelib.tasks import models
from chalicelib.tasks.models import Task

# What a caller, or the other tasks of a batch, wait for; the rest goes when the scheduled function comes by.
WITHIN_S: Final = 5.0


def delete(task_id: str, actor: str, now: datetime) -> None:
    """Delete a task. Safe to repeat; nothing happens to one that is not there.

    From the first write on it is there for nobody, and none of its instances is made any more. Those not done go after
    that: what there is no time for, or a crash leaves, goes when the scheduled function comes by.
    """
    task = models.find(task_id) if models.is_task_id(task_id) else None
    if task is None:
        return
    audit = models.audit(task.pk, actor, "delete", now, correlation_id=correlation_id(), change={"title": task.title})
    if task.deleting or models.begin_delete(task, audit, now):
        finish(task)


def finish(task: Task, monotonic: Callable[[], float] = time.monotonic) -> None:
    """Delete what a task that is hidden already consists of, its row last, as far as the time goes. Safe to repeat."""
    until = monotonic() + WITHIN_S
    for found in models.instances_after(task.task_id, None):
        if not found.done:
            models.drop(found)
        if monotonic() >= until:
            return
    models.drop_skipped(task.task_id)
    models.end_delete(task.task_id)
