"""Reviewing: what nobody needs to know at once, told once a week: a project's last seven days in a few lines."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from chalicelib.alerts import noticing
from chalicelib.alerts.notice import Notice
from chalicelib.analytics import models, reports, totals, windows
from chalicelib.analytics.models import OTHER
from chalicelib.analytics.totals import Span
from chalicelib.analytics.windows import ReportQuery
from chalicelib.projects import settings

MONDAY: Final = 0
WEEK_HOURS: Final = 7 * 24
# How long a feature counts as one that there is, after the application last said so.
REGISTERED_HOURS: Final = 90 * 24
SLOW_MS: Final = 1000
MOST_LINES: Final = 10
# So that they fit into a line, the longest names too seldom to matter.
MOST_NAMED: Final = 10


def review(now: datetime) -> None:
    """On Mondays (UTC), tell of the week that ended, project by project. Safe to repeat. Raises Busy."""
    if now.weekday() != MONDAY:
        return
    year, week, _ = now.isocalendar()
    for project_id in settings.ids():
        lines = tuple(_lines(project_id, now))
        if lines:
            noticing.notice([_notice(project_id, f"{year}-W{week:02}", lines)], now)


def _notice(project_id: str, week: str, lines: tuple[str, ...]) -> Notice:
    return Notice(
        kind="review",
        key="review",
        severity="INFO",
        project_id=project_id,
        environment=None,
        subject=f"review:{project_id}",
        title=f"The week of project {project_id} up to {week}",
        lines=lines,
        once=f"review:{week}",
    )


def _lines(project_id: str, now: datetime) -> Iterator[str]:
    """What is worth a line; nothing where there were no events, or all is well."""
    span = totals.span(project_id, windows.window(WEEK_HOURS, now))
    yield from _failures_of_ai(span)
    cache = totals.counters(span, models.tally_key(project_id, "cache"))
    looked_up = cache["hit"] + cache["miss"]
    if looked_up:
        yield f"Cache: {100 * cache['hit'] / looked_up:.1f} % of {looked_up} look-ups were hits."
    slowest = reports.endpoints(ReportQuery(hours=WEEK_HOURS, project_id=project_id), now).items[:MOST_LINES]
    for line in slowest:
        if line.p95_ms is not None and line.p95_ms > SLOW_MS:
            yield f"Slow: {line.endpoint} takes {line.p95_ms:.0f} ms (p95 of {line.requests})."
    yield from _unused(span, now)


def _failures_of_ai(span: Span) -> Iterator[str]:
    failing = [(each.get("err", 0), name, each.get("n", 0)) for name, each in totals.tallies(span, "ai").items()]
    for failures, name, calls in sorted(failing, key=lambda each: (-each[0], each[1]))[:MOST_LINES]:
        if failures:
            provider, _, feature = name.partition("|")
            what = f"{provider}, {feature}" if feature else provider
            yield f"AI: {failures} of {calls} calls failed for {what} ({100 * failures / calls:.1f} %)."


def _unused(span: Span, now: datetime) -> Iterator[str]:
    """The features that the application has named, and that nobody used."""
    ever = totals.span(span.project_id, windows.window(REGISTERED_HOURS, now))
    unused = totals.tallies(ever, "registered").keys() - totals.tallies(span, "features").keys() - {OTHER}
    if unused:
        named = sorted(unused)
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        yield f"Features that nobody used: {', '.join(named[:MOST_NAMED])}{more}."
