"""The demo's past, told in memory: what is there afterwards, once and again. `tests/e2e/test_demo.py` has the rest."""

import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import app
from chalicelib import clock
from infra import demo, local, telling
from infra.troubles import Trouble
from tests.analytics import happened
from tests.conftest import Door
from tests.faults import Gateway, forget, no_pauses

STACK = local.Stack("http://localhost:8000", "", "", "", "", "", "", "")

# Shortly after midnight in Berlin, in the weeks in which the clocks there change, and an ordinary noon.
MOMENTS = ("2026-03-31T22:00:00.250Z", "2026-10-25T23:00:00.000Z", "2026-11-22T12:00:00.000Z")


@pytest.fixture
def door() -> Iterator[Door]:
    """The public door on a database and a bucket of events in memory: the past takes thousands of calls."""
    forget()
    with happened.quick(), no_pauses():
        yield Door(Gateway(app.app))


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


def test_a_week_that_is_tracked_again_is_counted_once(door: Door, frozen: Callable[[str], None]) -> None:
    from infra.scenes import failures

    frozen(MOMENTS[-1])
    now = clock.parse(MOMENTS[-1])
    for _ in range(2):
        failures.remember(now, 2, lambda _: None)
        overview = door.admin("GET", "/analytics/overview?hours=48").json
        often = list(failures.SCHOOL_HOURS.values())
        assert overview["events"] == sum(often) + sum(often[:4])  # yesterday's, and today's until noon
        assert [each["events"] for each in overview["items"] if each["hour"].startswith("2026-11-22T1")] == [80, 60, 0]
    rates = [payments(door, hours)["failure_rate"] for hours in (4, 48)]
    assert rates[0] > 0.4 > rates[1] > 0
    assert payments(door, 4)["p95_ms"] == pytest.approx(30_000, rel=0.02)


def payments(door: Door, hours: int) -> dict[str, Any]:
    (line,) = items(door, f"/analytics/endpoints?hours={hours}&dimension=POST+/payments")
    return line


def past(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave of the story what happened in the past."""
    from infra.scenes import incidents, schedules, tasks

    # One report a day of each kind is enough here: each takes several calls.
    rarely = [replace(each, per_day=tuple(min(1, often) for often in each.per_day)) for each in incidents.WEEK[:4]]
    monkeypatch.setattr(incidents, "WEEK", tuple(rarely))
    steps = (
        ("Incidents", lambda progress: incidents.play(clock.now(), demo.DAYS, progress)),
        ("Tasks", lambda _: tasks.play(clock.now())),
        ("Schedules", lambda _: schedules.play(clock.now())),
    )
    monkeypatch.setattr(demo, "_steps", lambda *_: steps)


def test_the_story_says_where_to_look(
    door: Door,
    frozen: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    frozen(MOMENTS[-1])
    past(monkeypatch)
    for _ in range(2):
        assert demo._tell(STACK, demo.DAYS, demo.TAKES) == 0
        told = capsys.readouterr().out.splitlines()
        looked = [line.split()[1].strip("'") for line in told if line.startswith("  look ")]
        assert looked[0] == "/incidents"
        assert len(looked) == 6
        for path in looked:
            answer = door.admin("GET", path)
            assert answer.status == 200, (path, answer)
            assert answer.json.get("items") != [], path
    assert "http://localhost:8000$1" in "\n".join(told)
    assert "    http://localhost:8000/console/incidents" in told


def test_a_shorter_story_has_the_last_days_alone(
    door: Door, frozen: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from infra.scenes import incidents

    frozen(MOMENTS[-1])
    past(monkeypatch)
    assert incidents.play(clock.now(), 2, lambda _: None).account.startswith("5 reports")
    assert min(each["first_seen"] for each in items(door, "/incidents")) >= "2026-11-21"


def test_a_step_that_fails_says_why_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from infra.scenes import Scene

    def silent(_: object) -> Scene:
        raise httpx.ConnectError("refused", request=httpx.Request("GET", "http://localhost:8000/jobs"))

    def refused(_: object) -> Scene:
        raise Trouble("The store is full.")

    def broken(_: object) -> Scene:
        raise LookupError("nothing there")

    def well(_: object) -> Scene:
        return Scene("All went well.\n  It did.", (("/jobs", "jobs"),), ())

    steps = (("One", silent), ("Two", refused), ("Three", broken), ("Four", well))
    monkeypatch.setattr(demo, "_steps", lambda *_: steps)
    assert demo._tell(STACK, demo.DAYS, demo.TAKES) == 1
    told = capsys.readouterr().out
    assert told.startswith(
        """ 1/4  One
    ✗ localhost:8000 does not answer (refused): does `make run` still run?
 2/4  Two
    ✗ The store is full.
 3/4  Three
    ✗ LookupError: nothing there
 4/4  Four
    ✓ All went well.
        It did. (0.0 s)
"""
    )
    assert "http://localhost:8000/console/jobs" in told
    assert told.endswith("\n3 of 4 steps failed; why stands above.\n")


def test_progress_is_drawn_in_place_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "20")
    progress = telling.progress()
    progress("a tenth")
    progress("all of it, at great length")
    telling.end("✓", "Done.")
    assert capsys.readouterr().out == "\r\x1b[K      a tenth\r\x1b[K      all of it, at\r\x1b[K    ✓ Done.\n"


def test_progress_is_a_line_every_few_seconds_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moment = 0.0
    monkeypatch.setattr("infra.telling.time.monotonic", lambda: moment)
    progress = telling.progress()
    for second in range(8):
        moment = second
        progress(f"{second} of 8")
    assert capsys.readouterr().out == "      3 of 8\n      6 of 8\n"


def test_whoever_waits_gives_up_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "LOOK_EVERY_S", 0.001)
    looks: Iterator[str | int] = iter(["converting it", "converting it", 7])
    said: list[str] = []
    assert telling.wait(lambda: next(looks), 10, said.append) == 7
    assert said == ["converting it, 0 s"] * 2
    with pytest.raises(Trouble, match="Gave up waiting for the worker after 0 s"):
        telling.wait(lambda: "waiting for the worker", 0.01, said.append)


def test_a_large_file_goes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from infra.scenes import phone

    sent: dict[str, tuple[bytes, dict[str, str]]] = {}

    def put(url: str, *, content: Iterator[bytes], headers: dict[str, str], **_: Any) -> httpx.Response:
        sent[url] = b"".join(content), headers
        return httpx.Response(200, request=httpx.Request("PUT", url))

    monkeypatch.setattr(httpx, "put", put)
    monkeypatch.setattr(phone, "PIECE_BYTES", 4)
    path = tmp_path / "a.mov"
    path.write_bytes(b"0123456789abcdefghijklmno")
    parts = [{"part_number": number, "url": f"https://store/{number}"} for number in (1, 2, 3)]
    told: list[str] = []
    assert phone.send({"upload": {"part_size_bytes": 10, "parts": parts}}, path, told.append) == 3
    assert [body for body, _ in sent.values()] == [b"0123456789", b"abcdefghij", b"klmno"]
    assert [headers["Content-Length"] for _, headers in sent.values()] == ["10", "10", "5"]
    assert (told[0], told[-1]) == ("uploading, 16 % of 0.0 MB", "uploading, 100 % of 0.0 MB")


def test_a_receiver_tells_what_is_genuine() -> None:
    from chalicelib.alerts import webhook
    from infra.scenes import receiver

    secret, now = "whsec_" + "c2VjcmV0" * 4, datetime.now().astimezone()
    alert: Any = SimpleNamespace(delivery_id="critical:incident:9f2c51d07be4:7")
    body = b'{"type": "alert.triggered"}'
    with receiver.listening(0) as receives:
        headers = webhook.signed([secret], alert, body, now)
        assert httpx.post(f"{receives.origin}/hook", content=body, headers=headers, trust_env=False).status_code == 204
    ((taken, sent),) = receives.taken
    assert receiver.genuine(secret, taken, sent)
    assert not receiver.genuine(secret, taken, sent + b" ")
    assert not receiver.genuine("whsec_" + "b3RoZXI=" * 4, taken, sent)
    old = webhook.signed([secret], alert, body, now - timedelta(minutes=10))
    assert not receiver.genuine(secret, old, sent)


def test_a_receiver_says_that_its_port_is_taken() -> None:
    from infra.scenes import receiver

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Trouble, match=f"port {port} .*in use"), receiver.listening(port):
            pass


def test_without_a_stack_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GROUNDCREW_LOCAL_DIR", str(tmp_path))
    assert demo.main() == 1
    assert capsys.readouterr().err == "No local stack is running: start one with `make run`.\n"
