"""Those who plan tasks, and the machinery that makes their instances."""

import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.client import BaseClient

from app import app
from chalicelib import clock
from chalicelib.tasks import models
from infra.pump import schedule_event, sqs_event
from tests import store
from tests.conftest import Answer, Door
from tests.faults import Call, Item

TABLE = "groundcrew-test-tasks"
QUEUE = "groundcrew-test-due-tasks"
ARN = f"arn:aws:sqs:eu-central-1:000000000000:{QUEUE}"
# A Sunday.
NOW = "2026-03-01T10:00:00.000Z"


def stored() -> dict[tuple[str, str], Item]:
    """All rows of the table, as the store has them."""
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
    return {(row["pk"]["S"], row["sk"]["S"]): row for page in pages for row in page["Items"]}


def kinds() -> list[str]:
    """What kinds of rows there are, each as often as it is there: `TI/D` is an instance."""
    return sorted(f"{pk[:2]}/{sk.partition('#')[0]}" for pk, sk in stored())


def audits(pk: str) -> list[dict[str, Any]]:
    """What was done to the subject of a partition, the earliest first."""
    rows = models.table().query(pk, models.Row.sk.startswith("L#"), consistent_read=True)["Items"]
    found = [models.Audit.from_raw_data(row) for row in rows]
    return [
        {"at": row.at, "actor": row.actor, "action": row.action, "by": row.correlation_id, "change": row.change}
        for row in found
    ]


def plant(task_id: str, days: Sequence[str], **values: Any) -> list[str]:
    """Write instances that nobody should have made, all at once; returns their ids."""
    task = models.find(task_id)
    assert task is not None
    for day in days:
        row = models.instance(task, date.fromisoformat(day), clock.now())
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
    return [f"{task_id}-{day}" for day in days]


def following(day: str, count: int, *, every: int = 1) -> list[str]:
    """So many dates after one."""
    return [(date.fromisoformat(day) + timedelta(days=every * n)).isoformat() for n in range(1, count + 1)]


def deliver(*bodies: str) -> list[str]:
    """Hand messages to the function that takes due tasks, as Lambda does; returns those that are to come again."""
    messages: list[Any] = [
        {
            "MessageId": str(uuid.uuid4()),
            "ReceiptHandle": "x",
            "Body": body,
            "Attributes": {},
            "MD5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        }
        for body in bodies
    ]
    event = sqs_event(messages, ARN)
    failed = {each["itemIdentifier"] for each in app.handler_map["create_instances"](event, None)["batchItemFailures"]}
    return [message["Body"] for message in messages if message["MessageId"] in failed]


def received() -> list[str]:
    """Take all messages of the queue that wait."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    bodies: list[str] = []
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in found:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def meanwhile(act: Callable[[], object]) -> Callable[[Call], Any]:
    """Somebody else acts just before the first transaction."""
    acts = iter([act])

    def go_first(call: Call) -> Any:
        if call.operation == "TransactWriteItems":
            for each in acts:
                each()
        return call.make()

    return go_first


class Planner:
    """An admin who plans tasks, with a clock to set, and the function that runs every minute."""

    def __init__(self, door: Door, freeze: Callable[[str], None]) -> None:
        self.door = door
        self.freeze = freeze

    def make(self, **given: Any) -> dict[str, Any]:
        """Make a task and expect it to be made."""
        answer = self.door.admin("POST", "/tasks", {"title": "Water the plants", "recurrence": "daily"} | given)
        assert answer.status == 201, answer
        made: dict[str, Any] = answer.json
        return made

    def daily(self, **given: Any) -> str:
        """Make a task, daily unless told; returns its id."""
        task_id: str = self.make(**given)["task_id"]
        return task_id

    def many(self, count: int, **given: Any) -> list[str]:
        return [self.daily(title=f"Task {n}", **given) for n in range(count)]

    def task(self, task_id: str) -> dict[str, Any]:
        answer = self.door.admin("GET", f"/tasks/{task_id}")
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.json
        return found

    def change(self, task_id: str, **given: Any) -> dict[str, Any]:
        answer = self.door.admin("PATCH", f"/tasks/{task_id}", given)
        assert answer.status == 200, answer
        changed: dict[str, Any] = answer.json
        return changed

    def delete(self, task_id: str) -> Answer:
        return self.door.admin("DELETE", f"/tasks/{task_id}")

    def listed(self, path: str, limit: int = 100) -> list[list[dict[str, Any]]]:
        """All pages of a list."""
        pages: list[list[dict[str, Any]]] = []
        cursor = ""
        while cursor is not None:
            joint = "&" if "?" in path else "?"
            answer = self.door.admin("GET", f"{path}{joint}limit={limit}{cursor and f'&cursor={cursor}'}")
            assert answer.status == 200, answer
            pages.append(answer.json["items"])
            cursor = answer.json["next_cursor"]
        return pages

    def instances(self, task_id: str) -> list[dict[str, Any]]:
        """A task's instances, the earliest first."""
        return [each for page in self.listed(f"/tasks/{task_id}/instances") for each in page][::-1]

    def dates(self, task_id: str) -> list[str]:
        """The dates for which a task has an instance, as often as it has one."""
        return [each["date"] for each in self.instances(task_id)]

    def mark(self, instance_id: str, *, done: bool = True) -> dict[str, Any]:
        answer = self.door.admin("PATCH", f"/instances/{instance_id}", {"done": done})
        assert answer.status == 200, answer
        marked: dict[str, Any] = answer.json
        return marked

    def purge(self, **given: Any) -> dict[str, Any]:
        answer = self.door.admin("POST", "/tasks/purge-future", given)
        assert answer.status == 200, answer
        purged: dict[str, Any] = answer.json
        return purged

    def undo(self, purge_id: str) -> dict[str, Any]:
        answer = self.door.admin("POST", f"/tasks/purge-future/{purge_id}/undo")
        assert answer.status == 200, answer
        undone: dict[str, Any] = answer.json
        return undone

    def scheduler(self) -> dict[str, Any]:
        answer = self.door.admin("GET", "/scheduler")
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.json
        return found

    def tick(self, moment: str | None = None) -> None:
        """Run the scheduled function, at a moment unless it is now; what it hands over stays where it is."""
        if moment is not None:
            self.freeze(moment)
        app.handler_map["create_due_instances"](schedule_event("create_due_instances", clock.now()), None)

    def incidents(self) -> list[dict[str, Any]]:
        items = self.door.admin("GET", "/incidents").json["items"]
        return [self.door.incident(each["incident_id"]) for each in items]


@pytest.fixture(autouse=True)
def morning(frozen: Callable[[str], None]) -> None:
    frozen(NOW)


@contextmanager
def tables_in_memory() -> Iterator[None]:
    """Tables from our own store, and queues from moto, which copies every table for every transaction."""
    ask_moto = BaseClient._make_api_call  # type: ignore[attr-defined]  # private
    with store.installed():
        ask_store = BaseClient._make_api_call  # type: ignore[attr-defined]  # private

        def ask(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            own = client.meta.service_model.service_name == "dynamodb"
            return (ask_store if own else ask_moto)(client, operation, parameters)

        with mock.patch.object(BaseClient, "_make_api_call", ask):
            yield


@pytest.fixture
def planner(door: Door, frozen: Callable[[str], None]) -> Planner:
    return Planner(door, frozen)


@pytest.fixture
def busy_planner(planner: Planner) -> Iterator[Planner]:
    """One for whom a hundred tasks are few."""
    with tables_in_memory():
        yield planner
