"""PagerDuty: an alert as an event of its Events API v2, which opens or resolves an incident there.

Source: https://developer.pagerduty.com/docs/send-alert-event
"""

import hashlib
from typing import Any, Final

import msgspec

from chalicelib import clock, outgoing, untrusted
from chalicelib.alerts import alert as alerts
from chalicelib.alerts.alert import Alert
from chalicelib.alerts.outcome import Outcome, Postponed, Rejected, judge
from chalicelib.errors import InvalidBody
from chalicelib.outgoing import Answered

URLS: Final = {
    "us": "https://events.pagerduty.com/v2/enqueue",
    "eu": "https://events.eu.pagerduty.com/v2/enqueue",
}
MAX_DEDUP_KEY: Final = 255
# "A few minutes", where it does not say when.
BUSY_S: Final = 120

_SEVERITIES: Final = {"CRITICAL": "critical", "WARNING": "warning", "INFO": "info"}


def send(routing_key: str, region: str, alert: Alert) -> Outcome:
    """Send an alert's event to the service whose integration has the key."""
    body = msgspec.json.encode(event(routing_key, alert))
    found = outgoing.post(URLS[region], body, {"Content-Type": "application/json"})
    match found:
        case Answered(400):
            return Rejected("PagerDuty refused the event (400): is this the key of an Events API v2 integration?")
        case Answered(429, None):
            return Postponed("PagerDuty answered 429.", BUSY_S)
        case Answered(status) if 200 <= status < 300 and not _is_taken(found):
            # Somebody else's, then: a proxy, a page to sign in. Another try cannot open a second incident.
            return Postponed(f"The answer ({status}) was not PagerDuty's.")
    return judge(found, "PagerDuty")


def event(routing_key: str, alert: Alert) -> dict[str, Any]:
    """The event: `trigger` or `resolve`, under one key for all alerts of a rule and group."""
    known = {"routing_key": routing_key, "event_action": alert.state, "dedup_key": dedup_key(alert)}
    if alert.state == "resolve":
        return known
    return known | {
        "client": "Groundcrew",
        **({"client_url": alert.link, "links": [{"href": alert.link, "text": "Console"}]} if alert.link else {}),
        "payload": {
            "summary": alerts.title(alert),
            "source": f"groundcrew: project {alert.project_id}",
            "severity": _SEVERITIES[alert.severity],
            "timestamp": clock.rfc3339(alert.at),
            "group": alerts.cut(alert.rule, 100),
            "class": alert.kind,
            "custom_details": {
                **dict(alerts.facts(alert)),
                "Text": "\n".join(alerts.lines(alert)),
                "Delivery": alert.delivery_id,
            },
        },
    }


def dedup_key(alert: Alert) -> str:
    """What PagerDuty knows the incident by: the alert's thread, or its hash where that is too long."""
    thread = alert.thread
    return thread if len(thread) <= MAX_DEDUP_KEY else hashlib.sha256(thread.encode()).hexdigest()


def _is_taken(found: Answered) -> bool:
    try:
        return untrusted.json_object(found.body, "The answer").get("status") == "success"
    except InvalidBody:
        return False
