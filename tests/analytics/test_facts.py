"""What is read from data, however it is named and written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.alerts.alert import Severity
from chalicelib.analytics import facts
from chalicelib.analytics.event import Event


@pytest.mark.parametrize(
    ("data", "known"),
    [
        ({"endpoint": "POST /orders/123?page=2"}, {"endpoint": "POST /orders/*"}),
        ({"route": "/users/[id]", "endpoint": ""}, {"endpoint": "/users/[id]"}),
        ({"path": "a|b"}, {"endpoint": "a/b"}),
        ({"endpoint": 5}, {}),
        ({"endpoint": "/x", "method": "get "}, {"endpoint": "GET /x"}),
        ({"path": "https://a.example/x/1", "method": "PUT"}, {"endpoint": "PUT /x/*"}),
        ({"endpoint": "POST /x", "method": "GET"}, {"endpoint": "POST /x"}),
        ({"endpoint": "/pay", "method": "card"}, {"endpoint": "/pay"}),
        ({"method": "GET"}, {}),
        ({"_extra": {"endpoint": "/x", "method": "GET", "http_status": 500}}, {"endpoint": "GET /x", "status": 500}),
        ({"duration": 1, "_extra": {"duration_ms": 2, "success": False}}, {"duration_ms": 1.0, "success": False}),
        ({"_extra": ["/x"]}, {}),
        ({"duration_ms": 12.5}, {"duration_ms": 12.5}),
        ({"response_time_ms": " 1e2 "}, {"duration_ms": 100.0}),
        ({"duration": 0}, {"duration_ms": 0.0}),
        ({"response_time": 5, "feature": ""}, {"duration_ms": 5.0}),
        ({"latency_ms": 6}, {"duration_ms": 6.0}),
        ({"elapsed_ms": 7}, {"duration_ms": 7.0}),
        ({"time_ms": 8, "latency_ms": None}, {"duration_ms": 8.0}),
        ({"duration_ms": -1}, {}),
        ({"duration_ms": 86_400_001}, {}),
        ({"duration_ms": "nan"}, {}),
        ({"duration_ms": True}, {}),
        ({"duration_ms": "12 ms"}, {}),
        ({"status": 503}, {"status": 503}),
        ({"status_code": "404"}, {"status": 404}),
        ({"http_status": "\u0664\u0660\u0664"}, {}),
        ({"status": "failed"}, {}),
        ({"status": 42}, {}),
        ({"feature": "  smart\n crop | v2 "}, {"feature": "smart crop / v2"}),
        ({"feature_name": 5}, {"feature": "5"}),
        ({"feature": "x" * 101}, {"feature": "x" * 100}),
        ({"feature": "\U0001f600" * 100}, {"feature": "\U0001f600" * 25}),
        ({"endpoint": "/" + "\U0001f600" * 30}, {"endpoint": "/" + "\U0001f600" * 24}),
        ({"trial": "é" * 26, "result": "x" * 51}, {"trial": "é" * 25, "outcome": "x" * 50}),
        ({"feature": "\x00 "}, {}),
        ({"trial_type": "annual", "outcome": "cancelled"}, {"trial": "annual", "outcome": "cancelled"}),
        ({"trial": "annual", "result": "won"}, {"trial": "annual", "outcome": "won"}),
        ({"converted": True}, {"outcome": "converted"}),
        ({"converted": False}, {"outcome": "not_converted"}),
        ({"converted": True, "outcome": "upgraded"}, {"outcome": "upgraded"}),
        ({"ai_provider": "Acme"}, {"provider": "Acme"}),
        ({"cache": " HIT"}, {"cache": "hit"}),
        ({"cache": "miss"}, {"cache": "miss"}),
        ({"cache": "stale", "cache_hit": False}, {"cache": "miss"}),
        ({"cache_hit": True}, {"cache": "hit"}),
        ({"cache_hit": 1}, {}),
        ({"success": False}, {"success": False}),
        ({"success": "no"}, {}),
        ({"account": "ada", "ip": "203.0.113.9"}, {}),
    ],
)
def test_facts(data: dict[str, Any], known: dict[str, Any]) -> None:
    assert facts.read(data) == facts.Facts(**known)


@given(
    st.dictionaries(
        st.sampled_from(["endpoint", "duration", "status", "feature", "outcome", "ip", "email"]), st.from_type(object)
    )
)
def test_nothing_in_data_is_an_error(data: dict[str, object]) -> None:
    facts.read(data)
    facts.account(data, "1")
    facts.address(data, "1")


def test_digests_are_a_projects_own() -> None:
    assert facts.account({"email": "ada@example.com"}, "1") != facts.account({"email": "ada@example.com"}, "2")
    assert facts.account({"account": 68}, "1") == facts.account({"account": "68"}, "1")
    assert facts.account({"account": " ", "email": None}, "1") is None


@pytest.mark.parametrize(
    ("severity", "data", "failed"),
    [
        ("INFO", {}, False),
        ("WARNING", {"success": True}, True),
        ("CRITICAL", {}, True),
        ("INFO", {"status": 500}, True),
        ("INFO", {"status": 499}, False),
        ("INFO", {"success": False}, True),
    ],
)
def test_what_has_failed(severity: Severity, data: dict[str, Any], failed: bool) -> None:  # noqa: FBT001  # a case
    event = Event("", "x", severity, "", "", "1", None, None, data, facts.read(data))
    assert event.failed is failed
