"""Deleting: a task goes with its instances that are not done; those that are stay, as a record of what was done."""

from datetime import datetime

from chalicelib.observability import correlation_id
from chalicelib.tasks import models
from chalicelib.tasks.models import Task


def delete(task_id: str, actor: str, now: datetime) -> None:
    """Delete a task. Safe to repeat; nothing happens to one that is not there.

    No reader sees it from the first write on, and no instance is made any more. What a crash leaves of it goes when the
    scheduled function comes by.
    """
    task = models.find(task_id) if models.is_task_id(task_id) else None
    if task is None or task.deleting:
        return
    audit = models.audit(task.pk, actor, "delete", now, correlation_id=correlation_id(), change={"title": task.title})
    if models.begin_delete(task, audit, now):
        finish(task)


def finish(task: Task) -> None:
    """Delete what a task that is hidden already consists of, its row last. Safe to repeat."""
    for found in models.instances_after(task.task_id, None):
        if not found.done:
            models.drop(found)
    models.drop_skipped(task.task_id)
    models.end_delete(task.task_id)
