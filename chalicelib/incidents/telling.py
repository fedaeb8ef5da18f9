"""Telling: what the reports of an incident are news of, to whoever has a rule for it.

That an incident is new, or back after its fix, every report of the next hour tells, once in each container: so none is
lost with a container that dies, and the rules' claims see to it that nobody is told twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from chalicelib import clock, endpoints, memory
from chalicelib.alerts import cascade, noticing
from chalicelib.alerts.alert import Happening, cut
from chalicelib.alerts.notice import OF_REPORTS, Notice
from chalicelib.incidents.models import SEVERITIES, Incident
from chalicelib.incidents.report import Report

NEWS_FOR: Final = timedelta(hours=1)
# Who was not answered tries again within it.
AGAIN_FOR: Final = timedelta(minutes=5)
# So that what waits for a digest costs one write unit.
MAX_LINE: Final = 120


def tell(incident: Incident, reports: Sequence[Report], now: datetime, *, repeated: bool = False) -> None:
    """Tell of reports, as their count has found the incident. Safe to repeat. Raises Busy.

    Those that were counted before are told of once more soon after, should they not have been, and count for nothing.
    """
    news = [each for each in _news(incident, reports, now) if memory.due(_mark(each), now)]
    happened = _notice(incident, reports, "report", None)
    if repeated:
        soon = now - clock.parse(reports[-1].at) < AGAIN_FOR
        noticing.notice([*news, replace(happened, count=0)] if soon else news, now)
    else:
        noticing.notice([*news, happened], now)
    for each in news:
        memory.written(_mark(each), now, NEWS_FOR)
    _tell_failing(incident.project_id, reports, now)


def subject(incident_id: str) -> str:
    """What is told of an incident is told under this name."""
    return f"incident:{incident_id}"


def _news(incident: Incident, reports: Sequence[Report], now: datetime) -> Iterator[Notice]:
    # The first of rules to match is told, and of an incident that is back this is what matters.
    if incident.regressed and incident.status == "ACTIVE" and incident.regressed_at:
        if now - clock.parse(incident.regressed_at) < NEWS_FOR:
            yield _notice(incident, reports, "regression", f"regression:{incident.fixed_at}")
    # Its first reports may have waited in the queue for longer than that.
    elif now - clock.parse(incident.first_seen) < NEWS_FOR or incident.occurrences <= len(reports):
        yield _notice(incident, reports, "new_incident", f"new:{incident.first_seen}")


def _notice(incident: Incident, reports: Sequence[Report], kind: Happening, once: str | None) -> Notice:
    newest = reports[-1]
    severity = max((report.severity for report in reports), key=SEVERITIES.index)
    titles = {"new_incident": "New", "regression": "Back after its fix"}
    said = {
        "Error": newest.message,
        "Endpoint": endpoints.named(newest.endpoint or ""),
        "Status": newest.http_status and str(newest.http_status),
        "Route": newest.route_name,
        "Release": newest.release,
        "Occurrences": str(int(incident.occurrences)),
    }
    return Notice(
        kind=kind,
        key=incident.error_key,
        severity=OF_REPORTS[severity],
        project_id=incident.project_id,
        environment=newest.environment,
        subject=subject(incident.incident_id),
        title=": ".join(filter(None, [titles.get(kind), newest.title])),
        lines=tuple(cut(f"{name}: {text}", MAX_LINE) for name, text in said.items() if text),
        path=f"/incidents/{incident.incident_id}",
        count=len(reports),
        once=once,
    )


def _mark(news: Notice) -> tuple[str, ...]:
    # A rule may be for what is severe alone.
    return "told", news.subject, str(news.once), news.severity


def _tell_failing(project_id: str, reports: Sequence[Report], now: datetime) -> None:
    """Tell of endpoints that fail, by environment; what is old, as it waited in the queue, is none of it."""
    failing: dict[str | None, set[str]] = {}
    for report in reports:
        is_now = now - clock.parse(report.occurred_at or report.at) < cascade.WINDOW
        if is_now and report.endpoint and (report.http_status or 0) >= 500:
            failing.setdefault(report.environment, set()).add(endpoints.named(report.endpoint))
    for environment, names in failing.items():
        cascade.failed(project_id, environment, names, now)
