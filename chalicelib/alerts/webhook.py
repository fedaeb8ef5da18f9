"""Webhooks: an alert as a signed request to a receiver of one's own, which can tell that it is ours, new and whole.

By the conventions of Standard Webhooks, so that its libraries verify them: https://www.standardwebhooks.com
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from chalicelib import clock, outgoing
from chalicelib.alerts import alert as alerts
from chalicelib.alerts.alert import Alert
from chalicelib.alerts.outcome import Outcome, judge

PREFIX: Final = "whsec_"
MIN_KEY: Final = 16


def send(url: str, secrets: Sequence[str], alert: Alert, now: datetime) -> Outcome:
    """Send an alert, signed at this moment by every secret: while one is replaced, receivers know either."""
    body = msgspec.json.encode(message(alert))
    return judge(outgoing.post(url, body, {"Content-Type": "application/json", **signed(secrets, alert, body, now)}))


def message(alert: Alert) -> dict[str, Any]:
    """What receivers get: the type `alert.triggered` or `alert.resolved`, and the alert."""
    return {
        "type": "alert.triggered" if alert.state == "trigger" else "alert.resolved",
        "timestamp": clock.rfc3339(alert.at),
        "data": {
            "delivery_id": alert.delivery_id,
            "rule": alerts.cut(alert.rule, 100),
            "kind": alert.kind,
            "severity": alert.severity,
            "title": alerts.cut(alert.title, alerts.MOST_IN_TITLE),
            "lines": alerts.lines(alert),
            "environment": alert.environment and alerts.cut(alert.environment, 64),
            "project_id": alert.project_id,
            "link": alert.link,
            "count": alert.count,
            "suppressed": alert.suppressed,
        },
    }


def signed(secrets: Sequence[str], alert: Alert, body: bytes, now: datetime) -> dict[str, str]:
    """The headers that identify a body and prove it, a signature by each secret.

    The id is the alert's own, the same for every try; its characters that no header takes are percent-encoded.
    """
    delivery, moment = quote(alert.delivery_id, safe=":"), str(int(now.timestamp()))
    content = f"{delivery}.{moment}.".encode() + body
    macs = [hmac.digest(key(secret), content, hashlib.sha256) for secret in secrets]
    return {
        "webhook-id": delivery,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs),
    }


def key(secret: str) -> bytes:
    """The bytes of a secret: what follows `whsec_` in base64, all of one that does not begin so.

    Raises ValueError, which says what it must have, also for one that could be guessed.
    """
    try:
        found = base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except binascii.Error as error:
        raise ValueError("must have base64 after whsec_") from error
    found = found or secret.encode()
    if len(found) < MIN_KEY:
        raise ValueError(f"must have a key of {MIN_KEY} bytes or more")
    return found
