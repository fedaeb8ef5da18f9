"""Channels: what each way of telling an alert sends, what its answers mean, and what of it nobody gets to see."""

import base64
import dataclasses
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import msgspec
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from chalicelib import outgoing
from chalicelib.alerts import channels, email, pagerduty, slack, webhook
from chalicelib.alerts.alert import Alert, cut, facts, lines, title
from chalicelib.alerts.channels import Channel, Email, PagerDuty, Slack, Webhook
from chalicelib.alerts.outcome import Delivered, Outcome, Postponed, Rejected
from chalicelib.config import config
from chalicelib.errors import InvalidRequest
from infra.local import PROJECT
from tests.faults import Call, tapped
from tests.receiver import Answer, Internet, answering

NOW = datetime(2026, 1, 25, 8, 15, 30, 123_000, tzinfo=UTC)
ALERT = Alert(
    delivery_id="critical:9f2c51d07be4:7",
    rule="Anything critical",
    kind="report",
    severity="CRITICAL",
    state="trigger",
    title="PaymentError: the card was declined",
    lines=("12 times within 5 minutes", "a < b && c > d"),
    environment="production",
    project_id="1",
    link="https://ops.example.com/console#incident=1&tab=a|b",
    at=NOW - timedelta(seconds=30),
    count=12,
    suppressed=3,
)
RESOLVED = dataclasses.replace(ALERT, state="resolve", delivery_id="critical:9f2c51d07be4:8", lines=())
OLD, NEW = "whsec_" + base64.b64encode(b"o" * 32).decode(), "old-fashioned_secret"
SLACK = Slack("https://hooks.slack.com/services/T000/B000/XXXXXXXXyyyy")
PAGER = PagerDuty("0123456789abcdef0123456789abcdef")
HOOK = Webhook("https://hooks.example.com/in?key=very-secret-1234", [OLD, NEW])
EMAIL = Email(["ops@example.com", "o'neil+oncall@school.example"])
ALL: list[Channel] = [EMAIL, SLACK, PAGER, HOOK]

anything = st.text(st.characters(), max_size=400) | st.text("<>&|*\r\n\t\0 \u202e\ud83d\ude00é", max_size=4000)
alerts = st.builds(
    Alert,
    delivery_id=st.builds("{}:{}:{}".format, st.text(min_size=1), st.text(max_size=300), st.integers(1)),
    rule=anything,
    kind=st.sampled_from(["report", "digest"]),
    severity=st.sampled_from(["CRITICAL", "WARNING", "INFO"]),
    state=st.sampled_from(["trigger", "resolve"]),
    title=anything,
    lines=st.lists(anything, max_size=60).map(tuple),
    environment=st.none() | anything,
    project_id=st.just("1"),
    link=st.none() | st.just("https://ops.example.com/console?a=1&b=<c>|d"),
    at=st.just(NOW),
    count=st.integers(0, 10**12),
    suppressed=st.integers(0, 10**12),
)


def answered(internet: Internet, channel: Channel, answer: Answer, alert: Alert = ALERT) -> Outcome:
    internet.receiver.answer = answer
    return channels.send(channel, alert, NOW)


def sent(internet: Internet) -> Any:
    """The body of the one request that was made."""
    (taken,) = internet.receiver.taken
    return json.loads(taken.body)


# -- alerts -----------------------------------------------------------------------------------------------------------


def test_an_alert_is_read_as_it_was_written() -> None:
    """It waits in a queue before it is sent."""
    assert msgspec.json.decode(msgspec.json.encode(ALERT), type=Alert) == ALERT


def test_a_title_says_how_it_stands() -> None:
    assert title(ALERT) == "[CRITICAL] PaymentError: the card was declined"
    assert title(RESOLVED) == "[RESOLVED] PaymentError: the card was declined"
    assert ALERT.thread == RESOLVED.thread == "critical:9f2c51d07be4"


def test_facts_are_what_there_is() -> None:
    assert facts(ALERT) == [
        ("Rule", "Anything critical"),
        ("Environment", "production"),
        ("Project", "1"),
        ("Count", "12"),
        ("Suppressed since the last alert", "3"),
        ("At", "2026-01-25T08:15:00.123Z"),
    ]
    bare = dataclasses.replace(ALERT, environment=None, suppressed=0)
    assert [name for name, _ in facts(bare)] == ["Rule", "Project", "Count", "At"]


@given(anything, st.integers(1, 300))
def test_a_line_is_one_and_short_and_can_be_sent(text: str, most: int) -> None:
    line = cut(text, most)
    assert len(line) <= most
    assert line.splitlines() in ([], [line])
    line.encode()
    assert not re.search(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", line)
    assert cut(line, most) == line


def test_what_is_too_much_is_cut_and_said() -> None:
    many = dataclasses.replace(ALERT, lines=("x" * 1000,) * 100)
    assert lines(many) == ["x" * 299 + "…"] * 40 + ["… and 60 more"]
    assert cut("x" * 10, 10) == "x" * 10


# -- Slack ------------------------------------------------------------------------------------------------------------


def test_slack_gets_a_message(internet: Internet) -> None:
    assert answered(internet, SLACK, answering(200, b"ok")) == Delivered(200)
    assert internet.receiver.taken[0].line == "POST /services/T000/B000/XXXXXXXXyyyy HTTP/1.1"
    assert sent(internet) == {
        "text": "🔴 [CRITICAL] PaymentError: the card was declined",
        "blocks": [
            section("🔴 *[CRITICAL] PaymentError: the card was declined*"),
            section("12 times within 5 minutes\na &lt; b &amp;&amp; c &gt; d"),
            section("<https://ops.example.com/console#incident=1&amp;tab=a%7Cb|Open in the console>"),
            {
                "type": "context",
                "elements": [
                    marked(
                        "Rule: Anything critical · Environment: production · Project: 1 · Count: 12 · "
                        "Suppressed since the last alert: 3 · At: 2026-01-25T08:15:00.123Z"
                    )
                ],
            },
        ],
    }


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": marked(text)}


def marked(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(alerts)
def test_slack_takes_any_alert_and_it_calls_nobody(alert: Alert) -> None:
    message = slack.message(alert)
    texts = [message["text"]]
    for block in message["blocks"]:
        texts += [each["text"] for each in block.get("elements", [block.get("text")])]
    assert len(message["blocks"]) <= 50
    for text in texts:
        assert 0 < len(text) <= 3000
        # The one thing in angle brackets is our own link; every & begins a whole escape.
        plain = re.sub(r"<https://ops[^<>|]+\|Open in the console>", "", text)
        assert not re.search(r"[<>]|&(?!(?:amp|lt|gt);)", plain)
    assert len(msgspec.json.encode(message)) < 64 * 1024


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"", Rejected("The answer was not Slack's `ok`: is this the URL of an incoming webhook?")),
        (200, b'{"ok": true}', Rejected("The answer was not Slack's `ok`: is this the URL of an incoming webhook?")),
        (200, b"<html>", Rejected("The answer was not Slack's `ok`: is this the URL of an incoming webhook?")),
        (403, b"action_prohibited", Rejected("Slack does not let this webhook post there.")),
        (403, b"invalid_token", Rejected("Slack does not know this webhook.")),
        (404, b"channel_not_found\n", Rejected("The Slack channel of this webhook is gone.")),
        (404, b"no_service", Rejected("This Slack webhook is disabled or removed.")),
        (404, b"<h1>10.0.0.7 says no</h1>", Rejected("Slack answered 404.")),
        (410, b"channel_is_archived", Rejected("The Slack channel of this webhook is archived.")),
        (400, b"invalid_payload", Rejected("Slack answered 400.")),
        (302, b"", Rejected("Slack answered with a redirect (302), which is not followed: name where it leads.")),
        (429, b"rate_limited", Postponed("Slack answered 429.", 30)),
        (500, b"rollup_error", Postponed("Slack answered 500.", 30)),
    ],
)
def test_slack_answers(status: int, body: bytes, outcome: Outcome, internet: Internet) -> None:
    assert answered(internet, SLACK, answering(status, body, "Retry-After: 30")) == outcome


# -- PagerDuty --------------------------------------------------------------------------------------------------------

TAKEN = b'{"status": "success", "message": "Event processed", "dedup_key": "x"}'


def test_pagerduty_gets_an_event(internet: Internet) -> None:
    assert answered(internet, PAGER, answering(202, TAKEN)) == Delivered(202)
    (taken,) = internet.receiver.taken
    assert (taken.line, taken.headers["host"]) == ("POST /v2/enqueue HTTP/1.1", "events.pagerduty.com")
    assert sent(internet) == {
        "routing_key": "0123456789abcdef0123456789abcdef",
        "event_action": "trigger",
        "dedup_key": "critical:9f2c51d07be4",
        "client": "Groundcrew",
        "client_url": ALERT.link,
        "links": [{"href": ALERT.link, "text": "Console"}],
        "payload": {
            "summary": "[CRITICAL] PaymentError: the card was declined",
            "source": "groundcrew: project 1",
            "severity": "critical",
            "timestamp": "2026-01-25T08:15:00.123Z",
            "group": "Anything critical",
            "class": "report",
            "custom_details": {
                **dict(facts(ALERT)),
                "Text": "12 times within 5 minutes\na < b && c > d",
                "Delivery": "critical:9f2c51d07be4:7",
            },
        },
    }


def test_pagerduty_resolves_what_was_triggered(internet: Internet) -> None:
    european = PagerDuty(PAGER.routing_key, "eu")
    assert answered(internet, european, answering(202, TAKEN), RESOLVED) == Delivered(202)
    assert internet.receiver.taken[0].headers["host"] == "events.eu.pagerduty.com"
    assert sent(internet) == {
        "routing_key": "0123456789abcdef0123456789abcdef",
        "event_action": "resolve",
        "dedup_key": "critical:9f2c51d07be4",
    }


@pytest.mark.parametrize(("severity", "known"), [("CRITICAL", "critical"), ("WARNING", "warning"), ("INFO", "info")])
def test_pagerduty_knows_severities(severity: Any, known: str) -> None:
    event = pagerduty.event(PAGER.routing_key, dataclasses.replace(ALERT, severity=severity))
    assert event["payload"]["severity"] == known


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(alerts)
def test_pagerduty_takes_any_alert(alert: Alert) -> None:
    event = pagerduty.event(PAGER.routing_key, alert)
    body = msgspec.json.encode(event)
    assert len(body) < 512 * 1024
    assert 0 < len(event["dedup_key"]) <= 255
    if alert.state == "trigger":
        assert 0 < len(event["payload"]["summary"]) <= 1024


def test_a_thread_that_is_too_long_keeps_a_key_of_its_own() -> None:
    first, second = (dataclasses.replace(ALERT, delivery_id="r:" + "g" * 300 + end) for end in ("a:1", "b:1"))
    later = dataclasses.replace(first, delivery_id="r:" + "g" * 300 + "a:2", state="resolve")
    assert pagerduty.dedup_key(first) == pagerduty.dedup_key(later) != pagerduty.dedup_key(second)
    assert len(pagerduty.dedup_key(first)) == 64


@pytest.mark.parametrize(
    ("status", "body", "headers", "outcome"),
    [
        (202, b"", [], Postponed("The answer (202) was not PagerDuty's.")),
        (202, b"<html>", [], Postponed("The answer (202) was not PagerDuty's.")),
        (202, b'{"status": "invalid event"}', [], Postponed("The answer (202) was not PagerDuty's.")),
        (202, b'["success"]', [], Postponed("The answer (202) was not PagerDuty's.")),
        (202, b'{"status": ' + b"[" * 60_000, [], Postponed("The answer (202) was not PagerDuty's.")),
        (202, b'{"status": "succ\xff', [], Postponed("The answer (202) was not PagerDuty's.")),
        (200, b"Please sign in", [], Postponed("The answer (200) was not PagerDuty's.")),
        (
            400,
            b'{"status": "invalid event", "errors": ["\'routing_key\' is invalid"]}',
            [],
            Rejected("PagerDuty refused the event (400): is this the key of an Events API v2 integration?"),
        ),
        (403, b"", [], Rejected("PagerDuty answered 403.")),
        (
            301,
            b"",
            [],
            Rejected("PagerDuty answered with a redirect (301), which is not followed: name where it leads."),
        ),
        (429, b"", [], Postponed("PagerDuty answered 429.", 120)),
        (429, b"", ["Retry-After: 7"], Postponed("PagerDuty answered 429.", 7)),
        (500, b"", [], Postponed("PagerDuty answered 500.")),
        (503, b"", ["Retry-After: 86400"], Postponed("PagerDuty answered 503.", 3600)),
    ],
)
def test_pagerduty_answers(status: int, body: bytes, headers: list[str], outcome: Outcome, internet: Internet) -> None:
    assert answered(internet, PAGER, answering(status, body, *headers)) == outcome


# -- webhooks ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def verify() -> Callable[[str, dict[str, str], bytes], bool]:
    """What the page about webhooks tells receivers to do."""
    page = (PROJECT / "docs/webhooks.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)  # noqa: S102  # our own page
    checked: Callable[[str, dict[str, str], bytes], bool] = found["verify"]
    return checked


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the receiver's clock, so many seconds after the request was made."""
    return lambda late: monkeypatch.setattr(time, "time", lambda: NOW.timestamp() + late)


def test_a_webhook_gets_what_the_page_shows(internet: Internet) -> None:
    assert answered(internet, HOOK, answering(204)) == Delivered(204)
    assert internet.receiver.taken[0].line == "POST /in?key=very-secret-1234 HTTP/1.1"
    assert sent(internet) == {
        "type": "alert.triggered",
        "timestamp": "2026-01-25T08:15:00.123Z",
        "data": {
            "delivery_id": "critical:9f2c51d07be4:7",
            "rule": "Anything critical",
            "kind": "report",
            "severity": "CRITICAL",
            "title": "PaymentError: the card was declined",
            "lines": ["12 times within 5 minutes", "a < b && c > d"],
            "environment": "production",
            "project_id": "1",
            "link": ALERT.link,
            "count": 12,
            "suppressed": 3,
        },
    }
    (shown,) = re.findall(r"```json\n(.*?)```", (PROJECT / "docs/webhooks.md").read_text(), re.DOTALL)
    assert shape(json.loads(shown)) == shape(sent(internet))
    assert webhook.message(RESOLVED)["type"] == "alert.resolved"


def shape(value: Any) -> Any:
    return {name: shape(each) for name, each in value.items()} if isinstance(value, dict) else type(value)


def test_a_webhook_is_signed_by_each_secret(internet: Internet) -> None:
    channels.send(HOOK, ALERT, NOW)
    (taken,) = internet.receiver.taken
    assert taken.headers["webhook-id"] == "critical:9f2c51d07be4:7"
    assert taken.headers["webhook-timestamp"] == "1769328930"
    signatures = taken.headers["webhook-signature"].split(" ")
    content = b"critical:9f2c51d07be4:7.1769328930." + taken.body
    for key, signature in zip((b"o" * 32, NEW.encode()), signatures, strict=True):
        mac = hmac.new(key, content, hashlib.sha256).digest()
        assert signature == "v1," + base64.b64encode(mac).decode()


def test_receivers_tell_what_is_ours(
    internet: Internet, verify: Callable[..., bool], at: Callable[[float], None]
) -> None:
    channels.send(HOOK, ALERT, NOW)
    (taken,) = internet.receiver.taken
    at(0)
    assert verify(OLD, taken.headers, taken.body)
    assert verify(NEW, taken.headers, taken.body)
    assert not verify(OLD[:-4] + "AAA=", taken.headers, taken.body)
    assert not verify(NEW + ".", taken.headers, taken.body)
    assert not verify(OLD, taken.headers, taken.body + b" ")
    for name, value in (("webhook-id", "critical:9f2c51d07be4:8"), ("webhook-timestamp", "1769328931")):
        assert not verify(OLD, taken.headers | {name: value}, taken.body)
    for late, fresh in ((299, True), (-299, True), (301, False), (-301, False)):
        at(late)
        assert verify(OLD, taken.headers, taken.body) is fresh


def test_another_try_has_the_same_id_and_a_new_time(internet: Internet) -> None:
    channels.send(HOOK, ALERT, NOW)
    channels.send(HOOK, ALERT, NOW + timedelta(minutes=20))
    first, second = internet.receiver.taken
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 1200
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize("group", ["a\r\nX-Injected: 1", "ü", "a b", "\U0001f600", "a%0d", "x" * 500])
def test_no_id_breaks_out_of_its_header(
    group: str, internet: Internet, verify: Callable[..., bool], at: Callable[[float], None]
) -> None:
    at(0)
    alert = dataclasses.replace(ALERT, delivery_id=f"r:{group}:1")
    assert channels.send(HOOK, alert, NOW) == Delivered(200)
    (taken,) = internet.receiver.taken
    assert "x-injected" not in taken.headers
    assert verify(OLD, taken.headers, taken.body)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(alerts)
def test_a_webhook_takes_any_alert(alert: Alert) -> None:
    assert len(msgspec.json.encode(webhook.message(alert))) < 64 * 1024


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (200, [], Delivered(200)),
        (299, [], Delivered(299)),
        (301, [], Rejected("The receiver answered with a redirect (301), which is not followed: name where it leads.")),
        (308, [], Rejected("The receiver answered with a redirect (308), which is not followed: name where it leads.")),
        (400, [], Rejected("The receiver answered 400.")),
        (401, ["Retry-After: 5"], Rejected("The receiver answered 401.")),
        (404, [], Rejected("The receiver answered 404.")),
        (408, [], Postponed("The receiver answered 408.")),
        (410, [], Rejected("The receiver answered 410.")),
        (425, [], Postponed("The receiver answered 425.")),
        (429, ["Retry-After: 60"], Postponed("The receiver answered 429.", 60)),
        (429, ["Retry-After: soon"], Postponed("The receiver answered 429.")),
        (500, [], Postponed("The receiver answered 500.")),
        (503, ["Retry-After: 999999"], Postponed("The receiver answered 503.", 3600)),
    ],
)
def test_a_webhook_answers(status: int, headers: list[str], outcome: Outcome, internet: Internet) -> None:
    assert answered(internet, HOOK, answering(status, b"never shown", *headers)) == outcome


# -- who cannot be told -----------------------------------------------------------------------------------------------

WEB = [SLACK, PAGER, HOOK]


@pytest.mark.parametrize("channel", WEB, ids=lambda channel: type(channel).__name__)
def test_a_channel_that_leads_inside_is_not_called(channel: Channel, internet: Internet) -> None:
    internet.names = {name: ["169.254.169.254"] for name in internet.names}
    assert channels.send(channel, ALERT, NOW) == Rejected("The URL leads to an address that is not public.")
    assert internet.receiver.reached == 0


@pytest.mark.parametrize("channel", WEB, ids=lambda channel: type(channel).__name__)
def test_a_channel_that_goes_on_for_ever_is_left(
    channel: Channel, internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "TOTAL_S", 0.2)
    done = threading.Event()
    assert answered(internet, channel, lambda _: done.wait(10)) == Postponed("It did not answer within 10 seconds.")
    done.set()
    outcome = answered(internet, channel, answering(200, b"x" * 70_000))
    assert outcome == Postponed("Its answer has more than 64 KB.")


@pytest.mark.parametrize("channel", WEB, ids=lambda channel: type(channel).__name__)
def test_a_channel_that_nobody_answers_is_tried_again(channel: Channel, internet: Internet) -> None:
    internet.names.clear()
    assert channels.send(channel, ALERT, NOW) == Postponed("Its host's name could not be resolved.")


# -- email ------------------------------------------------------------------------------------------------------------

SENDER = "groundcrew@example.com"
TEXT = """\
[CRITICAL] PaymentError: the card was declined

12 times within 5 minutes
a < b && c > d

Rule: Anything critical
Environment: production
Project: 1
Count: 12
Suppressed since the last alert: 3
At: 2026-01-25T08:15:00.123Z
Console: https://ops.example.com/console#incident=1&tab=a|b

Delivery critical:9f2c51d07be4:7
"""


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What the deployment is told of emails."""

    def tell(**fields: str) -> None:
        found = dataclasses.replace(config(), **fields)  # type: ignore[arg-type]  # they are texts
        monkeypatch.setattr(email, "config", lambda: found)

    return tell


@pytest.fixture
def topic() -> Iterator[str]:
    with mock_aws():
        boto3.client("sesv2").create_email_identity(EmailIdentity=SENDER)
        yield boto3.client("sns").create_topic(Name="alarms")["TopicArn"]


def mailed(channel: Email, alert: Alert = ALERT) -> tuple[Outcome, list[Call]]:
    calls: list[Call] = []

    def note(call: Call) -> Any:
        calls.append(call)
        return call.make()

    with tapped(note):
        return channels.send(channel, alert, NOW), calls


def test_an_email_goes_out_by_ses_where_there_is_a_sender(topic: str, told: Callable[..., None]) -> None:
    told(alert_sender=SENDER, alert_topic=topic)
    outcome, (call,) = mailed(EMAIL)
    assert outcome == Delivered(200)
    assert call.operation == "SendEmail"
    content = call.parameters.pop("Content")["Simple"]
    assert call.parameters == {
        "FromEmailAddress": SENDER,
        "Destination": {"ToAddresses": ["ops@example.com", "o'neil+oncall@school.example"]},
    }
    assert content["Subject"]["Data"] == "[CRITICAL] PaymentError: the card was declined"
    assert content["Body"]["Text"]["Data"] == TEXT
    page = content["Body"]["Html"]["Data"]
    assert "a &lt; b &amp;&amp; c &gt; d" in page
    assert '<a href="https://ops.example.com/console#incident=1&amp;tab=a|b">' in page


@pytest.mark.parametrize(("sender", "channel"), [("", EMAIL), (SENDER, Email()), ("", Email())])
def test_without_a_sender_or_addresses_the_topic_is_told(
    sender: str, channel: Email, topic: str, told: Callable[..., None]
) -> None:
    told(alert_sender=sender, alert_topic=topic)
    outcome, (call,) = mailed(channel, dataclasses.replace(ALERT, title="Zażółć: gęślą 日本"))
    assert outcome == Delivered(200)
    assert call.operation == "Publish"
    assert call.parameters["TopicArn"] == topic
    assert call.parameters["Subject"] == "[CRITICAL] Zazoc: gesla"
    assert call.parameters["Message"].startswith("[CRITICAL] Zażółć: gęślą 日本\n\n12 times")


def test_with_neither_nobody_is_told(told: Callable[..., None]) -> None:
    for sender, channel in ((SENDER, Email()), ("", EMAIL)):
        told(alert_sender=sender, alert_topic="")
        outcome = channels.send(channel, ALERT, NOW)
        assert isinstance(outcome, Rejected)
        assert outcome.reason.startswith("There is nobody to send it to")


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(alerts)
def test_nothing_in_an_alert_becomes_a_header_or_markup(alert: Alert) -> None:
    subject = email.subject(alert)
    assert len(subject) <= 100
    assert subject.isprintable() or not re.search(r"[\x00-\x1f\x7f\u2028\u2029]", subject)
    assert subject.startswith("[")
    tags = re.findall(r"<([^>]*)>", email.page(alert))
    allowed = r"!doctype html|meta charset=\"utf-8\"|/?(?:h3|p|br|table|tr|td|small|a)|a href=\"https://ops[^\"<>]+\""
    assert [tag for tag in tags if not re.fullmatch(allowed, tag)] == []
    assert len(email.text(alert).encode()) + len(email.page(alert).encode()) < 200_000


@given(alerts)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_the_subject_of_a_topic_is_one_that_sns_takes(alert: Alert) -> None:
    published: list[dict[str, Any]] = []

    def note(call: Call) -> Any:
        published.append(call.parameters)
        return {"ResponseMetadata": {"HTTPStatusCode": 200}}

    with tapped(note):
        email._by_sns("arn:aws:sns:eu-central-1:123456789012:alarms", alert)
    assert re.fullmatch(r"[!-~](?:[ -~]{0,98}[!-~])?", published[0]["Subject"])


@pytest.mark.parametrize(
    ("code", "status", "outcome"),
    [
        ("MessageRejected", 400, Rejected("AWS did not take the email: Because.")),
        ("AccessDeniedException", 403, Rejected("AWS did not take the email: Because.")),
        ("AccountSuspendedException", 400, Rejected("AWS did not take the email: Because.")),
        ("NotFound", 404, Rejected("AWS did not take the email: Because.")),
        ("TooManyRequestsException", 429, Postponed("AWS did not take the email: Because.")),
        ("LimitExceededException", 400, Postponed("AWS did not take the email: Because.")),
        ("SendingPausedException", 400, Postponed("AWS did not take the email: Because.")),
        ("Throttling", 400, Postponed("AWS did not take the email: Because.")),
        ("Throttled", 429, Postponed("AWS did not take the email: Because.")),
        ("InternalError", 500, Postponed("AWS did not take the email: Because.")),
    ],
)
def test_an_email_that_is_not_taken(code: str, status: int, outcome: Outcome, told: Callable[..., None]) -> None:
    told(alert_sender=SENDER)
    said = {"Error": {"Code": code, "Message": "Because."}, "ResponseMetadata": {"HTTPStatusCode": status}}

    def refuse(call: Call) -> Any:
        raise ClientError(said, call.operation)  # type: ignore[arg-type]  # of what it holds this much is read

    with tapped(refuse):
        assert channels.send(EMAIL, ALERT, NOW) == outcome


def test_an_email_that_does_not_get_through_is_tried_again(told: Callable[..., None]) -> None:
    told(alert_sender=SENDER)

    def lose(_: Call) -> Any:
        raise EndpointConnectionError(endpoint_url="https://email.eu-central-1.amazonaws.com")

    with tapped(lose):
        outcome = channels.send(EMAIL, ALERT, NOW)
    assert outcome == Postponed("AWS could not be reached to send the email.")


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ALL, ids=lambda channel: type(channel).__name__)
def test_a_channel_is_read_as_it_was_written(channel: Channel) -> None:
    written = msgspec.json.encode(channel)
    assert json.loads(written)["type"] == type(channel).__name__.lower()
    assert msgspec.json.decode(written, type=Channel) == channel
    channels.require_sendable(channel, "channels[0]")


@pytest.mark.parametrize(
    ("channel", "shown"),
    [
        (EMAIL, {"type": "email", "to": ["ops@example.com", "o'neil+oncall@school.example"]}),
        (SLACK, {"type": "slack", "url": "https://hooks.slack.com/…"}),
        (PAGER, {"type": "pagerduty", "routing_key": "…cdef", "region": "us"}),
        (HOOK, {"type": "webhook", "url": "https://hooks.example.com/…", "secrets": ["…b28=", f"…{NEW[-4:]}"]}),
        (Webhook("https://hooks.example.com", [OLD]), {"type": "webhook", "url": "https://hooks.example.com/…"}),
        (Webhook("https://hooks.example.com/in", [OLD]), {"type": "webhook", "url": "https://hooks.example.com/…"}),
    ],
)
def test_what_is_secret_is_never_shown(channel: Channel, shown: dict[str, Any]) -> None:
    found = json.loads(msgspec.json.encode(channels.show(channel)))
    assert {name: found[name] for name in shown} == shown
    for printed in (repr(channel), str(channel), f"{[channel]}", json.dumps(found)):
        for secret in ("XXXXXXXX", "0123456789", "very-secret", "b29v", "old-fashioned"):
            assert secret not in printed


@pytest.mark.parametrize(
    "settings",
    [
        {"type": "fax", "to": ["a@b.example"]},
        {"to": ["a@b.example"]},
        {"type": "email", "to": "a@b.example"},
        {"type": "email", "to": ["a@b.example"] * 21},
        {"type": "email", "to": ["a@b"]},
        {"type": "email", "to": ["a@b.example\n"]},
        {"type": "email", "to": ["a@b.example\r\nBcc: c@d.example"]},
        {"type": "email", "to": ["a@b.example, c@d.example"]},
        {"type": "email", "to": ["A <a@b.example>"]},
        {"type": "email", "to": ["ä@b.example"]},
        {"type": "email", "to": [f"{'a' * 65}@b.example"]},
        {"type": "slack"},
        {"type": "slack", "url": ""},
        {"type": "slack", "url": "https://hooks.slack.com/x", "channel": "#general"},
        {"type": "slack", "url": "https://hooks.slack.com/" + "x" * 2048},
        {"type": "pagerduty", "routing_key": "short"},
        {"type": "pagerduty", "routing_key": "…cdef"},
        {"type": "pagerduty", "routing_key": "0123456789abcdef0123456789abcdef\n"},
        {"type": "pagerduty", "routing_key": "0123456789abcdef0123456789abcdef", "region": "mars"},
        {"type": "webhook", "url": "https://hooks.example.com/in"},
        {"type": "webhook", "url": "https://hooks.example.com/in", "secrets": []},
        {"type": "webhook", "url": "https://hooks.example.com/in", "secrets": ["s" * 20] * 3},
        {"type": "webhook", "url": "https://hooks.example.com/in", "secrets": ["short"]},
        {"type": "webhook", "url": "https://hooks.example.com/in", "secrets": ["…bw=="]},
        {"type": "webhook", "url": "https://hooks.example.com/in", "secrets": ["s" * 20 + "\n"]},
    ],
    ids=json.dumps,
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(json.dumps(settings), type=Channel)
    # What was sent may be a secret with a slip in it.
    for name in settings.keys() & {"url", "routing_key", "secrets"}:
        told = json.dumps(settings[name]).strip('[]"')
        assert not told or told not in str(refused.value)


@pytest.mark.parametrize(
    ("channel", "field", "message"),
    [
        (Slack("http://hooks.slack.com/x"), "url", "must begin with https://"),
        (Slack("https://10.0.0.7:8080/x"), "url", "must be on port 443"),
        (Webhook("https://intranet/x", [OLD]), "url", "must name a host in full, such as hooks.example.com"),
        (
            Webhook("https://hooks.example.com/x", [OLD, "whsec_not-in-base64"]),
            "secrets",
            "must have base64 after whsec_",
        ),
        (
            Webhook("https://hooks.example.com/x", ["whsec_c2hvcnQgaXQgaXM="]),
            "secrets",
            "must have a key of 16 bytes or more",
        ),
    ],
)
def test_a_channel_that_could_never_be_sent_by_is_refused(channel: Channel, field: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        channels.require_sendable(channel, "channels[1]")
    assert refused.value.details == ((f"channels[1].{field}", message),)
