"""Reports over what happened, hour by hour and by the day."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import app
from chalicelib.analytics import models, overview, recomputing, reports, totals, windows
from chalicelib.analytics.reports import EndpointLine, ErrorLine, FeatureLine, OutcomeShare, TrialLine
from chalicelib.analytics.windows import DAY, HOUR, ReportQuery
from chalicelib.clock import rfc3339
from tests.analytics.happened import NOW, happen, one, quick
from tests.conftest import Door
from tests.faults import Gateway


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    with quick():
        yield


def test_errors_are_the_severe_events_with_users_and_mean_duration() -> None:
    happen(
        [
            *(one(NOW, "upload", severity="CRITICAL", user_id=str(n % 2), duration_ms=100 + n) for n in range(4)),
            *(one(NOW - nth * HOUR, "slow", severity="WARNING", user_id="7") for nth in range(6)),
            one(NOW, "upload", severity="WARNING"),
            one(NOW, "page_viewed", status=500),
            one(NOW - 25 * HOUR, "slow", severity="WARNING"),
            one(NOW, "slow", severity="WARNING", project_id="2"),
        ]
    )
    slow, critical = ErrorLine("slow", "WARNING", 6, 1, None), ErrorLine("upload", "CRITICAL", 4, 2, 101.5)
    warning = ErrorLine("upload", "WARNING", 1, 0, None)
    report = reports.errors(ReportQuery(), NOW)
    assert report.items == [slow, critical, warning]
    assert (report.since, report.until, report.hours) == ("2026-11-21T14:00:00.000Z", "2026-11-22T14:20:00.000Z", 24)
    assert reports.errors(ReportQuery(dimension="upload"), NOW).items == [critical, warning]
    assert reports.errors(ReportQuery(hours=25), NOW).items[0].count == 7
    assert reports.errors(ReportQuery(hours=1), NOW).items[1].count == 2
    assert reports.errors(ReportQuery(project_id="2"), NOW).items == [ErrorLine("slow", "WARNING", 1, 0, None)]


def test_endpoints_are_the_slowest_first_with_quantiles_within_2_per_cent() -> None:
    happen(
        [
            *(one(NOW - n % 5 * HOUR, endpoint="/proofs", duration_ms=n * n, success=n % 2 == 0) for n in range(101)),
            *(one(NOW, endpoint="/slow", duration_ms=60_000 + n) for n in range(11)),
            one(NOW, endpoint="/unknown", success=False),
        ]
    )
    slow, proofs, unknown = reports.endpoints(ReportQuery(), NOW).items
    assert (proofs.requests, proofs.failures, proofs.failure_rate) == (101, 50, 0.495)
    assert proofs.p50_ms == pytest.approx(2500, rel=0.02)
    assert proofs.p95_ms == pytest.approx(9025, rel=0.02)
    assert proofs.p99_ms == pytest.approx(9801, rel=0.02)
    assert proofs.mean_duration_ms == pytest.approx(sum(n * n for n in range(101)) / 101, rel=0.02)
    assert (slow.endpoint, slow.failure_rate) == ("/slow", 0)
    assert slow.p50_ms == pytest.approx(60_005, rel=0.02)
    assert unknown == EndpointLine("/unknown", 1, 1, 1.0, None, None, None, None)
    assert reports.endpoints(ReportQuery(dimension="/proofs"), NOW).items == [proofs]
    assert reports.endpoints(ReportQuery(dimension="https://a.example/proofs/?page=2"), NOW).items == [proofs]
    assert reports.endpoints(ReportQuery(dimension="/none"), NOW).items == []


def test_features_are_the_most_used_first() -> None:
    happen(
        [
            *(one(NOW, feature="export", user_id=str(n % 3), duration_ms=n, success=n > 0) for n in range(5)),
            one(NOW - HOUR, feature="import"),
            one(NOW, "feature_registered", feature="never used"),
        ]
    )
    assert reports.features(ReportQuery(), NOW).items == [
        FeatureLine("export", 5, 3, 2.0, 1),
        FeatureLine("import", 1, 0, None, 0),
    ]
    assert [line.feature for line in reports.features(ReportQuery(dimension="import"), NOW).items] == ["import"]


def test_trials_have_their_outcomes_in_per_cent() -> None:
    happen(
        [
            *(one(NOW - n * HOUR, trial_type="14 days", converted=n == 0) for n in range(3)),
            one(NOW, trial_type="30 days", outcome="extended"),
            one(NOW, trial_type="30 days"),
        ]
    )
    fourteen = TrialLine("14 days", 3, {"not_converted": OutcomeShare(2, 66.67), "converted": OutcomeShare(1, 33.33)})
    # One that has begun has no outcome yet.
    thirty = TrialLine("30 days", 1, {"extended": OutcomeShare(1, 100.0)})
    assert reports.trials(ReportQuery(), NOW).items == [fourteen, thirty]
    assert reports.trials(ReportQuery(dimension="30 days"), NOW).items == [thirty]


def test_many_users_of_many_hours_are_told_apart() -> None:
    # Of the first hour, which is sampled, and of the last, which is not.
    for batch in range(30):
        happen(one(NOW - HOUR, feature="export", user_id=str(100 * batch + n)) for n in range(100))
    happen(one(NOW, feature="export", user_id=str(n)) for n in range(2800, 3200))
    (line,) = reports.features(ReportQuery(), NOW).items
    assert line.users == pytest.approx(3200, rel=0.15)


def test_nothing_happened() -> None:
    for report in (reports.errors, reports.endpoints, reports.features, reports.trials):
        assert report(ReportQuery(hours=2160), NOW).items == []
    found = overview.overview(ReportQuery(hours=2), NOW)
    assert (found.events, found.errors, found.failure_rate, found.affected_users) == (0, 0, 0, 0)
    assert [line.hour for line in found.items] == [f"2026-11-22T{hour}:00:00.000Z" for hour in (12, 13, 14)]


def test_the_overview_counts_hour_by_hour() -> None:
    happen(
        [
            *(one(NOW - HOUR, "upload", severity="CRITICAL", user_id=str(n), endpoint="/upload") for n in range(3)),
            *(one(NOW, endpoint="/upload", user_id="0", status=200) for _ in range(5)),
            one(NOW, endpoint="/proofs", user_id="9", status=503),
            one(NOW, "slow", severity="WARNING", user_id="9"),
            *(one(NOW - 2 * HOUR, endpoint="/healthy") for _ in range(9)),
        ]
    )
    found = overview.overview(ReportQuery(hours=24), NOW)
    assert [(line.events, line.errors) for line in found.items] == [(0, 0)] * 22 + [(9, 0), (3, 3), (7, 2)]
    assert (found.events, found.errors, found.failure_rate, found.affected_users) == (19, 5, 0.2632, 4)
    rates = [(each.endpoint, each.requests, each.failures, each.failure_rate) for each in found.endpoints]
    assert rates == [("/upload", 8, 3, 0.375), ("/proofs", 1, 1, 1.0), ("/healthy", 9, 0, 0.0)]
    assert [(each.event, each.severity, each.count) for each in found.top_errors] == [
        ("upload", "CRITICAL", 3),
        ("slow", "WARNING", 1),
    ]
    narrowed = overview.overview(ReportQuery(dimension="/proofs"), NOW)
    assert [each.endpoint for each in narrowed.endpoints] == ["/proofs"]
    assert narrowed.top_errors == []


# -- long windows ------------------------------------------------------------------------------------------------------


def everything(hours: int) -> list[Any]:
    query = ReportQuery(hours=hours)
    found = [reports.errors, reports.endpoints, reports.features, reports.trials, overview.overview]
    return [report(query, NOW) for report in found]


def some_weeks() -> None:
    """Events of ten days, of which the fourth and fifth had none."""
    for nth in range(10):
        if nth not in (4, 5):
            at = NOW - nth * DAY - nth * HOUR
            happen(
                [
                    one(
                        at, "login", severity="CRITICAL", user_id=str(nth % 4), endpoint="/login", duration_ms=nth * 70
                    ),
                    one(at - HOUR, "login", severity="WARNING", user_id="1", endpoint=f"/{nth}a", duration_ms=nth * 7),
                    one(at, feature="export", user_id=str(nth), duration_ms=5, trial_type="14 days", converted=nth > 3),
                ]
            )


@pytest.mark.parametrize("summed", [range(1, 10), (2,), (1, 3, 6, 7), (9,)], ids=str)
def test_days_that_are_summed_up_change_no_report(summed: range | tuple[int, ...]) -> None:
    some_weeks()
    hours = (24, 72, 73, 24 * 7, 24 * 9 + 20, 2160)
    before = {each: everything(each) for each in hours}
    for nth in summed:
        recomputing.recompute((NOW - nth * DAY).date(), NOW)
    assert {each: everything(each) for each in hours} == before


def test_a_long_window_is_read_by_the_day() -> None:
    some_weeks()
    for nth in range(1, 10):
        recomputing.recompute((NOW - nth * DAY).date(), NOW)
    span = totals.span("1", windows.window(24 * 14, NOW))
    assert len(span.days) == 7
    assert [sk for sk in span.events if sk.startswith("H")] == ["H2026-11-22T13", "H2026-11-22T14"]
    assert len(span.runs) == 1
    # What was written of a day before a crash does not.
    half = models.day_key((NOW - 5 * DAY).date())
    models.overwrite(models.tally_key("1", "trials"), half, {"n": 40, "n|14 days|converted": 40}, found=None)
    assert reports.trials(ReportQuery(hours=24 * 14), NOW).items[0].total == 8
    # What a day's rows hold counts, whatever its hours do.
    day = (NOW - 3 * DAY).date()
    models.overwrite(models.tally_key("1", "features"), models.day_key(day), {"n": 40, "n|export": 40}, found=1)
    (export,) = reports.features(ReportQuery(hours=24 * 14), NOW).items
    assert export.uses == 47
    (hourly,) = reports.features(ReportQuery(hours=72), NOW - DAY).items
    assert hourly.uses == 3


# -- the public door ---------------------------------------------------------------------------------------------------


@pytest.fixture
def door(frozen: Callable[[str], None]) -> Door:
    frozen(rfc3339(NOW))
    return Door(Gateway(app.app))


def test_operators_read_them(door: Door) -> None:
    happen(one(NOW, "login", severity="CRITICAL", endpoint="/login", duration_ms=100) for _ in range(11))
    answer = door.admin("GET", "/analytics/overview?hours=1")
    assert answer.status == 200
    assert answer.json == {
        "since": "2026-11-22T13:00:00.000Z",
        "until": "2026-11-22T14:20:00.000Z",
        "hours": 1,
        "events": 11,
        "errors": 11,
        "failure_rate": 1.0,
        "affected_users": 0,
        "items": [
            {"hour": "2026-11-22T13:00:00.000Z", "events": 0, "errors": 0},
            {"hour": "2026-11-22T14:00:00.000Z", "events": 11, "errors": 11},
        ],
        "endpoints": [{"endpoint": "/login", "requests": 11, "failures": 11, "failure_rate": 1.0}],
        "top_errors": [{"event": "login", "severity": "CRITICAL", "count": 11}],
    }
    for path in ("errors", "endpoints", "features", "trials"):
        found = door.admin("GET", f"/analytics/{path}?hours=2160&dimension=none").json
        assert found == {"since": "2026-08-24T14:00:00.000Z", "until": rfc3339(NOW), "hours": 2160, "items": []}
        assert door.customer("GET", f"/analytics/{path}").status == 403
    assert door.admin("GET", "/analytics/endpoints").json["hours"] == 24


@pytest.mark.parametrize(
    "parameters", ["hours=0", "hours=2161", "hours=a", "hours=1.5", "dimension=", "project_id=../1"]
)
def test_what_no_report_is_of(door: Door, parameters: str) -> None:
    answer = door.admin("GET", f"/analytics/errors?{parameters}")
    assert answer.status == 400
    assert answer.json["Details"][0]["field"] == parameters.partition("=")[0]
