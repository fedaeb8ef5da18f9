"""Alerts: a rule with a signed webhook, something critical, and a receiver on this machine that is told of it."""

import base64
import json
import secrets
import time
from typing import Any, Final

import httpx

from infra import local
from infra.scenes import Scene, people, receiver
from infra.telling import Progress, wait
from infra.troubles import Trouble

NAME: Final = "Payouts, to the demo's receiver"
ERROR_KEY: Final = "payments.payout"
PATIENCE_S: Final = 30


def play(stack: local.Stack, progress: Progress) -> Scene:
    """Make the rule, have something critical happen, take the alert, verify it, and switch the rule off."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    with people.operator(stack) as operator, receiver.listening() as receives:
        _clear(operator)
        rule_id = _make_rule(operator, f"{receives.origin}/hook", secret)
        try:
            _report(stack)
            began = time.monotonic()
            headers, body = wait(lambda: next(iter(receives.taken), "waiting for the alert"), PATIENCE_S, progress)
            took = time.monotonic() - began
            wait(lambda: _sent(operator, rule_id), PATIENCE_S, progress)
        finally:
            # From here on nobody listens.
            people.said(operator.patch(f"/alerts/rules/{rule_id}", json={"enabled": False}))
    if not receiver.genuine(secret, headers, body):
        raise Trouble(f"The alert that came is not signed by the rule's secret: {headers['webhook-signature']}")
    told = json.loads(body)
    return Scene(
        f"""Payouts failed, and {took:.1f} s later a webhook told {receives.origin}, signed by the rule's secret:
  {told["type"]}, {told["data"]["severity"]}: {told["data"]["title"]}""",
        (
            ("/alerts", "the week's alerts: what was told, to whom, and what was held back"),
            (f"/alerts/{rule_id}", "the rule with the webhook, switched off again"),
        ),
        (("/alerts", "what was told, and what was held back"),),
    )


def _clear(operator: httpx.Client) -> None:
    for rule in list(people.every(operator, "/alerts/rules")):
        if rule["name"] == NAME:
            people.said(operator.delete(f"/alerts/rules/{rule['rule_id']}"))
    people.forget_incidents(operator, error_key=ERROR_KEY)


def _make_rule(operator: httpx.Client, url: str, secret: str) -> str:
    hook = {"type": "webhook", "url": url, "secrets": [secret]}
    rule = {"name": NAME, "match": {"key": ERROR_KEY}, "channels": [hook]}
    return str(people.said(operator.post("/alerts/rules", json=rule))["rule_id"])


def _report(stack: local.Stack) -> None:
    body = {
        "error_key": ERROR_KEY,
        "severity": "CRITICAL",
        "environment": "production",
        "release": "payments@1.9.2",
        "endpoint": "POST /payouts",
        "http_status": 502,
        "actor_type": "system",
        "description": {"error_message": "The bank refused the certificate: it expired today", "waiting_payouts": 31},
    }
    with people.frontend(stack) as backend:
        people.said(backend.post("/incidents", json=body))


def _sent(operator: httpx.Client, rule_id: str) -> dict[str, Any] | str:
    return next(people.every(operator, "/alerts", rule_id=rule_id, state="sent"), "waiting until it is noted as sent")
