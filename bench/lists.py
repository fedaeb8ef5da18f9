"""Lists: what an operator's page costs in calls, units and CPU, however many incidents there are.

Calls, bytes and units are exact; CPU is ours, without the store's and the network's.
"""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from bench import cloud, door
from bench.answers import answering, encoded
from bench.report import report
from bench.table import Figure

SIZES: Final = (100, 10_000, 100_000)
REPORTS: Final = 20
RUNS: Final = 21


def measure(token: str) -> Iterator[Figure]:
    from bench.store import Store

    incident, others = _rows()
    for incidents in SIZES:
        store = Store(incident, others, incidents, datetime.now(UTC))
        bearer = f"Bearer {token}"
        pages = {
            "list page of 25": door.event("GET", "/incidents", authorization=bearer),
            "list page of 25 of one status": door.event("GET", "/incidents", authorization=bearer)
            | {"multiValueQueryStringParameters": {"status": ["ACTIVE"]}},
            "detail": door.event(
                "GET", "/incidents/{incident_id}", path={"incident_id": store.newest}, authorization=bearer
            ),
        }
        for what, page in pages.items():
            yield from _page(f"{what}, {incidents:,} incidents", page, store)


def _page(what: str, page: dict[str, Any], store: Any) -> Iterator[Figure]:
    cpu: list[float] = []
    floor: list[float] = []
    health = door.event("GET", "/health")
    with answering(store.respond) as spent:
        door.answered(page, 200)
        for _ in range(RUNS):
            spent.calls, spent.bytes, store.units = 0, 0, 0.0
            own = time.process_time() - spent.seconds
            door.answered(page, 200)
            cpu.append((time.process_time() - spent.seconds - own) * 1000)
            own = time.process_time()
            door.answered(health, 200)
            floor.append((time.process_time() - own) * 1000)
    yield Figure(f"{what}: calls", "calls", [spent.calls], [1], "one call")
    yield Figure(f"{what}: from DynamoDB", "bytes", [spent.bytes])
    yield Figure(f"{what}: units", "RCU", [store.units], [0.5], "one eventually consistent read")
    yield Figure(f"{what}: CPU", "ms CPU", cpu, floor, "GET /health")


def _rows() -> tuple[list[Any], list[Any]]:
    """The rows of one incident with some reports, as moto holds them, and every other row."""
    with cloud.empty() as session:
        # Two failures, since the first report of all makes the project.
        door.answered(door.reporting(report(0, "another")), 202)
        for nth in range(REPORTS):
            taken = door.answered(door.reporting(report(nth)), 202)
        dynamodb = session.client("dynamodb")
        rows = [
            json.loads(encoded(row))
            for table in dynamodb.list_tables()["TableNames"]
            for row in dynamodb.scan(TableName=table)["Items"]
        ]
    key = f"INC#{taken['incident_id']}"
    return [row for row in rows if row["pk"]["S"] == key], [
        row for row in rows if not row["pk"]["S"].startswith("INC#")
    ]
