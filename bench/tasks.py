"""Tasks: how fast due tasks become instances, what an instance costs, and what a minute costs in which nothing is due.

On the tests' store in memory: the time is ours and that store's on one core, without the network and DynamoDB, and the
floor is as many bare transactions of a put and an update on the same store. Units are counted as DynamoDB bills them.
"""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import botocore.session

from bench.table import Figure
from chalicelib.config import config
from chalicelib.tasks import definitions, models, scheduling
from chalicelib.tasks.definitions import NewTask
from tests import store as stores
from tests.faults import recorded

DUE: Final = 100_000
SOME: Final = 25
YESTERDAY: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW: Final = YESTERDAY + timedelta(days=1)
FLOOR: Final = "bare transactions of a put and an update"


def measure() -> Iterator[Figure]:
    with stores.installed() as store, recorded() as idle:
        scheduling.create_due_instances(NOW)
        queries = idle.operations.count("Query")
        yield Figure("tick with nothing due", "RCU", [queries / 2], [0.5], "one eventually consistent query")
        yield Figure("tick with nothing due: its heartbeat", "WCU", [idle.units])
    with stores.installed():
        _plant(SOME)
        with recorded() as made:
            scheduling.create_due_instances(NOW)
        units = made.units - idle.units
        yield Figure("one due task's instance", "WCU", [units / SOME], [4], "a transaction of two")
    with stores.installed() as store:
        _plant(DUE)
        seconds = _timed(lambda: scheduling.create_due_instances(NOW))
        yield Figure(f"tick that hands {DUE:,} due tasks over", "s", [seconds])
        messages = store.messages(scheduling.QUEUE)
        seconds = _timed(lambda: _take(messages))
        made_of_them = sum(row["sk"]["S"] == f"D#{NOW:%Y-%m-%d}" for row in store.rows("tasks"))
        floor = _timed(_bare_transactions)
        yield Figure(f"instances of {DUE:,} due tasks", "per s", [made_of_them / seconds], [DUE / floor], FLOOR)


def _take(messages: list[str]) -> None:
    for body in messages:
        scheduling.take(body, NOW)


def _plant(tasks: int) -> None:
    """Daily tasks that were made yesterday and are due, all like one."""
    made = definitions.make(NewTask("Open the school", recurrence="daily"), "bench", YESTERDAY)
    client, name = _client(), config().resource("tasks")
    (row,) = models.table().query(models.task_key(made.task_id), models.Row.sk == "META")["Items"]
    for start in range(0, tasks - 1, 25):
        ids = [uuid.UUID(int=nth * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128).hex for nth in range(start, start + 25)]
        requests = [{"PutRequest": {"Item": _like(row, each)}} for each in ids[: tasks - 1 - start]]
        client.batch_write_item(RequestItems={name: requests})


def _like(row: dict[str, Any], task_id: str) -> dict[str, Any]:
    due = datetime.fromisoformat(row["g1s"]["S"].rpartition("#")[0])
    keys = models.due_key(task_id, due) | models.list_key(task_id, row["created_at"]["S"])
    return row | {name: {"S": text} for name, text in {**keys, "pk": models.task_key(task_id)}.items()}


def _bare_transactions() -> None:
    client, name = _client(), config().resource("projects")
    for nth in range(DUE):
        key = {"pk": {"S": str(nth)}, "sk": {"S": "META"}}
        put = {"TableName": name, "Item": {"pk": {"S": str(nth)}, "sk": {"S": "D"}}}
        update = {
            "TableName": name,
            "Key": key,
            "UpdateExpression": "SET #n = :n",
            "ExpressionAttributeNames": {"#n": "n"},
            "ExpressionAttributeValues": {":n": {"N": "1"}},
        }
        client.transact_write_items(TransactItems=[{"Put": put}, {"Update": update}])


def _client() -> Any:
    return botocore.session.get_session().create_client("dynamodb")


def _timed(act: Any) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
