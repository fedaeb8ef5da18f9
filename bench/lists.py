"""Lists: what an operator's page costs in units and CPU, however many incidents there are.

Units are exact; CPU is ours, without the store's and the network's.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from bench import bare, cloud, door
from bench.answers import answering, encoded
from bench.report import report
from bench.table import READS, Figure, Runs

SIZES: Final = (100, 100_000)
REPORTS: Final = 20
RUNS: Final = 21
PAGE: Final = 25


def measure(token: str) -> Iterator[Figure]:
    from bench.store import Store

    bearer = f"Bearer {token}"
    page = door.event("GET", "/incidents", authorization=bearer)
    incident, others = _rows()
    stores = [Store(incident, others, size, datetime.now(UTC)) for size in SIZES]
    newest = {"incident_id": stores[0].newest}
    asked = {
        f"a list page of {PAGE}": (page, PAGE / 2),
        f"a list page of {PAGE} of one status": (
            page | {"multiValueQueryStringParameters": {"status": ["ACTIVE"]}},
            PAGE / 2,
        ),
        "an incident's page": (door.event("GET", "/incidents/{incident_id}", path=newest, authorization=bearer), 0.5),
    }
    for what, (event, units) in asked.items():
        taken, floors, read = zip(*(_page(event, store) for store in stores), strict=True)
        name = f"{what}, of {SIZES[0]} · of {SIZES[1]:,} incidents"
        yield Figure(READS, name, "RCU", read, [[units]], "half a unit a row")
        yield Figure(READS, f"CPU of {name}", "ms", taken, floors, "its calls by botocore alone")


def _page(event: dict[str, Any], store: Any) -> tuple[Runs, Runs, Runs]:
    """CPU in ms of a request, and of its calls alone, by run; the read units that it takes."""
    with answering(store.respond) as spent:

        def cpu(run: Callable[[], object]) -> float:
            began = time.process_time() - spent.seconds
            run()
            return (time.process_time() - spent.seconds - began) * 1000

        door.answered(event, 200)
        store.units = 0.0
        with bare.noted() as calls:
            door.answered(event, 200)
        units = store.units
        make_calls = bare.again(calls)
        make_calls()
        taken, floors = [], []
        for _ in range(RUNS):
            taken.append(cpu(lambda: door.answered(event, 200)))
            floors.append(cpu(make_calls))
    return taken, floors, [units]


def _rows() -> tuple[list[Any], list[Any]]:
    """The rows of one incident with some reports, as the store holds them, and every other row."""
    with cloud.empty() as store:
        # Two failures, since the first report of all makes the project.
        door.answered(door.reporting(report(0, "another")), 202)
        for nth in range(REPORTS):
            taken = door.answered(door.reporting(report(nth)), 202)
        rows = [json.loads(encoded(row)) for noun in ("incidents", "projects") for row in store.rows(noun)]
    key = f"INC#{taken['incident_id']}"
    return [row for row in rows if row["pk"]["S"] == key], [
        row for row in rows if not row["pk"]["S"].startswith("INC#")
    ]
