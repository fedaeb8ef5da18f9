"""What a task costs, counted from the calls as DynamoDB bills them."""

from chalicelib.tasks import models
from chalicelib.tasks.models import DUE_SHARDS
from tests.faults import recorded, size
from tests.tasks.conftest import Planner, deliver, following, plant, received, stored

# As long as a correlation id may be.
CORRELATION = "c" * 128
# What a client usually keeps with a task.
PAYLOAD = {
    "homework_id": "b1946ac92492d2347c6235b4d2611184",
    "student_id": "customer-68",
    "minutes": 20,
    "notes": "n" * 200,
}
USUAL = {
    "title": "Read twenty pages aloud and write down every word that is new",
    "payload": PAYLOAD,
    "local_time": "07:30",
}
DUE = "2026-03-02T07:30:00Z"
LOOK = ["Query"] * DUE_SHARDS
BEAT = "PutItem"


def test_a_task_is_made_for_nine_write_units(planner: Planner) -> None:
    with recorded() as ledger:
        made = planner.door.admin("POST", "/tasks", USUAL | {"recurrence": "daily"}, x_correlation_id=CORRELATION)
    assert made.status == 201
    # Three rows in a transaction; the task is found by when it is due and in the list, its instance by its date.
    assert (ledger.operations, ledger.units) == (["TransactWriteItems"], 3 * 2 + 3)


def test_an_instance_is_made_for_seven_write_units(planner: Planner) -> None:
    planner.daily(**USUAL)
    planner.freeze(DUE)
    with recorded() as ledger:
        planner.tick()
    assert ledger.operations == [*LOOK, "BatchGetItem", "TransactWriteItems", BEAT]
    # Two rows in a transaction; the task moves in one index, its instance comes into another. Then the heartbeat.
    assert ledger.units == 2 * 2 + 2 + 1 + 1


def test_an_instance_that_is_there_already_costs_no_more_than_another(planner: Planner) -> None:
    plant(planner.daily(**USUAL), ["2026-03-02"])
    planner.freeze(DUE)
    with recorded() as ledger:
        planner.tick()
    assert ledger.operations[len(LOOK) + 1 :] == ["TransactWriteItems", "GetItem", "TransactWriteItems", BEAT]


def test_an_idle_tick_is_a_look_at_each_shard_and_a_heartbeat(planner: Planner) -> None:
    planner.many(3)
    planner.freeze("2026-03-01T23:59:59Z")
    with recorded() as ledger:
        planner.tick()
    assert (ledger.operations, ledger.units) == ([*LOOK, BEAT], 1)


def test_a_tick_that_hands_over_writes_a_heartbeat_and_no_more(busy_planner: Planner) -> None:
    busy_planner.many(51)
    busy_planner.freeze("2026-03-02T00:00:00Z")
    with recorded() as ledger:
        busy_planner.tick()
    # The queue's address may be known already.
    operations = [each for each in ledger.operations if each != "GetQueueUrl"]
    assert (operations, ledger.units) == ([*LOOK, "GetQueueAttributes", "SendMessageBatch", BEAT], 1)
    assert len(received()) == 3


def test_a_message_that_comes_too_late_costs_a_read(planner: Planner) -> None:
    task_id = planner.daily()
    with recorded() as ledger:
        assert deliver(f'{{"task_ids": ["{task_id}"]}}') == []
    assert ledger.operations == ["BatchGetItem"]


def test_usual_rows_stay_under_1_kb(planner: Planner) -> None:
    task_id = planner.daily(**USUAL, timezone="America/Argentina/ComodRivadavia", end_date="2026-12-31")
    planner.tick("2026-03-02T10:30:00Z")
    planner.mark(f"{task_id}-2026-03-02")
    planner.purge(dry_run=False)
    planner.change(task_id, paused=True, payload=PAYLOAD | {"minutes": 25})
    sizes = {key: size(row) for key, row in stored().items()}
    assert max(sizes.values()) < 1024, sizes


def test_what_operators_ask_for_is_one_transaction(planner: Planner) -> None:
    task_id = planner.daily(**USUAL)
    with recorded() as change:
        planner.change(task_id, title="b")
    with recorded() as mark:
        planner.mark(f"{task_id}-2026-03-01")
    with recorded() as nothing:
        planner.mark(f"{task_id}-2026-03-01")
    assert (change.operations, change.units) == (["GetItem", "TransactWriteItems"], 4)
    assert (mark.operations, mark.units) == (["GetItem", "TransactWriteItems"], 4)
    assert (nothing.operations, nothing.units) == (["GetItem"], 0)


def test_a_purge_costs_five_write_units_an_instance_and_its_undoing_seven(busy_planner: Planner) -> None:
    task_id = busy_planner.daily(**USUAL)
    plant(task_id, following("2026-03-01", 40))
    with recorded() as dry:
        assert busy_planner.purge()["matched"] == 40
    with recorded() as purge:
        purge_id = busy_planner.purge(dry_run=False)["purge_id"]
    with recorded() as undo:
        assert busy_planner.undo(purge_id)["restored"] == 40
    assert dry.units == 0
    # For each a copy and a deletion in a transaction, and its place in an index; the task, its audit row, the purge.
    assert purge.units == 40 * (2 + 2 + 1) + 2 + 2 + 1
    # For each its row, its place in an index, its copy and a look whether the task is there; and an audit row.
    assert undo.units == 40 * (2 + 1 + 2 + 2) + 1


def test_a_page_costs_few_calls(busy_planner: Planner) -> None:
    ids = busy_planner.many(60)
    pages = {
        "/tasks": ["Query", "BatchGetItem"],
        "/tasks?limit=100": ["Query", "BatchGetItem"],
        "/instances?date=2026-03-01": [*["Query"] * models.DAY_SHARDS, "BatchGetItem"],
        f"/tasks/{ids[0]}/instances": ["GetItem", "Query"],
        f"/tasks/{ids[0]}": ["GetItem", "Query"],
        "/scheduler": ["GetItem"],
    }
    found = {}
    for path in pages:
        with recorded() as ledger:
            assert busy_planner.door.admin("GET", path).status == 200
        found[path] = ledger.operations
    assert found == pages
