"""What a job costs, counted from the calls: emulators' ConsumedCapacity is wrong."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pynamodb.transactions import TransactWrite

from chalicelib import clock
from chalicelib.jobs import leases, models, requests, sweeping
from chalicelib.jobs.leases import Lease
from tests.conftest import Door
from tests.faults import Item, Ledger, Write, recorded, size

NOW = "2026-03-01T10:00:00.123Z"
# As long as a subject (of an issuer) and a correlation id may be.
REQUESTER, CORRELATION = "r" * 255, "c" * 128
JOBS_KEY = "JOB#"

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture(autouse=True)
def morning(frozen: Callable[[str], None]) -> None:
    frozen(NOW)


def started() -> Lease:
    job_id = leases.first_id("transcode", "m" * 32)
    lease = leases.start(
        "transcode", "m" * 32, job_id, correlation_id=CORRELATION, requested_by=REQUESTER, now=clock.now()
    )
    assert lease is not None
    return lease


def failed() -> str:
    lease = started()
    leases.fail(lease, "The file is damaged.", {}, clock.now())
    return lease.job_id


def nothing(_: TransactWrite) -> None:
    """What a run with nothing to publish adds to its finish."""


def own(ledger: Ledger) -> list[Write]:
    """The writes to jobs, without those to the hub."""

    def key(item: Item | None) -> str:
        return str(item["pk"]["S"]) if item else ""

    return [write for write in ledger.writes if (key(write.before) or key(write.after)).startswith(JOBS_KEY)]


def units(ledger: Ledger) -> int:
    return sum(write.units for write in own(ledger))


def test_a_run_from_start_to_finish_costs_six_units_and_one_a_heartbeat() -> None:
    with recorded() as start:
        lease = started()
    with recorded() as beat:
        leases.beat(lease, 1 / 3, clock.now())
    with recorded() as finish:
        leases.finish(lease, clock.now(), nothing)
    assert (start.operations, start.units) == (["PutItem"], 2)
    assert (beat.operations, beat.units) == (["UpdateItem"], 1)
    assert (finish.operations, finish.units) == (["TransactWriteItems"], 4)


def test_a_job_that_goes_well_stays_under_1_kb_whoever_asked_for_it() -> None:
    lease = started()
    leases.beat(lease, 1 / 3, clock.now())
    with recorded() as finish:
        leases.finish(lease, clock.now(), nothing)
    (write,) = finish.writes
    assert write.before
    assert write.after
    assert max(size(write.before), size(write.after)) < 1024


def test_a_repeated_event_costs_one_unit_and_a_look() -> None:
    started()
    job_id = leases.first_id("transcode", "m" * 32)
    with recorded() as again:
        leases.start("transcode", "m", job_id, correlation_id="c", requested_by="r", now=clock.now())
    assert (again.operations, again.units) == (["PutItem", "GetItem"], 1)


def test_a_failure_costs_three_units_beside_its_incident() -> None:
    lease = started()
    with recorded() as ledger:
        leases.fail(lease, "The file is damaged.", {}, clock.now())
    assert units(ledger) == 3


def test_what_operators_ask_for() -> None:
    job_id = failed()
    with recorded() as retry:
        requests.retry(job_id, "admin-1", clock.now())
    # The job and its audit row in a transaction, its index row moved, and the note that it was sent.
    assert (retry.operations[:2], units(retry)) == (["GetItem", "TransactWriteItems"], 4 + 2 + 1)
    with recorded() as claim:
        assert leases.claim(job_id, 2, clock.now()) is not None
    assert (claim.operations, claim.units) == (["UpdateItem"], 3)
    with recorded() as delete:
        requests.delete(job_id, "admin-1", clock.now() + timedelta(hours=1))
    # Beside its incident, as it was stuck.
    assert (delete.operations[0], units(delete)) == ("GetItem", 4 + 1)
    with recorded() as make:
        requests.make(
            "transcode", "m", "f" * 32, correlation_id="c", requested_by="admin-1", now=clock.now(), also=None
        )
    assert units(make) == 4 + 1 + 1


def test_a_sweep_that_finds_nothing_to_do_writes_nothing() -> None:
    started()
    failed_job = leases.first_id("transcode", "other")
    requests.make(
        "transcode", "other", failed_job, correlation_id="c", requested_by="admin-1", now=clock.now(), also=None
    )
    with recorded() as ledger:
        sweeping.sweep(clock.now())
    page = ["Query", "BatchGetItem", "Query"]
    assert (ledger.operations, ledger.units) == (page * 2, 0)


def test_a_page_costs_few_calls(door: Door) -> None:
    for n in range(60):
        leases.start("transcode", str(n), f"{n:032x}", correlation_id="c", requested_by="r", now=clock.now())
    query, read = ["Query"], ["BatchGetItem"]
    pages: dict[str, Any] = {
        "": 5 * query + read,
        "limit=100": 5 * query + read,
        "status=failed": query,
        "status=running&limit=1": query + read,
        "status=stuck": query + read,
        "kind=transcode": 5 * query + read,
    }
    found = {}
    for parameters in pages:
        with recorded() as ledger:
            assert door.admin("GET", f"/jobs?{parameters}").status == 200
        found[parameters] = ledger.operations
    assert found == pages
    with recorded() as ledger:
        assert door.admin("GET", f"/jobs/{0:032x}").status == 200
    assert ledger.operations == ["Query"]


def test_rows_hold_what_models_say() -> None:
    row = models.find(failed())
    assert row is not None
    assert set(row.serialize()) == {
        *("pk", "sk", "g1p", "g1s", "kind", "subject_id", "state", "attempt", "requested_by", "correlation_id"),
        *("created_at", "fence", "started_at", "finished_at", "error"),
    }
