"""Outbox: what is to be delivered is written together with what decided so; messages only hasten it.

A message that is lost, comes twice or late changes nothing: the rows say what is to be done, and a sweep finds them.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from msgspec.structs import replace

from chalicelib import http, queues
from chalicelib.alerts import channels, models
from chalicelib.alerts.alert import Alert
from chalicelib.alerts.channels import Channel, Email, PagerDuty, Webhook
from chalicelib.alerts.models import Delivery, Record
from chalicelib.alerts.notice import Notice, storable
from chalicelib.alerts.rules import Rule
from chalicelib.clock import rfc3339
from chalicelib.observability import correlation_id, logger
from chalicelib.queues import NotSent

QUEUE: Final = "alert-deliveries"
# A message is on its way for that long before a sweep sends another.
LOOK_AFTER: Final = timedelta(minutes=2)
# Of these only emails tell, and nothing tells of those that fail.
UNDELIVERABLE: Final = "AlertUndeliverable"
# Whoever is told by default, by a rule that names nobody.
DEFAULT_EMAIL: Final = Email()
_BY_DEFAULT: Final = -1
# Of these, what was told begins and ends.
Closing = PagerDuty | Webhook


class Message(msgspec.Struct, frozen=True):
    """A delivery that is due."""

    alert_id: str
    nth: int


@dataclass(frozen=True, slots=True)
class Letter:
    """An alert and its deliveries, not written yet."""

    record: Record
    deliveries: tuple[Delivery, ...]


def letter(
    rule: Rule, alert: Alert, subject: str, places: Sequence[int], now: datetime, *, own: bool = False
) -> Letter:
    """An alert to the channels at these places of its rule."""
    written = record(rule, alert, subject, now)
    written.deliveries, written.own = len(places), own
    deliveries = tuple(_delivery(written, nth, _at(rule, place), now) for nth, place in enumerate(places))
    return Letter(written, deliveries)


def alert(rule: Rule, happened: Notice, seq: int | str, now: datetime, *, held: int = 0) -> Alert:
    """What a rule tells of a notice, as its `seq`, with how many were `held` back before."""
    happened = storable(happened)
    return Alert(
        delivery_id=delivery_id(rule.rule_id, happened.subject, seq),
        rule=rule.name,
        kind=happened.kind,
        severity=happened.severity,
        state="trigger",
        title=happened.title,
        lines=happened.lines,
        environment=happened.environment,
        project_id=happened.project_id,
        link=_link(happened.path),
        at=now,
        count=happened.count,
        suppressed=held,
    )


def record(rule: Rule, alert: Alert, subject: str, now: datetime) -> Record:
    """An alert as the history has it, not written yet."""
    alert_id = id_of(alert.delivery_id)
    return Record(
        models.alert_key(alert_id),
        "META",
        alert=msgspec.json.encode(alert).decode(),
        rule_id=rule.rule_id,
        subject=subject,
        correlation_id=correlation_id(),
        ttl=models.expires(now, models.ALERT_KEPT_FOR),
        **models.in_history(alert_id, now),
    )


def places(rule: Rule, *, own: bool = False) -> list[int]:
    """Where a rule tells: the places of its channels; of `own` alerts those of emails alone."""
    found = [nth for nth, each in enumerate(rule.channels) if not own or isinstance(each, Email)]
    return found or [_BY_DEFAULT]


def closing_places(rule: Rule) -> list[int]:
    """The places of those channels of a rule at which what was told can be closed."""
    return [nth for nth, each in enumerate(rule.channels) if isinstance(each, Closing)]


def channel(rule: Rule, delivery: Delivery) -> Channel | None:
    """The channel of a delivery, None where its rule does not have it any more."""
    if delivery.channel is None:
        return DEFAULT_EMAIL
    return next((each for each in rule.channels if _hashed(each) == delivery.channel), None)


def send(letters: Iterable[Letter]) -> None:
    """Send the messages of what was written. Never raises: what is not sent now a sweep sends."""
    due = [_message(each.record.alert_id, delivery.nth) for each in letters for delivery in each.deliveries]
    try:
        # One by one: there are few, and what a batch needs the rehearsal's cloud cannot be told.
        for body in due:
            queues.send(QUEUE, body)
    except (BotoCoreError, ClientError):
        logger.exception("deliveries of alerts wait for a sweep", deliveries=len(due))


def send_again(due: Sequence[tuple[str, int]]) -> None:
    """Send messages for deliveries, by alert and number. Never raises: what is not sent now the next sweep sends."""
    if not due:
        return
    try:
        queues.send_many(QUEUE, [_message(*each) for each in due])
    except (BotoCoreError, ClientError, NotSent):
        logger.exception("deliveries of alerts wait for the next sweep", deliveries=len(due))


def _message(alert_id: str, nth: int) -> str:
    return msgspec.json.encode(Message(alert_id, nth)).decode()


def delivery_id(rule_id: str, subject: str, seq: int | str) -> str:
    """`<rule>:<subject>:<seq>`, by which receivers tell repetitions."""
    return f"{rule_id}:{subject}:{seq}"


def id_of(delivery_id: str) -> str:
    """The id of an alert: 32 hex digits, the same however often it is written."""
    return hashlib.sha256(delivery_id.encode()).hexdigest()[:32]


def before(alert: Alert) -> str:
    """The id of what was told of the same subject before an alert, if anything was."""
    seq = int(alert.delivery_id.rpartition(":")[2])
    return id_of(f"{alert.thread}:{seq - 1}")


def _link(path: str | None) -> str | None:
    """Where the console shows what happened; None where nobody told us where that is."""
    try:
        return f"{http.base_url()}/console{path}" if path else None
    except LookupError:
        return None


def _at(rule: Rule, place: int) -> Channel | None:
    return None if place == _BY_DEFAULT else rule.channels[place]


def _delivery(record: Record, nth: int, found: Channel | None, now: datetime) -> Delivery:
    return Delivery(
        record.pk,
        f"D#{nth}",
        channel=found and _hashed(found),
        kind=channels.show(found or DEFAULT_EMAIL).type,
        state="pending",
        at=rfc3339(now),
        ttl=record.ttl,
        **models.in_outbox(record.alert_id, nth, now + LOOK_AFTER),
    )


def _hashed(channel: Channel) -> str:
    """What a delivery knows a channel by, wherever it stands in its rule, and whichever secrets it is signed with."""
    receiver = replace(channel, secrets=[]) if isinstance(channel, Webhook) else channel
    return hashlib.sha256(msgspec.json.encode(receiver)).hexdigest()[:16]
