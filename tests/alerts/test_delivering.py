"""Delivering: alerts through the queue and its function to whoever is told; tries, tests, and the history."""

import base64
import dataclasses
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from app import app
from chalicelib import clock
from chalicelib.alerts import channels, claiming, delivering, email, noticing, outbox, rules, sweeping
from chalicelib.alerts.alert import Alert
from chalicelib.alerts.channels import Channel, Email, PagerDuty, Slack, Webhook
from chalicelib.alerts.outcome import Delivered, Outcome, Postponed, Rejected
from chalicelib.alerts.rules import NewRule, RuleChange
from chalicelib.config import config
from infra.pump import schedule_event, sqs_event
from tests import store as stores
from tests.alerts import telling
from tests.alerts.telling import CRITICAL, NOW
from tests.conftest import Door
from tests.receiver import Internet, answering

ARN = f"arn:aws:sqs:eu-central-1:123456789012:groundcrew-test-{outbox.QUEUE}"
SENDER = "groundcrew@example.com"
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
SLACK = {"type": "slack", "url": "https://hooks.slack.com/services/T000/B000/XXXXXXXXyyyy"}
PAGER = {"type": "pagerduty", "routing_key": "0123456789abcdef0123456789abcdef"}
HOOK = {"type": "webhook", "url": "https://hooks.example.com/in?key=very-secret-1234", "secrets": [SECRET]}
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def at_a_quarter_past_nine(frozen: Callable[[str], None]) -> None:
    frozen("2026-01-25T09:15:30.123Z")


@pytest.fixture
def emails(cloud: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The subjects of what was told to the topic."""
    topic = boto3.client("sns").create_topic(Name="groundcrew-test-alarms")["TopicArn"]
    queue = boto3.client("sqs").create_queue(QueueName="subscriber")["QueueUrl"]
    boto3.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:eu-central-1:123456789012:subscriber"
    )
    found = dataclasses.replace(config(), alert_topic=topic)
    monkeypatch.setattr(email, "config", lambda: found)
    email._client.cache_clear()

    def received() -> list[str]:
        messages = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(each["Body"])["Subject"] for each in messages]

    return received


def deliver() -> int:
    """Let the function take what is in its queue; returns how many messages that was."""
    client = boto3.client("sqs")
    queue = client.get_queue_url(QueueName=f"groundcrew-test-{outbox.QUEUE}")["QueueUrl"]
    taken = 0
    while messages := client.receive_message(QueueUrl=queue, AttributeNames=["All"]).get("Messages"):
        assert app.handler_map["deliver_alerts"](sqs_event(messages, ARN), None) == {"batchItemFailures": []}
        taken += len(messages)
        for each in messages:
            client.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
    return taken


def sweep() -> None:
    app.handler_map["watch_failures"](schedule_event("watch_failures", clock.now()), None)


def make(door: Door, **settings: Any) -> str:
    answer = door.admin("POST", "/alerts/rules", {"name": "Payments", **settings})
    assert answer.status == 201, answer
    return str(answer.json["rule_id"])


def history(door: Door, query: str = "") -> list[dict[str, Any]]:
    answer = door.admin("GET", f"/alerts{query}")
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = answer.json["items"]
    return found


# -- from a notice to whoever is told ----------------------------------------------------------------------------------


def test_what_is_critical_is_emailed_by_default(door: Door, emails: Callable[[], list[str]]) -> None:
    noticing.notice([CRITICAL], NOW)
    (before,) = history(door)
    assert before["state"] == "pending"
    assert deliver() == 1
    assert emails() == ["[CRITICAL] PaymentError: the card was declined"]
    (found,) = history(door)
    assert found == {
        "alert_id": outbox.id_of("critical:incident:9f2c51d07be4:1"),
        "rule_id": "critical",
        "rule": "Anything critical",
        "kind": "report",
        "severity": "CRITICAL",
        "state": "sent",
        "signal": "trigger",
        "title": "PaymentError: the card was declined",
        "lines": ["Checkout, 12 users"],
        "subject": "incident:9f2c51d07be4",
        "project_id": "1",
        "environment": "production",
        "link": "https://ops.example.com/api/console/incidents/9f2c51d07be4",
        "count": 1,
        "suppressed": 0,
        "at": "2026-01-25T09:15:30.123Z",
        "deliveries": [
            {"channel": "email", "state": "sent", "tries": 1, "reason": None, "at": "2026-01-25T09:15:30.123Z"}
        ],
    }


def test_with_a_sender_addresses_are_told(door: Door, emails: Callable[[], list[str]], monkeypatch: Any) -> None:
    boto3.client("sesv2").create_email_identity(EmailIdentity=SENDER)
    found = dataclasses.replace(config(), alert_sender=SENDER)
    monkeypatch.setattr(email, "config", lambda: found)
    rule_id = make(door, on=["report"], channels=[{"type": "email", "to": ["ops@example.com"]}])
    noticing.notice([CRITICAL], NOW)
    deliver()
    assert [each["state"] for each in history(door)] == ["sent"]
    assert door.admin("POST", f"/alerts/rules/{rule_id}/test").json["results"][0]["delivered"]


def test_warnings_go_to_slack_and_the_rest_waits_for_the_morning(
    door: Door, emails: Callable[[], list[str]], internet: Internet, frozen: Callable[[str], None]
) -> None:
    door.admin("PATCH", "/alerts/rules/warning", {"channels": [SLACK]})
    sweep()
    warning = replace(CRITICAL, kind="regression", severity="WARNING")
    noticing.notice([warning, replace(warning, severity="INFO", subject="incident:2", title="Slow")], NOW)
    deliver()
    (taken,) = internet.receiver.taken
    assert json.loads(taken.body)["text"] == "🟠 [WARNING] PaymentError: the card was declined"
    assert emails() == []
    frozen("2026-01-26T08:00:30.000Z")
    sweep()
    deliver()
    assert emails() == ["[INFO] 2026-01-26: 1 INFO"]
    assert [(each["kind"], each["rule_id"]) for each in history(door)] == [
        ("digest", "rest"),
        ("regression", "warning"),
    ]


def test_all_channels_of_a_rule_are_told_and_closed(door: Door, emails: Any, internet: Internet) -> None:
    rule_id = make(door, on=["report"], channels=[PAGER, HOOK])
    internet.receiver.answer = answering(202, b'{"status": "success"}')
    noticing.notice([CRITICAL], NOW)
    deliver()
    noticing.resolve(CRITICAL.subject, NOW + MINUTE)
    deliver()
    pages = [json.loads(each.body) for each in internet.receiver.taken if "webhook-id" not in each.headers]
    hooks = [each for each in internet.receiver.taken if "webhook-id" in each.headers]
    thread = f"{rule_id}:incident:9f2c51d07be4"
    assert [(each["event_action"], each["dedup_key"]) for each in pages] == [("trigger", thread), ("resolve", thread)]
    assert [each.headers["webhook-id"] for each in hooks] == [f"{thread}:1", f"{thread}:2"]
    assert [json.loads(each.body)["type"] for each in hooks] == ["alert.triggered", "alert.resolved"]
    for each in hooks:
        signed = f"{each.headers['webhook-id']}.{each.headers['webhook-timestamp']}.".encode() + each.body
        mac = base64.b64encode(hmac.digest(b"s" * 32, signed, hashlib.sha256)).decode()
        assert each.headers["webhook-signature"] == f"v1,{mac}"
    assert [(each["signal"], each["state"]) for each in history(door)] == [("resolve", "sent"), ("trigger", "sent")]


def test_what_is_given_up_is_an_incident_that_only_emails_tell(
    door: Door, emails: Callable[[], list[str]], internet: Internet
) -> None:
    make(door, on=["report"], channels=[SLACK, {"type": "email"}])
    internet.receiver.answer = answering(404, b"no_service")
    noticing.notice([CRITICAL], NOW)
    deliver()
    (found,) = history(door, "?state=partly")
    assert [(each["channel"], each["state"], each["reason"]) for each in found["deliveries"]] == [
        ("slack", "failed", "This Slack webhook is disabled or removed."),
        ("email", "sent", None),
    ]
    (incident,) = door.admin("GET", "/incidents").json["items"]
    assert (incident["error_key"], incident["severity"], incident["count"]) == ("AlertUndeliverable", "HIGH", 1)
    detail = json.dumps(door.incident(incident["incident_id"]))
    assert "This Slack webhook is disabled or removed." in detail
    assert "XXXXXXXX" not in detail


def test_a_message_that_is_none_goes_to_the_dead_letters(cloud: None) -> None:
    message: Any = {"MessageId": "1", "ReceiptHandle": "x", "Body": "{}", "Attributes": {}, "MD5OfBody": ""}
    failed = app.handler_map["deliver_alerts"](sqs_event([message], ARN), None)
    assert failed == {"batchItemFailures": [{"itemIdentifier": "1"}]}


# -- the test button ---------------------------------------------------------------------------------------------------


def test_a_test_says_for_each_channel_what_came_of_it(
    door: Door, emails: Callable[[], list[str]], internet: Internet
) -> None:
    rule_id = make(door, channels=[SLACK, PAGER, {"type": "email"}])
    answer = door.admin("POST", f"/alerts/rules/{rule_id}/test")
    assert answer.status == 200
    assert answer.json == {
        "results": [
            {"channel": {"type": "slack", "url": "https://hooks.slack.com/…"}, "delivered": True, "reason": None},
            {
                "channel": {"type": "pagerduty", "routing_key": "…cdef", "region": "us"},
                "delivered": False,
                "reason": "The answer (200) was not PagerDuty's.",
            },
            {"channel": {"type": "email"}, "delivered": True, "reason": None},
        ]
    }
    assert emails() == ["[INFO] Test of Payments"]
    assert json.loads(internet.receiver.taken[1].body)["dedup_key"] == f"{rule_id}:test"
    assert history(door) == []


def test_a_default_is_tested_by_its_email(door: Door, emails: Callable[[], list[str]]) -> None:
    answer = door.admin("POST", "/alerts/rules/critical/test")
    assert answer.json["results"] == [{"channel": {"type": "email"}, "delivered": True, "reason": None}]


def test_a_test_without_anybody_to_tell_says_so(door: Door) -> None:
    (result,) = door.admin("POST", "/alerts/rules/critical/test").json["results"]
    assert not result["delivered"]
    assert result["reason"].startswith("There is nobody to send it to")


def test_a_test_reaches_nothing_inside(door: Door, internet: Internet) -> None:
    internet.names["hooks.example.com"] = ["169.254.169.254"]
    rule_id = make(door, channels=[HOOK])
    (result,) = door.admin("POST", f"/alerts/rules/{rule_id}/test").json["results"]
    assert result["reason"] == "The URL leads to an address that is not public."
    assert internet.receiver.reached == 0


def test_a_test_ends_within_25_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = 0.0

    def send(channel: Channel, alert: Alert, now: datetime) -> Outcome:
        nonlocal passed
        passed += 15 if isinstance(channel, Email) else 10
        return Postponed("It did not answer within 10 seconds.")

    monkeypatch.setattr(channels, "send", send)
    slow = replace_channels(
        [Slack(SLACK["url"]), PagerDuty("a" * 32), Email(), Webhook("https://hooks.example.com", [])]
    )
    results = delivering.send_test(slow, NOW, lambda: passed).results
    assert passed <= 25
    assert [each.delivered for each in results] == [False] * 4
    assert [str(each.reason)[:19] for each in results] == ["It did not answer w"] * 2 + ["It was not tried, a"] * 2


@pytest.mark.parametrize(
    ("takes", "closing", "told", "reason"),
    [
        (1, Delivered(202), ["PagerDuty trigger", "PagerDuty resolve", "Slack trigger"], None),
        (1, Rejected("No."), ["PagerDuty trigger", "PagerDuty resolve", "Slack trigger"], "It arrived, and is still"),
        (16, Delivered(202), ["PagerDuty trigger"], "It arrived, and is still"),
    ],
)
def test_a_test_leaves_nothing_open(
    takes: float, closing: Outcome, told: list[str], reason: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed, sent = 0.0, []
    threads = set()

    def send(channel: Channel, alert: Alert, now: datetime) -> Outcome:
        nonlocal passed
        passed += takes
        sent.append(f"{type(channel).__name__} {alert.state}")
        threads.add(alert.thread)
        return closing if alert.state == "resolve" else Delivered(202)

    monkeypatch.setattr(channels, "send", send)
    rule = replace_channels([PagerDuty("a" * 32), Slack(SLACK["url"])])
    first, _ = delivering.send_test(rule, NOW, lambda: passed).results
    assert (sent, len(threads)) == (told, 1)
    assert first.delivered
    assert (first.reason and first.reason[:24]) == reason


def replace_channels(found: list[Channel]) -> rules.Rule:
    rule = rules.DEFAULTS[rules.CRITICAL]
    return rules.Rule(rule.rule_id, rule.name, True, rule.on, rule.match, 1, 5, 60, None, found)  # noqa: FBT003  # enabled


# -- tries -------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Post:
    """A store, and a channel whose answers are ours."""

    store: stores.Store
    outcome: Outcome = dataclasses.field(default_factory=lambda: Delivered(200))
    sent: list[tuple[datetime, str]] = dataclasses.field(default_factory=list)
    reported: list[tuple[str, dict[str, Any], str]] = dataclasses.field(default_factory=list)

    def send(self, channel: Channel, alert: Alert, now: datetime) -> Outcome:
        self.sent.append((now, type(channel).__name__))
        return self.outcome

    def tell(self, error_key: str, description: dict[str, Any], *, event: str, **_: Any) -> None:
        self.reported.append((error_key, description, event))

    def live(self, until: datetime) -> None:
        """Let the functions run every minute up to a moment."""
        now = NOW
        while now <= until:
            sweeping.sweep(now)
            telling.work(self.store, now, self.tell)
            now += MINUTE

    def delivery(self) -> dict[str, Any]:
        (found,) = [row for row in self.store.rows("alerts") if row["sk"]["S"] == "D#0"]
        return found


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    with stores.installed() as store:
        found = Post(store)
        monkeypatch.setattr(channels, "send", found.send)
        yield found


def test_what_does_not_arrive_is_tried_five_times_and_told_once(post: Post) -> None:
    post.outcome = Postponed("The receiver answered 503.")
    noticing.notice([CRITICAL], NOW)
    post.live(NOW + timedelta(hours=3))
    waits = [later - earlier for (earlier, _), (later, _) in zip(post.sent, post.sent[1:], strict=False)]
    # Sweeps come every minute.
    assert waits == [timedelta(minutes=each) for each in (1, 2, 10, 60)]
    ((error_key, description, event),) = post.reported
    assert error_key == "AlertUndeliverable"
    assert description["error_message"] == "An alert by email is undeliverable: The receiver answered 503."
    assert event == f"undeliverable#{outbox.id_of('critical:incident:9f2c51d07be4:1')}#0"
    found = post.delivery()
    assert (found["state"]["S"], found["tries"]["N"]) == ("failed", "5")
    assert telling.in_outbox(post.store) == 0


def test_a_message_that_comes_again_hastens_nothing(post: Post) -> None:
    post.outcome = Postponed("The receiver answered 503.")
    noticing.notice([CRITICAL], NOW)
    (body,) = post.store.messages(outbox.QUEUE)
    for seconds in (0, 1, 29, 30):
        delivering.take(body, NOW + timedelta(seconds=seconds), post.tell)
    assert [moment - NOW for moment, _ in post.sent] == [timedelta(), timedelta(seconds=30)]


def test_a_receiver_may_say_when_to_come_again(post: Post) -> None:
    post.outcome = Postponed("Slack answered 429.", 900)
    noticing.notice([CRITICAL], NOW)
    post.live(NOW + 20 * MINUTE)
    assert [moment - NOW for moment, _ in post.sent] == [timedelta(), 15 * MINUTE]


def test_what_is_refused_is_not_tried_again(post: Post) -> None:
    post.outcome = Rejected("This Slack webhook is disabled or removed.")
    noticing.notice([CRITICAL], NOW)
    post.live(NOW + timedelta(hours=2))
    assert len(post.sent) == len(post.reported) == 1


def test_of_alerting_itself_nothing_is_reported(post: Post) -> None:
    post.outcome = Rejected("There is nobody to send it to.")
    noticing.notice([replace(CRITICAL, key=outbox.UNDELIVERABLE)], NOW)
    post.live(NOW + 5 * MINUTE)
    assert (len(post.sent), post.reported) == (1, [])
    assert post.delivery()["state"]["S"] == "failed"


def test_a_worker_that_dies_each_time_is_given_up(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(channel: Channel, alert: Alert, now: datetime) -> Outcome:
        post.sent.append((now, "died"))
        raise MemoryError

    monkeypatch.setattr(channels, "send", die)
    noticing.notice([CRITICAL], NOW)
    (body,) = post.store.messages(outbox.QUEUE)
    for nth in range(10):
        now = NOW + nth * delivering.LEASE
        if nth < delivering.MOST_TRIES:
            with pytest.raises(MemoryError):
                delivering.take(body, now, post.tell)
        else:
            delivering.take(body, now, post.tell)
    assert len(post.sent) == delivering.MOST_TRIES
    assert len(post.reported) == 1
    assert post.delivery()["state"]["S"] == "failed"


def test_a_channel_is_told_wherever_it_stands_and_no_other_in_its_place(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Channel] = []

    def send(channel: Channel, alert: Alert, now: datetime) -> Outcome:
        told.append(channel)
        return Delivered(200)

    monkeypatch.setattr(channels, "send", send)
    slack, other = Slack(SLACK["url"]), Slack("https://hooks.slack.com/services/other")
    hook = Webhook("https://hooks.example.com/in", ["a-secret-which-grew-old"])
    rule_id = telling.made(NewRule("Payments", on=["report"], channels=[slack, hook, PagerDuty("a" * 32)]))
    noticing.notice([CRITICAL], NOW)
    renewed = Webhook(hook.url, ["a-secret-which-is-new", *hook.secrets])
    rules.change(rule_id, RuleChange(channels=[other, renewed, PagerDuty("b" * 32), slack]), "admin-1", NOW)
    telling.work(post.store, NOW, post.tell)
    assert told == [slack, renewed]
    rows = [row for row in post.store.rows("alerts") if row["sk"]["S"].startswith("D#")]
    assert [row["state"]["S"] for row in rows] == ["sent", "sent", "failed"]
    assert rows[2]["reason"]["S"] == "The rule does not have this channel any more."
    # An operator wished it so.
    assert post.reported == []


def test_of_a_rule_that_is_gone_nothing_is_sent(post: Post) -> None:
    rule_id = telling.made(NewRule("Payments", on=["report"]))
    noticing.notice([CRITICAL], NOW)
    rules.delete(rule_id, "admin-1", NOW)
    telling.work(post.store, NOW, post.tell)
    assert (post.sent, post.reported) == ([], [])
    assert post.delivery()["reason"]["S"] == "The rule was deleted."


def test_no_secret_lies_in_the_outbox(post: Post) -> None:
    hook = Webhook("https://hooks.example.com/in?key=very-secret-1234", ["old-fashioned_secret"])
    telling.made(NewRule("Payments", on=["report"], channels=[hook]))
    noticing.notice([CRITICAL], NOW)
    rows = [row for row in post.store.rows("alerts") if row["pk"]["S"] != "RULES"]
    for secret in ("very-secret", "old-fashioned"):
        assert secret not in json.dumps([rows, post.store.sent])


# -- what has ended meanwhile ------------------------------------------------------------------------------------------


@pytest.fixture
def pages(post: Post, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What PagerDuty was told, with what came of it."""
    found: list[str] = []

    def send(channel: Channel, alert: Alert, now: datetime) -> Outcome:
        assert isinstance(channel, PagerDuty)
        seq = alert.delivery_id.rpartition(":")[2]
        found.append(f"{channel.routing_key[0]} {seq} {alert.state} {type(post.outcome).__name__}")
        return post.outcome

    monkeypatch.setattr(channels, "send", send)
    telling.made(NewRule("Payments", on=["report"], channels=[PagerDuty("a" * 32)]))
    telling.ready()
    return found


def reasons(post: Post) -> list[str]:
    return sorted(
        f"{row['state']['S']} {row.get('reason', {'S': ''})['S']}".strip()
        for row in post.store.rows("alerts")
        if row["sk"]["S"].startswith("D#")
    )


@pytest.mark.parametrize("tried", [True, False])
def test_what_has_ended_is_not_told_after_its_end(post: Post, pages: list[str], tried: bool) -> None:  # noqa: FBT001  # a case
    """It was tried and PagerDuty was not there, or its message was late."""
    noticing.notice([CRITICAL], NOW)
    if tried:
        post.outcome = Postponed("PagerDuty answered 503.")
        telling.work(post.store, NOW)
        post.outcome = Delivered(202)
    late = [] if tried else post.store.messages(outbox.QUEUE)
    post.store.sent.clear()
    noticing.resolve(CRITICAL.subject, NOW + timedelta(seconds=20))
    telling.work(post.store, NOW + timedelta(seconds=20))
    # At once: nobody is sending what it ends.
    assert pages[-1] == "a 2 resolve Delivered"
    for body in late:
        delivering.take(body, NOW + timedelta(seconds=21), post.tell)
    post.live(NOW + timedelta(hours=1))
    assert pages == [*(["a 1 trigger Postponed"] if tried else []), "a 2 resolve Delivered"]
    assert reasons(post) == ["failed It has ended since.", "sent"]
    assert (post.reported, telling.in_outbox(post.store)) == ([], 0)


def test_what_has_begun_again_is_not_closed(post: Post, pages: list[str]) -> None:
    noticing.notice([CRITICAL], NOW)
    telling.work(post.store, NOW)
    noticing.resolve(CRITICAL.subject, NOW)
    post.outcome = Postponed("PagerDuty answered 503.")
    telling.work(post.store, NOW)
    post.outcome = Delivered(202)
    noticing.notice([CRITICAL], NOW + timedelta(seconds=20))
    post.live(NOW + timedelta(hours=1))
    assert pages == ["a 1 trigger Delivered", "a 2 resolve Postponed", "a 3 trigger Delivered"]
    assert reasons(post) == ["failed It has begun again since.", "sent", "sent"]


def test_an_end_waits_for_what_is_being_sent(post: Post, pages: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    rules.change(f"{1:032x}", RuleChange(channels=[PagerDuty("a" * 32), PagerDuty("b" * 32)]), "admin-1", NOW)
    rules.forget()
    noticing.notice([CRITICAL], NOW)
    first, body = post.store.messages(outbox.QUEUE)
    delivering.take(first, NOW, post.tell)
    post.store.sent.clear()
    send = channels.send

    def hang(channel: Channel, alert: Alert, now: datetime) -> Outcome:
        monkeypatch.setattr(channels, "send", send)
        noticing.resolve(CRITICAL.subject, now)
        telling.work(post.store, now)
        return send(channel, alert, now)

    monkeypatch.setattr(channels, "send", hang)
    delivering.take(body, NOW, post.tell)
    # The other's, which had arrived.
    found = ["a 1 trigger Delivered", "a 2 resolve Delivered", "b 1 trigger Delivered"]
    assert pages == found
    post.live(NOW + timedelta(hours=1))
    assert pages == [*found, "b 2 resolve Delivered"]
    assert reasons(post) == ["sent"] * 4


# -- the history -------------------------------------------------------------------------------------------------------


def test_the_history_comes_in_pages_and_by_filters(door: Door) -> None:
    for nth in range(5):
        noticing.notice([replace(CRITICAL, subject=f"incident:{nth}", project_id=str(nth % 2 + 1))], NOW + nth * MINUTE)
    noticing.notice([replace(CRITICAL, subject="incident:0")], NOW + 6 * MINUTE)
    claiming.forget()
    noticing.notice([replace(CRITICAL, subject="incident:0")], NOW + 7 * MINUTE)

    def walked(query: str) -> list[str]:
        found: list[str] = []
        cursor = ""
        while cursor is not None:
            answer = door.admin("GET", f"/alerts?limit=2{query}{cursor and f'&cursor={cursor}'}").json
            found += [each["subject"].removeprefix("incident:") for each in answer["items"]]
            cursor = answer["next_cursor"]
        return found

    assert walked("") == ["0", "4", "3", "2", "1", "0"]
    assert walked("&state=suppressed") == ["0"]
    assert walked("&state=pending") == ["4", "3", "2", "1", "0"]
    assert walked("&state=sent") == []
    assert walked("&project_id=2") == ["3", "1"]
    assert walked("&rule_id=critical&state=pending&project_id=1") == ["4", "2", "0"]
    assert walked("&rule_id=warning") == []
    (held,) = history(door, "?state=suppressed")
    assert (held["count"], held["suppressed"], held["deliveries"], held["lines"]) == (2, 2, [], [])
    for query in ("?state=lost", "?project_id=0", "?limit=0", "?limit=101", "?cursor=x", f"?rule_id={'x' * 33}"):
        assert door.admin("GET", f"/alerts{query}").status == 400
    answer = door.admin("GET", "/alerts?limit=2").json
    assert (
        door.admin("GET", f"/alerts?limit=2&state=sent&cursor={answer['next_cursor']}").json["Code"] == "InvalidCursor"
    )


def test_the_history_forgets_after_ninety_days(door: Door, frozen: Callable[[str], None]) -> None:
    noticing.notice([CRITICAL], NOW)
    frozen("2026-04-25T09:15:29.000Z")
    assert len(history(door)) == 1
    frozen("2026-04-25T09:15:31.000Z")
    assert history(door) == []
