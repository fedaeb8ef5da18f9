"""What tracked events give notice of, through the public door."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import app
from chalicelib.alerts.channels import Slack
from chalicelib.alerts.rules import Match, NewRule
from tests import store as stores
from tests.alerts import telling
from tests.conftest import INGEST_KEY, Door
from tests.faults import Call, Gateway, forget, no_pauses, recorded, storm, tapped

NOW = "2026-11-22T14:05:06.789Z"
A_WHILE_AGO, LONG_AGO = "2026-11-22T14:01:00Z", "2026-11-22T13:45:00Z"
SLACK = Slack("https://hooks.slack.com/services/T/B/c")

Freeze = Callable[[str], None]
Body = dict[str, Any]


class Tracker:
    """An application that tracks events, and what became of them."""

    def __init__(self, store: stores.Store) -> None:
        self.store, self.door = store, Door(Gateway(app.app))

    def rule(self, *on: Any, **more: Any) -> None:
        telling.made(NewRule("A rule", on=[*on], channels=[SLACK], **more))

    def track(self, *events: Body) -> None:
        body = {"events": [{"data": {}, **event} for event in events]}
        answer = self.door.call("POST", "/analytics/track", body, x_ingest_key=INGEST_KEY)
        assert answer.status == 202, answer
        assert not [each for each in answer.json["results"] if "event_id" not in each]

    def told(self) -> list[str]:
        return [f"{each['severity']} {each['kind']}: {each['title']}" for each in telling.sent(self.store)]


@pytest.fixture
def tracker(frozen: Freeze, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracker]:
    forget()
    frozen(NOW)
    monkeypatch.setattr("chalicelib.storage.write", lambda *_: None)
    with stores.installed() as store, no_pauses():
        yield Tracker(store)
    forget()


def failing(endpoint: str, **given: Any) -> Body:
    return {"event": "request", "data": {"endpoint": endpoint, "status": 500}, **given}


def login(name: str = "login_failed", **data: Any) -> Body:
    return {"event": name, "data": data}


# -- events ------------------------------------------------------------------------------------------------------------


def test_critical_events_are_told_without_any_rule(tracker: Tracker) -> None:
    payment = {"event": "payment.failed", "severity": "CRITICAL", "environment": "live"}
    data = {"endpoint": "POST /pay/68", "status": 402, "error": "card\ndeclined", "feature": "checkout"}
    tracker.track({**payment, "data": data}, {"event": "payment.failed", "severity": "INFO"}, {"event": "seen"})
    tracker.track({**payment, "data": data})
    (alert,) = telling.sent(tracker.store)
    assert (alert["kind"], alert["severity"], alert["title"], alert["environment"]) == (
        "event",
        "CRITICAL",
        "payment.failed",
        "live",
    )
    assert alert["lines"] == ["Endpoint: POST /pay/*", "Status: 402", "Feature: checkout", "Error: card declined"]


def test_an_alert_shows_the_event_that_happened_last(tracker: Tracker) -> None:
    tracker.rule("event")
    shown = {"event": "slow", "data": {"endpoint": "/b"}, "timestamp": NOW}
    tracker.track(
        {**shown, "data": {"endpoint": "/a"}}, shown, {**shown, "data": {"endpoint": "/c"}, "timestamp": A_WHILE_AGO}
    )
    (alert,) = telling.sent(tracker.store)
    assert alert["lines"] == ["Endpoint: /b"]


def test_a_rule_counts_events_of_any_severity(tracker: Tracker) -> None:
    tracker.rule("event", match=Match(key="sign*", environment="live"), threshold=5)
    event = {"event": "signed_up", "environment": "live"}
    tracker.track(event, event, {**event, "environment": "beta"}, {**event, "event": "other"})
    tracker.track(event, event)
    assert tracker.told() == []
    tracker.track(event)
    (alert,) = telling.sent(tracker.store)
    assert (alert["severity"], alert["count"], alert["title"]) == ("INFO", 5, "signed_up")


def test_names_severities_and_environments_are_told_apart(tracker: Tracker) -> None:
    tracker.rule("event")
    events = [{"event": name, "environment": where} for name in ("a", "b") for where in ("live", "beta", None)]
    tracker.track(*events, {**events[0], "severity": "WARNING"}, *events)
    assert sorted(tracker.told()) == [*["INFO event: a"] * 2, *["INFO event: b"] * 3, "WARNING event: a"]


# -- attempts to sign in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attempt",
    [
        login("login_failed", account="A.B@example.com"),
        login("AUTH_FAILED", email="a.b@example.com "),
        login("login.failed", username="a.b@EXAMPLE.com"),
        login("login", account="a.b@example.com", success=False),
        login("login_attempt", account="a.b@example.com", outcome="failed"),
        login("login_attempt", account="a.b@example.com", result="Denied"),
        login("auth.attempt", account="a.b@example.com", success=False),
        login("user.login.failure", account="a.b@example.com"),
        login("Sign-in rejected", account="a.b@example.com"),
        login("invalidPassword", account="a.b@example.com"),
        login("mfa:denied", account="a.b@example.com"),
        {"event": "failed_login", "user_id": "a.b@example.com"},
    ],
)
def test_the_fifth_failed_attempt_for_an_account_is_told(tracker: Tracker, attempt: Body) -> None:
    tracker.rule("lockout")
    tracker.track(*[attempt] * 3)
    tracker.track(login("login_failed", account="a.b@example.com"))
    tracker.track(login(account="other@example.com"), login(account="other@example.com"))
    assert tracker.told() == []
    tracker.track(*[attempt] * 4)
    tracker.track(attempt)
    (told,) = tracker.told()
    assert told.lower().startswith("warning lockout: 5 attempts to sign in failed for a.b@example.com")


def test_addresses_count_by_themselves_and_only_those_that_are_named(tracker: Tracker) -> None:
    tracker.rule("lockout")
    tracker.track(*(login(account=f"user-{n}") for n in range(9)))
    assert tracker.told() == []
    tracker.track(*(login(account=f"user-{n}", ip="203.0.113.9") for n in range(5)))
    assert tracker.told() == ["WARNING lockout: 5 attempts to sign in failed for 203.0.113.9"]


@pytest.mark.parametrize("treatment", ["hash", "remove"])
def test_people_are_told_apart_where_nobody_may_be_named(tracker: Tracker, treatment: str) -> None:
    tracker.rule("lockout")
    scrub = {"emails": treatment, "ips": treatment}
    assert tracker.door.admin("PATCH", "/projects/1", {"scrub": scrub}).status == 200
    forget()
    tracker.track(*(login(account=f"user-{n}@example.com") for n in range(9)))
    assert tracker.told() == []
    tracker.track(*(login(account="user-1@example.com") for _ in range(4)))
    (told,) = tracker.told()
    assert "example.com" not in told
    assert "example.com" not in str(tracker.store.rows("alerts"))


@pytest.mark.parametrize(
    "event",
    [
        login("login", account="a"),
        login("login", account="a", success=True),
        login("login_succeeded", account="a"),
        login("logout", account="a", success=False),
        login("logout_failed", account="a"),
        login("author.failed", account="a"),
        login("login_page", account="a", success=False),
        login("payment_failed", account="a"),
        login("login_failed"),
        login("login_failed", account={"name": "a"}),
        login("login_failed", account=""),
        {**login(account="a"), "timestamp": LONG_AGO},
    ],
)
def test_what_is_no_failed_attempt_of_now_counts_for_nothing(tracker: Tracker, event: Body) -> None:
    tracker.track(*[event] * 10)
    assert [row for row in tracker.store.rows("alerts") if row["pk"]["S"].startswith("LOCK#")] == []


def test_a_batch_that_is_sent_again_counts_once(tracker: Tracker) -> None:
    tracker.rule("lockout")
    attempts = [{**login(account="a"), "event_id": f"{n:032x}"} for n in range(4)]
    for _ in range(3):
        forget()
        tracker.track(*attempts)
    assert tracker.told() == []
    tracker.track(login(account="a"))
    assert len(tracker.told()) == 1


# -- cascades ----------------------------------------------------------------------------------------------------------


def test_three_failing_endpoints_are_a_cascade(tracker: Tracker) -> None:
    tracker.rule("cascade")
    unknown = {"event": "request", "severity": "CRITICAL", "data": {"endpoint": "/c"}}
    tracker.track(
        failing("/a/1"), failing("/a/2"), failing("/b", environment="beta"), failing("/d", timestamp=LONG_AGO)
    )
    tracker.track({"event": "request", "severity": "WARNING", "data": {"endpoint": "/e", "status": 404}})
    tracker.track(failing("/b", timestamp=A_WHILE_AGO))
    assert tracker.told() == []
    tracker.track(unknown)
    cascade = next(each for each in telling.sent(tracker.store) if each["kind"] == "cascade")
    assert cascade["lines"] == ["/a/*", "/b", "/c"]


def test_events_and_reports_are_one_cascade(tracker: Tracker) -> None:
    tracker.rule("cascade")
    tracker.track(failing("GET /a/1"), failing("GET /b"))
    tracker.door.report("Proof", endpoint="GET /a/2", http_status=500)
    assert tracker.told() == []
    tracker.door.report("Proof", endpoint="GET /c?x=1", http_status=500)
    (alert,) = telling.sent(tracker.store)
    assert alert["lines"] == ["GET /a/*", "GET /b", "GET /c"]


# -- what it costs, and what it must not -------------------------------------------------------------------------------


def test_events_of_no_interest_to_any_rule_cost_nothing(tracker: Tracker) -> None:
    tracker.track({"event": "seen"})
    with recorded() as ledger:
        tracker.track(*({"event": f"seen-{n}", "data": {"endpoint": "/a", "status": 404}} for n in range(40)))
    assert not [write for write in ledger.writes if "WINDOW" in str(write.after) or "DIGEST" in str(write.after)]
    assert not tracker.store.rows("alerts")


def test_a_busy_table_of_alerts_costs_no_event(tracker: Tracker) -> None:
    """And what could not be told by one way is told by the others."""

    def of_lockouts(call: Call) -> bool:
        return any("LOCK#" in str(key) for _, key in call.keys)

    tracker.rule("lockout", "cascade", "event", match=Match(key="cascade"))
    with tapped(storm(random.Random(0), share=1, only=of_lockouts)):
        tracker.track(*(login(account="a") for _ in range(5)), *(failing(f"/{name}") for name in "abc"))
    assert [each.partition(":")[0] for each in tracker.told()] == ["CRITICAL cascade"]
