"""Tasks from outside, over HTTP and by `make purge-future`.

What every system does is asked of a deployment too. There the days cannot be hurried; on a stack whose clock the tests
move they can, and nothing waits for longer than a condition takes to hold.
"""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra import local
from tests.e2e import moved
from tests.e2e.conftest import PATIENCE_S, Run, signed_in, started

LOOK_EVERY_S = 0.05
# A schedule of a deployment fires within its first minute, and is then late by seconds.
FIRES_WITHIN_S = 150
WEEK = timedelta(days=7)

deployed_only = pytest.mark.skipif("GROUNDCREW_URL" not in os.environ, reason="takes a minute of a real clock")
local_only = pytest.mark.skipif("GROUNDCREW_URL" in os.environ, reason="moves the clock")


def answered(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def make(admin: httpx.Client, **fields: Any) -> dict[str, Any]:
    task: dict[str, Any] = answered(admin.post("/tasks", json={"title": f"Feed {uuid.uuid4().hex}", **fields}), 201)
    return task


def walk(admin: httpx.Client, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """Every item of a list, page by page."""
    cursor: dict[str, str] = {}
    while True:
        page = answered(admin.get(path, params={**parameters, **cursor}))
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def dates(admin: httpx.Client, task: dict[str, Any]) -> list[str]:
    """Those of a task's instances, the earliest first."""
    found = [each["date"] for each in walk(admin, f"/tasks/{task['task_id']}/instances", limit=3)]
    return found[::-1]


def eventually(shown: Callable[[], Any], wanted: Any, within_s: float = PATIENCE_S) -> None:
    """Look until something is shown as it is wanted."""
    deadline = time.monotonic() + within_s
    while (found := shown()) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(LOOK_EVERY_S)


# -- as any system ----------------------------------------------------------------------------------------------------


def test_a_task_from_its_making_to_its_end(admin: httpx.Client) -> None:
    day = (datetime.now(UTC) + WEEK).date().isoformat()
    asked = {
        "title": "Clean the lab 🧪",
        "recurrence": "FREQ=WEEKLY;BYDAY=MO,FR",
        "timezone": "Europe/Berlin",
        "local_time": "07:30",
        "start_date": day,
        "payload": {"room": "B 12"},
    }
    once = {"Idempotency-Key": uuid.uuid4().hex}
    made = answered(admin.post("/tasks", json=asked, headers=once), 201)
    assert answered(admin.post("/tasks", json=asked, headers=once), 201) == made
    assert {name: made[name] for name in asked} == asked
    (instance,) = made["instances"]
    assert (instance["date"], instance["title"], instance["done"]) == (day, "Clean the lab 🧪", False)

    path, at = f"/tasks/{made['task_id']}", f"/instances/{instance['instance_id']}"
    assert made["task_id"] in [each["task_id"] for each in walk(admin, "/tasks")]
    changed = answered(admin.patch(path, json={"title": "Clean both labs", "paused": True}))
    assert (changed["title"], changed["paused"], changed["payload"]) == ("Clean both labs", True, {"room": "B 12"})
    assert answered(admin.get(path)) == {**changed, "skipped": []}
    assert list(walk(admin, f"{path}/instances")) == [instance]  # as it was made

    done = answered(admin.patch(at, json={"done": True}))
    assert (done["done"], done["done_at"] >= made["created_at"]) == (True, True)
    mine = [each for each in walk(admin, "/instances", date=day) if each["task_id"] == made["task_id"]]
    assert mine == [done]

    for _ in range(2):
        answered(admin.delete(path), 204)
    for gone in (path, f"{path}/instances"):
        assert answered(admin.get(gone), 404)["Code"] == "TaskNotFound"
    assert made["task_id"] not in [each["task_id"] for each in walk(admin, "/tasks")]
    # What was done stays on record, as done.
    assert answered(admin.patch(at, json={"done": True}))["done"] is True
    assert answered(admin.patch(at, json={"done": False}), 409)["Code"] == "Conflict"


def test_a_task_owes_nothing_for_the_days_before_it_was_made(admin: httpx.Client) -> None:
    start = (datetime.now(UTC) - WEEK).date()
    task = make(
        admin, recurrence="daily", start_date=start.isoformat(), end_date=(start + timedelta(days=3)).isoformat()
    )
    path = f"/tasks/{task['task_id']}"
    found = answered(admin.get(path))
    (skipped,) = found["skipped"]
    passed = [(start + timedelta(days=days)).isoformat() for days in (1, 3)]
    assert [skipped["first_date"], skipped["last_date"], skipped["reason"]] == [*passed, "before_creation"]
    assert found["next_date"] is None
    assert dates(admin, task) == [start.isoformat()]
    answered(admin.delete(path), 204)
    answered(admin.get(path), 404)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timezone", "Europe/Atlantis"),
        ("start_date", "2026-02-30"),
        ("recurrence", "FREQ=HOURLY"),
        ("recurrence", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
        ("end_date", "1999-12-31"),
        ("payload", {"text": "x" * 9000}),
    ],
)
def test_what_makes_no_sense_is_refused_and_named(admin: httpx.Client, field: str, value: Any) -> None:
    refused = answered(admin.post("/tasks", json={"title": "Never", "start_date": "2030-01-01", field: value}), 400)
    assert refused["Code"] == "InvalidRequest"
    assert field in refused["Message"] or field in [each["field"] for each in refused["Details"]]


def test_tasks_are_the_admins(customer: httpx.Client) -> None:
    for path in ("/tasks", "/instances?date=2026-01-01", "/scheduler"):
        assert answered(customer.get(path), 403)["Code"] == "Forbidden"


def test_a_purge_says_what_it_would_do_does_it_and_is_undone(
    admin: httpx.Client, stack: local.Stack, tmp_path: Path
) -> None:
    day = (datetime.now(UTC) + WEEK).date().isoformat()
    task = make(admin, recurrence="daily", start_date=day)
    mine = {"TASK": task["task_id"]}

    said = shell(stack, tmp_path, **mine)
    assert said.splitlines()[:2] == [
        "1 instance of recurring tasks after today, not done:",
        f"  {day}  {task['title']}  (task {task['task_id']})",
    ]
    assert f"Nothing was deleted, as this was a dry run. To delete them: TASK={task['task_id']} APPLY=1" in said
    assert dates(admin, task) == [day]

    said = shell(stack, tmp_path, APPLY="1", **mine)
    assert "1 instance deleted in all" in said
    assert dates(admin, task) == []
    assert answered(admin.get(f"/tasks/{task['task_id']}"))["next_date"] == day  # it is made anew on its day
    assert "There is nothing to purge" in shell(stack, tmp_path, APPLY="1", **mine)

    purge_id = said.partition("PURGE=")[2].split()[0]
    for restored in ("1 instance", "0 instances"):
        assert f"Put back {restored}." in shell(stack, tmp_path, "undo", PURGE=purge_id)
        assert dates(admin, task) == [day]
    answered(admin.delete(f"/tasks/{task['task_id']}"), 204)


def shell(stack: local.Stack, directory: Path, *arguments: str, **environment: str) -> str:
    """What `infra.purge` prints, with a stack that is announced in a directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROUNDCREW_LOCAL_DIR", str(directory))
        local.announce(stack)
    return subprocess.run(
        [sys.executable, "-m", "infra.purge", *arguments],
        cwd=local.PROJECT,
        env={"PATH": os.environ["PATH"], "GROUNDCREW_LOCAL_DIR": str(directory), **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


@deployed_only
def test_the_scheduled_function_makes_todays_instance(admin: httpx.Client) -> None:
    start = datetime.now(UTC).date() - timedelta(days=1)
    task = make(admin, recurrence="daily", start_date=start.isoformat())
    eventually(lambda: len(dates(admin, task)), 2, FIRES_WITHIN_S)
    first, second = (date.fromisoformat(each) for each in dates(admin, task))
    assert first == start
    assert second in (start + timedelta(days=1), datetime.now(UTC).date())  # midnight may have come
    assert answered(admin.get("/scheduler"))["stopped"] is False
    answered(admin.delete(f"/tasks/{task['task_id']}"), 204)


# -- day by day -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moved:
    """A stack whose clock is moved, and its admin."""

    run: Run
    admin: httpx.Client

    def to(self, moment: str) -> None:
        """Move the clock, and wait until the scheduled function has run by it."""
        moved.stand(self.run.directory, moment)
        eventually(lambda: answered(self.admin.get("/scheduler"))["last_tick"], moment)

    def dates(self, task: dict[str, Any]) -> list[str]:
        return dates(self.admin, task)

    def skipped(self, task: dict[str, Any]) -> list[tuple[str, str, str]]:
        """The dates that were passed over, the newest first, and why."""
        found = answered(self.admin.get(f"/tasks/{task['task_id']}"))["skipped"]
        return [(each["first_date"], each["last_date"], each["reason"]) for each in found]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    directory = tmp_path_factory.mktemp("moved")
    moved.stand(directory, "2027-01-01T00:00:00.000Z")
    with started(directory, moved.COMMAND) as run, signed_in(run.stack, "admin", "admin-1") as admin:
        yield Moved(run, admin)


@local_only
def test_a_day_has_one_instance_also_when_the_clocks_change(days: Moved) -> None:
    days.to("2027-03-25T05:00:00.000Z")
    task = make(days.admin, recurrence="daily", timezone="Europe/Berlin", local_time="07:30")
    expected = ["2027-03-25"]
    assert days.dates(task) == expected
    for day in range(26, 32):
        hour = 6 if day < 28 else 5  # in UTC; on the 28th summer time begins
        if 27 <= day <= 29:
            days.to(f"2027-03-{day}T0{hour}:29:59.999Z")
            assert days.dates(task) == expected
        days.to(f"2027-03-{day}T0{hour}:30:00.000Z")
        expected.append(f"2027-03-{day}")
        assert days.dates(task) == expected
    days.to("2027-04-01T05:29:59.999Z")
    assert days.dates(task) == expected
    assert days.skipped(task) == []
    assert answered(days.admin.get("/scheduler"))["stopped"] is False


@local_only
def test_after_an_outage_today_is_made_and_the_gap_is_told(days: Moved) -> None:
    days.to("2027-05-01T10:00:00.000Z")
    task = make(days.admin, recurrence="daily", timezone="America/New_York", local_time="06:00")
    days.to("2027-05-02T10:00:00.000Z")
    assert days.dates(task) == ["2027-05-01", "2027-05-02"]
    days.to("2027-05-06T10:00:00.000Z")
    assert days.dates(task) == ["2027-05-01", "2027-05-02", "2027-05-06"]
    assert days.skipped(task) == [("2027-05-03", "2027-05-05", "missed")]
    days.to("2027-05-07T10:00:00.000Z")
    assert days.dates(task) == ["2027-05-01", "2027-05-02", "2027-05-06", "2027-05-07"]


@local_only
def test_what_passes_in_a_pause_is_not_made_afterwards(days: Moved) -> None:
    days.to("2027-06-01T12:00:00.000Z")
    task = make(days.admin, recurrence="daily", timezone="Asia/Kolkata", local_time="09:00")
    path = f"/tasks/{task['task_id']}"
    answered(days.admin.patch(path, json={"paused": True}))
    days.to("2027-06-04T12:00:00.000Z")
    assert days.dates(task) == ["2027-06-01"]
    answered(days.admin.patch(path, json={"paused": False}))
    eventually(lambda: days.dates(task), ["2027-06-01", "2027-06-04"])
    assert days.skipped(task) == [("2027-06-02", "2027-06-03", "paused")]
    answered(days.admin.patch(path, json={"end_date": "2027-06-05"}))
    days.to("2027-06-05T12:00:00.000Z")
    days.to("2027-06-06T12:00:00.000Z")
    assert days.dates(task) == ["2027-06-01", "2027-06-04", "2027-06-05"]
    assert answered(days.admin.get(path))["next_date"] is None


@local_only
def test_what_a_wrong_clock_made_is_purged_and_made_anew_on_its_day(days: Moved, tmp_path: Path) -> None:
    days.to("2027-07-01T12:00:00.000Z")
    task = make(days.admin, recurrence="daily")
    for day in range(2, 6):
        days.to(f"2027-07-0{day}T12:00:00.000Z")
    made = [f"2027-07-0{day}" for day in range(1, 6)]
    assert days.dates(task) == made
    answered(days.admin.patch(f"/instances/{task['task_id']}-2027-07-04", json={"done": True}))

    days.to("2027-07-02T12:00:00.000Z")  # the clock is set right
    assert "2 instances of recurring tasks" in shell(days.run.stack, tmp_path, TASK=task["task_id"])
    assert days.dates(task) == made
    said = shell(days.run.stack, tmp_path, TASK=task["task_id"], APPLY="1")
    assert days.dates(task) == ["2027-07-01", "2027-07-02", "2027-07-04"]
    days.to("2027-07-03T12:00:00.000Z")
    assert days.dates(task) == ["2027-07-01", "2027-07-02", "2027-07-03", "2027-07-04"]

    told = shell(days.run.stack, tmp_path, "undo", PURGE=said.partition("PURGE=")[2].split()[0])
    assert "Put back 1 instance." in told
    assert "For 1 instance there was a new one" in told
    assert days.dates(task) == made
    for day in range(4, 7):
        days.to(f"2027-07-0{day}T12:00:00.000Z")
    assert days.dates(task) == [*made, "2027-07-06"]


@local_only
def test_more_than_a_tick_can_make_go_by_the_queue(days: Moved) -> None:
    days.to("2027-09-01T00:00:00.000Z")
    until = {"recurrence": "daily", "end_date": "2027-09-02"}
    with ThreadPoolExecutor(8) as clients:
        tasks = list(clients.map(lambda _: make(days.admin, **until), range(64)))

    def made() -> list[str]:
        return sorted(each["task_id"] for each in walk(days.admin, "/instances", date="2027-09-02", limit=100))

    everyone = sorted(task["task_id"] for task in tasks)
    moved.stand(days.run.directory, "2027-09-02T00:00:00.000Z")
    eventually(lambda: set(everyone) <= set(made()), wanted=True)
    days.to("2027-09-02T00:00:01.000Z")
    assert [each for each in made() if each in set(everyone)] == everyone
    eventually(lambda: answered(days.admin.get("/scheduler"))["lag_seconds"], 0)
    for task in tasks[::16]:
        assert days.dates(task) == ["2027-09-01", "2027-09-02"]
