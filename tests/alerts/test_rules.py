"""Alert rules through the public door: what may be said, what is kept, and what of it nobody gets to see."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest

from chalicelib.alerts import rules
from chalicelib.alerts.channels import Slack
from chalicelib.alerts.rules import Match, NewRule
from chalicelib.clock import parse
from tests.alerts.telling import CRITICAL, NOW
from tests.conftest import Door

SLACK = {"type": "slack", "url": "https://hooks.slack.com/services/T000/B000/XXXXXXXXyyyy"}
PAGER = {"type": "pagerduty", "routing_key": "0123456789abcdef0123456789abcdef"}
HOOK = {
    "type": "webhook",
    "url": "https://hooks.example.com/in?key=very-secret-1234",
    "secrets": ["old-fashioned_secret"],
}
EMAIL = {"type": "email", "to": ["ops@example.com"]}
SECRETS = ("XXXXXXXX", "0123456789", "very-secret", "old-fashioned")
DEFAULTS = ["critical", "rest", "warning"]


def make(door: Door, **settings: Any) -> dict[str, Any]:
    answer = door.admin("POST", "/alerts/rules", {"name": "Payments", **settings})
    assert answer.status == 201, answer
    made: dict[str, Any] = answer.json
    return made


def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = boto3.client("dynamodb").scan(TableName="groundcrew-test-alerts")["Items"]
    return found


def audits() -> list[tuple[str, str, Any]]:
    """What was done: to which rule, what, and the change."""
    return [
        (row["pk"]["S"], row["action"]["S"], json.loads(row["change"]["S"]) if "change" in row else None)
        for row in sorted(rows(), key=lambda row: row["sk"]["S"])
        if row["sk"]["S"].startswith("L#")
    ]


def test_three_rules_are_always_there(door: Door) -> None:
    answer = door.admin("GET", "/alerts/rules")
    assert answer.status == 200
    found = {each["rule_id"]: each for each in answer.json["items"]}
    assert sorted(found) == DEFAULTS
    assert found["critical"]["match"]["severity"] == "CRITICAL"
    assert {"report", "event"} <= {*found["critical"]["on"]}
    assert "report" not in found["warning"]["on"]
    assert "event" in found["warning"]["on"]
    assert found["rest"]["digest"] == {"local_time": "08:00", "timezone": "UTC"}
    assert door.admin("GET", "/alerts/rules/critical").json == found["critical"]


def test_a_rule_is_made_shown_listed_changed_and_deleted(door: Door, frozen: Callable[[str], None]) -> None:
    frozen("2026-01-25T09:15:30.123Z")
    made = make(door, match={"key": "Payment*", "severity": "CRITICAL"}, channels=[SLACK, PAGER], suppress_minutes=30)
    assert made == {
        "rule_id": made["rule_id"],
        "name": "Payments",
        "enabled": True,
        "on": ["new_incident", "regression", "cascade", "lockout", "quota", "absence", "review"],
        "match": {"key": "Payment*", "severity": "CRITICAL", "environment": None, "project_id": None},
        "threshold": 1,
        "window_minutes": 5,
        "suppress_minutes": 30,
        "digest": None,
        "channels": [
            {"type": "slack", "url": "https://hooks.slack.com/…"},
            {"type": "pagerduty", "routing_key": "…cdef", "region": "us"},
        ],
        "created_at": "2026-01-25T09:15:30.123Z",
        "updated_at": "2026-01-25T09:15:30.123Z",
    }
    path = f"/alerts/rules/{made['rule_id']}"
    frozen("2026-01-25T10:00:00.000Z")
    changed = door.admin("PATCH", path, {"name": "Payments and refunds", "window_minutes": 15})
    assert changed.status == 200
    expected = made | {"name": "Payments and refunds", "window_minutes": 15, "updated_at": "2026-01-25T10:00:00.000Z"}
    assert changed.json == expected
    assert door.admin("GET", path).json == expected
    assert door.admin("GET", "/alerts/rules").json["items"][-1] == expected
    # What was not sent along is kept, with what is secret of it.
    kept = rules.find(made["rule_id"])
    assert kept is not None
    assert kept.channels[0] == Slack(SLACK["url"])
    replaced = door.admin("PATCH", path, {"channels": [EMAIL], "digest": {"timezone": "Europe/Berlin"}})
    assert replaced.json["channels"] == [EMAIL]
    assert replaced.json["digest"] == {"local_time": "08:00", "timezone": "Europe/Berlin"}
    assert door.admin("PATCH", path, {"digest": None}).json["digest"] is None
    assert door.admin("PATCH", path, {}).json["name"] == "Payments and refunds"
    for _ in range(2):
        assert door.admin("DELETE", path).status == 204
    for method, body in (("GET", b""), ("PATCH", {"name": "x"}), ("PATCH", {})):
        answer = door.admin(method, path, body)
        assert (answer.status, answer.json["Code"]) == (404, "RuleNotFound")
    assert door.admin("POST", f"{path}/test").json["Code"] == "RuleNotFound"
    assert sorted((pk, action) for pk, action, _ in audits()) == [
        (f"RULE#{made['rule_id']}", action) for action in ("change", "change", "change", "delete", "make")
    ]


def test_what_is_secret_is_nowhere_but_in_the_rule(door: Door, caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    caplog.set_level(logging.DEBUG, logger="groundcrew")
    made = make(door, channels=[SLACK, PAGER, HOOK, EMAIL])
    path = f"/alerts/rules/{made['rule_id']}"
    answers = [
        json.dumps(made),
        *(
            door.admin(method, each, body).body.decode()
            for method, each, body in (
                ("GET", path, b""),
                ("GET", "/alerts/rules", b""),
                ("PATCH", path, {"channels": [HOOK, PAGER, SLACK]}),
                ("PATCH", path, {"channels": [{**HOOK, "url": "http://hooks.example.com/very-secret"}]}),
                ("PATCH", path, {"channels": [{**PAGER, "routing_key": "0123456789"}]}),
                ("PATCH", path, {"channels": [{**HOOK, "secrets": ["whsec_old-fashioned"]}]}),
            )
        ),
    ]
    (stored,) = [row for row in rows() if row["sk"]["S"] == made["rule_id"]]
    others = [row for row in rows() if row != stored]
    assert any("hooks.slack.com" in json.dumps(row) for row in others)
    told = [*answers, *map(json.dumps, others), caplog.text, *capsys.readouterr()]
    for secret in SECRETS:
        assert secret in json.dumps(stored)
        assert [each for each in told if secret in each] == []


def test_an_audit_row_says_what_changed(door: Door) -> None:
    made = make(door)
    door.admin("PATCH", f"/alerts/rules/{made['rule_id']}", {"enabled": False, "channels": [SLACK]})
    (_, _, first), (_, _, second) = audits()
    assert first["name"] == "Payments"
    assert second == {"enabled": False, "channels": [{"type": "slack", "url": "https://hooks.slack.com/…"}]}


def test_a_default_is_changed_hidden_and_brought_back(door: Door) -> None:
    changed = door.admin("PATCH", "/alerts/rules/warning", {"channels": [SLACK]})
    assert changed.json["channels"] == [{"type": "slack", "url": "https://hooks.slack.com/…"}]
    assert changed.json["match"]["severity"] == "WARNING"
    assert len(door.admin("GET", "/alerts/rules").json["items"]) == 3
    for _ in range(2):
        assert door.admin("DELETE", "/alerts/rules/warning").status == 204
    assert [each["rule_id"] for each in door.admin("GET", "/alerts/rules").json["items"]] == ["critical", "rest"]
    assert door.admin("GET", "/alerts/rules/warning").status == 404
    back = door.admin("PATCH", "/alerts/rules/warning", {})
    assert (back.status, back.json["channels"]) == (200, [])
    assert door.admin("GET", "/alerts/rules/warning").status == 200


def test_a_rule_is_made_once_per_idempotency_key(door: Door) -> None:
    body = {"name": "Payments", "channels": [HOOK]}
    first = door.admin("POST", "/alerts/rules", body, idempotency_key="k1")
    again = door.admin("POST", "/alerts/rules", body, idempotency_key="k1")
    other = door.admin("POST", "/alerts/rules", {"name": "Refunds"}, idempotency_key="k1")
    assert (first.status, again.json, other.status) == (201, first.json, 409)
    assert len(door.admin("GET", "/alerts/rules").json["items"]) == 4
    answers = boto3.client("dynamodb").scan(TableName="groundcrew-test-answers")["Items"]
    assert [secret for secret in SECRETS if secret in json.dumps(answers)] == []


def test_a_rule_whose_maker_died_before_its_answer_was_kept_is_made_once(cloud: None) -> None:
    first = rules.make(NewRule("Payments"), "admin-1", NOW, "a" * 32)
    again = rules.make(NewRule("Payments"), "admin-1", NOW + timedelta(minutes=1), "a" * 32)
    assert first == again
    assert len(audits()) == 1


def test_rules_come_in_pages(door: Door, frozen: Callable[[str], None]) -> None:
    for nth in range(4):
        frozen(f"2026-01-25T09:15:0{nth}.000Z")
        make(door, name=f"Rule {nth}")
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = door.admin("GET", f"/alerts/rules?limit=2{cursor and f'&cursor={cursor}'}").json
        assert len(answer["items"]) <= 2
        found += [each["name"] if each["created_at"] else each["rule_id"] for each in answer["items"]]
        cursor = answer["next_cursor"]
    assert found == [*DEFAULTS, "Rule 0", "Rule 1", "Rule 2", "Rule 3"]
    assert door.admin("GET", "/alerts/rules?cursor=x").json["Code"] == "InvalidCursor"


def test_there_may_be_a_hundred(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_RULES", 2)
    make(door)
    make(door)
    answer = door.admin("POST", "/alerts/rules", {"name": "One more"})
    assert (answer.status, answer.json["Code"]) == (409, "Conflict")


def test_the_last_of_a_hundred_is_made_once(cloud: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_RULES", 1)
    first = rules.make(NewRule("Payments"), "admin-1", NOW, "a" * 32)
    assert rules.make(NewRule("Payments"), "admin-1", NOW, "a" * 32) == first


def test_what_happens_once_is_not_counted(door: Door) -> None:
    made = make(door, threshold=3)
    assert made["on"] == ["report", "event"]
    path = f"/alerts/rules/{made['rule_id']}"
    assert door.admin("PATCH", path, {"on": ["report", "cascade"]}).json["Details"][0]["field"] == "threshold"
    assert door.admin("PATCH", path, {"on": ["report", "cascade"], "threshold": 1}).status == 200
    assert door.admin("PATCH", "/alerts/rules/critical", {"on": ["latency"], "window_minutes": 60}).json["Details"] == [
        {"field": "on", "message": "must not name error_rate or latency in a rule that is always there: make one"}
    ]


def test_ten_rules_may_count(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_COUNTING", 2)
    make(door, on=["latency"], threshold=900)
    make(door, threshold=2)
    off = make(door, threshold=2, enabled=False)
    last = make(door, threshold=2)
    refused = door.admin("POST", "/alerts/rules", {"name": "One more", "threshold": 2})
    assert [each["field"] for each in refused.json["Details"]] == ["threshold"]
    assert door.admin("PATCH", f"/alerts/rules/{off['rule_id']}", {"enabled": True}).status == 400
    # Those that count already may be changed.
    assert door.admin("PATCH", f"/alerts/rules/{last['rule_id']}", {"threshold": 5}).status == 200
    assert door.admin("PATCH", f"/alerts/rules/{last['rule_id']}", {"enabled": False}).status == 200
    assert door.admin("PATCH", f"/alerts/rules/{off['rule_id']}", {"enabled": True}).status == 200


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "x" * 101}, "name"),
    ({"name": None}, "name"),
    ({"threshold": 0}, "threshold"),
    ({"threshold": 2, "on": ["report", "new_incident"]}, "threshold"),
    ({"threshold": 2, "on": ["regression"]}, "threshold"),
    ({"threshold": 1.5}, "threshold"),
    ({"threshold": 10**400}, "threshold"),
    ({"window_minutes": 0}, "window_minutes"),
    ({"suppress_minutes": 0}, "suppress_minutes"),
    ({"suppress_minutes": 7 * 24 * 60 + 1}, "suppress_minutes"),
    ({"on": []}, "on"),
    ({"on": ["digest"]}, "on[0]"),
    ({"on": ["test"]}, "on[0]"),
    ({"on": ["report", "report"]}, "on"),
    ({"on": ["error_rate", "report"]}, "on"),
    ({"on": ["error_rate", "latency"]}, "on"),
    ({"on": ["error_rate"], "threshold": 101}, "threshold"),
    ({"on": ["latency"], "window_minutes": 90}, "window_minutes"),
    ({"match": {"severity": "HIGH"}}, "match.severity"),
    ({"match": {"project_id": "0"}}, "match.project_id"),
    ({"match": {"colour": "red"}}, "match.colour"),
    ({"match": {"key": ""}}, "match.key"),
    ({"digest": {"local_time": "8:00"}}, "digest.local_time"),
    ({"digest": {"timezone": "Mars/Olympus"}}, "digest.timezone"),
    ({"digest": True}, "digest"),
    ({"channels": [EMAIL] * 6}, "channels"),
    ({"channels": [{"type": "fax"}]}, "channels[0].type"),
    ({"channels": [EMAIL, {**SLACK, "url": "http://hooks.slack.com/x"}]}, "channels[1].url"),
    ({"channels": [{**HOOK, "secrets": ["whsec_c2hvcnQgaXQgaXM="]}]}, "channels[0].secrets"),
    ({"rule_id": "critical"}, "rule_id"),
]


def test_a_rule_that_cannot_be_is_refused(door: Door) -> None:
    for settings, field in REFUSED:
        refused = door.admin("POST", "/alerts/rules", {"name": "Payments", **settings})
        assert refused.status == 400, settings
        assert [each["field"].replace("[...]", "[0]") for each in refused.json["Details"]] == [field], settings
        # And no change may lead there.
        assert door.admin("PATCH", "/alerts/rules/critical", settings).status == 400, settings
    assert rows() == []


def test_a_change_is_judged_with_what_there_is(door: Door) -> None:
    made = make(door, on=["error_rate"], threshold=20)
    assert made["window_minutes"] == 60
    path = f"/alerts/rules/{made['rule_id']}"
    for settings in ({"window_minutes": 5}, {"threshold": 200}):
        assert door.admin("PATCH", path, settings).status == 400
    assert door.admin("PATCH", path, {"on": ["report"], "window_minutes": 5, "threshold": 200}).status == 200


@pytest.mark.parametrize("name", ['"\\ud800"', '"a\\u0000b\\r\\nc"', '"' + "\u202e" * 100 + '"'])
def test_any_name_is_taken_or_refused(name: str, door: Door) -> None:
    answer = door.admin("POST", "/alerts/rules", f'{{"name": {name}}}'.encode())
    assert answer.status in (201, 400)


def test_only_admins_may(door: Door) -> None:
    for method, path in (
        ("GET", "/alerts"),
        ("GET", "/alerts/rules"),
        ("POST", "/alerts/rules"),
        ("GET", "/alerts/rules/critical"),
        ("PATCH", "/alerts/rules/critical"),
        ("DELETE", "/alerts/rules/critical"),
        ("POST", "/alerts/rules/critical/test"),
    ):
        assert door.customer(method, path).status == 403
        assert door.call(method, path).status == 401


# -- what applies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "applies"),
    [
        (Match(), True),
        (Match(key="PaymentError"), True),
        (Match(key="Payment"), False),
        (Match(key="Payment*"), True),
        (Match(key="*"), True),
        (Match(key="PaymentErrors*"), False),
        (Match(severity="CRITICAL"), True),
        (Match(severity="WARNING"), False),
        (Match(environment="production"), True),
        (Match(environment="staging"), False),
        (Match(project_id="1"), True),
        (Match(project_id="2"), False),
        (Match(key="PaymentError", severity="CRITICAL", environment="production", project_id="2"), False),
    ],
)
def test_a_rule_applies_where_all_fits(match: Match, applies: bool, cloud: None) -> None:  # noqa: FBT001  # a case
    rules.make(NewRule("Payments", on=["report"], match=match), "admin-1", NOW, "a" * 32)
    (rule,) = rules.known(NOW).made
    assert rules.matches(rule, CRITICAL) is applies


def test_rates_are_watched_while_enabled(cloud: None) -> None:
    for nth, (on, enabled) in enumerate((("error_rate", True), ("error_rate", False), ("latency", True))):
        new = NewRule(f"Rule {nth}", on=[on], enabled=enabled, threshold=10)  # type: ignore[list-item]  # a Happening
        rules.make(new, "admin-1", NOW, f"{nth:032x}")
    assert [rule.name for rule in rules.watched("error_rate", NOW)] == ["Rule 0"]
    assert [rule.name for rule in rules.watched("latency", NOW)] == ["Rule 2"]


def test_containers_follow_within_ten_seconds(cloud: None) -> None:
    assert len(rules.known(NOW).made) == 0
    rules.make(NewRule("Payments"), "admin-1", NOW, "a" * 32)
    assert len(rules.known(NOW + timedelta(seconds=9)).made) == 0
    assert len(rules.known(NOW + timedelta(seconds=10)).made) == 1
    assert len(rules.known(parse("2026-01-25T09:15:00Z")).made) == 1
