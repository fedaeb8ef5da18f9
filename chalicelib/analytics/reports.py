"""Reports: what fails, how slow, what is used and by how many, from roll-ups alone.

Rates are shares from 0 to 1, per cents of a trial's outcomes from 0 to 100. Means and quantiles are milliseconds; those
of endpoints are within 2 %, and None where no duration was told. What came beyond the 50 names of an hour is `other`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Generic, TypeVar

from msgspec import Struct

from chalicelib.analytics import bins, models, totals, windows
from chalicelib.analytics.totals import Span
from chalicelib.analytics.windows import ReportQuery
from chalicelib.clock import Time, rfc3339
from chalicelib.endpoints import named

T = TypeVar("T")

# The most frequent, of however many the hours had.
MOST_ITEMS: Final = 100
FAILURES: Final = ("CRITICAL", "WARNING")


class Report(Struct, Generic[T], frozen=True):
    """What happened from `since`, the full hour before so many hours ago, until now."""

    since: Time
    until: Time
    hours: int
    items: list[T]


class ErrorLine(Struct, frozen=True):
    """An event that is CRITICAL or a WARNING: how often, to how many users, how long it took on average."""

    event: str
    severity: str
    count: int
    users: int
    mean_duration_ms: float | None


class EndpointLine(Struct, frozen=True):
    """An endpoint: its requests, the failed ones of them, and how long they took."""

    endpoint: str
    requests: int
    failures: int
    failure_rate: float
    mean_duration_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class FeatureLine(Struct, frozen=True):
    """A feature: how often it was used, by how many users, how long that took on average, how often it failed."""

    feature: str
    uses: int
    users: int
    mean_duration_ms: float | None
    failures: int


class OutcomeShare(Struct, frozen=True):
    """How often a trial had an outcome, and how many per cent of all that is."""

    count: int
    percent: float


class TrialLine(Struct, frozen=True):
    """A type of trial and its outcomes, the most frequent first."""

    trial: str
    total: int
    outcomes: dict[str, OutcomeShare]


def errors(query: ReportQuery, now: datetime) -> Report[ErrorLine]:
    """CRITICAL events and WARNINGs, the most frequent first; narrowed to one event. Raises Busy."""
    span = span_of(query, now)
    return _report(
        query, span, [_error_line(span, *found) for found in error_counts(span, query.dimension)[:MOST_ITEMS]]
    )


def endpoints(query: ReportQuery, now: datetime) -> Report[EndpointLine]:
    """Endpoints, the slowest (p95) first; narrowed to one, by its name or as a request has it. Raises Busy."""
    span = span_of(query, now)
    tallies = totals.tallies(span, "endpoints")
    dimension = query.dimension if query.dimension is None or query.dimension in tallies else named(query.dimension)
    found = _most("n", _narrowed(tallies, dimension))
    lines = [_endpoint_line(span, endpoint, counters) for endpoint, counters in found.items()]
    # Those of which no duration is known come last.
    lines.sort(key=lambda line: (-1 if line.p95_ms is None else line.p95_ms, line.requests), reverse=True)
    return _report(query, span, lines)


def features(query: ReportQuery, now: datetime) -> Report[FeatureLine]:
    """Features, the most used first; narrowed to one. Raises Busy."""
    span = span_of(query, now)
    found = _most("n", _narrowed(totals.tallies(span, "features"), query.dimension))
    lines = [
        FeatureLine(
            feature=feature,
            uses=counters.get("n", 0),
            users=totals.users(span, "features", feature),
            mean_duration_ms=_mean_ms(counters),
            failures=counters.get("err", 0),
        )
        for feature, counters in found.items()
    ]
    return _report(query, span, lines)


def trials(query: ReportQuery, now: datetime) -> Report[TrialLine]:
    """Types of trials, the most frequent first; narrowed to one. Raises Busy."""
    span = span_of(query, now)
    by_trial: dict[str, dict[str, int]] = {}
    for dimension, counters in totals.tallies(span, "trials").items():
        trial, _, outcome = dimension.partition("|")
        by_trial.setdefault(trial, {})[outcome or models.OTHER] = counters.get("n", 0)
    lines = [_trial_line(trial, outcomes) for trial, outcomes in _narrowed(by_trial, query.dimension).items()]
    lines.sort(key=lambda line: (-line.total, line.trial))
    return _report(query, span, lines[:MOST_ITEMS])


def span_of(query: ReportQuery, now: datetime) -> Span:
    """What a report is read by. Raises Busy."""
    return totals.span(query.project_id, windows.window(query.hours, now))


def error_counts(span: Span, event: str | None) -> list[tuple[str, str, dict[str, int]]]:
    """Severity, event and counters of what is CRITICAL or a WARNING, the most frequent first. Raises Busy."""
    found = []
    for dimension, counters in totals.tallies(span, "events").items():
        severity, _, name = dimension.partition("|")
        if severity in FAILURES and event in (None, name):
            found.append((severity, name, counters))
    return sorted(found, key=lambda each: (-each[2].get("n", 0), *each[:2]))


def endpoint_bins(span: Span, endpoint: str) -> dict[str, int]:
    """How many requests of an endpoint took how long, for `bins.quantile`. Raises Busy."""
    counters = totals.counters(span, models.bins_key(span.project_id, endpoint))
    return {name: count for name, count in counters.items() if bins.is_bin(name)}


def rate(failures: int, requests: int) -> float:
    """A share from 0 to 1, to four digits after the point; 0 of none."""
    return round(failures / requests, 4) if requests else 0.0


def _mean_ms(counters: Mapping[str, int]) -> float | None:
    """The mean of the durations that were told, of counters by field; None if none was."""
    timed = counters.get("timed", 0)
    return round(counters.get("us", 0) / timed / 1000, 3) if timed else None


def _error_line(span: Span, severity: str, event: str, counters: Mapping[str, int]) -> ErrorLine:
    return ErrorLine(
        event=event,
        severity=severity,
        count=counters.get("n", 0),
        users=totals.users(span, "events", f"{severity}|{event}"),
        mean_duration_ms=_mean_ms(counters),
    )


def _endpoint_line(span: Span, endpoint: str, counters: Mapping[str, int]) -> EndpointLine:
    requests, failures = counters.get("n", 0), counters.get("err", 0)
    durations = endpoint_bins(span, endpoint)
    return EndpointLine(
        endpoint=endpoint,
        requests=requests,
        failures=failures,
        failure_rate=rate(failures, requests),
        mean_duration_ms=bins.mean(durations),
        p50_ms=bins.quantile(durations, 0.5),
        p95_ms=bins.quantile(durations, 0.95),
        p99_ms=bins.quantile(durations, 0.99),
    )


def _trial_line(trial: str, outcomes: Mapping[str, int]) -> TrialLine:
    total = sum(outcomes.values())
    ordered = sorted(outcomes.items(), key=lambda each: (-each[1], each[0]))
    return TrialLine(
        trial, total, {name: OutcomeShare(n, round(100 * n / total, 2) if total else 0.0) for name, n in ordered}
    )


def _narrowed(found: Mapping[str, T], dimension: str | None) -> dict[str, T]:
    return {name: each for name, each in found.items() if dimension in (None, name)}


def _most(field: str, found: Mapping[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    ordered: Iterable[tuple[str, dict[str, int]]] = sorted(
        found.items(), key=lambda each: (-each[1].get(field, 0), each[0])
    )
    return dict(list(ordered)[:MOST_ITEMS])


def _report(query: ReportQuery, span: Span, items: list[T]) -> Report[T]:
    return Report(rfc3339(span.window.first), rfc3339(span.window.now), query.hours, items)
