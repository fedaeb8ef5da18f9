"""Check-ins: heartbeats of tasks that run elsewhere, and when one is overdue."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from chalicelib import clock
from chalicelib.errors import InvalidCursor
from chalicelib.projects import settings
from chalicelib.sentry import checkins, crontab
from tests.conftest import Door
from tests.sentry.conftest import Cloud
from tests.sentry.taking import EVENT, NOW, OTHER, packed, taken

Freeze = Callable[[str], None]
RUN, NEXT = "1" * 32, "2" * 32
DAILY = {"schedule": {"type": "crontab", "value": "0 0 * * *"}}


@pytest.fixture
def door(cloud_in_memory: Cloud, frozen: Freeze) -> Door:
    frozen("2026-03-01T10:00:20Z")
    return cloud_in_memory.door


def check_in(status: Any = "ok", now: datetime = NOW, **more: Any) -> None:
    said = {"monitor_slug": "nightly", "check_in_id": RUN, "status": status, **more}
    taken(packed(("check_in", said)), now=now)


def heartbeats(now: datetime = NOW, project_id: str = "1") -> list[dict[str, Any]]:
    return [msgspec.to_builtins(each) for each in checkins.page(project_id, 100, None, now).items]


def incidents(door: Door) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = door.admin("GET", "/incidents").json["items"]
    return found


def at(text: str) -> datetime:
    return clock.parse(text)


def test_a_run_leaves_a_heartbeat(door: Door) -> None:
    begun, ended = NOW, NOW + timedelta(seconds=5)
    check_in("in_progress", begun, environment="staging", monitor_config=DAILY, duration=None, release="shop@1")
    (found,) = heartbeats()
    assert found == {
        "monitor": "nightly",
        "environment": "staging",
        "status": "in_progress",
        "overdue": False,
        "last_check_in": "2026-03-01T10:00:10.000Z",
        "last_ok": None,
        "last_error": None,
        "duration_seconds": None,
        "schedule": "0 0 * * *",
        "timezone": None,
        "release": "shop@1",
    }
    check_in("ok", ended, environment="staging", duration=4.75)
    (found,) = heartbeats()
    assert (found["status"], found["duration_seconds"]) == ("ok", 4.75)
    assert found["last_ok"] == found["last_check_in"] == "2026-03-01T10:00:15.000Z"
    assert found["schedule"] == "0 0 * * *"
    assert incidents(door) == []


def test_a_run_that_has_ended_does_not_begin_again(door: Door) -> None:
    check_in("ok")
    check_in("in_progress", NOW + timedelta(seconds=1))
    assert heartbeats()[0]["status"] == "ok"
    check_in("in_progress", NOW + timedelta(seconds=2), check_in_id=NEXT)
    assert heartbeats()[0]["status"] == "in_progress"


def test_a_beginning_that_comes_after_the_end_still_tells_the_schedule(door: Door) -> None:
    check_in("ok", duration=0.1)
    check_in("in_progress", NOW + timedelta(seconds=1), monitor_config=DAILY)
    (found,) = heartbeats()
    assert (found["status"], found["last_check_in"]) == ("ok", "2026-03-01T10:00:10.000Z")
    assert (found["schedule"], found["overdue"]) == ("0 0 * * *", False)


def test_a_run_that_failed_is_an_incident_once(door: Door) -> None:
    check_in("ok")
    for _ in range(2):
        check_in("error", check_in_id=NEXT, environment="production", release="shop@1")
    (incident,) = incidents(door)
    assert (incident["error_key"], incident["title"]) == ("check_in", "check_in: nightly failed")
    assert (incident["severity"], incident["count"]) == ("HIGH", 1)
    assert (incident["environments"], incident["first_release"]) == (["production"], "shop@1")
    check_in("error", check_in_id=OTHER)
    check_in("error", monitor_slug="hourly", check_in_id=EVENT)
    assert sorted(each["count"] for each in incidents(door)) == [1, 2]
    beat = {each["monitor"]: each for each in heartbeats()}["nightly"]
    assert (beat["status"], beat["last_ok"]) == ("error", "2026-03-01T10:00:10.000Z")


def test_runs_without_an_id_are_not_taken_for_each_other(door: Door) -> None:
    for check_in_id in ("0" * 32, None, "x", 7):
        for _ in range(2):
            check_in("error", check_in_id=check_in_id)
        check_in("in_progress", check_in_id=check_in_id)
        assert heartbeats()[0]["status"] == "in_progress"
    assert incidents(door)[0]["count"] == 2 * 4


def test_each_environment_and_project_has_its_own(door: Door) -> None:
    for environment in ("staging", None, 7):
        check_in(environment=environment)
    said = packed(("check_in", {"monitor_slug": "nightly", "status": "ok"}))
    taken(said, dataclasses.replace(settings.default_terms(), project_id="2"))
    assert [each["environment"] for each in heartbeats()] == ["production", "staging"]
    assert len(heartbeats(project_id="2")) == 1


def test_a_monitors_name_is_a_name(door: Door) -> None:
    for said in ("nightly-job.v2_x", "a#b c/ü", "x" * 500, "#", 7):
        check_in(monitor_slug=said)
    assert [each["monitor"] for each in heartbeats()] == ["a-b-c", "nightly-job.v2_x", "unnamed", "x" * 100]


def test_heartbeats_come_in_pages_and_end_with_their_retention(door: Door) -> None:
    for nth in range(5):
        check_in(monitor_slug=f"m{nth}")
    seen, cursor = [], None
    while True:
        page = checkins.page("1", 2, cursor, NOW)
        seen += [each.monitor for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == ["m0", "m1", "m2", "m3", "m4"]
    with pytest.raises(InvalidCursor):
        checkins.page("2", 2, checkins.page("1", 2, None, NOW).next_cursor, NOW)
    assert heartbeats(NOW + timedelta(days=90)) == []


BAD: list[dict[str, Any]] = [
    {"monitor_config": [DAILY], "duration": "1"},
    {"monitor_config": {"schedule": "0 0 * * *", "timezone": "Mars/Base", "checkin_margin": -1}, "duration": -1},
    {"monitor_config": {"schedule": {"type": "interval", "value": 10**30, "unit": "day"}}, "duration": 10**30},
    {"monitor_config": {"schedule": {"type": "interval", "value": "1", "unit": ["day"]}}, "duration": True},
    {"monitor_config": {"schedule": {"type": "crontab", "value": "x" * 5000}}, "duration": {}},
    {"monitor_config": {"schedule": {"value": "\ud800\x00"}, "timezone": "\x00"}, "release": ["a"]},
]


def test_bad_fields_cost_no_heartbeat(door: Door) -> None:
    for nth, said in enumerate(BAD):
        check_in(monitor_slug=str(nth), **said)
    found = [(each["monitor"], each["status"], each["overdue"], each["timezone"]) for each in heartbeats()]
    assert found == [(str(nth), "ok", None, None) for nth in range(len(BAD))]


@pytest.mark.parametrize("number", [True, -1, "5", [5], 10**30, 1e308])
def test_numbers_that_are_none_are_left_out(door: Door, number: Any) -> None:
    bounds = {"checkin_margin": number, "max_runtime": number}
    check_in("in_progress", monitor_config=DAILY | bounds, duration=number)
    (found,) = heartbeats()
    assert (found["duration_seconds"], found["overdue"]) == (None, False)
    (late,) = heartbeats(NOW + timedelta(days=2))
    assert late["overdue"] is True


def test_a_status_that_nobody_knows_is_told(door: Door) -> None:
    check_in(["ok"])
    assert heartbeats()[0]["status"] == "error"
    assert len(incidents(door)) == 1


# -- when one is overdue ----------------------------------------------------------------------------------------------


DUE: list[tuple[dict[str, Any], str, bool | None]] = [
    (DAILY, "2026-03-01T23:59:00Z", False),
    (DAILY, "2026-03-02T00:00:59Z", False),
    (DAILY, "2026-03-02T00:01:00Z", True),
    (DAILY | {"checkin_margin": 30}, "2026-03-02T00:29:59Z", False),
    (DAILY | {"checkin_margin": 30}, "2026-03-02T00:30:00Z", True),
    (DAILY | {"timezone": "America/New_York"}, "2026-03-02T04:59:00Z", False),
    (DAILY | {"timezone": "America/New_York"}, "2026-03-02T05:01:00Z", True),
    ({"schedule": {"type": "interval", "value": 10, "unit": "minute"}}, "2026-03-01T10:11:10Z", False),
    ({"schedule": {"type": "interval", "value": 10, "unit": "minute"}}, "2026-03-01T10:11:11Z", True),
    ({}, "2026-03-20T00:00:00Z", None),
]


def test_a_task_that_did_not_check_in_is_overdue(door: Door) -> None:
    for nth, (config, _, _) in enumerate(DUE):
        check_in(monitor_slug=str(nth), monitor_config=config)
    found = [heartbeats(at(moment))[nth]["overdue"] for nth, (_, moment, _) in enumerate(DUE)]
    assert found == [overdue for _, _, overdue in DUE]


def test_a_clock_that_is_ahead_makes_nothing_overdue(door: Door) -> None:
    check_in(now=at("2026-03-01T23:59:30Z"), monitor_config=DAILY)
    assert heartbeats(at("2026-03-02T12:00:00Z"))[0]["overdue"] is False


def test_a_run_that_never_ends_is_overdue(door: Door) -> None:
    check_in("in_progress", monitor_config={"max_runtime": 5})
    assert heartbeats(NOW + timedelta(minutes=5))[0]["overdue"] is None
    assert heartbeats(NOW + timedelta(minutes=5, seconds=1))[0]["overdue"] is True


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("* * * * *", "2026-03-04T10:07:00Z"),
        ("*/15 * * * *", "2026-03-04T10:00:00Z"),
        ("5-10/5 9-11 * * *", "2026-03-04T10:05:00Z"),
        ("30 10 * * *", "2026-03-03T10:30:00Z"),
        ("0 0 1 * *", "2026-03-01T00:00:00Z"),
        ("0 0 * * MON", "2026-03-02T00:00:00Z"),
        ("0 0 * * 7", "2026-03-01T00:00:00Z"),
        ("0 0 * * sun,tue", "2026-03-03T00:00:00Z"),
        ("0 0 1 * tue", "2026-03-03T00:00:00Z"),
        ("0 12 * jan-feb *", "2026-02-28T12:00:00Z"),
        ("0 0 L * *", "2026-02-28T00:00:00Z"),
        ("0 0 29 2 *", "2024-02-29T00:00:00Z"),
        ("59/1 23 31 12 *", "2025-12-31T23:59:00Z"),
        ("@hourly", "2026-03-04T10:00:00Z"),
        ("@Weekly", None),
        ("0 0 31 2 *", None),
        ("60 * * * *", None),
        ("*/0 * * * *", None),
        ("5-1 * * * *", None),
        ("* * * *", None),
        ("* * * * * *", None),
        ("* " * 60 + "*", None),
        ("a b c d e", None),
        ("", None),
        ("٣ * * * *", None),
    ],
)
def test_the_last_time_that_a_crontab_names(line: str, expected: str | None) -> None:
    wednesday = at("2026-03-04T10:07:30Z")
    assert crontab.last(line, wednesday, UTC) == (expected and at(expected))


def test_a_minute_that_has_begun_is_the_last() -> None:
    assert crontab.last("7 10 * * *", at("2026-03-04T10:07:00Z"), UTC) == at("2026-03-04T10:07:00Z")
    assert crontab.last("7 10 * * *", at("2026-03-04T10:06:59.999Z"), UTC) == at("2026-03-03T10:07:00Z")
