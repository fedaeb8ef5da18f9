"""What is told of incidents: that they are new, back, or reported, and that endpoints fail together."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import app
from chalicelib import memory
from chalicelib.alerts.channels import PagerDuty
from chalicelib.alerts.rules import DailyDigest, Match, NewRule
from tests import store as stores
from tests.alerts import telling
from tests.conftest import Door
from tests.faults import Call, Gateway, forget, no_pauses, points, size, storm, survives, tapped
from tests.incidents.test_interleaving import World

PAGER = PagerDuty("0123456789abcdef0123456789abcdef")
NOW, SOON = "2026-03-01T10:00:00Z", "2026-03-01T10:00:20Z"
FIXED, BACK, BACK_SOON = "2026-03-01T13:00:00Z", "2026-03-01T14:00:00Z", "2026-03-01T14:59:59Z"
LATER, A_DAY_LATER = "2026-03-01T15:00:01Z", "2026-03-02T15:00:00Z"

Freeze = Callable[[str], None]
EVENT = {"event_id": "a" * 32}


def of_alerts(call: Call) -> bool:
    return any(table.endswith("-alerts") for table, _ in call.keys)


class Hub:
    """The door of a hub on a store, and what it told whom."""

    def __init__(self, store: stores.Store, frozen: Freeze) -> None:
        self.store, self.door, self.at = store, Door(Gateway(app.app)), frozen
        self._empty = store.bookmark()

    def rule(self, *on: Any, **more: Any) -> None:
        telling.made(NewRule(f"On {on}", on=[*on], channels=[PAGER], **more), nth=len(self.store.rows("alerts")) + 1)
        self._empty = self.store.bookmark()

    def begin(self) -> None:
        self._empty()
        forget()
        self.at(NOW)

    def fix(self, incident_id: str, moment: str = FIXED) -> None:
        self.at(moment)
        assert self.door.admin("PATCH", f"/incidents/{incident_id}", {"status": "FIXED"}).status == 200

    def told(self) -> list[str]:
        """The alerts: `<kind> <state>: <title>`."""
        return [f"{each['kind']} {each['state']}: {each['title']}" for each in telling.sent(self.store)]


@pytest.fixture
def hub(frozen: Freeze) -> Iterator[Hub]:
    with stores.installed() as store, no_pauses():
        telling.forget()
        frozen(NOW)
        yield Hub(store, frozen)
    forget()


NEW = "new_incident trigger: New: Proof: Upload failed"
AGAIN = "regression trigger: Back after its fix: Proof: Upload failed"
OVER = "regression resolve: Back after its fix: Proof: Upload failed"
SAID = {"error_message": "Upload failed"}


def test_a_failure_is_told_when_it_is_new_and_when_it_is_back(hub: Hub) -> None:
    hub.rule("new_incident", "regression", suppress_minutes=1)
    hub.begin()
    for moment in (NOW, SOON):
        hub.at(moment)
        memory.forget()
        incident_id = hub.door.report("Proof", SAID)["incident_id"]
    assert hub.told() == [NEW]
    hub.fix(incident_id)
    for moment in (BACK, BACK_SOON, A_DAY_LATER):
        hub.at(moment)
        memory.forget()
        hub.door.report("Proof", SAID)
    assert [each for each in hub.told() if "resolve" not in each] == [NEW, AGAIN]
    hub.fix(incident_id, A_DAY_LATER)
    assert hub.told()[-1] == OVER


def test_an_alert_says_what_an_operator_wants_to_know_first(hub: Hub) -> None:
    hub.rule("new_incident")
    hub.begin()
    about = {"endpoint": "POST /proofs/68?x=1", "http_status": 502, "release": "2.0.0", "user_id": "a@example.com"}
    said = {"error_message": "Upload\nfailed"}
    report = hub.door.report("Proof", said, severity="HIGH", environment="live", **about)
    (alert,) = telling.sent(hub.store)
    assert alert["lines"] == [
        "Error: Upload failed",
        "Endpoint: POST /proofs/*",
        "Status: 502",
        "Release: 2.0.0",
        "Occurrences: 1",
    ]
    assert (alert["severity"], alert["environment"], alert["project_id"]) == ("WARNING", "live", "1")
    assert alert["link"].endswith(f"/incidents/{report['incident_id']}")
    assert "example.com" not in str(alert["lines"]) + alert["title"]


def test_what_is_old_is_no_news(hub: Hub) -> None:
    """Nor is it when a container forgot, or the claim is gone: an hour after it began, it is told no more."""
    hub.begin()
    incident_id = hub.door.report("Proof", SAID)["incident_id"]
    hub.fix(incident_id)
    hub.at(BACK)
    hub.door.report("Proof", SAID)
    hub.rule("new_incident", "regression")
    hub.at(LATER)
    forget()
    hub.door.report("Proof", SAID)
    assert hub.told() == []


def test_stale_reports_tell_nothing(hub: Hub) -> None:
    hub.begin()
    hub.fix(hub.door.report("Proof", SAID)["incident_id"])
    hub.rule("new_incident", "regression", "report", "cascade")
    hub.at(BACK)
    hub.door.report("Proof", SAID, occurred_at=NOW)
    assert hub.told() == []


@pytest.mark.parametrize(
    ("severity", "told"), [("LOW", "INFO"), ("MEDIUM", "INFO"), ("HIGH", "WARNING"), ("CRITICAL", "CRITICAL")]
)
def test_a_rule_may_be_about_every_report(hub: Hub, severity: str, told: str) -> None:
    hub.rule("report", match=Match(key="Pro*"), threshold=3)
    hub.begin()
    hub.door.report("Other", SAID, severity="HIGH")
    hub.door.report("Proof", SAID, severity="LOW")
    assert hub.told() == []
    report = {"error_key": "Proof", "description": SAID}
    hub.door.ingest({"reports": [report, {**report, "severity": severity}]})
    # A rule that counts keeps nobody from hearing of what is critical.
    (alert,) = [each for each in telling.sent(hub.store) if not each["delivery_id"].startswith("critical:")]
    assert (alert["severity"], alert["count"], alert["title"]) == (told, 3, "Proof: Upload failed")


def test_critical_reports_are_told_without_any_rule(hub: Hub) -> None:
    hub.begin()
    hub.door.report("Proof", SAID, severity="CRITICAL")
    assert NEW in hub.told()
    hub.at("2026-03-01T12:30:00Z")
    hub.door.report("Proof", SAID, severity="CRITICAL")
    assert hub.told() == [NEW, "report trigger: Proof: Upload failed"]


def test_first_reports_that_waited_in_the_queue_for_hours_are_news(hub: Hub) -> None:
    hub.rule("new_incident")
    hub.begin()
    with tapped(storm(random.Random(0), share=1)):
        hub.door.report("Proof", SAID)
    hub.at(BACK)
    forget()
    world = World.__new__(World)
    world.store = hub.store
    app.absorb_overflow(world.received(), None)
    assert hub.told() == [NEW]


@pytest.mark.parametrize("named", [{}, EVENT], ids=["without an id", "an event"])
def test_a_container_that_dies_loses_no_news(hub: Hub, named: dict[str, str]) -> None:
    hub.rule("new_incident", "regression")
    for back in (False, True):
        for point in points():
            hub.begin()
            if back:
                hub.fix(hub.door.report("Proof", SAID)["incident_id"])
                hub.at(BACK)
            if survives(point, lambda: hub.door.ingest({"error_key": "Proof", "description": SAID, **named})):
                break
            hub.at(BACK_SOON if back else SOON)
            hub.door.report("Proof", SAID, **named)
            told = [each for each in hub.told() if "resolve" not in each]
            assert told == ([NEW, AGAIN] if back else [NEW]), point
        assert point.nth > 1


def test_a_busy_table_of_alerts_costs_no_report_and_no_news(hub: Hub) -> None:
    hub.rule("new_incident")
    hub.begin()

    with tapped(storm(random.Random(0), share=1, only=of_alerts)):
        hub.door.report("Proof", SAID, user_id="68", **EVENT)
    assert hub.told() == []
    world = World.__new__(World)
    world.store = hub.store
    assert app.absorb_overflow(world.received(), None) == {"batchItemFailures": []}
    assert hub.told() == [NEW]


def test_reports_of_three_endpoints_are_a_cascade(hub: Hub) -> None:
    hub.rule("cascade")
    hub.begin()
    for nth in range(5):
        hub.door.report("Proof", SAID, endpoint=f"GET /proofs/{nth}?page=2", http_status=503)
    hub.door.report("Proof", SAID, endpoint="/a", http_status=404)
    hub.door.report("Proof", SAID, endpoint="/b")
    hub.door.report("Proof", SAID, endpoint="/c", http_status=500, occurred_at="2026-03-01T09:54:00Z")
    hub.door.report("Proof", SAID, endpoint="/d", http_status=500, environment="beta")
    assert hub.told() == []
    hub.door.report("Other", SAID, endpoint="/e", http_status=500)
    hub.door.report("Third", SAID, endpoint="/f", http_status=599)
    (alert,) = telling.sent(hub.store)
    assert (alert["kind"], alert["lines"]) == ("cascade", ["/e", "/f", "GET /proofs/*"])


def test_what_is_deleted_is_told_of_anew(hub: Hub) -> None:
    hub.rule("new_incident")
    hub.begin()
    incident_id = hub.door.report("Proof", SAID)["incident_id"]
    hub.at(SOON)
    assert hub.door.admin("DELETE", f"/incidents/{incident_id}").status == 204
    hub.door.report("Proof", SAID)
    assert [each.partition(":")[0] for each in hub.told()] == [
        "new_incident trigger",
        "new_incident resolve",
        "new_incident trigger",
    ]


def test_what_waits_for_a_digest_is_bounded(hub: Hub) -> None:
    hub.rule("new_incident", digest=DailyDigest())
    hub.begin()
    wide = "\N{FULL MOON WITH FACE}" * 500
    hub.door.report("P" * 100, {"error_message": wide}, endpoint=wide, route_name=wide, release=wide, environment=wide)
    (waiting,) = [row for row in hub.store.rows("alerts") if "notice" in row]
    # Of letters of four bytes each; of those that names are made of it is one unit.
    assert size(waiting) < 4096


def test_a_quota_is_told_once_a_day(hub: Hub) -> None:
    hub.rule("quota")
    hub.begin()
    assert hub.door.admin("PATCH", "/projects/1", {"quota_per_minute": 2}).status == 200

    def refused() -> bool:
        forget()
        return [hub.door.ingest({"error_key": "Proof", "description": {}}).status for _ in range(4)][-2:] == [429, 429]

    assert refused()
    hub.at(LATER)
    assert refused()
    assert hub.told() == ["quota trigger: Project 1 has reached its quota of 2 reports a minute"]
    hub.at(A_DAY_LATER)
    assert refused()
    assert len(hub.told()) == 2


def test_a_quota_is_kept_where_it_cannot_be_told(hub: Hub) -> None:
    hub.rule("quota")
    hub.begin()
    assert hub.door.admin("PATCH", "/projects/1", {"quota_per_minute": 1}).status == 200
    forget()
    hub.door.report()
    with tapped(storm(random.Random(0), share=1, only=of_alerts)):
        statuses = [hub.door.ingest({"error_key": "Proof", "description": {}}).status for _ in range(3)]
    assert statuses == [429] * 3
    hub.at(SOON)
    assert hub.door.ingest({"error_key": "Proof", "description": {}}).status == 429
    assert hub.told() == []
    hub.at("2026-03-01T10:01:30Z")
    hub.door.report()
    assert hub.door.ingest({"error_key": "Proof", "description": {}}).status == 429
    assert len(hub.told()) == 1


def test_an_event_that_comes_again_counts_once_for_a_threshold(hub: Hub) -> None:
    hub.rule("report", threshold=3)
    for moment in (NOW, SOON, SOON, LATER):
        hub.at(moment)
        hub.door.report("Proof", SAID, **EVENT)
    assert hub.told() == []
    for nth in range(3):
        hub.door.report("Proof", SAID, event_id=f"{nth:032x}")
    assert len(hub.told()) == 1


def test_what_comes_back_after_hours_is_no_news(hub: Hub) -> None:
    hub.rule("report", suppress_minutes=1)
    hub.door.report("Proof", SAID, **EVENT)
    hub.at(LATER)
    hub.door.report("Proof", SAID, **EVENT)
    assert len(hub.told()) == 1


def test_a_rule_for_what_is_severe_hears_of_it_though_it_began_mildly(hub: Hub) -> None:
    hub.rule("new_incident", match=Match(severity="CRITICAL"))
    hub.door.report("Proof", SAID)
    assert hub.told() == []
    hub.door.report("Proof", SAID, severity="CRITICAL")
    assert NEW in hub.told()
