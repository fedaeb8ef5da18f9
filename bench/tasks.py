"""Tasks: what due tasks take until they are instances, what an instance costs, and a minute in which nothing is due.

On the tests' store in memory: CPU is ours and that store's, without the network and DynamoDB; so is the floors'.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import botocore.session

from bench import bare
from bench.table import DAILY, WRITES, Figure, Runs
from chalicelib.config import config
from chalicelib.tasks import definitions, models, scheduling
from chalicelib.tasks.definitions import NewTask
from tests import store as stores
from tests.faults import recorded

DUE: Final = 100_000
SOME: Final = 25
# Of what was handed over so many are taken, as each costs what any does.
TAKEN: Final = 2_000
RUNS: Final = 3
YESTERDAY: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW: Final = YESTERDAY + timedelta(days=1)


def measure() -> Iterator[Figure]:
    with stores.installed(), recorded() as idle:
        scheduling.create_due_instances(NOW)
        queries = idle.operations.count("Query")
        yield Figure(DAILY, "a minute in which no task is due", "RCU", [[queries / 2]], [[0.5]], "one query")
    with stores.installed():
        _plant(SOME)
        with recorded() as made:
            scheduling.create_due_instances(NOW)
    units: list[Runs] = [[(made.units - idle.units) / SOME], [idle.units]]
    name = "a due task's instance · a minute's heartbeat"
    yield Figure(WRITES, name, "WCU", units, [[4], [1]], "a transaction of two writes; one write")
    yield from _times()


def _times() -> Iterator[Figure]:
    with stores.installed() as store:
        _plant(DUE)
        planted = store.bookmark()
        handed, floors = [], []
        for _ in range(RUNS):
            planted()
            with bare.noted() as calls:
                handed.append(_cpu_s(lambda: scheduling.create_due_instances(NOW)))
            messages = store.messages(scheduling.QUEUE)
            planted()
            floors.append(_cpu_s(bare.again(calls)))
        yield Figure(DAILY, f"CPU to hand {DUE:,} due tasks over", "s", [handed], [floors], "its calls alone")
        each, client = TAKEN // SOME, _client()
        taken, floors = [], []
        for nth in range(RUNS):
            taken.append(_cpu_s(partial(_take, messages[nth * each :][:each])) * 1000 / TAKEN)
            floors.append(_cpu_s(partial(_bare_transactions, client, nth)) * 1000 / TAKEN)
        made_of_them = sum(row["sk"]["S"] == f"D#{NOW:%Y-%m-%d}" for row in store.rows("tasks"))
        if made_of_them != TAKEN * RUNS:
            raise RuntimeError(f"{made_of_them} instances of {TAKEN * RUNS} due tasks")
        yield Figure(DAILY, "CPU of each one's instance", "ms", [taken], [floors], "a bare transaction of two writes")


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


def _bare_transactions(client: Any, run: int) -> None:
    name = config().resource("projects")
    for nth in range(TAKEN):
        key = {"pk": {"S": f"{run} {nth}"}, "sk": {"S": "META"}}
        put = {"TableName": name, "Item": key | {"sk": {"S": "D"}}}
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


def _cpu_s(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began
