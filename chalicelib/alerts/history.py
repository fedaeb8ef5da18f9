"""History: the alerts that were sent, are being sent, or were held back."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from chalicelib import paging
from chalicelib.alerts import digest, models
from chalicelib.alerts.alert import Alert, Kind, Severity
from chalicelib.alerts.models import Delivery, DeliveryState, Record
from chalicelib.clock import Time, rfc3339
from chalicelib.fields import ProjectId
from chalicelib.paging import PageQuery

State = Literal["pending", "sent", "partly", "failed", "suppressed"]


class HistoryQuery(PageQuery, frozen=True):
    """Which alerts."""

    state: State | None = None
    rule_id: Annotated[str, Meta(max_length=32)] | None = None
    project_id: ProjectId | None = None


class DeliveryView(Struct, frozen=True):
    """An alert on its way by one channel. The reason says why the last try came to nothing."""

    channel: Literal["email", "slack", "pagerduty", "webhook"]
    state: DeliveryState
    tries: int
    reason: str | None
    at: Time


class AlertView(Struct, frozen=True):
    """An alert. `signal` says whether something began or has ended.

    One that is `suppressed` stands for all that were held back after an alert of its rule and subject; `suppressed`
    counts them, to within half. `partly` is one that did not arrive by every channel. `project_id` is null for a digest
    of several.
    """

    alert_id: str
    rule_id: str
    rule: str
    kind: Kind
    severity: Severity
    state: State
    signal: Literal["trigger", "resolve"]
    title: str
    lines: list[str]
    subject: str
    project_id: str | None
    environment: str | None
    link: str | None
    count: int
    suppressed: int
    at: Time
    deliveries: list[DeliveryView]


def page(query: HistoryQuery, now: datetime) -> paging.Page[AlertView]:
    """A page of alerts, the newest first. Raises InvalidCursor."""
    filters = {"state": query.state, "rule_id": query.rule_id, "project_id": query.project_id}

    def items(positions: Sequence[str]) -> Iterator[AlertView | None]:
        records = models.find_records([_id(each) for each in positions])
        # Before their deliveries are read; what these say is only known after.
        kept = [
            each for each in records.values() if each.ttl > now.timestamp() and query.rule_id in (None, each.rule_id)
        ]
        deliveries = models.find_deliveries(kept)
        views = {each.alert_id: _view(each, deliveries.get(each.alert_id, [])) for each in kept}
        for view in (views.get(_id(each)) for each in positions):
            yield view if view is not None and _matches(view, query) else None

    return paging.filtered(
        paging.scope("alerts", filters),
        query.cursor,
        query.limit,
        narrow=any(value is not None for value in filters.values()),
        positions=models.positions,
        items=items,
    )


def _view(record: Record, deliveries: Sequence[Delivery]) -> AlertView:
    alert = msgspec.json.decode(record.alert, type=Alert)
    held = int(record.held)
    return AlertView(
        alert_id=record.alert_id,
        rule_id=record.rule_id,
        rule=alert.rule,
        kind=alert.kind,
        severity=alert.severity,
        state="suppressed" if held else _state(deliveries),
        signal=alert.state,
        title=alert.title,
        lines=[*alert.lines],
        subject=record.subject,
        project_id=None if alert.project_id == digest.ALL_PROJECTS else alert.project_id,
        environment=alert.environment,
        link=alert.link,
        count=held or alert.count,
        suppressed=held or alert.suppressed,
        at=rfc3339(alert.at),
        deliveries=[_delivery(each) for each in deliveries],
    )


def _state(deliveries: Sequence[Delivery]) -> State:
    states = {each.state for each in deliveries}
    if not deliveries or "pending" in states:
        return "pending"
    if states == {"sent"}:
        return "sent"
    return "failed" if states == {"failed"} else "partly"


def _delivery(found: Delivery) -> DeliveryView:
    view: DeliveryView = msgspec.convert(
        {
            "channel": found.kind,
            "state": found.state,
            "tries": int(found.tries),
            "reason": found.reason,
            "at": found.at,
        },
        DeliveryView,
    )
    return view


def _matches(view: AlertView, query: HistoryQuery) -> bool:
    return query.state in (None, view.state) and query.project_id in (None, view.project_id)


def _id(position: str) -> str:
    return position.rpartition("#")[2]
