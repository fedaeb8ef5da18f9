"""Triage, through the public door."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tests.conftest import Door

UNKNOWN = "0" * 32


def rows(aws: boto3.Session, incident_id: str) -> list[dict[str, Any]]:
    table = aws.resource("dynamodb").Table("groundcrew-test-incidents")
    found: list[dict[str, Any]] = [row for row in table.scan()["Items"] if row["pk"] == f"INC#{incident_id}"]
    return found


def test_a_fix_is_noted_with_who_and_when(door: Door, frozen: Callable[[str], None], aws: boto3.Session) -> None:
    frozen("2026-03-01T10:00:00Z")
    incident_id = door.report()["incident_id"]
    frozen("2026-03-01T11:00:00Z")
    fix = {
        "status": "FIXED",
        "fix_commit_hash": "abc123",
        "fix_notes": "The disk was full.",
        "fixed_in_release": "2.0.0",
    }
    answer = door.admin("PATCH", f"/incidents/{incident_id}", fix, x_correlation_id="triage-1")
    assert answer.status == 200
    fixed_at = "2026-03-01T11:00:00.000Z"
    assert answer.json == door.incident(incident_id)
    assert {name: answer.json[name] for name in fix} == fix
    assert (answer.json["fixed_at"], answer.json["updated_at"]) == (fixed_at, fixed_at)
    (audit,) = [row for row in rows(aws, incident_id) if row["sk"].startswith("L#")]
    assert (audit["actor"], audit["action"], audit["correlation_id"]) == ("admin-1", "triage", "triage-1")
    assert door.admin("GET", "/incidents?status=FIXED").json["items"][0]["fix_notes"] == "The disk was full."

    frozen("2026-03-01T12:00:00Z")
    again = door.admin("PATCH", f"/incidents/{incident_id}", {"status": "FIXED", "fix_notes": "Really."}).json
    assert (again["fixed_at"], again["fix_notes"], again["fix_commit_hash"]) == (fixed_at, "Really.", "abc123")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "status"),
        ({"status": "DONE"}, "status"),
        ({"status": None}, "status"),
        ({"status": "FIXED", "fix_notes": 5}, "fix_notes"),
        ({"status": "FIXED", "fix_notes": "x" * 4001}, "fix_notes"),
        ({"status": "FIXED", "fixed": True}, "fixed"),
        ({"status": "FIXED", "fixed_in_release": "1.0.0\n"}, "fixed_in_release"),
    ],
)
def test_a_bad_change_is_refused_and_changes_nothing(door: Door, body: dict[str, Any], field: str) -> None:
    incident_id = door.report()["incident_id"]
    answer = door.admin("PATCH", f"/incidents/{incident_id}", body)
    assert (answer.status, answer.json["Code"]) == (400, "InvalidRequest")
    assert answer.json["Details"][0]["field"] == field
    assert door.incident(incident_id)["status"] == "ACTIVE"


@pytest.mark.parametrize("incident_id", [UNKNOWN, "x", "%00", "META", "a" * 5000])
def test_what_is_not_there_is_a_404(door: Door, incident_id: str) -> None:
    for method, body in (("GET", b""), ("PATCH", {"status": "FIXED"})):
        answer = door.admin(method, f"/incidents/{incident_id}", body)
        assert (answer.status, answer.json["Code"]) == (404, "IncidentNotFound")


def test_a_delete_takes_all_of_it_and_can_be_repeated(door: Door, aws: boto3.Session) -> None:
    for n in range(30):
        incident_id = door.report(description={"n": n}, user_id=str(n))["incident_id"]
    door.admin("PATCH", f"/incidents/{incident_id}", {"status": "INVESTIGATING", "fix_notes": "soon"})
    for _ in range(2):
        answer = door.admin("DELETE", f"/incidents/{incident_id}")
        assert (answer.status, answer.body) == (204, b"")
    assert door.admin("GET", f"/incidents/{incident_id}").status == 404
    assert door.admin("GET", "/incidents").json["items"] == []
    assert {row["action"] for row in rows(aws, incident_id)} == {"triage", "delete"}
    assert door.admin("DELETE", f"/incidents/{UNKNOWN}").status == 204
    assert door.admin("DELETE", f"/incidents/{'a' * 5000}").status == 204


def test_a_failure_that_comes_after_a_delete_begins_anew(door: Door) -> None:
    incident_id = door.report(user_id="1")["incident_id"]
    door.report(user_id="2")
    door.admin("DELETE", f"/incidents/{incident_id}")
    assert door.report(user_id="1")["incident_id"] == incident_id
    incident = door.incident(incident_id)
    assert (incident["count"], incident["status"]) == (1, "ACTIVE")
    assert len(door.admin("GET", f"/incidents/{incident_id}/occurrences").json["items"]) == 1


def test_what_operators_write_is_cleaned_too(door: Door) -> None:
    incident_id = door.report()["incident_id"]
    notes = "password=hunter22"
    answer = door.admin("PATCH", f"/incidents/{incident_id}", {"status": "FIXED", "fix_notes": notes})
    assert answer.status == 200
    assert answer.json["fix_notes"] == "password=[scrubbed]"
    lone = door.admin("PATCH", f"/incidents/{incident_id}", b'{"status": "FIXED", "fix_notes": "\\ud800"}')
    assert (lone.status, lone.json["Code"]) == (400, "InvalidBody")


def test_a_fix_is_shown_as_long_as_its_incident_lives(door: Door, frozen: Callable[[str], None]) -> None:
    frozen("2026-01-01T10:00:00Z")
    incident_id = door.report()["incident_id"]
    door.admin("PATCH", f"/incidents/{incident_id}", {"status": "INVESTIGATING", "fix_notes": "Looking."})
    frozen("2026-03-01T10:00:00Z")
    door.report()
    frozen("2026-05-01T10:00:00Z")
    assert door.incident(incident_id)["fix_notes"] == "Looking."
