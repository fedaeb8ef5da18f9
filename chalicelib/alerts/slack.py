"""Slack: an alert as a message to an incoming webhook, or to what takes the same (Mattermost, Rocket.Chat).

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import re
from typing import Any, Final

import msgspec

from chalicelib import outgoing
from chalicelib.alerts import alert as alerts
from chalicelib.alerts.alert import Alert
from chalicelib.alerts.outcome import Delivered, Outcome, Rejected, judge
from chalicelib.outgoing import Answered

# Slack's own is 3,000 characters in a block.
MOST_IN_BLOCK: Final = 2900

_MARKS: Final = {"CRITICAL": "🔴", "WARNING": "🟠", "INFO": "🔵"}
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_HALF_ESCAPE: Final = re.compile(r"&[a-z]*\Z")

# What Slack says, and what it means to whoever set the channel up.
_REASONS: Final = {
    b"action_prohibited": "Slack does not let this webhook post there.",
    b"channel_is_archived": "The Slack channel of this webhook is archived.",
    b"channel_not_found": "The Slack channel of this webhook is gone.",
    b"invalid_token": "Slack does not know this webhook.",
    b"no_active_hooks": "This Slack webhook is disabled.",
    b"no_service": "This Slack webhook is disabled or removed.",
    b"no_team": "The Slack workspace of this webhook is gone.",
    b"team_disabled": "The Slack workspace of this webhook is disabled.",
}


def send(url: str, alert: Alert) -> Outcome:
    """Post an alert to an incoming webhook."""
    found = outgoing.post(url, msgspec.json.encode(message(alert)), {"Content-Type": "application/json"})
    match found:
        case Answered(200, _, b"ok"):
            return Delivered(200)
        case Answered(200):
            return Rejected("The answer was not Slack's `ok`: is this the URL of an incoming webhook?")
        case Answered(status, _, said) if 400 <= status < 500 and said.strip() in _REASONS:
            return Rejected(_REASONS[said.strip()])
    return judge(found, "Slack")


def message(alert: Alert) -> dict[str, Any]:
    """The message in Slack's Block Kit, and as plain text for notifications."""
    title = _escaped(alerts.title(alert), MOST_IN_BLOCK)
    mark = _MARKS[alert.severity] if alert.state == "trigger" else "🟢"
    text = [_escaped("\n".join(alerts.lines(alert)), MOST_IN_BLOCK)]
    if alert.link:
        # A pipe would end the address.
        text.append(f"<{_escaped(alert.link, 1000).replace('|', '%7C')}|Open in the console>")
    facts = _escaped(" · ".join(f"{name}: {value}" for name, value in alerts.facts(alert)), MOST_IN_BLOCK)
    sections = [_text(each) for each in (f"{mark} *{title}*", *text) if each]
    return {
        "text": f"{mark} {title}",
        "blocks": [
            *({"type": "section", "text": each} for each in sections),
            {"type": "context", "elements": [_text(facts)]},
        ],
    }


def _text(marked: str) -> dict[str, Any]:
    # Verbatim: what looks like an address, a channel or a person in somebody's error becomes no link and calls nobody.
    return {"type": "mrkdwn", "text": marked, "verbatim": True}


def _escaped(text: str, most: int) -> str:
    escaped = text.translate(_ESCAPES)
    return escaped if len(escaped) <= most else _HALF_ESCAPE.sub("", escaped[: most - 1]) + "…"
