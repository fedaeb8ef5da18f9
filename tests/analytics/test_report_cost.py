"""What a report reads, counted from the calls: emulators' ConsumedCapacity is wrong."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from chalicelib.analytics import models, overview, recomputing, reports
from chalicelib.analytics.windows import DAY, HOUR, ReportQuery
from tests.analytics.happened import NOW, happen, one, quick
from tests.faults import Call, size, tapped

ENDPOINTS, NAMES, FEATURES, USERS, EVENTS = 50, 30, 20, 700, 1400


@dataclass
class Reads:
    """The calls that were made, and their read capacity units.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """

    calls: int = 0
    units: float = 0


@contextmanager
def counted() -> Iterator[Reads]:
    """Count what is read: a query as a whole, and at half price as it may be some milliseconds old."""
    reads = Reads()

    def note(call: Call) -> Any:
        answer = call.make()
        assert call.operation == "Query", "nothing else is read, and nothing written"
        assert not call.parameters.get("ConsistentRead")
        reads.calls += 1
        reads.units += max(1, math.ceil(sum(map(size, answer["Items"])) / 4096)) / 2
        return answer

    with tapped(note):
        yield reads


@pytest.fixture(scope="module", autouse=True)
def busy_hours() -> Iterator[None]:
    """A day in each of whose hours every endpoint fails for many users, at any speed."""
    with quick() as store:
        happen(
            one(
                NOW,
                f"checkout_step_{nth % NAMES}_failed",
                severity=("INFO", "WARNING", "CRITICAL")[nth % 3],
                endpoint=f"/api/classes/homework/view-{chr(97 + nth % 25)}{chr(97 + nth % ENDPOINTS // 25)}/proofs",
                duration_ms=1.04 ** (nth * 7 % 250),
                status=200 + nth % 2 * 300,
                user_id=str(nth % USERS),
                feature=f"feature-name-{nth % FEATURES}",
            )
            for nth in range(EVENTS)
        )
        # The same in the hours before.
        for row in store.rows("analytics"):
            pk, sk = row["pk"]["S"], row["sk"]["S"]
            for hour in range(1, 24 if sk.startswith("H") else 0):
                earlier = models.hour_key(NOW - hour * HOUR)
                if "hashes" in row:
                    models.overwrite_users(pk, earlier, *models.sketch(row))
                else:
                    models.overwrite(pk, earlier, models.numbers(row), found=None)
        yield


def test_the_overview_of_a_day_reads_at_most_50_units() -> None:
    with counted() as reads:
        found = overview.overview(ReportQuery(), NOW)
    assert (len(found.endpoints), len(found.top_errors), found.events) == (20, 10, 24 * EVENTS)
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
    assert [line.requests for line in found.items] == [24 * EVENTS // ENDPOINTS]
    assert reads.calls == 3


def test_days_that_are_summed_up_are_cheaper() -> None:
    yesterday = (NOW - DAY).date()
    recomputing._sum_up("1", yesterday)
    with counted() as reads:
        found = overview.overview(ReportQuery(hours=73), NOW)
    assert found.events == 24 * EVENTS
    # One row each for yesterday, and the hours of today; and whether anything happened before was asked once.
    assert reads.calls == 6 + 1
    assert reads.units <= 24
