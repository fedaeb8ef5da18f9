"""Tasks and their instances, through the public door: planned, listed, changed, marked and deleted."""

import copy
import functools
import itertools
import json
from datetime import date
from typing import Any

import boto3

from chalicelib import clock
from chalicelib.tasks import deleting, models
from chalicelib.tasks.definitions import MAX_PAYLOAD_BYTES
from chalicelib.tasks.models import Task
from tests.conftest import Door
from tests.faults import Call, Item, Point, points, recorded, survives, tapped
from tests.tasks.conftest import NOW, Planner, audits, deliver, following, kinds, meanwhile, plant, stored

UNKNOWN = "0" * 32
TODAY = "2026-03-01"
CALLS = [
    ("POST", "/tasks"),
    ("GET", "/tasks"),
    ("GET", "/tasks/{task}"),
    ("PATCH", "/tasks/{task}"),
    ("DELETE", "/tasks/{task}"),
    ("GET", "/tasks/{task}/instances"),
    ("GET", "/instances?date=2026-03-01"),
    ("PATCH", "/instances/{task}-2026-03-01"),
    ("POST", "/tasks/purge-future"),
    ("POST", f"/tasks/purge-future/{UNKNOWN}/undo"),
    ("GET", "/scheduler"),
]


def deep(levels: int) -> dict[str, Any]:
    """An object of so many levels."""
    nested: dict[str, Any] = {}
    for _ in range(levels - 1):
        nested = {"a": nested}
    return nested


def rows_of(task_id: str) -> dict[tuple[str, str], Item]:
    """What is stored of a task, whoever may see it."""
    return {key: row for key, row in stored().items() if task_id in key[0]}


# -- making ------------------------------------------------------------------------------------------------------------


def test_a_task_is_made_with_exactly_one_instance_and_nothing_else(door: Door) -> None:
    body = {
        "title": "Water the plants",
        "local_time": "07:30",
        "recurrence": "FREQ=WEEKLY;BYDAY=MO,TH",
        "timezone": "Europe/Berlin",
        "start_date": "2026-03-05",
        "end_date": "2026-06-30",
        "payload": {"room": 7, "plants": ["ficus", None, {"fern": 1.5}]},
    }
    answer = door.admin("POST", "/tasks", body)
    assert answer.status == 201
    made = answer.json
    task_id = made["task_id"]
    instance = {
        "instance_id": f"{task_id}-2026-03-05",
        "task_id": task_id,
        "date": "2026-03-05",
        "title": "Water the plants",
        "payload": body["payload"],
        "done": False,
        "done_at": None,
        "created_at": NOW,
    }
    task = body | {"task_id": task_id, "paused": False, "created_at": NOW, "next_date": "2026-03-09"}
    assert made == task | {"instances": [instance]}
    assert door.admin("GET", f"/tasks/{task_id}").json == task | {"skipped": []}
    assert door.admin("GET", "/tasks").json == {"items": [task], "next_cursor": None}
    assert door.admin("GET", f"/tasks/{task_id}/instances").json == {"items": [instance], "next_cursor": None}
    assert door.admin("GET", "/instances?date=2026-03-05").json == {"items": [instance], "next_cursor": None}
    assert kinds() == ["TD/L", "TD/META", "TI/D"]


def test_what_is_left_out_is_today_at_midnight_in_utc_and_once(door: Door) -> None:
    made = door.admin("POST", "/tasks", {"title": "Call the glazier"}).json
    del made["task_id"], made["instances"]
    assert made == {
        "title": "Call the glazier",
        "local_time": "00:00",
        "recurrence": "none",
        "timezone": "UTC",
        "start_date": "2026-03-01",
        "end_date": None,
        "paused": False,
        "payload": {},
        "created_at": NOW,
        "next_date": None,
    }


def test_a_task_without_a_start_date_starts_today_where_it_is(planner: Planner) -> None:
    for moment, zone, today in (
        ("2026-03-01T10:00:00Z", "Pacific/Auckland", "2026-03-01"),
        ("2026-03-01T11:00:00Z", "Pacific/Auckland", "2026-03-02"),
        ("2026-03-01T09:59:59Z", "Pacific/Honolulu", "2026-02-28"),
        ("2026-03-01T10:00:00Z", "Pacific/Honolulu", "2026-03-01"),
        ("2026-03-01T10:00:00Z", "Pacific/Kiritimati", "2026-03-02"),
        ("2026-02-28T23:30:00Z", "Europe/Berlin", "2026-03-01"),
    ):
        planner.freeze(moment)
        made = planner.make(timezone=zone)
        assert (made["start_date"], made["instances"][0]["date"]) == (today, today), (moment, zone)
        assert made["next_date"] == following(today, 1)[0], (moment, zone)


def test_a_start_that_the_rule_does_not_name_is_the_first_instance_all_the_same(planner: Planner) -> None:
    made = planner.make(recurrence="FREQ=MONTHLY;BYMONTHDAY=31")
    assert [each["date"] for each in made["instances"]] == ["2026-03-01"]
    assert made["next_date"] == "2026-03-31"


def test_a_past_start_makes_one_instance_and_records_what_passed_before(planner: Planner) -> None:
    made = planner.make(start_date="1970-01-01")
    assert [each["date"] for each in made["instances"]] == ["1970-01-01"]
    assert made["next_date"] == "2026-03-01"
    task = planner.task(made["task_id"])
    assert task["skipped"] == [
        {"first_date": "1970-01-02", "last_date": "2026-02-28", "reason": "before_creation", "noted_at": NOW}
    ]
    assert planner.dates(made["task_id"]) == ["1970-01-01"]


def test_an_idempotency_key_makes_one_task(door: Door) -> None:
    first = door.admin("POST", "/tasks", {"title": "a"}, idempotency_key="k")
    again = door.admin("POST", "/tasks", {"title": "a"}, idempotency_key="k")
    assert (first.status, again.status, first.body) == (201, 201, again.body)
    assert len(door.admin("GET", "/tasks").json["items"]) == 1
    assert door.admin("POST", "/tasks", {"title": "b"}, idempotency_key="k").status == 409
    assert (
        door.admin("POST", "/tasks", {"title": "a"}, idempotency_key="other").json["task_id"] not in first.body.decode()
    )


def test_an_idempotency_key_makes_one_task_though_the_first_answer_was_lost(planner: Planner) -> None:
    answers = boto3.resource("dynamodb").Table("groundcrew-test-answers")
    make = functools.partial(planner.door.admin, "POST", "/tasks", {"title": "a"}, idempotency_key="k")
    made = set()
    for minute, point in enumerate(points()):
        planner.freeze(f"2026-03-01T10:{minute:02}:00Z")
        survived = survives(point, make)
        # That the first request is still being answered is believed for a while.
        for kept in answers.scan()["Items"]:
            answers.delete_item(Key={"pk": kept["pk"]})
        again = make()
        assert again.status == 201
        made.add(again.body)
        if survived:
            break
    assert len(made) == 1
    assert kinds() == ["TD/L", "TD/META", "TI/D"]


def test_a_crash_while_a_task_is_made_leaves_all_of_it_or_nothing(door: Door) -> None:
    for point in points():
        before = kinds()
        survived = survives(point, lambda: door.admin("POST", "/tasks", {"title": "a", "start_date": "2025-01-01"}))
        made = kinds()
        for kind in before:
            made.remove(kind)
        assert made in ([], ["TD/L", "TD/META", "TI/D"])
        if survived:
            break
    assert point.nth == 1


# -- listing -----------------------------------------------------------------------------------------------------------


def test_tasks_come_in_pages_the_newest_first(planner: Planner) -> None:
    made = []
    for minute in range(7):
        planner.freeze(f"2026-03-01T10:0{minute}:00Z")
        made.append(planner.daily())
    assert [[each["task_id"] for each in page] for page in planner.listed("/tasks", 3)] == [
        made[:3:-1],
        made[3:0:-1],
        made[:1],
    ]


def test_a_tasks_instances_come_in_pages_the_latest_first(planner: Planner) -> None:
    task_id, other = planner.many(2)
    days = ["2026-03-01", *following("2026-03-01", 6)]
    plant(task_id, days[1:])
    planner.change(task_id, end_date="2026-03-01")
    planner.change(task_id, end_date=None)
    pages = planner.listed(f"/tasks/{task_id}/instances", 3)
    assert [[each["date"] for each in page] for page in pages] == [days[:3:-1], days[3:0:-1], days[:1]]
    cursor = planner.door.admin("GET", f"/tasks/{task_id}/instances?limit=1").json["next_cursor"]
    refused = planner.door.admin("GET", f"/tasks/{other}/instances?limit=1&cursor={cursor}")
    assert (refused.status, refused.json["Code"]) == (400, "InvalidCursor")


def test_a_dates_instances_come_in_the_order_of_their_times_each_once(planner: Planner) -> None:
    made = []
    for n in range(107):
        task = Task(models.task_key(f"{n * 37 % 256:02x}{UNKNOWN[2:]}"), title="a", at=f"{n * 7 % 24:02}:{n % 5:02}")
        models.instance(task, date(2026, 3, 1), clock.now()).save()
        made.append((task.at, task.task_id))
    plant(planner.daily(start_date="2026-02-28"), ["2026-03-02"])
    for limit in (100, 13):
        pages = planner.listed("/instances?date=2026-03-01", limit)
        assert [len(page) for page in pages] == [limit] * (107 // limit) + [107 % limit]
        assert [each["task_id"] for page in pages for each in page] == [task_id for _, task_id in sorted(made)]


def test_a_cursor_that_was_altered_or_is_another_lists_is_refused(planner: Planner) -> None:
    task_id = planner.many(2)[0]
    plant(task_id, following("2026-03-01", 1))
    for path in ("/tasks?limit=1", f"/tasks/{task_id}/instances?limit=1", "/instances?date=2026-03-01&limit=1"):
        cursor = planner.door.admin("GET", path).json["next_cursor"]
        assert planner.door.admin("GET", f"{path}&cursor={cursor}").status == 200
        altered = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BA")
        for call in (
            f"{path}&cursor={altered}",
            f"{path}&cursor={cursor}A",
            f"{path}&cursor=",
            f"/instances?date=2026-03-02&cursor={cursor}",
            f"/jobs?cursor={cursor}",
        ):
            refused = planner.door.admin("GET", call)
            assert (refused.status, refused.json["Code"]) == (400, "InvalidCursor"), call


def test_a_list_says_what_is_wrong_with_a_query(door: Door) -> None:
    for call, field in (
        ("/tasks?limit=0", "limit"),
        ("/tasks?limit=101", "limit"),
        ("/instances", "date"),
        ("/instances?date=", "date"),
        ("/instances?date=2026-02-30", "date"),
        ("/instances?date=today", "date"),
        ("/instances?date=2026-03-01T00:00:00Z", "date"),
        ("/instances?date=20260301", "date"),
    ):
        refused = door.admin("GET", call)
        assert (refused.status, refused.json["Details"][0]["field"]) == (400, field), call
    assert door.admin("GET", "/instances?date=9999-12-31").json == {"items": [], "next_cursor": None}


# -- who may, and what is not there ------------------------------------------------------------------------------------


def test_only_admins_get_in(planner: Planner) -> None:
    task_id = planner.daily()
    before = stored()
    for method, path in CALLS:
        call = path.format(task=task_id)
        assert planner.door.call(method, call).status == 401, (method, path)
        refused = planner.door.customer(method, call, {"title": "a", "done": True})
        assert (refused.status, refused.json["Code"]) == (403, "Forbidden"), (method, path)
    assert stored() == before


def test_pages_of_our_origins_may_call(door: Door) -> None:
    origin = "http://localhost:5173"
    for method, path in CALLS:
        call = path.format(task=UNKNOWN)
        asked = door.call("OPTIONS", call, origin=origin, access_control_request_method=method)
        assert (asked.status, asked.headers["access-control-allow-origin"]) == (204, origin), (method, path)
        answer = door.admin(method, call, origin=origin, x_correlation_id="c-7")
        assert answer.headers["access-control-allow-origin"] == origin, (method, path)
        assert answer.headers["x-correlation-id"] == "c-7", (method, path)


def test_a_task_that_is_not_there_is_a_404(door: Door) -> None:
    for task_id in (UNKNOWN, "7", "x" * 3000, "A" * 32, f"{UNKNOWN}%0A", "%ED%A0%80", "%00"):
        for method, path, body in (("GET", "", None), ("PATCH", "", {"title": "b"}), ("GET", "/instances", None)):
            answer = door.admin(method, f"/tasks/{task_id}{path}", body)
            assert (answer.status, answer.json["Code"]) == (404, "TaskNotFound"), (method, task_id, path)
        assert door.admin("DELETE", f"/tasks/{task_id}").status == 204, task_id
    assert stored() == {}


def test_an_instance_that_is_not_there_is_a_404(planner: Planner) -> None:
    task_id = planner.daily()
    before = stored()
    for instance_id in (
        f"{task_id}-2026-03-02",
        f"{task_id}-2026-02-30",
        f"{task_id}-2026-03-01%0A",
        f"{task_id}2026-03-01",
        f"{UNKNOWN}-2026-03-01",
        f"{task_id.upper()}-2026-03-01",
        task_id,
        "7",
        "x" * 3000,
        "%ED%A0%80",
    ):
        answer = planner.door.admin("PATCH", f"/instances/{instance_id}", {"done": True})
        assert (answer.status, answer.json["Code"]) == (404, "InstanceNotFound"), instance_id
    assert stored() == before


# -- changing ----------------------------------------------------------------------------------------------------------


def test_a_change_leaves_what_was_made_as_it_is(planner: Planner) -> None:
    task_id = planner.daily(payload={"room": 7})
    before = planner.task(task_id)
    changed = planner.change(task_id, title="Water the ficus", payload={"room": 8}, end_date="2026-03-10")
    wanted = {"title": "Water the ficus", "payload": {"room": 8}, "end_date": "2026-03-10"}
    assert changed | {"skipped": []} == before | wanted == planner.task(task_id)
    planner.tick("2026-03-02T00:00:00Z")
    made = [(each["date"], each["title"], each["payload"]) for each in planner.instances(task_id)]
    assert made == [
        ("2026-03-01", "Water the plants", {"room": 7}),
        ("2026-03-02", "Water the ficus", {"room": 8}),
    ]
    assert planner.change(task_id, end_date=None, payload={})["payload"] == {}
    assert (planner.task(task_id)["end_date"], planner.task(task_id)["title"]) == (None, "Water the ficus")


def test_an_end_may_lie_as_far_ahead_as_there_are_dates(planner: Planner) -> None:
    task_id = planner.daily(end_date="9999-12-31", start_date="2199-12-31", recurrence="FREQ=YEARLY")
    planner.purge(dry_run=False)
    assert planner.change(task_id, end_date="9999-12-30")["next_date"] == "2199-12-31"
    planner.tick("2299-12-31T00:00:00Z")
    assert planner.dates(task_id) == ["2299-12-31"]
    task = planner.task(task_id)
    assert (task["next_date"], [each["last_date"] for each in task["skipped"]]) == (None, ["2298-12-31"])


def test_a_change_that_changes_nothing_writes_nothing(planner: Planner) -> None:
    task_id = planner.daily(end_date="2026-04-01", payload={"a": 1})
    before = stored()
    as_it_is = {"title": "Water the plants", "payload": {"a": 1}, "paused": False, "end_date": "2026-04-01"}
    for change in ({}, as_it_is):
        assert planner.change(task_id, **change)["next_date"] == "2026-03-02"
    assert stored() == before


def test_an_instance_is_marked_as_done_and_not_done(planner: Planner) -> None:
    (instance,) = planner.make()["instances"]
    planner.freeze("2026-03-01T11:00:00Z")
    done = instance | {"done": True, "done_at": "2026-03-01T11:00:00.000Z"}
    assert planner.mark(instance["instance_id"]) == done
    planner.freeze("2026-03-01T12:00:00Z")
    assert planner.mark(instance["instance_id"]) == done
    assert planner.instances(instance["task_id"]) == [done]
    assert planner.mark(instance["instance_id"], done=False) == instance
    assert planner.instances(instance["task_id"]) == [instance]
    assert planner.door.admin("GET", "/instances?date=2026-03-01").json["items"] == [instance]


def test_every_act_of_an_operators_is_audited_in_the_transaction_that_does_it(planner: Planner) -> None:
    door = planner.door
    body = {"title": "a", "recurrence": "daily"}
    with recorded() as making:
        task_id = door.admin("POST", "/tasks", body, x_correlation_id="c-1").json["task_id"]
    planner.freeze("2026-03-01T10:01:00Z")
    with recorded() as changing:
        door.admin("PATCH", f"/tasks/{task_id}", {"title": "b", "end_date": "2026-03-09"}, x_correlation_id="c-2")
    planner.freeze("2026-03-01T10:02:00Z")
    with recorded() as marking:
        door.admin("PATCH", f"/instances/{task_id}-2026-03-01", {"done": True}, x_correlation_id="c-3")
    planner.freeze("2026-03-01T10:03:00Z")
    with recorded() as deleting:
        door.admin("DELETE", f"/tasks/{task_id}", x_correlation_id="c-4")
    for ledger in (making, changing, marking, deleting):
        audited = [write for write in ledger.writes if write.after and write.after["sk"]["S"].startswith("L#")]
        assert [write.in_transaction for write in audited] == [True]
    for ledger in (making, changing, marking):
        assert all(write.in_transaction for write in ledger.writes)
        assert ledger.operations.count("TransactWriteItems") == 1
    made = {"actor": "admin-1"}
    assert audits(models.task_key(task_id)) == [
        made | {"at": NOW, "action": "make", "by": "c-1", "change": None},
        made
        | {
            "at": "2026-03-01T10:01:00.000Z",
            "action": "change",
            "by": "c-2",
            "change": {"title": "b", "end": "2026-03-09"},
        },
        made
        | {
            "at": "2026-03-01T10:02:00.000Z",
            "action": "mark",
            "by": "c-3",
            "change": {"date": "2026-03-01", "done": True},
        },
        made | {"at": "2026-03-01T10:03:00.000Z", "action": "delete", "by": "c-4", "change": {"title": "b"}},
    ]


def test_others_who_act_between_reading_and_writing_count(planner: Planner) -> None:
    task_id, gone = planner.many(2)
    planner.freeze("2026-03-02T00:00:00Z")
    with tapped(meanwhile(planner.tick)):
        assert planner.change(task_id, title="b")["next_date"] == "2026-03-03"
    with tapped(meanwhile(functools.partial(planner.change, task_id, paused=True))):
        changed = planner.change(task_id, title="c")
    assert (changed["title"], changed["paused"], changed["next_date"]) == ("c", True, "2026-03-03")
    with tapped(meanwhile(functools.partial(planner.delete, gone))):
        refused = planner.door.admin("PATCH", f"/tasks/{gone}", {"title": "b"})
    assert (refused.status, refused.json["Code"]) == (404, "TaskNotFound")
    assert {sk[:2] for _, sk in rows_of(gone)} == {"L#"}


def test_an_instance_that_others_mark_or_delete_meanwhile_is_theirs(planner: Planner) -> None:
    task_id = planner.daily()
    marked, purged = f"{task_id}-{TODAY}", plant(task_id, ["2026-03-02"])[0]

    def mark_sooner() -> None:
        planner.mark(marked)
        planner.freeze("2026-03-01T11:00:00Z")

    with tapped(meanwhile(mark_sooner)):
        assert planner.mark(marked)["done_at"] == NOW
    assert sorted(each["action"] for each in audits(models.task_key(task_id))) == ["make", "mark"]
    with tapped(meanwhile(functools.partial(planner.purge, dry_run=False))):
        refused = planner.door.admin("PATCH", f"/instances/{purged}", {"done": True})
    assert (refused.status, refused.json["Code"]) == (404, "InstanceNotFound")
    assert planner.dates(task_id) == [TODAY]


# -- deleting ----------------------------------------------------------------------------------------------------------


def test_a_deleted_task_is_gone_but_for_what_was_done(planner: Planner) -> None:
    door, task_id, other = planner.door, planner.daily(start_date="2025-01-01"), planner.daily()
    (done,) = plant(task_id, ["2026-03-01"])
    planner.mark(done)
    assert planner.delete(task_id).body == b""
    for method, path, body in (
        ("GET", f"/tasks/{task_id}", None),
        ("PATCH", f"/tasks/{task_id}", {"title": "b"}),
        ("GET", f"/tasks/{task_id}/instances", None),
        ("PATCH", f"/instances/{task_id}-2025-01-01", {"done": True}),
        ("POST", "/tasks/purge-future", {"task_id": task_id}),
    ):
        assert door.admin(method, path, body).status == 404, path
    assert [each["task_id"] for each in door.admin("GET", "/tasks").json["items"]] == [other]
    listed = door.admin("GET", "/instances?date=2026-03-01").json["items"]
    assert sorted(each["instance_id"] for each in listed) == sorted([done, f"{other}-2026-03-01"])
    refused = door.admin("PATCH", f"/instances/{done}", {"done": False})
    assert (refused.status, refused.json["Code"]) == (409, "Conflict")
    assert planner.mark(done)["done"]
    left = rows_of(task_id)
    assert planner.delete(task_id).status == 204
    planner.tick("2026-03-02T00:00:00Z")
    assert rows_of(task_id) == left
    assert sorted(sk.partition("#")[0] for _, sk in left) == ["D", *["L"] * 3]


def test_a_delete_that_was_cut_off_is_hidden_at_once_and_finished_by_the_next_tick(planner: Planner) -> None:
    planner.daily()
    for point in points():
        task_id = planner.daily(start_date="2026-02-20")
        plant(task_id, following("2026-03-01", 3))
        (done,) = plant(task_id, ["2026-02-25"], done=True, done_at=NOW)
        # Otherwise the scheduled function would come by anyway.
        planner.change(task_id, paused=True)
        whole = rows_of(task_id)
        survived = survives(point, functools.partial(planner.delete, task_id))
        hidden = planner.door.admin("GET", f"/tasks/{task_id}").status == 404
        assert hidden == (rows_of(task_id) != whole) == (point != (0, "before"))
        pages = planner.listed("/tasks", 1)
        assert all(pages)
        assert hidden != (task_id in [each["task_id"] for page in pages for each in page])
        planner.tick()
        if hidden:
            assert sorted(sk.partition("#")[0] for _, sk in rows_of(task_id)) == ["D", "L", "L", "L"]
            assert planner.mark(done)["done"]
        else:
            assert planner.dates(task_id) == ["2026-02-20", "2026-02-25", *following("2026-03-01", 3)]
        if survived:
            break
    # The one that hides it, four instances, the note of what passed, and its row.
    assert point.nth == 1 + 4 + 1 + 1


def test_what_an_index_still_says_of_the_deleted_is_checked(planner: Planner) -> None:
    cut_off, gone = planner.many(2, start_date="2026-03-02")
    before: dict[str, Any] = {}

    def named(call: Call) -> str:
        return json.dumps(call.parameters, sort_keys=True)

    def remember(call: Call) -> Any:
        answer = call.make()
        if "IndexName" in call.parameters:
            before[named(call)] = copy.deepcopy(answer)
        return answer

    def lag(call: Call) -> Any:
        return copy.deepcopy(before[named(call)]) if "IndexName" in call.parameters else call.make()

    def seen() -> list[int]:
        lists = [planner.listed(path)[0] for path in ("/tasks", "/instances?date=2026-03-02")]
        return [*map(len, lists), planner.purge()["matched"]]

    with tapped(remember):
        assert seen() == [2, 2, 2]
    planner.delete(gone)
    assert not survives(Point(0, "after"), functools.partial(planner.delete, cut_off))
    with tapped(lag):
        # The open instance of what is hidden goes a moment later.
        assert seen() == [0, 1, 0]


def test_a_delete_that_was_cut_off_is_finished_by_another(planner: Planner) -> None:
    task_id = planner.daily()
    assert not survives(Point(0, "after"), functools.partial(planner.delete, task_id))
    assert planner.delete(task_id).status == 204
    assert [sk.partition("#")[0] for _, sk in rows_of(task_id)] == ["L", "L"]


def test_a_delete_that_was_cut_off_is_finished_by_a_task_that_was_handed_over(planner: Planner) -> None:
    task_id = planner.daily(start_date="2026-02-20")
    plant(task_id, following(TODAY, 3))
    assert not survives(Point(0, "after"), functools.partial(planner.delete, task_id))
    assert deliver(json.dumps({"task_ids": [task_id]})) == []
    assert [sk.partition("#")[0] for _, sk in rows_of(task_id)] == ["L", "L"]


def test_what_a_delete_has_no_time_for_goes_with_the_next_tick(planner: Planner) -> None:
    task_id = planner.daily()
    plant(task_id, following(TODAY, 5))
    assert not survives(Point(0, "after"), functools.partial(planner.delete, task_id))
    task = models.find(task_id)
    assert task
    # It is asked once at the start, and after each instance.
    deleting.finish(task, functools.partial(next, itertools.count(0, deleting.WITHIN_S / 2.5)))
    assert [sk for _, sk in rows_of(task_id) if sk.startswith("D#")] == ["D#2026-03-04", "D#2026-03-05", "D#2026-03-06"]
    planner.tick()
    assert [sk.partition("#")[0] for _, sk in rows_of(task_id)] == ["L", "L"]


def test_instances_of_more_than_a_megabyte_are_listed_purged_and_deleted_whole(planner: Planner) -> None:
    payload = {"a": "é" * 4000}  # six bytes each, as it is stored
    task_id, other = planner.many(2, payload=payload)
    days = following(TODAY, 60)
    for each in (task_id, other):
        plant(each, days)
    assert planner.dates(other) == [TODAY, *days]
    purged = planner.purge(dry_run=False, task_id=task_id)
    assert (purged["matched"], purged["deleted"]) == (60, 60)
    assert planner.undo(purged["purge_id"])["restored"] == 60
    for each in (task_id, other):
        planner.delete(each)
    assert [kind for kind in kinds() if kind.startswith("TI")] == []


# -- bad input ---------------------------------------------------------------------------------------------------------

TITLE = {"title": "a"}


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({}, "title"),
    ({"title": ""}, "title"),
    ({"title": "a" * 201}, "title"),
    ({"title": None}, "title"),
    ({"title": 7}, "title"),
    (TITLE | {"local_time": "24:00"}, "local_time"),
    (TITLE | {"local_time": "7:30"}, "local_time"),
    (TITLE | {"local_time": "07:30:00"}, "local_time"),
    (TITLE | {"local_time": "07:30\n"}, "local_time"),
    (TITLE | {"local_time": "\u0660\u0667:\u0663\u0660"}, "local_time"),
    (TITLE | {"local_time": None}, "local_time"),
    (TITLE | {"timezone": "Mars/Olympus"}, "timezone"),
    (TITLE | {"timezone": "europe/berlin"}, "timezone"),
    (TITLE | {"timezone": ""}, "timezone"),
    (TITLE | {"timezone": "../zoneinfo/UTC"}, "timezone"),
    (TITLE | {"timezone": "/etc/localtime"}, "timezone"),
    (TITLE | {"timezone": "localtime"}, "timezone"),
    (TITLE | {"timezone": "UTC\0"}, "timezone"),
    (TITLE | {"timezone": "Europe"}, "timezone"),
    (TITLE | {"timezone": "UTC" * 100}, "timezone"),
    (TITLE | {"timezone": "Mars/Olympus", "start_date": "2026-03-01"}, "timezone"),
    (TITLE | {"start_date": "2026-02-30"}, "start_date"),
    (TITLE | {"start_date": "1969-12-31"}, "start_date"),
    (TITLE | {"start_date": "2200-01-01"}, "start_date"),
    (TITLE | {"start_date": "9999-12-31"}, "start_date"),
    (TITLE | {"start_date": "0001-01-01"}, "start_date"),
    (TITLE | {"start_date": "tomorrow"}, "start_date"),
    (TITLE | {"start_date": 20260301}, "start_date"),
    (TITLE | {"start_date": "2011-12-30", "timezone": "Pacific/Apia"}, "start_date"),
    (TITLE | {"end_date": "2026-02-28"}, "end_date"),
    (TITLE | {"end_date": "2026-03-31", "start_date": "2026-04-01"}, "end_date"),
    (TITLE | {"end_date": "2026-13-01"}, "end_date"),
    (TITLE | {"recurrence": ""}, "recurrence"),
    (TITLE | {"recurrence": "Daily "}, "recurrence"),
    (TITLE | {"recurrence": "hourly"}, "recurrence"),
    (TITLE | {"recurrence": "FREQ=HOURLY"}, "recurrence"),
    (TITLE | {"recurrence": "FREQ=SECONDLY"}, "recurrence"),
    (TITLE | {"recurrence": "FREQ=DAILY;BYHOUR=1,2,3"}, "recurrence"),
    (TITLE | {"recurrence": "FREQ=DAILY;BYMINUTE=" + ",".join(map(str, range(60)))}, "recurrence"),
    (TITLE | {"recurrence": "FREQ=DAILY;INTERVAL=0"}, "recurrence"),
    (TITLE | {"recurrence": f"FREQ=DAILY;INTERVAL={10**400}"}, "recurrence"),
    (TITLE | {"recurrence": f"FREQ=DAILY;COUNT={'9' * 300}"}, "recurrence"),
    (TITLE | {"recurrence": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "recurrence"),
    (TITLE | {"recurrence": "FREQ=YEARLY;BYMONTH=13"}, "recurrence"),
    (TITLE | {"recurrence": "FREQ=DAILY;UNTIL=20250101"}, "recurrence"),
    (TITLE | {"recurrence": "FREQ=DAILY\nEXDATE:20260302"}, "recurrence"),
    (TITLE | {"recurrence": "FREQ=DAILY\0"}, "recurrence"),
    (TITLE | {"recurrence": "FREQ=DÄILY"}, "recurrence"),
    (TITLE | {"recurrence": "X" * 501}, "recurrence"),
    (TITLE | {"recurrence": None}, "recurrence"),
    (TITLE | {"payload": []}, "payload"),
    (TITLE | {"payload": None}, "payload"),
    (TITLE | {"payload": {"a": "x" * MAX_PAYLOAD_BYTES}}, "payload"),
    (TITLE | {"payload": {"a": "é" * (MAX_PAYLOAD_BYTES // 2)}}, "payload"),
    (TITLE | {"payload": deep(33)}, "payload"),
    (TITLE | {"paused": True}, "paused"),
    (TITLE | {"id": "x"}, "id"),
]


def test_a_task_that_cannot_be_is_a_400_that_names_the_field(door: Door) -> None:
    for body, field in IMPOSSIBLE:
        answer = door.admin("POST", "/tasks", body)
        assert (answer.status, answer.json["Code"]) == (400, "InvalidRequest"), body
        assert [each["field"] for each in answer.json["Details"]] == [field], body
    assert stored() == {}


BODIES = [
    (b"", 400),
    (b"null", 400),
    (b"[]", 400),
    (b"7", 400),
    (b"{", 400),
    (b'{"title": "\\ud800"}', 400),
    (b'{"title": "a\xff"}', 201),
    (b'{"title": "\\u0000"}', 201),
    (b'{"title": "a", "payload": {"\\u0000": "\\u0000"}}', 201),
    (b'{"title": "a", "payload": {"a": "\\udfff"}}', 400),
    (b'{"title": "a", "payload": {"a": 1e400}}', 400),
    (b'{"title": "a", "payload": {"a": NaN}}', 400),
    (b'{"title": "a", "payload": {"a": ' + b"9" * 5000 + b"}}", 400),
    (b'{"title": "a", "payload": {"a": -' + b"9" * 400 + b"}}", 201),
    (b'{"title": "a", "payload": {"a": 18446744073709551616, "b": 1e-400, "c": 1.7976931348623157e308}}', 201),
    (b'{"title": "a", "payload": ' + b'{"a":' * 31 + b"{}" + b"}" * 31 + b"}", 201),
    (b'{"title": "a", "payload": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", 400),
    (b'{"title": "a", "payload": {"a": "' + b"x" * 256 * 1024 + b'"}}', 413),
]


def test_whatever_a_body_holds_it_is_refused_or_taken_and_shown_as_it_is(planner: Planner) -> None:
    taken = []
    for body, status in BODIES:
        answer = planner.door.admin("POST", "/tasks", body)
        assert answer.status == status, body[:99]
        if status == 201:
            taken.append(answer.json)
    for made in taken:
        assert planner.task(made["task_id"]) | {"instances": made["instances"]} == made | {"skipped": []}
        assert planner.instances(made["task_id"]) == made["instances"]
    assert kinds() == sorted(["TD/L", "TD/META", "TI/D"] * len(taken))


def test_a_payload_of_8_kb_is_taken_whole(planner: Planner) -> None:
    payload = {"a": "é" * ((MAX_PAYLOAD_BYTES - len('{"a":""}')) // 2)}
    assert len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()) == MAX_PAYLOAD_BYTES
    made = planner.make(payload=payload)
    assert made["payload"] == made["instances"][0]["payload"] == payload
    assert planner.change(made["task_id"], payload=payload | {"a": payload["a"][1:] + "yy"})["payload"] != payload


def test_a_change_that_cannot_be_is_a_400_and_changes_nothing(planner: Planner) -> None:
    task_id = planner.daily()
    before = stored()
    impossible: list[tuple[dict[str, Any], str]] = [
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"payload": None}, "payload"),
        ({"payload": {"a": "x" * MAX_PAYLOAD_BYTES}}, "payload"),
        ({"payload": deep(33)}, "payload"),
        ({"paused": None}, "paused"),
        ({"paused": "yes"}, "paused"),
        ({"end_date": "2026-02-28"}, "end_date"),
        ({"end_date": "2026-02-30"}, "end_date"),
        ({"end_date": ""}, "end_date"),
        ({"title": "b", "end_date": "0001-01-01"}, "end_date"),
        ({"start_date": "2026-03-02"}, "start_date"),
        ({"recurrence": "none"}, "recurrence"),
        ({"timezone": "UTC"}, "timezone"),
        ({"local_time": "01:00"}, "local_time"),
        ({"next_date": "2026-03-02"}, "next_date"),
    ]
    for body, field in impossible:
        answer = planner.door.admin("PATCH", f"/tasks/{task_id}", body)
        assert (answer.status, answer.json["Details"][0]["field"]) == (400, field), body
    assert stored() == before


def test_an_instance_takes_done_and_nothing_else(planner: Planner) -> None:
    (instance,) = planner.make()["instances"]
    before = stored()
    for body in (b"", b"{}", b"null", b"[]", b'{"done": 1}', b'{"done": null}', b'{"done": true, "done_at": "now"}'):
        assert planner.door.admin("PATCH", f"/instances/{instance['instance_id']}", body).status == 400, body
    assert stored() == before
