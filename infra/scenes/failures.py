"""Failures: what the school's apps tracked in a week, so that the reports are full, and what they track just now.

Past events are written as if they had come then, and their hours are counted as the nightly run does: again and again
with the same result.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from chalicelib import clock
from chalicelib.analytics import event, raw, recomputing
from chalicelib.config import FIRST_PROJECT
from chalicelib.observability import metrics
from chalicelib.projects import settings
from infra import local
from infra.scenes import Scene, people
from infra.telling import Progress

HOUR: Final = timedelta(hours=1)
# Of UTC, each with how many events it has.
SCHOOL_HOURS: Final = {8: 50, 9: 80, 10: 80, 11: 60, 12: 40, 13: 60, 14: 60, 15: 30}
# Of this one, told again and again: so many in all, and then a few each time.
THIS_HOUR, FEW = 40, 5
FAMILIES: Final = 240
# Of each hour there is one object, whenever this is told.
BATCH: Final = "0" * 31 + "d"
BROKEN_FOR: Final = timedelta(hours=18)


@dataclass(frozen=True)
class Request:
    """A kind of request: how often it is made, how long it takes, how often it fails, and as what."""

    endpoint: str
    feature: str
    weight: int
    typical_ms: float
    failing: float = 0.0
    failure: str = "request_failed"
    severity: str = "WARNING"


REQUESTS: Final = (
    Request("GET /lessons/:id", "lessons", 30, 60, 0.01),
    Request("GET /homework/:id", "homework", 25, 45, 0.01),
    Request("PUT /proofs", "homework proof", 15, 900, 0.15, "proof_failed"),
    Request("POST /hints", "hints", 10, 1800, 0.1, "hint_failed"),
    Request("POST /payments", "checkout", 8, 700, 0.03, "payment_failed", "CRITICAL"),
)
PAYMENTS: Final = REQUESTS[-1]
OUTCOMES: Final = {"converted": 3, "expired": 5, "cancelled": 2}


def play(stack: local.Stack, now: datetime, days: int, progress: Progress) -> Scene:
    """Track so many days, the last of which is today, and what happens in this minute."""
    remember(now, days, progress)
    progress("tracking what happens now")
    with people.frontend(stack) as app, people.operator(stack) as operator:
        known = people.said(operator.get("/analytics/overview", params={"hours": 1}))["items"][-1]["events"]
        bodies = list(_bodies(now, max(THIS_HOUR - known, FEW), now))
        people.said(app.post("/analytics/track", json={"events": bodies}))
        week = people.said(operator.get("/analytics/overview", params={"hours": days * 24}))
    worst = week["endpoints"][0]
    return Scene(
        f"""{week["events"]:,} events are counted: {week["errors"]} errors happened to {week["affected_users"]} users.
{worst["endpoint"]} failed most: {worst["failures"]} of {worst["requests"]} requests.""",
        (
            ("/failures?hours=168", "what fails, where and for how many, over a week"),
            ("/failures?view=endpoints", "requests, failures and percentiles of each endpoint, for a day"),
        ),
        (("/analytics/overview?hours=168", "a week of events"),),
    )


def remember(now: datetime, days: int, progress: Progress) -> None:
    """Track the hours that are over of so many days. Safe to repeat."""
    terms = settings.terms(settings.find(FIRST_PROJECT, now))
    for nth, (day, hours) in enumerate(_past(now, days)):
        progress(f"{day:%A}, {nth * 100 // days} %")
        for hour in hours:
            received, bodies = hour + HOUR - timedelta(milliseconds=1), _bodies(hour, SCHOOL_HOURS[hour.hour], now)
            raw.write([event.read(body, terms, received) for body in bodies], BATCH)
        recomputing.recompute(day, now, [hour.hour for hour in hours])
    metrics.clear_metrics()


def _past(now: datetime, days: int) -> Iterator[tuple[date, list[datetime]]]:
    """The days up to today (UTC), the oldest first, each with those of its hours at school that are over."""
    this_hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for ago in range(days - 1, -1, -1):
        day = this_hour.date() - timedelta(days=ago)
        hours = [datetime.combine(day, time(hour), UTC) for hour in SCHOOL_HOURS]
        yield day, [hour for hour in hours if hour < this_hour]


def _bodies(begin: datetime, many: int, now: datetime) -> Iterator[dict[str, Any]]:
    """So many events: of the hour that begins then, the same whenever that is asked, or of this moment."""
    chance = random.Random(begin.isoformat())
    for _ in range(many):
        body = _body(chance, broken=begin > now - BROKEN_FOR)
        body["event_id"] = f"{chance.getrandbits(128):032x}"
        body["timestamp"] = clock.rfc3339(begin if begin == now else begin + HOUR * chance.random())
        body["user_id"] = str(chance.randrange(FAMILIES))
        body["environment"] = "production"
        yield body


def _body(chance: random.Random, *, broken: bool) -> dict[str, Any]:
    if chance.random() < 0.02:
        (outcome,) = chance.choices([*OUTCOMES], [*OUTCOMES.values()])
        return {"event": "trial.ended", "data": {"trial_type": "two weeks", "outcome": outcome}}
    (request,) = chance.choices(REQUESTS, [each.weight for each in REQUESTS])
    data: dict[str, Any] = {"endpoint": request.endpoint, "feature": request.feature, "status": 200}
    data["duration_ms"] = round(request.typical_ms * chance.lognormvariate(0, 0.5), 1)
    if chance.random() >= (0.6 if broken and request is PAYMENTS else request.failing):
        return {"event": "request", "data": data}
    if request is PAYMENTS:
        data |= {"status": 504, "duration_ms": 30_000, "error": "The payment provider did not answer"}
    else:
        data |= {"status": 503, "error": "The service was busy"}
    return {"event": request.failure, "severity": request.severity, "data": data}
