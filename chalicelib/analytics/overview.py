"""The overview: how much happened and failed in each hour, and where most of it did."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from chalicelib.analytics import reports, totals
from chalicelib.analytics.reports import rate
from chalicelib.analytics.totals import Span
from chalicelib.analytics.windows import ReportQuery
from chalicelib.clock import Time, rfc3339

MOST_ENDPOINTS: Final = 20
MOST_ERRORS: Final = 10


class HourLine(Struct, frozen=True):
    """An hour, by its beginning: its events, and the failed ones of them."""

    hour: Time
    events: int
    errors: int


class EndpointRate(Struct, frozen=True):
    """How much of an endpoint's requests failed, from 0 to 1."""

    endpoint: str
    requests: int
    failures: int
    failure_rate: float


class TopError(Struct, frozen=True):
    """An event that is CRITICAL or a WARNING, and how often it came."""

    event: str
    severity: str
    count: int


class Overview(Struct, frozen=True):
    """What happened from `since`, the full hour before so many hours ago, until now: hour by hour and in all.

    `items` are the hours, one more than asked for, the oldest first and the present one last. An event is an error when
    it is CRITICAL or a WARNING, tells of a status of 500 or above, or of no success. `endpoints` are those with the
    most failures, `top_errors` the most frequent; `affected_users` are those to whom an error happened, exact to some
    500.
    """

    since: Time
    until: Time
    hours: int
    events: int
    errors: int
    failure_rate: float
    affected_users: int
    items: list[HourLine]
    endpoints: list[EndpointRate]
    top_errors: list[TopError]


def overview(query: ReportQuery, now: datetime) -> Overview:
    """What happened; narrowed to one endpoint and to one event, in their lists. Raises Busy."""
    span = reports.span_of(query, now)
    items = [HourLine(rfc3339(hour), *counts) for hour, counts in totals.hourly(span).items()]
    events, errors = sum(each.events for each in items), sum(each.errors for each in items)
    return Overview(
        since=rfc3339(span.window.first),
        until=rfc3339(now),
        hours=query.hours,
        events=events,
        errors=errors,
        failure_rate=rate(errors, events),
        affected_users=totals.users(span, "failed", "all"),
        items=items,
        endpoints=_endpoints(span, query.dimension),
        top_errors=[
            TopError(event, severity, counters.get("n", 0))
            for severity, event, counters in reports.error_counts(span, query.dimension)[:MOST_ERRORS]
        ],
    )


def _endpoints(span: Span, endpoint: str | None) -> list[EndpointRate]:
    found = [
        EndpointRate(name, requests, failures, rate(failures, requests))
        for name, counters in totals.tallies(span, "endpoints").items()
        for requests, failures in [(counters.get("n", 0), counters.get("err", 0))]
        if endpoint in (None, name)
    ]
    return sorted(found, key=lambda each: (-each.failures, -each.requests, each.endpoint))[:MOST_ENDPOINTS]
