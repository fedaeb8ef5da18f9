"""Schedules and attendance from outside, over HTTP alone: the same on the local stack and on a deployment."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest

MOST = 99  # that one roll call marks, and one transaction deletes


def answered(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def make(admin: httpx.Client, **fields: Any) -> dict[str, Any]:
    lesson = {"title": "Physics 8 b", "starts_at": "2026-11-23T07:45:00Z", "ends_at": "2026-11-23T08:30:00Z", **fields}
    schedule: dict[str, Any] = answered(admin.post("/schedules", json=lesson), 201)
    return schedule


def path(schedule: dict[str, Any]) -> str:
    return f"/schedules/{schedule['schedule_id']}"


def call_roll(admin: httpx.Client, schedule: dict[str, Any], first: int, most: int) -> list[dict[str, Any]]:
    """Mark as many students, from a number on, as present."""
    roll = [{"student_id": f"s-{number:04}", "status": "present"} for number in range(first, first + most)]
    called = answered(admin.put(f"{path(schedule)}/attendance", json={"records": roll}))
    records: list[dict[str, Any]] = called["records"]
    assert [record["student_id"] for record in records] == [mark["student_id"] for mark in roll]
    return records


def walk(admin: httpx.Client, listed: str) -> Iterator[dict[str, Any]]:
    """Every item of a list, page by page."""
    cursor: dict[str, str] = {}
    while True:
        page = answered(admin.get(listed, params={"limit": "40", **cursor}))
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def expect_gone(admin: httpx.Client, schedule: dict[str, Any]) -> None:
    """Nobody sees or marks anything of it, and it cannot be deleted again."""
    here, mark = path(schedule), {"status": "present"}
    for answer in (
        admin.get(here),
        admin.get(f"{here}/attendance"),
        admin.put(f"{here}/attendance/s-0001", json=mark),
        admin.put(f"{here}/attendance", json={"records": [{"student_id": "s-0001", **mark}]}),
        admin.delete(here),
    ):
        assert answered(answer, 404)["Code"] == "ScheduleNotFound"
    assert schedule["schedule_id"] not in [each["schedule_id"] for each in walk(admin, "/schedules")]


def test_a_lesson_is_planned_and_its_roll_called(admin: httpx.Client) -> None:
    asked = {"title": "Chemistry 🧪", "timezone": "Europe/Berlin", "context": {"room": "B 12"}}
    times = {"starts_at": "2026-11-23T09:45:00+01:00", "ends_at": "2026-11-23T10:30:00+01:00"}
    once = {"Idempotency-Key": uuid.uuid4().hex}
    made = answered(admin.post("/schedules", json=asked | times, headers=once), 201)
    assert answered(admin.post("/schedules", json=asked | times, headers=once), 201) == made
    assert {name: made[name] for name in asked} == asked
    assert (made["starts_at"], made["ends_at"]) == ("2026-11-23T08:45:00.000Z", "2026-11-23T09:30:00.000Z")
    assert answered(admin.get(path(made))) == made
    assert made in list(walk(admin, "/schedules"))

    records = call_roll(admin, made, 0, MOST)
    assert list(walk(admin, f"{path(made)}/attendance")) == records
    student = "anna@school.example:1"
    late = {"status": "late", "note": "The bus 🚌 broke down"}
    for marked in (student, "s-0098"):
        found = answered(admin.put(f"{path(made)}/attendance/{quote(marked, safe='')}", json=late))
        assert {name: found[name] for name in ("student_id", "status", "note")} == {"student_id": marked, **late}
        assert found["marked_by"] == "admin-1"
    listed = {each["student_id"]: each["status"] for each in walk(admin, f"{path(made)}/attendance")}
    assert len(listed) == MOST + 1
    assert (listed[student], listed["s-0097"], listed["s-0098"]) == ("late", "present", "late")
    assert answered(admin.delete(path(made))) == {"deleted_attendance": MOST + 1}


def test_a_roll_call_is_all_or_nothing(admin: httpx.Client) -> None:
    schedule = make(admin)
    good = {"student_id": "s-0001", "status": "present"}
    for roll in (
        [good, {"student_id": "s-0002", "status": "asleep"}],
        [good, {**good, "status": "late"}],
        [{**good, "student_id": f"s-{number}"} for number in range(MOST + 1)],
        [],
    ):
        refused = answered(admin.put(f"{path(schedule)}/attendance", json={"records": roll}), 400)
        assert refused["Code"] == "InvalidRequest"
    assert list(walk(admin, f"{path(schedule)}/attendance")) == []
    assert answered(admin.delete(path(schedule))) == {"deleted_attendance": 0}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timezone", "Europe/Atlantis"),
        ("starts_at", "2026-02-30T07:45:00Z"),
        ("starts_at", "2026-11-23T07:45:00"),
        ("ends_at", "2026-11-23T07:45:00Z"),
        ("context", {"text": "x" * 9000}),
    ],
)
def test_what_makes_no_sense_is_refused_and_named(admin: httpx.Client, field: str, value: Any) -> None:
    lesson = {"title": "Never", "starts_at": "2026-11-23T07:45:00Z", "ends_at": "2026-11-23T08:30:00Z", field: value}
    refused = answered(admin.post("/schedules", json=lesson), 400)
    assert refused["Code"] == "InvalidRequest"
    assert field in refused["Message"] or field in [each["field"] for each in refused["Details"]]


def test_schedules_are_the_admins(customer: httpx.Client) -> None:
    assert answered(customer.get("/schedules"), 403)["Code"] == "Forbidden"


@pytest.mark.parametrize("records", [0, 1, MOST, MOST + 1, 150])
def test_a_delete_takes_all_attendance_with_it(admin: httpx.Client, records: int) -> None:
    schedule = make(admin)
    for first in range(0, records, MOST):
        call_roll(admin, schedule, first, min(MOST, records - first))
    assert answered(admin.delete(path(schedule))) == {"deleted_attendance": records}
    expect_gone(admin, schedule)


def test_of_two_deletes_at_once_one_deletes(admin: httpx.Client) -> None:
    schedule = make(admin)
    call_roll(admin, schedule, 0, MOST)
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(lambda _: admin.delete(path(schedule)), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]
    assert [each.json() for each in answers if each.status_code == 200] == [{"deleted_attendance": MOST}]
    expect_gone(admin, schedule)


def test_marks_that_come_while_it_is_deleted_are_404s_or_go_with_it(admin: httpx.Client) -> None:
    schedule = make(admin)
    call_roll(admin, schedule, 0, 50)
    with ThreadPoolExecutor(4) as clients:
        marks = [
            clients.submit(admin.put, f"{path(schedule)}/attendance/late-{number}", json={"status": "late"})
            for number in range(30)
        ]
        deleted = answered(admin.delete(path(schedule)))["deleted_attendance"]
        statuses = [mark.result().status_code for mark in marks]
    assert set(statuses) <= {200, 404}
    assert deleted == 50 + statuses.count(200)
    expect_gone(admin, schedule)
