"""Delivering: one delivery of the outbox at a time, by whoever holds its lease, until it arrives or is given up."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from chalicelib.alerts import channels, models, outbox, rules
from chalicelib.alerts.alert import Alert
from chalicelib.alerts.channels import Channel, ChannelView, Email, PagerDuty
from chalicelib.alerts.models import Delivery, Record
from chalicelib.alerts.outbox import Message
from chalicelib.alerts.outcome import Delivered, Outcome, Postponed, Rejected
from chalicelib.alerts.rules import Rule
from chalicelib.clock import rfc3339
from chalicelib.config import FIRST_PROJECT
from chalicelib.observability import correlate, logger
from chalicelib.observability import count as measure

# Longer than the function runs, so that nobody still sends when another begins.
LEASE: Final = timedelta(seconds=90)
BACK_OFF: Final = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
MOST_TRIES: Final = len(BACK_OFF) + 1

# API Gateway gives 29 seconds; how long one channel may take.
TEST_TAKES_S: Final = 25
EMAIL_TAKES_S: Final = 15
OTHERS_TAKE_S: Final = 10

Tell = Callable[..., object]


class ChannelTest(msgspec.Struct, frozen=True):
    """What came of a test by one channel. The reason says why it was not delivered, or is still open there."""

    channel: ChannelView
    delivered: bool
    reason: str | None


class RuleTest(msgspec.Struct, frozen=True):
    """What came of a test of a rule, by each of its channels."""

    results: list[ChannelTest]


@dataclass(frozen=True, slots=True)
class Gone:
    """There is nobody any more to whom it could be sent, as an operator wished."""

    reason: str


def take(body: str, now: datetime, tell: Tell) -> None:
    """Try the delivery that a message names, if it is its time and nobody else does. Safe to repeat. Raises Busy.

    What is given up is reported by `tell`, in the shape of `incidents.own.tell`, unless it is itself about alerting.
    """
    message = msgspec.json.decode(body, type=Message)
    held = models.lease(message.alert_id, message.nth, now, until=now + LEASE, fence=uuid.uuid4().hex)
    record = models.find_record(message.alert_id) if held else None
    if held is None or record is None:
        return
    correlate(record.correlation_id)
    alert = msgspec.json.decode(record.alert, type=Alert)
    outcome = _tried(record, held, alert, now)
    match outcome:
        case Delivered():
            measure("AlertsDelivered")
            models.settle(held, "sent", None, now, None)
        case Postponed(reason, after_s) if held.tries < MOST_TRIES:
            pause = max(BACK_OFF[int(held.tries) - 1], timedelta(seconds=after_s or 0))
            models.settle(held, "pending", reason, now, now + pause)
        case Gone(reason):
            models.settle(held, "failed", reason, now, None)
        case Postponed(reason) | Rejected(reason):
            # First, as the same told again counts once.
            _give_up(record, held, alert, reason, now=now, tell=tell)
            models.settle(held, "failed", reason, now, None)


def send_test(rule: Rule, now: datetime, clock: Callable[[], float] = time.monotonic) -> RuleTest:
    """Send a test by every channel of a rule at once, as long as there is time: 25 seconds."""
    alert = Alert(
        delivery_id=outbox.delivery_id(rule.rule_id, "test", uuid.uuid4().hex),
        rule=rule.name,
        kind="test",
        severity="INFO",
        state="trigger",
        title=f"Test of {rule.name}",
        lines=("Nothing happened. Somebody tests whether alerts of this rule arrive.",),
        environment=None,
        project_id=rule.match.project_id or FIRST_PROJECT,
        link=None,
        at=now,
        count=1,
        suppressed=0,
    )
    ends = clock() + TEST_TAKES_S
    results = []
    for channel in rule.channels or [outbox.DEFAULT_EMAIL]:
        takes = EMAIL_TAKES_S if isinstance(channel, Email) else OTHERS_TAKE_S
        if clock() + takes <= ends:
            delivered, reason = _said(channels.send(channel, alert, now))
        else:
            delivered, reason = False, "It was not tried, as the channels before took too long: test again."
        # Which would page somebody until somebody closes it.
        if delivered and isinstance(channel, PagerDuty):
            in_time = clock() + takes <= ends
            closed = in_time and _said(channels.send(channel, replace(alert, state="resolve"), now))[0]
            reason = None if closed else "It arrived, and is still open there: resolve it in PagerDuty."
        results.append(ChannelTest(channels.show(channel), delivered, reason))
    return RuleTest(results)


def _said(outcome: Outcome) -> tuple[bool, str | None]:
    """Whether it was delivered, and why not."""
    return (True, None) if isinstance(outcome, Delivered) else (False, outcome.reason)


def _tried(record: Record, held: Delivery, alert: Alert, now: datetime) -> Outcome | Gone:
    rule = rules.find(record.rule_id)
    channel: Channel | None = outbox.channel(rule, held) if rule else None
    if channel is None:
        return Gone("The rule was deleted." if rule is None else "The rule does not have this channel any more.")
    if held.tries > MOST_TRIES:
        return Rejected(f"It was tried {MOST_TRIES} times, and nobody knows what came of it.")
    if alert.kind != "digest" and (held.tries > 1 or isinstance(channel, outbox.Closing)):
        overtaken = _overtaken(record, held, alert, now)
        if overtaken is not None:
            return overtaken
    return channels.send(channel, alert, now)


def _overtaken(record: Record, held: Delivery, alert: Alert, now: datetime) -> Outcome | Gone | None:
    """What comes of an alert without its being sent, as it would arrive after what was told later, or before another.

    For a receiver that knows what is open, the last that arrives counts. What was told of the subject later is written
    before it is sent, and who holds the one before this may be sending it.
    """
    claim = models.find_claim(record.subject, record.rule_id)
    if claim is not None and claim.open != (alert.state == "trigger"):
        return Gone("It has ended since." if alert.state == "trigger" else "It has begun again since.")
    for each in models.deliveries_of(outbox.before(alert)):
        if each.channel == held.channel and each.state == "pending" and (each.lease_until or "") > rfc3339(now):
            return Postponed("What was told before it is still being sent.")
    return None


def _give_up(record: Record, held: Delivery, alert: Alert, reason: str, *, now: datetime, tell: Tell) -> None:
    measure("AlertsUndeliverable")
    logger.error("an alert is undeliverable", alert_id=record.alert_id, channel=held.kind, reason=reason)
    if record.own:
        return
    tell(
        outbox.UNDELIVERABLE,
        {
            "error_message": f"An alert by {held.kind} is undeliverable: {reason}",
            "rule": alert.rule,
            "channel": held.kind,
            "title": alert.title,
            "alert_id": record.alert_id,
            "tries": int(held.tries),
        },
        event=f"undeliverable#{record.alert_id}#{held.nth}",
        correlation_id=record.correlation_id,
        now=now,
        fingerprint=[outbox.UNDELIVERABLE, record.rule_id, held.kind],
    )
