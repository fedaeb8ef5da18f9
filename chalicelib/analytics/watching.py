"""Watching: what nothing tells as it happens, looked at every five minutes: rates too high, heartbeats that stop.

What is found is noted before it is told, so that its end is told too, whichever container finds that. The end of a rate
takes as many requests as its beginning: few of them, or none, tell nothing of either.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from chalicelib import clock
from chalicelib.alerts import noticing, rules
from chalicelib.alerts.notice import Notice, subject
from chalicelib.alerts.rules import Rule
from chalicelib.analytics import bins, models, reports, totals, windows
from chalicelib.analytics.models import Open
from chalicelib.analytics.totals import Span
from chalicelib.config import FIRST_PROJECT, config
from chalicelib.projects import settings
from chalicelib.sentry import checkins
from chalicelib.sentry.checkins import HeartbeatView
from chalicelib.tasks import heartbeat

EVERY_MINUTES: Final = 5
FEWEST_REQUESTS: Final = 20
SCHEDULER_STOPPED_AFTER: Final = timedelta(minutes=10)
# A rate that goes up and down across its threshold is told once.
CALM_FOR: Final = timedelta(minutes=15)
# An endpoint that has so few requests for so long has ended, too.
UNSEEN_FOR: Final = timedelta(days=1)
P95: Final = 0.95
MONITORS_IN_PAGE: Final = 100
# A name that no monitor has.
SCHEDULER: Final = "groundcrew:scheduler"
ABSENCE: Final = "absence"


@dataclass(frozen=True, slots=True)
class Found:
    """Something to be told, by one rule alone if it is named."""

    notice: Notice
    rule: Rule | None = None


@dataclass(slots=True)
class _Watched:
    """The rules by which rates are looked at, as their subjects begin; and those of which enough is known to judge."""

    rules: set[str] = field(default_factory=set)
    judged: set[str] = field(default_factory=set)


def watch(now: datetime) -> None:
    """Called every minute: look at everything every five, and tell what is wrong or has ended.

    Safe to repeat. Raises Busy.
    """
    if now.minute % EVERY_MINUTES:
        return
    # One after the other: what cannot be read must not keep the rest from being told.
    subjects = {_tell(found, now) for found in _absences(now)}
    watched = _Watched()
    subjects |= {_tell(found, now) for found in _rates(now, watched)}
    for seen in models.opened():
        if seen.subject not in subjects and _is_over(seen, watched, now):
            noticing.resolve(seen.subject, now)
            models.close(seen)


def _tell(found: Found, now: datetime) -> str:
    """Tell of what was found; returns what it is about."""
    models.keep_open(found.notice.subject, now)
    if found.rule is None:
        noticing.notice([found.notice], now)
    else:
        noticing.notice_for(found.rule, found.notice, now)
    return found.notice.subject


def _is_over(seen: Open, watched: _Watched, now: datetime) -> bool:
    if seen.subject.startswith(f"{ABSENCE}:"):
        return True
    unknown = seen.subject.rpartition(":")[0] in watched.rules and seen.subject not in watched.judged
    return now - clock.parse(seen.last) >= (UNSEEN_FOR if unknown else CALM_FOR)


# -- rates -------------------------------------------------------------------------------------------------------------


def _rates(now: datetime, watched: _Watched) -> Iterator[Found]:
    """What is over the threshold of a rule, endpoint by endpoint; notes what was looked at."""
    projects = cache(settings.ids)
    spans = cache(lambda project_id, hours: totals.span(project_id, windows.window(hours, now)))
    for rule in [*rules.watched("error_rate", now), *rules.watched("latency", now)]:
        watched.rules.add(_about(rule))
        for project_id in [rule.match.project_id] if rule.match.project_id else projects():
            yield from _over(rule, spans(project_id, rule.window_minutes // 60), watched)


def _over(rule: Rule, span: Span, watched: _Watched) -> Iterator[Found]:
    for endpoint, counters in totals.tallies(span, "endpoints").items():
        requests = counters.get("n", 0)
        if requests < FEWEST_REQUESTS or not rules.matches(rule, _too_high(rule, span, endpoint, "", requests)):
            continue
        if rule.on == ["error_rate"]:
            value: float | None = 100 * counters.get("err", 0) / requests
            said = f"{value:.1f} % of the requests to {endpoint} fail"
        else:
            value = bins.quantile(reports.endpoint_bins(span, endpoint), P95)
            said = f"{endpoint} takes {value or 0:.0f} ms (p95)"
        found = _too_high(rule, span, endpoint, said, requests)
        watched.judged.add(found.subject)
        if value is not None and value >= rule.threshold:
            yield Found(found, rule)


def _about(rule: Rule) -> str:
    """What the subjects of a rule begin with."""
    return f"{rule.on[0]}:{rule.rule_id}"


def _too_high(rule: Rule, span: Span, endpoint: str, said: str, requests: int) -> Notice:
    """What the rule is told; roll-ups know neither severities nor environments, so these are what the rule asks for."""
    return Notice(
        kind=rule.on[0],
        key=endpoint,
        severity=rule.match.severity or "WARNING",
        project_id=span.project_id,
        environment=rule.match.environment,
        subject=subject(_about(rule), span.project_id, endpoint),
        title=said,
        lines=(f"{requests} requests since {clock.rfc3339(span.window.first)}", f"Threshold: {rule.threshold}"),
    )


# -- absences ----------------------------------------------------------------------------------------------------------


def _absences(now: datetime) -> Iterator[Found]:
    """The scheduler and the monitors that have stopped, each told once from its beginning."""
    last_tick = heartbeat.show(now).last_tick
    if last_tick is not None and now - clock.parse(last_tick) > SCHEDULER_STOPPED_AFTER:
        yield _absent(FIRST_PROJECT, config().stage, SCHEDULER, last_tick)
    for project_id in settings.ids():
        for monitor in _monitors(project_id, now):
            if monitor.overdue:
                yield _absent(project_id, monitor.environment, monitor.monitor, monitor.last_check_in)


def _monitors(project_id: str, now: datetime) -> Iterator[HeartbeatView]:
    page = checkins.page(project_id, MONITORS_IN_PAGE, None, now)
    yield from page.items
    while page.next_cursor is not None:
        page = checkins.page(project_id, MONITORS_IN_PAGE, page.next_cursor, now)
        yield from page.items


def _absent(project_id: str, environment: str, name: str, last_seen: str) -> Found:
    happened = Notice(
        kind="absence",
        key=name,
        severity="CRITICAL" if name == SCHEDULER else "WARNING",
        project_id=project_id,
        environment=environment,
        subject=subject(ABSENCE, project_id, environment, name),
        title=f"{'The scheduler of recurring tasks' if name == SCHEDULER else name} has stopped",
        lines=(f"It was last heard of at {last_seen}.",),
        once=f"{ABSENCE}:{last_seen}",
    )
    return Found(happened)
