"""Scheduling: the only maker of instances after a task's first.

Once a minute the tasks that are due are found and handed over in batches; for each, one transaction makes its instance
and moves its cursor. Whatever runs twice, late, at once or is cut off: the cursor that was read is the condition, and
the instance's key is its date, so that there is one instance per date, and both are written or neither. What is left
undone is still due, and found again a minute later.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import queues
from chalicelib.dynamodb import Busy
from chalicelib.incidents import own
from chalicelib.observability import correlation_id, count, logger
from chalicelib.queues import NotSent
from chalicelib.tasks import cursor, definitions, deleting, heartbeat, models
from chalicelib.tasks.models import DUE_SHARDS, Cursor, Task

QUEUE: Final = "due-tasks"
BATCH: Final = 25
MOST_OF_A_SHARD: Final = 10_000
ROUNDS: Final = 10


def create_due_instances(now: datetime) -> None:
    """Make what is due, if a batch holds it; else hand it over to `create_instances` by the queue.

    While the queue holds tasks that were handed over before, nothing is: they would only be handed over twice.
    Raises Busy, having noted nothing of this run: one that finds nothing out has not run.
    """
    due = sorted(position for shard in range(DUE_SHARDS) for position in models.due(shard, now, MOST_OF_A_SHARD))
    task_ids = [position.rpartition("#")[2] for position in due]
    if len(task_ids) <= BATCH:
        create_instances(task_ids, now)
    else:
        _hand_over(task_ids)
    heartbeat.beat(now, due[0].rpartition("#")[0] if due else None)


def take(body: str, now: datetime) -> None:
    """Make what a message hands over. Raises ValueError, KeyError or TypeError for one that is none of ours."""
    message = json.loads(body)
    create_instances([str(task_id) for task_id in message["task_ids"]], now)


def create_instances(task_ids: Sequence[str], now: datetime) -> None:
    """Make what is due of these tasks, each by itself: one that fails is an incident, and stands in nobody's way."""
    # What is deleted takes its time, and is urgent to nobody.
    for task_id, row in sorted(models.find_rows(task_ids).items(), key=lambda each: "deleting" in each[1]):
        try:
            _bring_up(models.read(row), now)
        except Busy as busy:
            # It is due still, and found again within a minute.
            logger.warning("a task has to wait", task_id=task_id, reason=busy.reason)
            count("TasksDelayed")
        except Exception as error:  # noqa: BLE001  # whatever it is, it is this task's alone
            logger.exception("a task's instance cannot be made", task_id=task_id)
            own.tell(
                "task_scheduling_failed",
                {"error_message": repr(error), "task_id": task_id},
                event=f"{task_id}#{now:%Y-%m-%dT%H}",
                correlation_id=correlation_id(),
                now=now,
            )


def _bring_up(task: Task, now: datetime) -> None:
    """Make every instance of a task that is due, in as many steps."""
    for _ in range(ROUNDS):
        if task.deleting:
            deleting.finish(task)
            return
        if task.due_at is None:
            return
        step = cursor.advance(definitions.rule_of(task), definitions.next_date(task), definitions.end_date(task), now)
        moved = Cursor(step.next_date, step.due_at)
        if moved == Cursor(definitions.next_date(task), task.due_at):
            return
        made = None if step.make is None else models.instance(task, step.make, now)
        passed = definitions.passed(task, step.gaps, now)
        if models.advance(task, moved, made, passed):
            count("InstancesMade", 1 if made else 0)
        else:
            found = models.find(task.task_id)
            if found is None:
                return
            same = (found.version, found.next_date, found.deleting) == (task.version, task.next_date, task.deleting)
            # Then there was an instance for that date: only the cursor is behind.
            if not same or not models.advance(task, moved, None, passed):
                task = found
                continue
        if step.due_at is None or step.due_at > now:
            return
        found = models.find(task.task_id)
        if found is None:
            return
        task = found


def _hand_over(task_ids: Sequence[str]) -> None:
    batches = [task_ids[start : start + BATCH] for start in range(0, len(task_ids), BATCH)]
    try:
        if queues.waiting(QUEUE) == 0:
            queues.send_many(QUEUE, [json.dumps({"task_ids": batch}) for batch in batches])
    except (BotoCoreError, ClientError, NotSent):
        # What was not handed over is due still; the heartbeat tells how long.
        logger.exception("due tasks cannot be handed over", tasks=len(task_ids))
