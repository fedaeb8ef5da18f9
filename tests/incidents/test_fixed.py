"""After the fix, through the public door: what reopens an incident, what does not, and what begins anew."""

import random
from collections.abc import Callable
from typing import Any

import boto3
import pytest

import app
from infra import pump
from tests.conftest import Door
from tests.faults import Call, no_pauses, storm, tapped

Freeze = Callable[[str], None]
Redeliver = Callable[[], dict[str, Any]]

SEEN, FIXED, LATER = "2026-03-01T10:00:00.000Z", "2026-03-01T11:00:00.000Z", "2026-03-01T12:00:00.000Z"
BEFORE, JUST_BEFORE = "2026-03-01T10:30:00Z", "2026-03-01T10:59:59.999Z"
EXPIRED = "2026-05-30T10:00:00Z"
QUEUE = "groundcrew-test-reports-overflow"


@pytest.fixture
def fixed(door: Door, frozen: Freeze) -> str:
    """The id of an incident that was seen at 10:00 and fixed at 11:00 in release 1.2.0; now it is 12:00."""
    frozen(SEEN)
    incident_id = str(door.report(severity="LOW", environment="live", user_id="1", release="1.1.0")["incident_id"])
    fix(door, frozen, incident_id, FIXED, fixed_in_release="1.2.0")
    frozen(LATER)
    return incident_id


def fix(door: Door, frozen: Freeze, incident_id: str, moment: str, **how: str) -> None:
    frozen(moment)
    assert door.admin("PATCH", f"/incidents/{incident_id}", {"status": "FIXED", **how}).status == 200


def counts(door: Door, incident_id: str) -> tuple[str, bool, int, int, str]:
    """Status, whether it regressed, count, stale hits and last_seen."""
    shown = door.incident(incident_id)
    return shown["status"], shown["regressed"], shown["count"], shown["stale_hits"], shown["last_seen"]


def listed(door: Door, query: str) -> list[str]:
    return [each["incident_id"] for each in door.admin("GET", f"/incidents?{query}").json["items"]]


def queue(
    door: Door, aws: boto3.Session, *bodies: dict[str, Any], only: Callable[[Call], bool] = lambda call: True
) -> Redeliver:
    """Report while DynamoDB refuses writes; returns how the queue hands the reports over, any number of times."""
    with tapped(storm(random.Random(0), share=1, only=only)), no_pauses():
        for body in bodies:
            assert door.ingest({"error_key": "homework_proof", "description": {}, **body}).status == 202
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    messages = pump.receive(sqs, url, 100)
    assert len(messages) == len(bodies)
    event = pump.sqs_event(messages, f"arn:aws:sqs:eu-central-1:000000000000:{QUEUE}")
    return lambda: dict(app.absorb_overflow(event, None))


# -- reopened ----------------------------------------------------------------------------------------------------------


def test_a_newer_report_reopens(door: Door, fixed: str) -> None:
    assert door.report()["incident_id"] == fixed
    assert counts(door, fixed) == ("ACTIVE", True, 2, 0, LATER)
    assert listed(door, "status=ACTIVE") == [fixed]
    assert listed(door, "status=FIXED") == []


def test_from_then_on_or_of_no_older_release_it_reopens(door: Door, frozen: Freeze, fixed: str) -> None:
    releases = ("1.2.0", "1.2", "1.2.0+build.7", "1.10.0", "v1.2.1", "web@1.2.1", "1.2.1-rc.1", "2")
    unordered = ("build-1187", "3f2a1b9", "1.1.0.5", "", None)
    newer: list[dict[str, Any]] = [{"occurred_at": FIXED}, {"occurred_at": LATER}]
    for count, report in enumerate(newer + [{"release": release} for release in releases + unordered], start=2):
        door.report(**report)
        assert counts(door, fixed) == ("ACTIVE", True, count, 0, LATER), report
        fix(door, frozen, fixed, FIXED)
        frozen(LATER)


def test_no_report_is_older_than_a_release_that_is_not_known(door: Door, frozen: Freeze) -> None:
    frozen(SEEN)
    incident_id = door.report()["incident_id"]
    fix(door, frozen, incident_id, FIXED)
    frozen(LATER)
    door.report(release="0.0.1")
    assert counts(door, incident_id) == ("ACTIVE", True, 2, 0, LATER)


def test_releases_of_two_packages_have_no_order(door: Door, frozen: Freeze) -> None:
    frozen(SEEN)
    incident_id = door.report()["incident_id"]
    fix(door, frozen, incident_id, FIXED, fixed_in_release="web@2.0.0")
    frozen(LATER)
    door.report(release="api@1.0.0")
    assert counts(door, incident_id) == ("ACTIVE", True, 2, 0, LATER)


def test_fixed_again_it_stands_under_the_new_fix(door: Door, frozen: Freeze, fixed: str) -> None:
    door.report()
    fix(door, frozen, fixed, "2026-03-01T13:00:00Z", fixed_in_release="1.3.0")
    assert counts(door, fixed) == ("FIXED", False, 2, 0, LATER)
    frozen("2026-03-01T14:00:00Z")
    door.report(occurred_at=LATER)
    door.report(release="1.2.9")
    assert counts(door, fixed) == ("FIXED", False, 2, 2, LATER)
    door.report(release="1.3.0")
    assert counts(door, fixed) == ("ACTIVE", True, 3, 2, "2026-03-01T14:00:00.000Z")


@pytest.mark.parametrize("status", ["ACTIVE", "INVESTIGATING"])
def test_reopened_by_hand_it_takes_old_reports_again(door: Door, fixed: str, status: str) -> None:
    door.admin("PATCH", f"/incidents/{fixed}", {"status": status})
    door.report(occurred_at=BEFORE, release="1.0.0")
    assert counts(door, fixed) == (status, False, 2, 0, LATER)


# -- stale -------------------------------------------------------------------------------------------------------------


def test_from_before_the_fix_it_is_only_a_stale_hit(door: Door, fixed: str) -> None:
    before = door.incident(fixed)
    occurred = [BEFORE, JUST_BEFORE, "2026-03-01T12:30:00+02:00"]
    releases = ["1.1.9", "v1.1.9", "web@1.1.9", "web@v1", "1.2.0-rc.1"]
    stale = [{"occurred_at": moment} for moment in occurred] + [{"release": release} for release in releases]
    for hits, report in enumerate([*stale, {"occurred_at": BEFORE, "release": "9.0.0"}], start=1):
        door.report(severity="CRITICAL", environment="beta", user_id="2", **report)
        assert counts(door, fixed) == ("FIXED", False, 1, hits, SEEN), report
    after = door.incident(fixed)
    unmoved = ("updated_at", "severity", "environments", "user_count", "last_release", "trend")
    assert {name: after[name] for name in unmoved} == {name: before[name] for name in unmoved}


def test_releases_compare_in_every_spelling(door: Door, frozen: Freeze, fixed: str) -> None:
    hits = 0
    for fixed_in in ("v1.2.0", "app@1.2.0", "app@v1.2", "1.2.0"):
        fix(door, frozen, fixed, LATER, fixed_in_release=fixed_in)
        for release in ("v1.1.9", "app@1.1.9", "1.1.9"):
            door.report(release=release)
            hits += 1
            assert counts(door, fixed) == ("FIXED", False, 1, hits, SEEN), (fixed_in, release)


def test_a_stale_event_that_comes_again_is_one_stale_hit(door: Door, fixed: str) -> None:
    for _ in range(3):
        door.report(event_id="a" * 32, release="1.0.0", severity="CRITICAL", environment="beta", user_id="2")
    assert counts(door, fixed) == ("FIXED", False, 1, 1, SEEN)
    shown = door.incident(fixed)
    assert (shown["severity"], shown["environments"], shown["user_count"]) == ("LOW", ["live"], 1)


def test_an_event_from_before_the_fix_that_comes_again_after_it_is_nothing_new(door: Door, frozen: Freeze) -> None:
    frozen(SEEN)
    incident_id = door.report(event_id="b" * 32)["incident_id"]
    fix(door, frozen, incident_id, FIXED)
    frozen(LATER)
    assert door.report(event_id="b" * 32)["incident_id"] == incident_id
    assert counts(door, incident_id) == ("FIXED", False, 1, 0, SEEN)


def test_a_batch_is_parted_into_stale_and_new(door: Door, fixed: str) -> None:
    report = {"error_key": "homework_proof", "description": {}}
    stale, named = {**report, "release": "1.0.0"}, {**report, "event_id": "c" * 32}
    answer = door.ingest({"reports": [stale, report, stale, named, {**stale, "event_id": "d" * 32}, named]})
    assert {each["incident_id"] for each in answer.json["results"]} == {fixed}
    assert counts(door, fixed) == ("ACTIVE", True, 3, 3, LATER)


def test_a_stale_batch_reopens_nothing(door: Door, fixed: str) -> None:
    report = {"error_key": "homework_proof", "description": {}}
    door.ingest({"reports": [{**report, "release": "1.0.0"}, {**report, "occurred_at": BEFORE}] * 15})
    assert counts(door, fixed) == ("FIXED", False, 1, 30, SEEN)


# -- from the queue ----------------------------------------------------------------------------------------------------


def test_received_before_the_fix_and_absorbed_after_it_is_stale(door: Door, frozen: Freeze, aws: boto3.Session) -> None:
    frozen(SEEN)
    incident_id = door.report()["incident_id"]
    frozen(BEFORE)
    deliver = queue(door, aws, {}, {"event_id": "e" * 32})
    fix(door, frozen, incident_id, FIXED)
    frozen(LATER)
    assert deliver() == deliver() == {"batchItemFailures": []}
    assert counts(door, incident_id) == ("FIXED", False, 1, 2, SEEN)


def test_received_after_the_fix_it_reopens_once(door: Door, fixed: str, aws: boto3.Session) -> None:
    deliver = queue(door, aws, {}, {"release": "1.0.0"}, {"event_id": "f" * 32})
    assert deliver() == deliver() == {"batchItemFailures": []}
    assert counts(door, fixed)[:4] == ("ACTIVE", True, 3, 1)


def test_a_redelivery_after_the_next_fix_does_not_reopen(
    door: Door, frozen: Freeze, fixed: str, aws: boto3.Session
) -> None:
    deliver = queue(door, aws, {"event_id": "f" * 32})
    deliver()
    fix(door, frozen, fixed, "2026-03-01T13:00:00Z")
    frozen("2026-03-01T14:00:00Z")
    deliver()
    assert counts(door, fixed)[:4] == ("FIXED", False, 2, 0)


def test_a_stale_hit_that_could_only_be_counted_stays_one(door: Door, fixed: str, aws: boto3.Session) -> None:
    stale = {"release": "1.0.0", "severity": "CRITICAL", "environment": "beta", "user_id": "2"}
    deliver = queue(door, aws, stale, only=lambda call: call.operation == "PutItem")
    assert deliver() == deliver() == {"batchItemFailures": []}
    assert counts(door, fixed) == ("FIXED", False, 1, 1, SEEN)
    shown = door.incident(fixed)
    assert (shown["severity"], shown["environments"], shown["user_count"]) == ("LOW", ["live"], 1)
    assert len(door.admin("GET", f"/incidents/{fixed}/occurrences").json["items"]) == 2


def test_an_incident_from_the_queue_shows_its_reports(door: Door, frozen: Freeze, aws: boto3.Session) -> None:
    frozen(SEEN)
    deliver = queue(door, aws, {"description": {"file_name": "IMG_2392.mov"}})
    frozen(LATER)
    deliver()
    (incident_id,) = listed(door, "")
    shown = door.incident(incident_id)
    assert (shown["count"], shown["first_seen"], sum(shown["trend"])) == (1, SEEN, 1)
    assert shown["description"] == {"file_name": "IMG_2392.mov"}
    (kept,) = door.admin("GET", f"/incidents/{incident_id}/occurrences").json["items"]
    assert (kept["received_at"], kept["description"]) == (SEEN, {"file_name": "IMG_2392.mov"})


def test_a_report_that_waited_while_another_began_the_incident_is_shown(
    door: Door, frozen: Freeze, aws: boto3.Session
) -> None:
    frozen(SEEN)
    deliver = queue(door, aws, {"description": {"n": 1}})
    frozen(FIXED)
    incident_id = door.report(description={"n": 2})["incident_id"]
    frozen(LATER)
    deliver()
    kept = door.admin("GET", f"/incidents/{incident_id}/occurrences").json["items"]
    assert sorted(each["description"]["n"] for each in kept) == [1, 2]


# -- expired -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["ACTIVE", "FIXED"])
def expired(request: pytest.FixtureRequest, door: Door, frozen: Freeze) -> str:
    """The id of an incident past its TTL, which the store has not deleted yet."""
    frozen(SEEN)
    report: dict[str, Any] = {
        "description": {"old": 1},
        "severity": "CRITICAL",
        "environment": "beta",
        "release": "1.0.0",
    }
    incident_id = str(door.report(**report, user_id="1", event_id="0" * 32)["incident_id"])
    triage = {"status": request.param, "fix_notes": "old", "fix_commit_hash": "old", "fixed_in_release": "9.0.0"}
    door.admin("PATCH", f"/incidents/{incident_id}", triage)
    frozen(EXPIRED)
    return incident_id


@pytest.mark.usefixtures("expired")
@pytest.mark.parametrize(
    "query", ["", "status=ACTIVE", "status=FIXED", "error_key=homework", "severity=CRITICAL", "q=h"]
)
def test_an_expired_incident_is_in_no_list(door: Door, query: str) -> None:
    assert door.admin("GET", f"/incidents?{query}").json == {"items": [], "next_cursor": None}


def test_an_expired_incident_is_in_no_figure(door: Door, expired: str, frozen: Freeze) -> None:
    frozen("2026-05-30T10:01:00Z")  # the count's index tells minutes apart, no less
    assert door.admin("GET", "/incidents/count").json == {"count": 0}
    stats = door.admin("GET", "/incidents/stats").json
    assert (stats["open"], stats["newest"]) == ({"incidents": 0, "occurrences": 0}, [])
    assert expired not in str(stats)


def test_an_expired_incident_is_gone_for_every_call(door: Door, expired: str) -> None:
    for method, path, body in (
        ("GET", expired, b""),
        ("GET", f"{expired}/occurrences", b""),
        ("PATCH", expired, {"status": "FIXED"}),
    ):
        answer = door.admin(method, f"/incidents/{path}", body)
        assert (answer.status, answer.json["Code"]) == (404, "IncidentNotFound")
    assert door.admin("DELETE", f"/incidents/{expired}").status == 204


def assert_new(door: Door, incident_id: str, first_seen: str) -> None:
    shown = door.incident(incident_id)
    assert counts(door, incident_id) == ("ACTIVE", False, 1, 0, shown["last_seen"])
    assert (shown["first_seen"], shown["severity"], shown["environments"]) == (first_seen, "LOW", ["live"])
    assert (shown["user_count"], shown["first_release"], shown["trend"][-1]) == (1, "2.0.0", 1)
    assert {shown[name] for name in ("fix_notes", "fix_commit_hash", "fixed_in_release", "fixed_at")} == {None}
    assert shown["description"] == {"new": 1}
    assert len(door.admin("GET", f"/incidents/{incident_id}/occurrences").json["items"]) == 1
    assert listed(door, "") == listed(door, "status=ACTIVE") == listed(door, "error_key=homework") == [incident_id]


NEW: dict[str, Any] = {
    "description": {"new": 1},
    "severity": "LOW",
    "environment": "live",
    "release": "2.0.0",
    "user_id": "2",
}


@pytest.mark.parametrize("named", [{}, {"event_id": "0" * 32}, {"event_id": "1" * 32}])
def test_a_report_for_an_expired_incident_begins_anew(door: Door, expired: str, named: dict[str, str]) -> None:
    assert door.report(**NEW, **named)["incident_id"] == expired
    assert_new(door, expired, "2026-05-30T10:00:00.000Z")


def test_a_report_from_the_queue_for_an_expired_incident_begins_anew(
    door: Door, expired: str, frozen: Freeze, aws: boto3.Session
) -> None:
    deliver = queue(door, aws, NEW)
    frozen("2026-05-30T10:00:05Z")
    deliver()
    assert_new(door, expired, "2026-05-30T10:00:00.000Z")
