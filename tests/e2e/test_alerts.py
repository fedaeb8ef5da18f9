"""Failure tracking from outside: events become reports, and whoever is to know is told, once."""

import base64
import hmac
import json
import os
import uuid
from typing import Any

import httpx
import pytest

from infra import local
from tests.e2e.conftest import Receiver, eventually

SECRET = "known-to-both-of-us"

local_only = pytest.mark.skipif(
    "GROUNDCREW_URL" in os.environ, reason="a deployment reaches no receiver of this machine"
)


def answered(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def send(stack: local.Stack, path: str, body: dict[str, Any]) -> Any:
    headers = {"X-Ingest-Key": stack.ingest_key}
    return answered(httpx.post(f"{stack.url}{path}", headers=headers, json=body, trust_env=False, timeout=30), 202)


def report(stack: local.Stack, error_key: str, **fields: Any) -> str:
    body = {"error_key": error_key, "description": {"error_message": "It broke."}, **fields}
    return str(send(stack, "/incidents", body)["incident_id"])


def alerts_of(admin: httpx.Client, subject: str) -> list[dict[str, Any]]:
    return [each for each in answered(admin.get("/alerts?limit=100"))["items"] if each["subject"] == subject]


def test_events_become_reports_at_once(stack: local.Stack, admin: httpx.Client) -> None:
    # A name in letters: numbers and ids in an endpoint are left out.
    name, letters = f"slow {uuid.uuid4().hex}", "".join(chr(ord("a") + int(digit)) for digit in str(uuid.uuid4().int))
    endpoint = f"GET /{letters}"
    events: list[dict[str, Any]] = [
        {"event": name, "user_id": f"u-{nth % 7}", "data": {"endpoint": endpoint, "duration_ms": nth, "status": 200}}
        for nth in range(1, 101)
    ]
    failed = {"endpoint": endpoint, "duration_ms": 101, "status": 503}
    events.append({"event": name, "severity": "WARNING", "data": failed})
    results = [*send(stack, "/analytics/track", {"events": events[:100]})["results"]]
    results.append(send(stack, "/analytics/track", events[100]))
    assert all("event_id" in each for each in results)

    (line,) = answered(admin.get("/analytics/endpoints", params={"dimension": endpoint}))["items"]
    assert (line["requests"], line["failures"]) == (101, 1)
    assert line["p50_ms"] == pytest.approx(51, rel=0.02)
    assert line["p95_ms"] == pytest.approx(96, rel=0.02)
    (error,) = answered(admin.get("/analytics/errors", params={"dimension": name}))["items"]
    assert (error["severity"], error["count"]) == ("WARNING", 1)
    feed = answered(admin.get("/analytics/feed", params={"event": name, "limit": 3}))
    assert [each["data"]["duration_ms"] for each in feed["items"]] == [101, 100, 99]


def test_what_is_critical_is_told_once(stack: local.Stack, admin: httpx.Client) -> None:
    key = f"critical_{uuid.uuid4().hex[:8]}"
    incident_id = report(stack, key, severity="CRITICAL")
    assert {report(stack, key, severity="CRITICAL") for _ in range(3)} == {incident_id}

    def told() -> list[dict[str, Any]]:
        return [each for each in alerts_of(admin, f"incident:{incident_id}") if each["state"] == "sent"]

    assert eventually(lambda: bool(told()))
    held, alert = alerts_of(admin, f"incident:{incident_id}")
    assert (alert["rule_id"], alert["kind"], alert["state"]) == ("critical", "new_incident", "sent")
    assert [(each["channel"], each["state"], each["tries"]) for each in alert["deliveries"]] == [("email", "sent", 1)]
    assert held["state"] == "suppressed"


@local_only
def test_a_webhook_is_told_signed_and_told_of_the_end(
    stack: local.Stack, admin: httpx.Client, receiver: Receiver
) -> None:
    key, name = f"pay_{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    hook = {"type": "webhook", "url": f"{receiver.origin}/hook", "secrets": [SECRET]}
    rule = answered(admin.post("/alerts/rules", json={"name": name, "match": {"key": key}, "channels": [hook]}), 201)
    assert SECRET not in json.dumps(rule)
    (tested,) = answered(admin.post(f"/alerts/rules/{rule['rule_id']}/test"))["results"]
    assert tested["delivered"]
    incident_id = report(stack, key)

    def received() -> list[tuple[str, str]]:
        bodies = [json.loads(body) for _, body in receiver.taken]
        return [(each["type"], each["data"]["kind"]) for each in bodies if each["data"]["rule"] == name]

    assert eventually(lambda: received()[1:] == [("alert.triggered", "new_incident")])
    answered(admin.patch(f"/incidents/{incident_id}", json={"status": "FIXED"}))
    assert eventually(lambda: received()[2:] == [("alert.resolved", "new_incident")])
    for headers, body in receiver.taken:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        mac = base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
        assert headers["webhook-signature"] == f"v1,{mac}"
    answered(admin.delete(f"/alerts/rules/{rule['rule_id']}"), 204)
