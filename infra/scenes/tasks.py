"""Tasks: a week of a daily one, and the purge of what a wrong clock made.

Days cannot be hurried over HTTP, so the scheduler's own function runs with the clock of each day.
"""

from datetime import datetime, time, timedelta
from functools import partial
from typing import Final

from chalicelib import zones
from chalicelib.observability import metrics
from chalicelib.tasks import definitions, deleting, instances, listing, purging, scheduling
from chalicelib.tasks.definitions import MadeTask, NewTask
from chalicelib.tasks.instances import InstanceView
from chalicelib.tasks.purging import PurgeRequest
from infra.scenes import Scene, walk

ZONE: Final = "Europe/Berlin"
DAYS: Final = 7
NOT_DONE: Final = 2
TOO_EARLY: Final = 12
TRIES: Final = 3
WHO: Final = "ada@school.example"
OURS: Final = {"told_by": "make demo"}


def play(now: datetime) -> Scene:
    """Live through a week that ends today."""
    midnights = [_midnight(now, day - DAYS + 1) for day in range(DAYS + TOO_EARLY)]
    past, future = midnights[:DAYS], midnights[DAYS:]
    # The stack's scheduler may come by with today's clock, and take the days that are left for missed.
    for _ in range(TRIES):
        _clear(now)
        task, week = _live(past)
        if len(week) == DAYS:
            break
    done = week[NOT_DONE:]
    for midnight, each in zip(past, reversed(done), strict=False):
        instances.mark(each.instance_id, done=True, actor=WHO, now=midnight + timedelta(hours=15))
    for midnight in future:
        scheduling.create_instances([task.task_id], midnight)
    found = purging.purge(PurgeRequest(task_id=task.task_id), WHO, now)
    purged = purging.purge(PurgeRequest(dry_run=False, task_id=task.task_id), WHO, now)
    metrics.clear_metrics()
    due = definitions.show(task.task_id).next_date
    return Scene(
        f"""A daily task has {len(week)} instances, each made on its day; {len(done)} are done.
Then the clock was wrong, and the scheduler ran ahead: a dry run of the purge found {found.matched} future instances.
The purge deleted {purged.deleted}; the next one is made on its day, {due}.""",
        ((f"/tasks/{task.task_id}", "the hamster's week, and when it is due next"),),
        (
            (f"/tasks/{task.task_id}/instances", "a daily task's week"),
            (f"/instances?date={week[0].date}", "what is to be done today"),
        ),
    )


def _live(midnights: list[datetime]) -> tuple[MadeTask, list[InstanceView]]:
    """Make a task on the first day, and let the scheduler run on the others; the latest instance comes first."""
    new = NewTask(title="Feed the school's hamster", recurrence="daily", timezone=ZONE, payload=OURS)
    task = definitions.make(new, WHO, midnights[0])
    for midnight in midnights[1:]:
        scheduling.create_instances([task.task_id], midnight)
    return task, instances.page_of_task(task.task_id, DAYS, None).items


def _midnight(now: datetime, days: int) -> datetime:
    """When the day that many days from today begins there."""
    zone = zones.zone(ZONE)
    return datetime.combine(now.astimezone(zone).date() + timedelta(days=days), time(), zone)


def _clear(now: datetime) -> None:
    everyone = walk(lambda cursor: listing.page(100, cursor))
    for task in [task for task in everyone if task.payload == OURS]:
        # What is done outlives its task.
        for each in walk(partial(instances.page_of_task, task.task_id, 100)):
            instances.mark(each.instance_id, done=False, actor=WHO, now=now)
        deleting.delete(task.task_id, WHO, now)
