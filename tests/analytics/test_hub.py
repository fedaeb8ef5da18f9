"""The hub's own reports, through the public door."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import app
from chalicelib.analytics import hub
from tests import store as stores
from tests.conftest import Door
from tests.faults import Gateway, forget, recorded

YESTERDAY, NOW = "2026-03-01T10:30:00.000Z", "2026-03-02T09:30:00.000Z"

Freeze = Callable[[str], None]


@pytest.fixture
def shop(frozen: Freeze) -> Iterator[Door]:
    forget()
    frozen(NOW)
    with stores.installed():
        yield Door(Gateway(app.app))
    forget()


def asked(door: Door, path: str) -> dict[str, Any]:
    answer = door.admin("GET", f"/analytics/{path}")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


def test_bypasses_are_a_share_of_each_endpoints_reports(shop: Door, frozen: Freeze) -> None:
    frozen(YESTERDAY)
    for user in range(3):
        shop.report("Proof", endpoint=f"POST /orders/{user}", user_id=user, was_bypassed=user == 0)
    frozen(NOW)
    shop.report("Other", endpoint="POST /orders/9", user_id="1", was_bypassed=True)
    shop.report("Other", endpoint="/b")
    shop.report("Other", user_id="2", was_bypassed=True)
    lines = [
        {"endpoint": "POST /orders/*", "reports": 4, "bypassed": 2, "bypass_rate": 0.5},
        {"endpoint": "/b", "reports": 1, "bypassed": 0, "bypass_rate": 0.0},
    ]
    assert asked(shop, "bypasses") == {
        "since": "2026-03-01T09:00:00.000Z",
        "until": NOW,
        "hours": 24,
        "items": lines,
        "more": False,
    }
    assert asked(shop, "bypasses?dimension=/b")["items"] == lines[1:]
    assert asked(shop, "bypasses?hours=1")["items"][0] == {**lines[0], "reports": 1, "bypassed": 1, "bypass_rate": 1.0}
    assert asked(shop, "bypasses?project_id=2")["items"] == []


def test_users_are_those_whom_most_reports_name(shop: Door, frozen: Freeze) -> None:
    frozen(YESTERDAY)
    for n in range(3):
        shop.report("Proof", endpoint=f"/a/{n}", user_id="7")
    frozen(NOW)
    shop.report("Other", endpoint="/b", user_id="7")
    shop.report("Other", user_id="8")
    shop.report("Other", endpoint="/c")
    lines = [
        {"user_id": "7", "reports": 4, "endpoints": ["/a/*", "/b"], "last_seen": NOW},
        {"user_id": "8", "reports": 1, "endpoints": [], "last_seen": NOW},
    ]
    assert asked(shop, "users")["items"] == lines
    assert asked(shop, "users?dimension=8")["items"] == lines[1:]


def test_fixes_are_told_by_day_with_their_keys(shop: Door, frozen: Freeze) -> None:
    frozen(YESTERDAY)
    ids = {key: shop.report(key)["incident_id"] for key in ("Proof", "Other", "Third")}

    def triage(key: str, status: str, moment: str) -> None:
        frozen(moment)
        assert shop.admin("PATCH", f"/incidents/{ids[key]}", {"status": status}).status == 200

    triage("Proof", "FIXED", "2026-03-01T11:00:00Z")
    triage("Proof", "ACTIVE", "2026-03-01T11:01:00Z")
    triage("Proof", "FIXED", "2026-03-01T11:02:00Z")
    triage("Other", "FIXED", "2026-03-01T23:59:59Z")
    triage("Third", "FIXED", NOW)
    lines = [
        {"date": "2026-03-02", "fixed": 1, "keys": ["Third"]},
        {"date": "2026-03-01", "fixed": 2, "keys": ["Other", "Proof"]},
    ]
    assert asked(shop, "fixes")["items"] == lines
    assert asked(shop, "fixes?dimension=Other")["items"] == [{"date": "2026-03-01", "fixed": 1, "keys": ["Other"]}]
    assert asked(shop, "fixes?hours=2")["items"] == lines[:1]


def test_what_does_not_fit_is_said(shop: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [
        {"error_key": "Proof", "description": {}, "endpoint": f"/{'ab'[n % 2]}{n}x", "user_id": n} for n in range(30)
    ]
    for body in bodies:
        shop.ingest(body)
    monkeypatch.setattr(hub, "MOST_ITEMS", 29)
    for report in ("users", "bypasses"):
        found = asked(shop, report)
        assert (len(found["items"]), found["more"]) == (29, True)
    monkeypatch.setattr(hub, "MOST_ITEMS", 30)
    assert asked(shop, "users")["more"] is False
    monkeypatch.setattr(hub, "MOST_READ", 10)
    found = asked(shop, "users")
    assert (len(found["items"]), found["more"]) == (10, True)


def test_ninety_days_are_read_in_a_query_a_day(shop: Door) -> None:
    shop.report("Proof", endpoint="/a")
    for report, queries in (("bypasses", 91), ("fixes", 1)):
        with recorded() as ledger:
            asked(shop, f"{report}?hours=2160")
        assert ledger.operations == ["Query"] * queries


@pytest.mark.parametrize("report", ["bypasses", "fixes", "users"])
@pytest.mark.parametrize("query", ["hours=0", "hours=2161", "hours=x", "project_id=x", "dimension="])
def test_what_cannot_be_asked_is_refused(shop: Door, report: str, query: str) -> None:
    answer = shop.admin("GET", f"/analytics/{report}?{query}")
    assert (answer.status, answer.json["Code"]) == (400, "InvalidRequest")


@pytest.mark.parametrize("report", ["bypasses", "fixes", "users"])
def test_only_admins_are_told(shop: Door, report: str) -> None:
    assert shop.call("GET", f"/analytics/{report}").status == 401
    assert shop.customer("GET", f"/analytics/{report}").status == 403
