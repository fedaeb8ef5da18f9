"""What a report reads, counted from the calls: emulators' ConsumedCapacity is wrong."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from chalicelib.analytics import overview, recomputing, reports
from chalicelib.analytics.windows import DAY, ReportQuery
from tests.analytics.happened import BUSY_ENDPOINTS, BUSY_EVENTS, NOW, busy_day, counted


@pytest.fixture(scope="module", autouse=True)
def busy() -> Iterator[None]:
    with busy_day():
        yield


def test_the_overview_of_a_day_reads_at_most_50_units() -> None:
    with counted() as reads:
        found = overview.overview(ReportQuery(), NOW)
    assert (len(found.endpoints), len(found.top_errors), found.events) == (20, 10, 24 * BUSY_EVENTS)
    # Counters of 30 events and of 50 endpoints, and a full sketch of users, for each hour.
    assert reads.units <= 35
    assert reads.calls == 3


@pytest.mark.parametrize(
    ("report", "most"), [(reports.errors, 45), (reports.endpoints, 50), (reports.features, 40), (reports.trials, 11)]
)
def test_what_other_reports_of_a_day_read(report: Callable[[ReportQuery, datetime], object], most: float) -> None:
    with counted() as reads:
        report(ReportQuery(), NOW)
    assert reads.units <= most


def test_one_endpoint_of_fifty() -> None:
    with counted() as reads:
        found = reports.endpoints(ReportQuery(dimension="/api/classes/homework/view-aa/proofs"), NOW)
    assert [line.requests for line in found.items] == [24 * BUSY_EVENTS // BUSY_ENDPOINTS]
    assert reads.calls == 3


def test_days_that_are_summed_up_are_cheaper() -> None:
    yesterday = (NOW - DAY).date()
    recomputing._sum_up("1", yesterday)
    with counted() as reads:
        found = overview.overview(ReportQuery(hours=73), NOW)
    assert found.events == 24 * BUSY_EVENTS
    # One row each for yesterday, and the hours of today; and whether anything happened before was asked once.
    assert reads.calls == 6 + 1
    assert reads.units <= 24
