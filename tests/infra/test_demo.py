"""The demo, told on moto: what is there afterwards, once and again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib import clock
from infra import demo, local
from tests.conftest import Door

# Shortly after midnight in Berlin, in the weeks in which the clocks there change, and an ordinary noon.
MOMENTS = ("2026-03-31T22:00:00.250Z", "2026-10-25T23:00:00.000Z", "2026-11-22T12:00:00.000Z")


@pytest.fixture(params=MOMENTS)
def now(request: pytest.FixtureRequest, frozen: Callable[[str], None]) -> datetime:
    frozen(request.param)
    return clock.parse(request.param)


def items(door: Door, path: str) -> list[dict[str, Any]]:
    answer = door.admin("GET", path)
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = answer.json["items"]
    return found


def only(door: Door, path: str, **fields: Any) -> dict[str, Any]:
    """The one item of a list that has these fields."""
    (found,) = [each for each in items(door, path) if fields.items() <= each.items()]
    return found


def expect_a_week(door: Door, now: datetime) -> None:
    from infra.scenes import tasks

    task = only(door, "/tasks", payload=tasks.OURS)
    week = items(door, f"/tasks/{task['task_id']}/instances")
    last = tasks._midnight(now, 0).date()
    assert [each["date"] for each in week] == [tasks._midnight(now, -day).date().isoformat() for day in range(7)]
    assert week[0]["date"] == last.isoformat()
    assert [each["done"] for each in week] == [False] * 2 + [True] * 5
    assert all(each["done_at"] is None or each["done_at"][:10] == each["date"] for each in week)
    assert task["next_date"] == tasks._midnight(now, 1).date().isoformat()
    assert door.admin("GET", f"/tasks/{task['task_id']}").json["skipped"] == []
    dry = door.admin("POST", "/tasks/purge-future", {}).json
    assert (dry["dry_run"], dry["matched"]) == (True, 0)


def test_a_week_of_a_daily_task_is_lived_through_and_what_was_made_too_early_is_purged(
    door: Door, now: datetime
) -> None:
    from infra.scenes import tasks

    others = door.admin("POST", "/tasks", {"title": "Not of the demo", "recurrence": "daily"}).json
    for _ in range(2):
        told = tasks.play(now).account
        assert "7 instances, each made on its day; 5 are done" in told
        assert "found 12 future instances" in told
        assert "deleted 12;" in told
        expect_a_week(door, now)
        assert len(items(door, f"/instances?date={tasks._midnight(now, -6).date()}")) == 1  # nothing of the first time
    assert items(door, f"/tasks/{others['task_id']}/instances") == others["instances"]
    assert len(items(door, "/tasks")) == 2


def test_a_scheduler_that_comes_by_while_it_is_told_does_not_spoil_it(
    door: Door, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.tasks import scheduling
    from infra.scenes import tasks

    create_instances, calls = scheduling.create_instances, 0

    def interrupted(task_ids: list[str], moment: datetime) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            create_instances(task_ids, now)
        create_instances(task_ids, moment)

    monkeypatch.setattr(scheduling, "create_instances", interrupted)
    assert "7 instances" in tasks.play(now).account
    expect_a_week(door, now)


def test_an_assembly_is_deleted_with_its_attendance_and_a_lesson_stays(door: Door) -> None:
    from infra.scenes import schedules

    now = clock.parse(MOMENTS[0])
    other = {"title": "Not of the demo", "starts_at": "2026-01-01T08:00:00Z", "ends_at": "2026-01-01T09:00:00Z"}
    assert door.admin("POST", "/schedules", other).status == 201
    for _ in range(2):
        scene = schedules.play(now)
        assert "its 150 attendance records went with it" in scene.account
        lesson = only(door, "/schedules", context=schedules.OURS)
        ((path, _),) = scene.look
        assert path == f"/schedules/{lesson['schedule_id']}/attendance"
        assert [each["status"] for each in items(door, path)].count("present") == 20
        assert len(items(door, path)) == 24
    assert [each["title"] for each in items(door, "/schedules")] == ["Physics 8 b", "Not of the demo"]


def test_the_whole_story_says_where_to_look(
    door: Door,
    frozen: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from infra.scenes import incidents

    frozen(MOMENTS[-1])
    # One report a day of each kind is enough here: each takes several calls.
    rarely = [replace(each, per_day=tuple(min(1, often) for often in each.per_day)) for each in incidents.WEEK[:4]]
    monkeypatch.setattr(incidents, "WEEK", tuple(rarely))
    for _ in range(2):
        demo._tell(local.Stack("http://localhost:8000", "", "", "", "", "", "", ""))
        told = capsys.readouterr().out.splitlines()
        looked = [line.split()[1].strip("'") for line in told if line.startswith("  look ")]
        assert looked[0] == "/incidents"
        assert len(looked) >= 7
        for path in looked:
            answer = door.admin("GET", path)
            assert answer.status == 200, (path, answer)
            assert answer.json.get("items") != [], path
    assert "http://localhost:8000$1" in "\n".join(told)


def test_without_a_stack_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GROUNDCREW_LOCAL_DIR", str(tmp_path))
    assert demo.main() == 1
    assert capsys.readouterr().err == "No local stack is running: start one with `make run`.\n"
